"""What a lesson asks the learner to guess, and what the data answer. Every number is computed from what it is given.

A finding holds the question, for which counts such as "of 58 melanomas" are needed, and the answer with its interval.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from core.claims.verdicts import LEVEL, Region, holm, p_value
from core.data.ham10000 import TITLES, class_words
from core.evaluation import Interval, Score, scoreboard, wilson
from core.evaluation.changes import found, pair
from core.evaluation.proportions import proportions
from core.words import METHOD_TITLES, WATCHED

ALIKE = "alike"
"""The choice that the methods cannot be told apart."""
_TELLING = 0.05  # a loss of accuracy that nobody overlooks


@dataclass(frozen=True)
class Finding:
    """A question and its answer.

    Attributes:
        question: what the learner is asked.
        told: the answer as a sentence, with its interval and n.
        truth: percent, a count, or one of ``options``.
        low, high: ends of the 95% interval in the same unit; None where nothing was sampled, or for a choice.
        unit: "%", what is counted, or "" for a choice.
        most: the largest guess that makes sense; 0 for a choice.
        options: name -> words of a choice; empty for a number.
        table: the numbers behind it.
    """

    question: str
    told: str
    truth: float | str
    low: float | None = None
    high: float | None = None
    unit: str = "%"
    most: int = 100
    options: Mapping[str, str] | None = None
    table: pd.DataFrame | None = None


def kept_accuracy(dense, pruned, cohort, percent: int) -> Finding:
    """What is left of the accuracy after pruning without any training.

    Args:
        dense, pruned: float [N, C], answers to the test images in their order.
        cohort: the test images, as :class:`core.cohort.Cohort`.
        percent: of the weights that were removed.
    """
    [score] = scoreboard(dense, pruned, cohort.labels, cohort.groups, metrics=["accuracy"])
    return Finding(
        f"The dense network is right on **{score.dense.format()}** test images. Now its smallest {percent}% of all weights are "
        "set to zero, and it is not trained again. (In both, the averages by which a network scales what it sees inside, its batch norm, were taken "
        "anew from training images, so the dense one may differ a little from other pages.) On how many of the same images is the pruned one right?",
        f"It is right on **{score.pruned.format()}** images, a difference of {score.change.format(signed=True)}.",
        *_percent(score.pruned),
        table=_scores([score]),
    )


def strength_of_smallest(sizes: np.ndarray, percent: int) -> Finding:
    """What share of all weight lies in the smallest weights.

    Args:
        sizes: float [W], magnitudes of all prunable weights, in any order.
        percent: of the weights, from the smallest.
    """
    ordered = np.sort(np.asarray(sizes, np.float64))
    count = round(percent / 100 * len(ordered))
    share = ordered[:count].sum() / ordered.sum()
    return Finding(
        f"Add up the sizes of all weights of the dense network. If {percent}% of the weights were taken at random, they would hold "
        f"about {percent}% of that sum. What share do the **smallest** {percent}% hold?",
        f"The smallest {count:,} of {len(ordered):,} weights hold **{share:.1%}** of the sum. All weights were counted, so there is no interval.",
        100 * share,
        table=pd.DataFrame({"weights": [count], "of": [len(ordered)], "share of the sum": [share]}),
    )


def best_method(answers: Mapping[str, np.ndarray], epochs: Mapping[str, float], cohort, percent: int) -> Finding:
    """Which method keeps most balanced accuracy, if that can be told.

    The best one is told apart if the paired 95% interval of its lead over each other method excludes nothing at all, also after
    Holm's correction over all pairs.

    Args:
        answers: method -> float [N, C], at least two.
        epochs: method -> epochs of training after pruning.
        cohort: the test images.
        percent: the sparsity of all of them.
    """
    own = {}
    for name, values in answers.items():
        [own[name]] = scoreboard(values, values, cohort.labels, cohort.groups, metrics=["balanced_accuracy"])
    best = max(own, key=lambda name: own[name].dense.estimate)
    leads = {}
    for name in [name for name in answers if name != best]:
        leads[name] = _lead(answers, cohort, name, best)
    # The best one was found by looking at all pairs, so its leads must stand a correction for as many tests.
    pairs = list(combinations(answers, 2))
    tests = holm([p_value(_lead(answers, cohort, *pair), Region(low=0)) for pair in pairs])
    chance = {pair: p >= LEVEL for pair, p in zip(pairs, tests, strict=True) if best in pair}
    apart = all(lead.low > 0 for lead in leads.values()) and not any(chance.values())
    nearest = min(leads, key=lambda name: leads[name].low)
    if apart:
        verdict = "more than the chance of these images explains"
    elif leads[nearest].low > 0:
        verdict = f"among {len(pairs)} comparisons one like it may be chance"
    else:
        verdict = "these images cannot tell them apart"
    one, _ = class_words(cohort.class_names)
    values = "; ".join(f"{METHOD_TITLES[name]} {own[name].dense.format()}" for name in answers)
    lead = f"{METHOD_TITLES[best]} leads {METHOD_TITLES[nearest]} by {leads[nearest].format(signed=True)}"
    spent = ", ".join(f"{value:g}" for value in sorted(set(epochs.values())))
    return Finding(
        f"Each method removed {percent}% of the weights and was trained for {spent} epochs after it began. Which network has the highest "
        f"**balanced accuracy** (every {one} counts alike)?",
        f"{values}. {lead}: {verdict}. Each method was trained once here: *Methods* has more seeds where there are any, and more tests.",
        best if apart else ALIKE,
        unit="",
        most=0,
        options={name: METHOD_TITLES[name] for name in answers} | {ALIKE: "They cannot be told apart"},
        table=pd.DataFrame(
            {"network": METHOD_TITLES[name], "epochs": epochs[name], **score.dense.as_dict()}
            for name, score in own.items()
        ),
    )


def _lead(answers: Mapping[str, np.ndarray], cohort, behind: str, ahead: str) -> Interval:
    """By how much one method's balanced accuracy is above another's."""
    [score] = scoreboard(answers[behind], answers[ahead], cohort.labels, cohort.groups, metrics=["balanced_accuracy"])
    return score.change


def hidden_harm(dense, pruned, cohort, percent: int) -> Finding | None:
    """How many lesions of one diagnosis are newly missed while accuracy stands.

    Args:
        dense, pruned, cohort, percent: as for :func:`kept_accuracy`.

    Returns:
        None where the dense network finds no lesion of any diagnosis.
    """
    [score] = scoreboard(dense, pruned, cohort.labels, cohort.groups, metrics=["accuracy"])
    a, b = pair(dense, pruned, cohort.labels, cohort.class_names, cohort.groups)
    before, after = found(a), found(b)
    truth, was, lost = before["truth"].to_numpy(), before["found"].to_numpy(), ~after["found"].to_numpy()
    names = list(cohort.class_names)
    counts = np.array([[(was & (truth == i)).sum(), (was & lost & (truth == i)).sum()] for i in range(len(names))])
    index = names.index(WATCHED) if WATCHED in names else int(counts[:, 1].argmax())
    total, missed = map(int, counts[index])
    if not total:
        return None
    share, low, high = map(float, wilson(missed, total))
    value = Interval(share, low, high, total, "Wilson 95%")
    one, many = class_words(names)
    thing = "lesions" if one == "diagnosis" else "images"
    drawn = "drawn " if cohort.name == "phantom" else ""  # nobody's skin
    if names[index] == WATCHED:
        what = f"{drawn}melanomas"
    elif one == "diagnosis":
        what = f"{drawn}{thing} that are {TITLES.get(names[index], names[index])}"
    else:
        what = f"{thing} of class “{names[index].replace('_', ' ')}”"
    picked = (
        ""
        if WATCHED in names
        else f" Of {len(names)} {many} this one was picked because it has the most newly missed: such a worst case looks worse than it is."
    )
    # The premise of the question; where the data say otherwise, the answer does.
    falls = score.change.high is not None and score.change.high < -_TELLING
    open_harm = (
        " Here accuracy falls too, by more than this can hide: it is in studies where it hardly moves that it misleads."
        if falls
        else ""
    )
    return Finding(
        f"Pruned to {percent}% without training, batch norm re-estimated, accuracy moves from {score.dense.format()} to **{score.pruned.format()}**, "
        f"a difference of {score.change.format(signed=True)}. The dense network finds **{total} {what}** in the test images. How many of these does the "
        "pruned network miss?",
        f"It misses **{missed} of the {total}**: {value.format()} {thing} ({value.method}).{picked}{open_harm}",
        missed,
        low * total,
        high * total,
        unit=what,
        most=total,
        table=pd.DataFrame(
            {"class": names, "found by the dense network": counts[:, 0], "of these missed": counts[:, 1]}
        ),
    )


def changed_answers(dense, pruned, cohort, twins: Interval, layers: tuple[int, int]) -> Finding:
    """How many answers differ between two networks whose features are alike.

    Args:
        dense, pruned, cohort: as for :func:`kept_accuracy`.
        twins: mean CKA of the matching layers of the two.
        layers: over how many of them, and how many there are; of the others the images tell nothing.
    """
    a, b = pair(dense, pruned, cohort.labels, cohort.class_names, cohort.groups)
    changed = a.answers != b.answers
    share, low, high = (float(value[0]) for value in proportions(a.sums(changed), a.sums(np.ones(a.images))))
    value = Interval(
        share, low, high, a.images, f"Wilson 95%{'' if cohort.groups is None else ', adjusted for lesions'}"
    )
    which = f"{layers[1]}" if layers[0] == layers[1] else f"{layers[0]} of {layers[1]}"
    right = int((changed & a.right).sum()), int((changed & b.right).sum())
    return Finding(
        f"{which} matching layers of the dense and the pruned network have a mean CKA of **{twins.format(percent=False)}** images, where 1 is "
        "the same. What share of the test images gets **another answer** from the pruned network?",
        f"**{value.format()}** images: {int(changed.sum()):,} get another answer. In {right[0]:,} the dense network was right, in {right[1]:,} "
        "the pruned one.",
        *_percent(value),
        table=pd.DataFrame([value.as_dict()]),
    )


def operations_left(cost, percent: int) -> Finding:
    """What share of the operations remains once dead channels are left out.

    Args:
        cost: of the pruned network, as :class:`core.cost.Cost`.
        percent: of its weights that are zero.
    """
    share = cost.flops_left / cost.flops
    dead = cost.channels - cost.channels_left
    return Finding(
        f"{percent}% of this network's weights are zero. Every channel that only zeros feed or that nothing reads is now left out for good. "
        "What share of the multiplications **remains**?",
        f"**{share:.2%}** remains: {dead:,} of {cost.channels:,} channels can be left out. Counted, so there is no interval.",
        100 * share,
        table=pd.DataFrame(
            [("operations", cost.flops, cost.flops_left), ("channels", cost.channels, cost.channels_left)],
            columns=["what", "before", "left"],
        ),
    )


def _percent(value: Interval) -> tuple[float, float | None, float | None]:
    return tuple(None if number is None else 100 * number for number in (value.estimate, value.low, value.high))


def _scores(scores: Sequence[Score]) -> pd.DataFrame:
    rows = [
        {"measure": score.metric.title, "network": network, **getattr(score, network).as_dict()}
        for score in scores
        for network in ("dense", "pruned")
    ]
    return pd.DataFrame(rows)
