"""Two networks on the same images: what differs, and how sure that is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import InvalidValue
from core.evaluation.auc import auc_difference
from core.evaluation.bootstrap import DRAWS
from core.evaluation.calibration import calibration_difference
from core.evaluation.changes import found, pair
from core.evaluation.checks import Predictions
from core.evaluation.intervals import CONFIDENCE, Interval
from core.evaluation.metrics import METRICS, Settings, tally_accuracy, tally_sensitivity, tally_watched
from core.evaluation.proportions import differences, mean_difference
from core.evaluation.report import settings_for

_NAME = f"Agresti–Min {100 * CONFIDENCE:g}%"
EXACT_BELOW = 25


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of whether two networks are right equally often.

    Attributes:
        only_a, only_b: pairs that only the first, or only the second, got right.
        p_value: two-sided.
        n: number of pairs.
        method: which form of the test.
    """

    only_a: int
    only_b: int
    p_value: float
    n: int
    method: str


@dataclass(frozen=True)
class Comparison:
    """What pruning changed. Every difference is pruned less dense.

    Attributes:
        differences: name in METRICS -> paired difference with interval.
        per_class: one row a class: class, images, lesions, dense, pruned (sensitivities), difference, low, high.
        mcnemar: by lesion (a = dense, b = pruned), for images of one lesion are not independent.
        images, lesions: how many; as many lesions as images where no groups were given.
    """

    differences: dict[str, Interval]
    per_class: pd.DataFrame
    mcnemar: McNemar
    images: int
    lesions: int


def compare(
    dense,
    pruned,
    labels,
    class_names: Sequence[str] | None = None,
    *,
    groups=None,
    positive: int | str | None = None,
    threshold: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Comparison:
    """Paired differences of every metric, with 95% intervals.

    Proportions: Agresti & Min (2005), adjusted for lesions. Macro AUC: DeLong. Calibration error: the bootstrap, the same
    drawn lesions for both. A network compared with itself differs by exactly 0, [0, 0].

    Args:
        dense, pruned: float [N, C], probabilities of the same images in the same order.
        labels, class_names, groups, positive, threshold, draws, seed: as for :func:`core.evaluation.report.evaluate`.
            The threshold is the same for both: pruning does not come with a new one.

    Raises:
        InvalidValue: as ``evaluate``, or the two are of other shapes.
    """
    a, b = pair(dense, pruned, labels, class_names, groups)
    settings = settings_for(a, positive, threshold, draws, seed)
    watching = settings.positive is not None
    names = [name for name, metric in METRICS.items() if watching or not metric.watches]
    if np.array_equal(a.probabilities, b.probabilities):
        changed = {name: no_difference(METRICS[name].measure(a, settings)) for name in names}
    else:
        changed = {name: DIFFERENCES[name](a, b, settings) for name in names}
    found_a, found_b = found(a), found(b)
    return Comparison(
        differences=changed,
        per_class=_per_class(a, b),
        mcnemar=mcnemar(found_a["found"], found_b["found"]),
        images=a.images,
        lesions=a.lesions,
    )


def mcnemar(a_correct, b_correct) -> McNemar:
    """Whether two networks are right equally often on the same cases.

    McNemar, Q. (1947). Note on the sampling error of the difference between correlated proportions. Psychometrika 12,
    153–157. With fewer than 25 cases on which they disagree the exact binomial test, otherwise chi-squared with Edwards'
    continuity correction.

    Args:
        a_correct, b_correct: bool [n], the same cases, independent of each other.

    Raises:
        InvalidValue: not two vectors of booleans of one length above 0.
    """
    a, b = np.asarray(a_correct), np.asarray(b_correct)
    if a.shape != b.shape or a.ndim != 1 or not len(a) or a.dtype != bool or b.dtype != bool:
        raise InvalidValue(
            "McNemar's test needs two vectors of one length",
            given=f"{a.dtype} {list(a.shape)} and {b.dtype} {list(b.shape)}",
            expected="bool [n] and bool [n], n above 0",
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    if only_a + only_b < EXACT_BELOW:
        from scipy.special import bdtr

        # Both tails are alike, so twice one is the two-sided test.
        p_value = min(1.0, 2 * bdtr(min(only_a, only_b), only_a + only_b, 0.5)) if only_a + only_b else 1.0
        return McNemar(only_a, only_b, float(p_value), len(a), "exact binomial test")
    from scipy.special import chdtrc

    statistic = max(abs(only_a - only_b) - 1, 0) ** 2 / (only_a + only_b)
    return McNemar(only_a, only_b, float(chdtrc(1, statistic)), len(a), "chi-squared with continuity correction")


def no_difference(measured: Interval) -> Interval:
    """The difference from itself of what was measured."""
    if not measured.defined:
        return Interval.none(float("nan"), measured.n)
    return Interval(0.0, 0.0, 0.0, measured.n, "the same probabilities")


def _changes(a, b) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From the tallies of two networks: changes and sizes by lesion."""
    return b.successes - a.successes, a.sizes


def _flips(a: Predictions, b: Predictions) -> np.ndarray:
    """Images of each class that became right or wrong, float64 [C]."""
    return np.bincount(a.labels[a.right != b.right], minlength=a.classes).astype(np.float64)


def _difference(changes: np.ndarray, sizes: np.ndarray, flips: np.ndarray) -> Interval:
    estimate, low, high = (float(value[0]) for value in differences(changes, sizes, flips))
    return Interval(estimate, low, high, int(sizes.sum()), _NAME)


def _accuracy(a: Predictions, b: Predictions, settings: Settings) -> Interval:
    return _difference(*_changes(tally_accuracy(a), tally_accuracy(b)), _flips(a, b).sum(keepdims=True))


def _balanced_accuracy(a: Predictions, b: Predictions, settings: Settings) -> Interval:
    changes, sizes = _changes(tally_sensitivity(a), tally_sensitivity(b))
    estimate, low, high = map(float, mean_difference(changes, sizes, _flips(a, b)))
    return Interval(estimate, low, high, a.images, f"{_NAME} by class, combined")


def _watched(ill: bool) -> Callable[[Predictions, Predictions, Settings], Interval]:
    def difference(a: Predictions, b: Predictions, settings: Settings) -> Interval:
        called_a, called_b = (p.probabilities[:, settings.positive] >= settings.threshold for p in (a, b))
        flipped = (called_a != called_b) & ((a.labels == settings.positive) == ill)
        changes, sizes = _changes(tally_watched(a, settings, ill), tally_watched(b, settings, ill))
        return _difference(changes, sizes, np.array([float(flipped.sum())]))

    return difference


DIFFERENCES: dict[str, Callable[[Predictions, Predictions, Settings], Interval]] = {
    "balanced_accuracy": _balanced_accuracy,
    "accuracy": _accuracy,
    "macro_auc": lambda a, b, settings: auc_difference(a, b),
    "sensitivity_at_threshold": _watched(ill=True),
    "specificity_at_threshold": _watched(ill=False),
    "calibration_error": lambda a, b, settings: calibration_difference(a, b, draws=settings.draws, seed=settings.seed),
}


def _per_class(a: Predictions, b: Predictions) -> pd.DataFrame:
    before, after = tally_sensitivity(a), tally_sensitivity(b)
    changes, sizes = _changes(before, after)
    if np.array_equal(a.probabilities, b.probabilities):
        estimate = low = high = np.where(a.present, 0.0, np.nan)
    else:
        estimate, low, high = differences(changes, sizes, _flips(a, b))
    images = sizes.sum(axis=0)
    divisor = np.where(images > 0, images, np.nan)
    return pd.DataFrame(
        {
            "class": a.class_names,
            "images": images.astype(np.int64),
            "lesions": (sizes > 0).sum(axis=0),
            "dense": before.successes.sum(axis=0) / divisor,
            "pruned": after.successes.sum(axis=0) / divisor,
            "difference": estimate,
            "low": low,
            "high": high,
        }
    )
