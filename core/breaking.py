"""Breaking points: for each image the lowest sparsity from which the pruned network keeps giving another answer.

The reference is the dense network, treated as the pruned one is: with batch norm recalibrated where that one's is.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.answers import Short
from core.checkpoints import Entry
from core.errors import InvalidValue
from core.evaluation.checks import clusters as clusters_of
from core.evaluation.proportions import proportions
from core.paths import Path, first_percent, is_trained
from core.responses import Response

Read = Callable[[Entry], Response | None]


@dataclass(frozen=True)
class Step:
    """A stored point of a path.

    Attributes:
        percent: the sparsity.
        trained: it is a checkpoint, not pruned on from one.
        recalibrated: with batch norm re-estimated, of both networks.
        dense, pruned: the responses that hold both answers.
    """

    percent: int
    trained: bool
    recalibrated: bool
    dense: Response
    pruned: Response


def stored_steps(path: Path, read: Read, recalibrated: bool) -> list[Step]:
    """The points of a path whose answers are stored, in rising sparsity. Gaps are simply not there.

    Args:
        path: of one method. Of its networks without weights those count whose answers are stored at every step up to the
            next network.
        read: from a checkpoint to its stored response, such as :func:`core.responses.read`.
        recalibrated: the switch, as on the page: where it is on, what is pruned on from a checkpoint is recalibrated;
            checkpoints never are, nor networks without batch norm.
    """
    dense = read(path.dense)
    if dense is None:
        return []
    kept = {entry.id: read(entry) for entry in (*path.entries, *path.results)}
    steps: list[Step] = []
    end = 100
    for entry in path.not_sparser(1.0):
        begin, own = first_percent(entry.card.sparsity), kept[entry.id]
        places = [(percent, is_trained(entry, percent / 100)) for percent in range(begin, end) if own is not None]
        found = [
            Step(percent, trained, own.mode(recalibrated) and not trained, dense, own) for percent, trained in places
        ]
        found = [step for step in found if _is_stored(step)]
        if entry not in path.entries and len(found) < end - begin:
            continue  # between its steps the answers would be those of another network
        steps, end = found + steps, begin
    return steps


def _is_stored(step: Step) -> bool:
    return (
        step.pruned.cohort == step.dense.cohort
        and (step.percent, step.recalibrated) in step.pruned.answers
        and (0, step.recalibrated) in step.dense.answers
    )


def changed(steps: list[Step]) -> np.ndarray:
    """Whether the pruned network's answer is another than the dense one's: bool [steps, N].

    Raises:
        InvalidValue: no step.
    """
    if not steps:
        raise InvalidValue("Nothing is stored along this path", given="0 steps", expected="one or more")
    before = {mode: answered(steps[0].dense, 0, mode) for mode in {step.recalibrated for step in steps}}
    after = [answered(step.pruned, step.percent, step.recalibrated) for step in steps]
    return np.stack([now != before[step.recalibrated] for step, now in zip(steps, after, strict=True)])


def answered(response: Response, percent: int, recalibrated: bool) -> np.ndarray:
    """The stored answers themselves: int64 [N], the likeliest class of each image."""
    stored = response.answers[percent, recalibrated]
    return stored.top.astype(np.int64) if isinstance(stored, Short) else stored.argmax(axis=1)


def breaking_points(steps: list[Step]) -> pd.DataFrame:
    """The breaking point of each image, as far as the stored steps tell.

    Returns:
        One row an image, in order: breaks (percent of the first step from which the answer stays changed to the last stored
        one; NaN if the last answer is the dense one), holds (percent of the step before it: the answer breaks between the
        two; NaN if it never breaks or has at the first step), first (percent of the first step at which it is changed, for good or
        not; NaN if at none), steps_changed (share of the steps at which it is changed).

    Raises:
        InvalidValue: no step.
    """
    other = changed(steps)
    stays = np.logical_and.accumulate(other[::-1])[::-1]
    percents = np.array([step.percent for step in steps], float)
    first = stays.argmax(axis=0)
    broken = stays[-1]
    return pd.DataFrame(
        {
            "breaks": np.where(broken, percents[first], np.nan),
            "holds": np.where(broken & (first > 0), percents[first - 1], np.nan),
            "first": np.where(other.any(axis=0), percents[other.argmax(axis=0)], np.nan),
            "steps_changed": other.mean(axis=0),
        }
    )


def classes_given(steps: list[Step]) -> tuple[int, int]:
    """How many different classes the dense network answers, and the pruned one at the last step: few, where it has collapsed."""
    last = steps[-1]
    before, after = answered(last.dense, 0, last.recalibrated), answered(last.pruned, last.percent, last.recalibrated)
    return len(np.unique(before)), len(np.unique(after))


def survival(breaks, labels, classes: int, percents, groups=None) -> pd.DataFrame:
    """The share of images whose answer has not broken by each sparsity, by class and over all.

    Args:
        breaks: float [N], percent, NaN for never; from :func:`breaking_points`.
        labels: int [N].
        classes: number of classes.
        percents: the steps, rising.
        groups: [N] lesion ids, or None.

    Returns:
        [(classes with images + 1) * steps] rows: class (index; −1 over all), percent, images, unbroken, low, high (Wilson
        95%, adjusted for lesions).
    """
    percents = np.asarray(percents, float)
    breaks, labels = np.asarray(breaks, float), np.asarray(labels)
    clusters = clusters_of(groups, len(labels))
    # NaN compares false: what never breaks is unbroken everywhere.
    whole = ~(breaks[:, None] <= percents)
    tables = []
    for index in (-1, *range(classes)):
        mine = np.flatnonzero((labels == index) | (index < 0))
        if not len(mine):
            continue
        _, cluster_of, sizes = np.unique(clusters[mine], return_inverse=True, return_counts=True)
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        sums = np.add.reduceat(whole[mine][np.argsort(cluster_of, kind="stable")].astype(float), starts, axis=0)
        share, low, high = proportions(sums, np.repeat(sizes[:, None].astype(float), len(percents), axis=1))
        rows = {"class": index, "percent": percents, "images": len(mine), "unbroken": share, "low": low, "high": high}
        tables.append(pd.DataFrame(rows))
    return pd.concat(tables, ignore_index=True)


def along(steps: list[Step], image: int, *, truth: int | None = None, most: int = 4) -> pd.DataFrame:
    """Both networks' probabilities for one image along a path.

    Args:
        steps: from :func:`stored_steps`.
        image: its index in the cohort.
        truth: a class to show in any case.
        most: how many others at most: those that either network ever holds likeliest, the most often so first. Where
            answers are stored short, only the true and the likeliest class are known at each step.

    Returns:
        [classes * steps] rows: percent, trained, class (index), dense, pruned (probabilities; NaN where not stored).

    Raises:
        InvalidValue: no step, or no such image.
    """
    if not steps or not 0 <= image < len(answered(steps[0].pruned, steps[0].percent, steps[0].recalibrated)):
        raise InvalidValue("There is no such image", given=image, expected="an image of the stored answers")
    dense = {mode: _of_image(steps[0].dense, 0, mode, image) for mode in {step.recalibrated for step in steps}}
    pruned = [_of_image(step.pruned, step.percent, step.recalibrated, image) for step in steps]
    tops = [np.nanargmax(row) for row in [*dense.values(), *pruned]]
    others = [int(index) for index in pd.Series(tops).value_counts().index if index != truth]
    shown = ([] if truth is None else [int(truth)]) + others[:most]
    return pd.DataFrame(
        [
            {
                "percent": step.percent,
                "trained": step.trained,
                "class": index,
                "dense": dense[step.recalibrated][index],
                "pruned": row[index],
            }
            for step, row in zip(steps, pruned, strict=True)
            for index in shown
        ]
    )


def _of_image(response: Response, percent: int, recalibrated: bool, image: int) -> np.ndarray:
    """Probabilities float64 [classes] of one image; NaN where short answers do not tell."""
    stored = response.answers[percent, recalibrated]
    if not isinstance(stored, Short):
        return stored[image].astype(float)
    row = np.full(response.classes, np.nan)
    row[response.labels[image]] = stored.p_true[image]
    row[stored.top[image]] = stored.p_top[image]
    return row
