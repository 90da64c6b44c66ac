"""How a study can mislead, with the paper as the worked example: its facts, and what ours say of the same trap.

Four traps: a leaky split, unequal budgets, one seed, the best epoch chosen on test images.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core import paper
from core.cohort import Cohort
from core.evaluation import Interval, wilson
from core.evaluation.bootstrap import bootstrap_name, resample
from core.evaluation.intervals import CONFIDENCE
from core.learn.findings import Finding
from core.words import METHOD_TITLES

IMAGES = 10_015
"""Images of HAM10000 (Tschandl et al. 2018, Scientific Data 5, 180161)."""
TRAINED = 7_000
"""Rows that the paper trained on, the others being its test images; see :mod:`core.paper.protocol`."""


@dataclass(frozen=True)
class Trap:
    """One way to be misled.

    Attributes:
        title: a few words.
        paper: what the paper did.
        ours: what our networks say of it, computed; empty where nothing is known.
    """

    title: str
    paper: str
    ours: str


def leaked(cohort: Cohort) -> Finding | None:
    """Which share of test images would show a lesion of the training images, had single images been split as the paper's.

    A lesion with k other images is in training unless all k fell outside it. Computed for the images of ``cohort``, which has all
    images of its lesions, with the hypergeometric chance of a split of :data:`IMAGES` rows into :data:`TRAINED` and the rest.

    Args:
        cohort: test images of a split by lesion.

    Returns:
        None where lesions are not known.
    """
    if cohort.groups is None:
        return None
    _, lesion, counts = np.unique(cohort.groups, return_inverse=True, return_counts=True)
    chance = np.array([seen(int(k) - 1) for k in counts])
    sums = np.stack([counts * chance, counts], axis=1)
    drawn = resample(sums)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    share = float(sums[:, 0].sum() / sums[:, 1].sum())
    value = Interval(share, float(low), float(high), len(lesion), bootstrap_name(len(drawn)))
    return Finding(
        f"The paper drew {TRAINED:,} of the {IMAGES:,} images of HAM10000 to train on and tested on the rest. Many lesions have several "
        "images. Of how many test images had the network **already seen the same lesion** in training?",
        f"Of **{value.format()}** images ({value.method}): what such a draw gives on average, computed from how many images each lesion has.",
        100 * share,
        100 * value.low,
        100 * value.high,
        table=pd.DataFrame({"images of the lesion": counts, "chance that it leaks": chance})
        .value_counts()
        .rename("lesions")
        .reset_index()
        .sort_values("images of the lesion"),
    )


def seen(others: int) -> float:
    """The chance that at least one of ``others`` images is among the training images, for an image that is not."""
    outside = IMAGES - TRAINED - 1
    return float(1 - np.prod([(outside - i) / (IMAGES - 1 - i) for i in range(others)]))


def table(architecture: str, data: str, sparsity: float) -> pd.DataFrame:
    """A row of the paper's table with the intervals that its number of test images allows, and the epochs it spent.

    Returns:
        method, epochs_least, epochs_most, accuracy, low, high (Wilson 95%, as if images were independent); no rows where the
        paper has no such network, or another data set than HAM10000.
    """
    rows = []
    for method, accuracy in paper.published(architecture, data, sparsity).items() if data == "ham10000" else ():
        _, low, high = wilson(accuracy * (IMAGES - TRAINED), IMAGES - TRAINED)
        least, most = paper.budget(architecture, method, sparsity)
        rows.append((METHOD_TITLES[method], least, most, accuracy, float(low), float(high)))
    return pd.DataFrame(rows, columns=["method", "epochs_least", "epochs_most", "accuracy", "low", "high"])


def traps(architecture: str, sparsity: float, epochs: dict[str, float], history: list[dict]) -> list[Trap]:
    """The other three traps.

    Args:
        architecture: of the study.
        sparsity: of its pruned networks.
        epochs: method -> epochs that ours were trained for after pruning.
        history: of the dense network's card: a row an epoch, with "accuracy" on validation images.
    """
    # Of sparsities that the paper never had, its protocol would give numbers of runs that nobody made.
    told = sparsity if any(paper.published(architecture, data, sparsity) for data in ("ham10000", "cifar100")) else 0.8
    budgets = {method: paper.budget(architecture, method, told) for method in paper.METHODS}
    spent = "; ".join(
        f"{METHOD_TITLES[method]} {_span(*budget)}" for method, budget in budgets.items() if budget and budget[1]
    )
    ours = ", ".join(f"{METHOD_TITLES.get(name, name)} {value:g}" for name, value in epochs.items())
    known = [row["accuracy"] for row in history if row.get("accuracy") is not None]
    best = ""
    if known:
        best = (
            f"The best of {len(known)} epochs of our dense network has {max(known):.1%} on validation images, the last has "
            f"{known[-1]:.1%}: picking the best adds {100 * (max(known) - known[-1]):.1f} points by choice alone. We report the last epoch."
        )
    return [
        Trap(
            "Unequal budgets",
            f"Epochs of training at {told:.0%} in the paper: {spent}. A method may win because it was trained longer.",
            f"Here, at {sparsity:.0%}: {ours} epochs." if ours else "",
        ),
        Trap(
            "One seed",
            "One network a method, and no interval. Train it again with another seed and another method may lead.",
            "Methods are compared here on the same images, with an interval, and over several seeds where there are several.",
        ),
        Trap(
            "The best epoch on test",
            "To report the highest test accuracy of all epochs is to choose by the test images: noise always looks like progress.",
            best,
        ),
    ]


def _span(least: float, most: float) -> str:
    return f"{least:g}" if least == most else f"{least:g} to {most:g}"
