"""Everything measured of one network on one split."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import InvalidValue, check_number
from core.evaluation.auc import areas
from core.evaluation.bootstrap import DRAWS
from core.evaluation.checks import Predictions, check_class, checked
from core.evaluation.intervals import Interval
from core.evaluation.metrics import (
    METRICS,
    Settings,
    tally_predictive_value,
    tally_sensitivity,
    tally_specificity,
)
from core.evaluation.proportions import proportions


@dataclass(frozen=True)
class Report:
    """The metrics of a network on a split.

    Attributes:
        metrics: name in METRICS -> value with interval. The two at a threshold only if a class is watched for.
        per_class: one row a class: class, images, lesions, then sensitivity, specificity and positive_predictive_value,
            each with _low and _high, and auc (against the rest; NaN for an absent class). Shares are in [0, 1].
        confusion: int64 [C, C], rows are the truth, columns the answers.
        class_names: C names.
        images, lesions: how many; as many lesions as images where no groups were given.
        grouped: whether groups were given.
        absent: classes without an image, left out of balanced accuracy and macro AUC.
        positive, threshold: the class watched for and its threshold, or None.
    """

    metrics: dict[str, Interval]
    per_class: pd.DataFrame
    confusion: np.ndarray
    class_names: tuple[str, ...]
    images: int
    lesions: int
    grouped: bool
    absent: tuple[str, ...]
    positive: str | None
    threshold: float | None

    @property
    def notes(self) -> list[str]:
        """What a reader should know, in sentences; often none."""
        if not self.absent:
            return []
        return [f"No images of {', '.join(self.absent)}: left out of balanced accuracy and macro AUC."]

    def as_dict(self) -> dict:
        """For JSON, such as a checkpoint's card: what is not defined (NaN) becomes None."""
        rows = self.per_class.astype(object).where(self.per_class.notna(), None).to_dict("records")
        return {
            "images": self.images,
            "lesions": self.lesions,
            "grouped": self.grouped,
            "class_names": list(self.class_names),
            "absent": list(self.absent),
            "positive": self.positive,
            "threshold": self.threshold,
            "metrics": {name: interval.as_dict() for name, interval in self.metrics.items()},
            "per_class": rows,
            "confusion": self.confusion.tolist(),
        }


def evaluate(
    probabilities,
    labels,
    class_names: Sequence[str] | None = None,
    *,
    groups=None,
    positive: int | str | None = None,
    threshold: float | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> Report:
    """Measure a network's answers, every number with its 95% interval.

    Intervals: proportions by Wilson (1927), adjusted for lesions (:mod:`core.evaluation.proportions`); balanced accuracy,
    the mean sensitivity over classes that have images (Brodersen et al. 2010, ICPR; ISIC's), from those; macro AUC by DeLong
    (:mod:`core.evaluation.auc`); calibration error by bootstrap (:mod:`core.evaluation.calibration`).

    Args:
        probabilities: float [N, C], rows sum to 1.
        labels: int [N] in [0, C).
        class_names: C names.
        groups: [N] lesion ids, or None: each image stands for itself.
        positive: a class to watch for, by index or name, together with
        threshold: the probability in [0, 1] from which an image is called it, fixed on the validation split.
        draws, seed: of the bootstrap.

    Raises:
        InvalidValue: inputs that do not fit together (:func:`core.evaluation.checks.checked`), one of positive and threshold
            without the other, an unknown class or a threshold outside [0, 1].
    """
    predictions = checked(probabilities, labels, groups, class_names)
    settings = settings_for(predictions, positive, threshold, draws, seed)
    watching = settings.positive is not None
    return Report(
        metrics={
            name: metric.measure(predictions, settings)
            for name, metric in METRICS.items()
            if watching or not metric.watches
        },
        per_class=_per_class(predictions),
        confusion=confusion(predictions),
        class_names=predictions.class_names,
        images=predictions.images,
        lesions=predictions.lesions,
        grouped=predictions.grouped,
        absent=tuple(np.array(predictions.class_names, object)[~predictions.present]),
        positive=predictions.class_names[settings.positive] if watching else None,
        threshold=settings.threshold,
    )


def settings_for(predictions: Predictions, positive, threshold, draws: int, seed: int) -> Settings:
    """Check what to watch for; arguments and errors are those of :func:`evaluate`."""
    if (positive is None) != (threshold is None):
        raise InvalidValue(
            "A class to watch for and its threshold go together",
            given=f"positive {positive!r}, threshold {threshold!r}",
            expected="both or neither",
        )
    if positive is None:
        return Settings(draws=draws, seed=seed)
    threshold = check_number(
        threshold, "This is no threshold", "a probability, from 0 to 1", lambda value: 0 <= value <= 1
    )
    return Settings(check_class(positive, predictions.class_names), threshold, draws, seed)


def confusion(predictions: Predictions) -> np.ndarray:
    """How often each truth (row) got each answer (column): int64 [C, C]."""
    classes = predictions.classes
    cells = np.bincount(predictions.labels * classes + predictions.answers, minlength=classes * classes)
    return cells.reshape(classes, classes)


def _per_class(predictions: Predictions) -> pd.DataFrame:
    sensitivity = tally_sensitivity(predictions)
    table = {
        "class": predictions.class_names,
        "images": sensitivity.sizes.sum(axis=0).astype(np.int64),
        "lesions": (sensitivity.sizes > 0).sum(axis=0),
    }
    for name, tally in (
        ("sensitivity", sensitivity),
        ("specificity", tally_specificity(predictions)),
        ("positive_predictive_value", tally_predictive_value(predictions)),
    ):
        table[name], table[f"{name}_low"], table[f"{name}_high"] = proportions(tally.successes, tally.sizes)
    table["auc"] = areas(predictions).per_class
    return pd.DataFrame(table)
