"""One paired difference over several trainings: its mean, and how sure that mean is on other lesions like these."""

from collections.abc import Sequence

import numpy as np

from core.errors import InvalidValue, check_choice
from core.evaluation.checks import Predictions
from core.evaluation.intervals import CONFIDENCE, Interval
from core.evaluation.proportions import differences, mean_difference

MEASURES = ("accuracy", "balanced_accuracy")
_NAME = f"Agresti–Min {100 * CONFIDENCE:g}%"


def mean_over_trainings(pairs: Sequence[tuple[Predictions, Predictions]], measure: str) -> Interval:
    """The mean over trainings of ``measure`` of the second network less that of the first, with its 95% interval.

    Every training was asked about the same images, so the interval is that of one paired difference in which each image counts
    with its mean change: where trainings err on different lesions it is narrower than that of any one training, where they err
    on the same ones it is not. It speaks of other lesions like these, for the mean of these trainings.

    Agresti & Min (2005), adjusted for lesions, as :func:`core.evaluation.compare`; with one pair the same numbers.

    Args:
        pairs: for each training two networks' answers to the same images; the same images throughout.
        measure: ``"accuracy"`` or ``"balanced_accuracy"``.

    Raises:
        UnknownName: another measure.
        InvalidValue: no pair, or answers to other images.
    """
    check_choice("measure", measure, MEASURES)
    if not pairs:
        raise InvalidValue("There is nothing to take a mean of", given="no training", expected="at least one")
    first = pairs[0][0]
    for answers in (answers for pair in pairs for answers in pair):
        if not (np.array_equal(answers.labels, first.labels) and np.array_equal(answers.clusters, first.clusters)):
            raise InvalidValue(
                "These answers are not to the same images",
                given=f"{answers.images} and {first.images} images",
                expected="the same images in the same order",
            )
    change = np.mean([b.right.astype(np.float64) - a.right for a, b in pairs], axis=0)
    ones, name = np.ones(len(change)), f"mean over {len(pairs)} seeds"
    # What one network newly got right or wrong is a change of ±1; a mean of several weighs with its square.
    if measure == "accuracy":
        flips = np.array([(change**2).sum()])
        ends = [value[0] for value in differences(first.sums(change), first.sums(ones), flips)]
        return Interval(*map(_plain, ends), first.images, f"{_NAME}, {name}")
    flips = np.bincount(first.labels, weights=change**2, minlength=first.classes)
    ends = mean_difference(first.sums(change, first.labels), first.sums(ones, first.labels), flips)
    return Interval(*map(_plain, ends), first.images, f"{_NAME} by class, combined, {name}")


def _plain(share: float) -> float:
    """Without what thirds and sevenths leave of a sum that is zero: a table wrote 1e-19 for no difference."""
    return round(float(share), 12) + 0.0
