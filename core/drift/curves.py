"""Agreement over the sample against sparsity, with intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.drift.stored import Drift
from core.errors import check_choice
from core.evaluation import Interval
from core.evaluation.bootstrap import cluster_bootstrap
from core.matrices import Position, on_path, points
from core.paths import Path

DRAWS = 1000
LEAST = 10  # lesions: drawn from 2, 3, 5 and 12, an interval held the truth in 53, 74, 81 and 95 of 100 simulated cases


@dataclass(frozen=True)
class Measure:
    """A measure of maps.

    Attributes:
        name: a column of :attr:`Drift.frame`.
        title, description: for people.
        low, high: ends of its range.
        chance: what maps that have nothing to do with each other reach; None where it depends on the images.
    """

    name: str
    title: str
    description: str
    low: float
    high: float
    chance: float | None


MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "rank",
            "Rank correlation",
            "Spearman's correlation of the pixels of both maps: 1 for the same order, 0 for none.",
            -1,
            1,
            0,
        ),
        Measure(
            "overlap", "Top-10% overlap", "How many of the brightest tenth of the pixels both maps share.", 0, 1, 0.1
        ),
        Measure(
            "inside",
            "Share inside the lesion",
            "How much of what speaks for the target lies on the lesion.",
            0,
            1,
            None,
        ),
        Measure("hit", "Pointing game", "How often the brightest pixel lies on a true sign of the class.", 0, 1, None),
        Measure(
            "precision",
            "Precision on signs",
            "Area under the precision-recall curve of the pixels against the true signs of the class.",
            0,
            1,
            None,
        ),
    )
}


def estimate(frame: pd.DataFrame, measure: str, *, one: int | None = None) -> Interval:
    """The mean of a measure: each class counts alike, or one class alone.

    The interval comes from drawing lesions with replacement; there is none with fewer than :data:`LEAST`.

    Args:
        frame: rows of :attr:`Drift.frame` for one network and method.
        measure: a column.
        one: class index; all classes if None.
    """
    rows = frame[frame[measure].notna() & ((frame["class"] == one) if one is not None else True)]
    if rows.empty:
        return Interval.none(float("nan"), 0, "it is not defined for any image")
    classes, column = np.unique(rows["class"], return_inverse=True)
    lesions, line = np.unique(rows["lesion"], return_inverse=True)
    if len(lesions) < LEAST:
        value = rows.groupby("class")[measure].mean().mean()
        reason = f"fewer than {LEAST} lesions cannot tell how they differ"
        return Interval.none(float(value), len(rows), reason)
    counts = np.zeros((len(lesions), 2 * len(classes)))
    np.add.at(counts, (line, column), rows[measure].to_numpy())
    np.add.at(counts, (line, len(classes) + column), 1)

    def mean(sums: np.ndarray) -> np.ndarray:
        total, number = np.split(sums, 2, axis=-1)
        means = np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)
        return np.nanmean(means, axis=-1)  # a draw without a class is a mean over the others

    return cluster_bootstrap(counts, mean, len(rows), draws=DRAWS)


def curve(drift: Drift, path: Path, method: str, measure: str, *, one: int | None = None) -> pd.DataFrame:
    """A measure along the slider of a path.

    Args:
        drift: what is stored.
        path: of one pruning method.
        method: of attribution.
        measure: a name of :data:`MEASURES`.
        one: class index; all classes, each counting alike, if None.

    Returns:
        One row a stored step, rising: percent, estimate, low, high, n, trained (a checkpoint, not pruned on from one).

    Raises:
        UnknownName: no such measure.
    """
    check_choice("measure of maps", measure, MEASURES)
    mine = drift.frame[drift.frame["method"] == method]
    by_place = dict(list(mine.groupby(["network", "percent", "recalibrated"])))
    rows = []
    for percent in points(path):
        found = [by_place.get(tuple(on_path(path, percent, mode))) for mode in (True, False)]
        frame = next((frame for frame in found if frame is not None), None)
        if frame is None:
            continue
        value = estimate(frame, measure, one=one)
        if value.defined:
            trained = path.is_checkpoint(percent / 100)
            rows.append((percent, value.estimate, value.low, value.high, value.n, trained))
    return pd.DataFrame(rows, columns=["percent", "estimate", "low", "high", "n", "trained"])


def at(drift: Drift, place: Position, method: str) -> pd.DataFrame:
    """The rows of one network and method; empty if they are not stored."""
    frame = drift.frame
    same = (frame["network"] == place.network) & (frame["percent"] == place.percent) & (frame["method"] == method)
    return frame[same & (frame["recalibrated"] == place.recalibrated)]


def likeness(drift: Drift, network: str, method: str) -> Interval:
    """How alike the maps of a checkpoint are to those of networks whose upper half is random: mean rank correlation.

    Args:
        drift: what is stored.
        network: id of the checkpoint.
        method: of attribution.
    """
    frame = drift.frame
    return estimate(
        frame[(frame["network"] == network) & (frame["method"] == method) & ~frame["recalibrated"].astype(bool)],
        "likeness",
    )
