"""What we measure of a network's answers: each metric with its name, its meaning and its interval.

``METRICS`` is the list that every view draws from; views of two networks beside each other show its :func:`headlines`. To add a metric:
write what measures it, add an entry, and its paired difference in :mod:`core.evaluation.paired`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import InvalidValue, check_number
from core.evaluation.auc import auc_interval
from core.evaluation.bootstrap import DRAWS
from core.evaluation.calibration import calibration_interval
from core.evaluation.checks import Predictions, check_class, checked
from core.evaluation.intervals import CONFIDENCE, Interval
from core.evaluation.proportions import mean_proportion, proportions


@dataclass(frozen=True)
class Settings:
    """How to measure.

    Attributes:
        positive, threshold: the class watched for, by index, and the probability from which an image is called it;
            fixed on the validation split. Both None where nothing is watched for.
        draws, seed: of the bootstrap.
    """

    positive: int | None = None
    threshold: float | None = None
    draws: int = DRAWS
    seed: int = 0


@dataclass(frozen=True)
class Metric:
    """A metric, described so that any view can draw it.

    Attributes:
        name: its key in METRICS, in a checkpoint's card and in a URL.
        title: for a heading.
        unit: "%" if shown times 100, otherwise empty.
        description: what it says, in one plain sentence.
        measure: from predictions to the value with its interval.
        low, high: the range of its values, before they are shown times 100.
        higher_is_better: direction.
        primary: the one to show first; one metric is.
        watches: needs a class to watch for and its threshold.
        headline: one of those that sum up how good a network is.
        whole: needs all probabilities of an answer; stored ones may keep the likeliest and the true class's only.
    """

    name: str
    title: str
    unit: str
    description: str
    measure: Callable[[Predictions, Settings], Interval]
    low: float = 0.0
    high: float = 1.0
    higher_is_better: bool = True
    primary: bool = False
    watches: bool = False
    headline: bool = False
    whole: bool = False


@dataclass(frozen=True)
class Tally:
    """Counts by lesion that a proportion is made of: successes of sizes, both float64 [lesions, K]."""

    successes: np.ndarray
    sizes: np.ndarray


def tally_accuracy(predictions: Predictions) -> Tally:
    """Right answers among all, K = 1."""
    return Tally(predictions.sums(predictions.right), predictions.sums(np.ones(predictions.images)))


def tally_sensitivity(predictions: Predictions) -> Tally:
    """Of the images of each class those answered with it, K = C."""
    ones = np.ones(predictions.images)
    return Tally(predictions.sums(predictions.right, predictions.labels), predictions.sums(ones, predictions.labels))


def tally_specificity(predictions: Predictions) -> Tally:
    """Of the images of all other classes those not answered with the class, K = C."""
    ones = np.ones(predictions.images)
    sizes = predictions.sums(ones) - predictions.sums(ones, predictions.labels)
    false_alarms = predictions.sums(~predictions.right, predictions.answers)
    return Tally(sizes - false_alarms, sizes)


def tally_predictive_value(predictions: Predictions) -> Tally:
    """Of the images answered with each class those that are it, K = C."""
    ones = np.ones(predictions.images)
    return Tally(predictions.sums(predictions.right, predictions.answers), predictions.sums(ones, predictions.answers))


def tally_watched(predictions: Predictions, settings: Settings, ill: bool) -> Tally:
    """At the threshold: called positive of those that are (``ill``), or not called so of those that are not, K = 1."""
    called = predictions.probabilities[:, settings.positive] >= settings.threshold
    side = (predictions.labels == settings.positive) == ill
    return Tally(predictions.sums(side & (called == ill)), predictions.sums(side))


def proportion_interval(tally: Tally) -> Interval:
    """The interval of a tally with K = 1."""
    estimate, low, high = (float(value[0]) for value in proportions(tally.successes, tally.sizes))
    return Interval(estimate, low, high, int(tally.sizes.sum()), _wilson(tally))


def _wilson(tally: Tally, how: str = "") -> str:
    """What the interval is called: it says so where lesions have several images."""
    return f"Wilson {100 * CONFIDENCE:g}%{how}" + (", adjusted for lesions" if (tally.sizes > 1).any() else "")


def _balanced_accuracy(predictions: Predictions, settings: Settings) -> Interval:
    tally = tally_sensitivity(predictions)
    estimate, low, high = map(float, mean_proportion(tally.successes, tally.sizes))
    return Interval(estimate, low, high, predictions.images, _wilson(tally, " by class, combined"))


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(
            "balanced_accuracy",
            "Balanced accuracy",
            "%",
            "The share of right answers in each diagnosis, averaged so that a rare diagnosis counts as much as a common one.",
            _balanced_accuracy,
            primary=True,
            headline=True,
        ),
        Metric(
            "accuracy",
            "Accuracy",
            "%",
            "The share of all images that are answered right; common diagnoses dominate it.",
            lambda predictions, settings: proportion_interval(tally_accuracy(predictions)),
            headline=True,
        ),
        Metric(
            "macro_auc",
            "Macro AUC",
            "",
            "How well the probabilities rank images of a diagnosis above all others, averaged over diagnoses: 0.5 is "
            "chance, 1 is perfect.",
            lambda predictions, settings: auc_interval(predictions),
            headline=True,
            whole=True,
        ),
        Metric(
            "sensitivity_at_threshold",
            "Sensitivity at the threshold",
            "%",
            "Of the images that show the diagnosis watched for, the share that is flagged at the threshold fixed beforehand.",
            lambda predictions, settings: proportion_interval(tally_watched(predictions, settings, ill=True)),
            watches=True,
        ),
        Metric(
            "specificity_at_threshold",
            "Specificity at the threshold",
            "%",
            "Of the images that do not show the diagnosis watched for, the share that is not flagged at that threshold.",
            lambda predictions, settings: proportion_interval(tally_watched(predictions, settings, ill=False)),
            watches=True,
        ),
        Metric(
            "calibration_error",
            "Expected calibration error",
            "%",
            "How far the network's confidence lies from its share of right answers, on average: 0 means that it knows "
            "how sure it may be.",
            lambda predictions, settings: calibration_interval(predictions, draws=settings.draws, seed=settings.seed),
            higher_is_better=False,
        ),
    )
}


def headlines(*, short: bool = False) -> list[str]:
    """Names of the metrics that sum up how good a network is, the first first.

    Args:
        short: of its answers not all probabilities are known.
    """
    return [metric.name for metric in METRICS.values() if metric.headline and not (short and metric.whole)]


def threshold_for_sensitivity(probabilities, labels, positive: int | str, target: float, class_names=None) -> float:
    """The highest threshold at which at least ``target`` of the positive images are flagged.

    An image is flagged if its probability of the class is at least the threshold. Fix it on the validation split; on the
    images it was chosen on it flatters.

    Args:
        probabilities: float [N, C]. labels: int [N].
        positive: the class watched for, by index, or by name where ``class_names`` are given.
        target: sensitivity in (0, 1].

    Raises:
        InvalidValue: the target is outside (0, 1], no image is of the class, or the inputs do not fit together.
    """
    predictions = checked(probabilities, labels, class_names=class_names)
    index = check_class(positive, predictions.class_names)
    target = check_number(
        target, "This is no target for a sensitivity", "a number above 0, at most 1", lambda value: 0 < value <= 1
    )
    scores = np.sort(predictions.probabilities[predictions.labels == index, index])[::-1]
    if not len(scores):
        raise InvalidValue(
            "No threshold can be fixed without an image of the class",
            given=f"no image of {predictions.class_names[index]}",
            expected="at least one",
        )
    # 0.07 * 100 is 7.000000000000001: rounding must not ask for an eighth image.
    return float(scores[math.ceil(target * len(scores) - 1e-9) - 1])
