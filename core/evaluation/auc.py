"""Area under the ROC curve, one class against the rest, and its interval without drawing anything.

The area is the chance that an image of the class gets a higher probability for it than one of another class (Hanley &
McNeil 1982, Radiology 143, 29–36). The macro AUC is its mean over the classes that the labels contain. What each image
contributes (DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44, 837–845), summed by lesion (Obuchowski 1997, Biometrics 53,
567–578), gives the variance from ranks alone.
"""

from dataclasses import dataclass

import numpy as np

from core.evaluation.checks import Predictions
from core.evaluation.intervals import CONFIDENCE, Interval

METHOD = f"DeLong by lesion {100 * CONFIDENCE:g}%"


@dataclass(frozen=True)
class Areas:
    """AUCs and what they rest on.

    Attributes:
        per_class: float64 [C]; NaN where the labels hold no image of the class, or of no other.
        influence: float64 [C, lesions]: how much each lesion moves the macro AUC through its images of a class; the squares
            of its sums over classes sum to the variance.
        lesions: int64 [C]: lesions of each class.
        why_none: why no variance can be had; empty if it can.
    """

    per_class: np.ndarray
    influence: np.ndarray
    lesions: np.ndarray
    why_none: str

    @property
    def macro(self) -> float:
        """Mean over the classes that have an AUC; NaN if none has."""
        known = self.per_class[~np.isnan(self.per_class)]
        return float(known.mean()) if len(known) else float("nan")


def areas(predictions: Predictions) -> Areas:
    """AUC of each class against the rest. Ties count one half."""
    classes, width = predictions.classes, predictions.lesions
    per_class = np.full(classes, np.nan)
    moves = np.zeros(predictions.images)
    cells = predictions.labels * width + predictions.clusters
    lesions = (np.bincount(cells, minlength=classes * width) > 0).reshape(classes, width).sum(axis=1)
    for index in np.flatnonzero(predictions.present):
        mine = predictions.labels == index
        if mine.all():
            continue
        scores = predictions.probabilities[:, index]
        below, above = _share_below(scores[mine], scores[~mine]), 1 - _share_below(scores[~mine], scores[mine])
        per_class[index] = below.mean()
        # A variance estimated from few lesions is too small by (n − 1) / n.
        moves[mine] += (below - per_class[index]) / len(below) * _inflation(lesions[index])
        moves[~mine] += (above - per_class[index]) / len(above) * _inflation(lesions.sum() - lesions[index])
    known = int((~np.isnan(per_class)).sum())
    influence = np.bincount(cells, weights=moves, minlength=classes * width).reshape(classes, width) / max(known, 1)
    why_none = "" if known else "AUC needs two classes"
    if known and (lesions[predictions.present] < 2).any():
        why_none = "a class has a single lesion"
    return Areas(per_class, influence, lesions, why_none)


def auc_interval(predictions: Predictions) -> Interval:
    """Macro AUC, its interval on the logit scale so that it stays below 1."""
    found, n = areas(predictions), predictions.images
    if found.why_none or np.abs(found.influence).max() < 1e-12:
        why = found.why_none or "all images contribute alike, as in a perfect ranking or in none"
        return Interval.none(found.macro, n, why)
    spread = found.macro * (1 - found.macro)
    logit = np.log(found.macro / (1 - found.macro))
    half = _half_width(found.influence, found.lesions) / spread
    low, high = (float(1 / (1 + np.exp(-end))) for end in (logit - half, logit + half))
    return Interval(found.macro, low, high, n, METHOD)


def auc_difference(a: Predictions, b: Predictions) -> Interval:
    """Macro AUC of ``b`` less that of ``a`` on the same images."""
    first, second = areas(a), areas(b)
    difference, n = second.macro - first.macro, a.images
    moves = second.influence - first.influence
    if first.why_none or np.abs(moves).max() < 1e-12:
        return Interval.none(difference, n, first.why_none or "no two images changed places")
    half = _half_width(moves, first.lesions)
    return Interval(difference, max(difference - half, -1.0), min(difference + half, 1.0), n, METHOD)


def _inflation(lesions: int) -> float:
    return np.sqrt(lesions / max(lesions - 1, 1))


def _half_width(influence: np.ndarray, lesions: np.ndarray) -> float:
    """Half the width of an interval with Student's t and Satterthwaite's degrees of freedom.

    Most of the variance comes from the rarest classes, and is known only as well as their few lesions allow: with the normal
    quantile the interval of a macro AUC over 300 lesions held it 88 times in 100, with this one 91; over 1,500, 94.
    """
    from scipy.special import stdtrit

    variance = (influence.sum(axis=0) ** 2).sum()
    by_class = (influence**2).sum(axis=1)
    freedom = by_class.sum() ** 2 / (by_class**2 / np.maximum(lesions - 1, 1)).sum()
    return stdtrit(freedom, (1 + CONFIDENCE) / 2) * np.sqrt(variance)


def _share_below(values: np.ndarray, others: np.ndarray) -> np.ndarray:
    """For each value the share of ``others`` below it; equal ones count one half."""
    others = np.sort(others)
    return (np.searchsorted(others, values, "left") + np.searchsorted(others, values, "right")) / (2 * len(others))
