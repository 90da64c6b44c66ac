"""Means over cells of a CKA matrix, with what is needed for their interval and for paired differences."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from core.errors import InvalidValue
from core.evaluation.intervals import CONFIDENCE, Interval
from core.similarity import jackknife


@dataclass(frozen=True)
class Images:
    """Which images a comparison rests on.

    Attributes:
        n: how many.
        digest: names exactly these images in this order.
        groups: int64 [n], which lesion an image shows, or None where each is its own.
        debiased: whether HSIC is the unbiased one, which says how few images give a band.
    """

    n: int
    digest: str
    groups: np.ndarray | None = field(compare=False)
    debiased: bool = True

    @property
    def method(self) -> str:
        """How bands and intervals are made, in words."""
        return f"jackknife by {'image' if self.groups is None else 'lesion'}, {100 * CONFIDENCE:g}%"

    @property
    def quantile(self) -> float:
        """How many standard errors a band reaches to each side; NaN where there is none."""
        enough = self.n >= jackknife.LEAST[self.debiased]
        return jackknife.quantile(self.n, self.groups) if enough else float("nan")


@dataclass(frozen=True, eq=False)
class Mean:
    """A mean over cells of one matrix.

    Attributes:
        estimate: the mean; NaN where there is no cell.
        error: its standard error.
        without: float64 [n], the mean without each image; None where it was not kept.
        cells: how many cells it is over.
        images: what it rests on.
    """

    estimate: float
    error: float
    without: np.ndarray | None
    cells: int
    images: Images

    @classmethod
    def of(cls, estimate: float, without: np.ndarray, cells: int, images: Images) -> "Mean":
        """With the error that follows from the images left out one at a time."""
        return cls(estimate, _error(without, images), without, cells, images)

    def interval(self) -> Interval:
        """The mean with its 95% interval."""
        return _interval(self.estimate, self.error, self.images, self.images.method)

    def minus(self, other: "Mean") -> Interval:
        """By how much it is larger than ``other``, with a 95% interval: paired, for both rest on the same images.

        Raises:
            InvalidValue: they do not.
        """
        return mean_difference([(self, other)])


def pooled(means: Sequence[Mean]) -> Mean:
    """The mean over trainings, all on the same images, with the error that this mean has.

    Raises:
        InvalidValue: nothing to take a mean of, or they do not all rest on the same images.
    """
    images = _same_images(means)
    estimate = float(np.mean([mean.estimate for mean in means]))
    cells = min(mean.cells for mean in means)
    if any(mean.without is None for mean in means):
        return Mean(estimate, float("nan"), None, cells, images)
    return Mean.of(estimate, np.mean([mean.without for mean in means], axis=0), cells, images)


def mean_difference(pairs: Sequence[tuple[Mean, Mean]]) -> Interval:
    """By how much the first is larger than the second, on average over ``pairs``, one for each training; with a 95% interval.

    All trainings met the same images, so the jackknife leaves an image out of all of them at once: where they owe their
    differences to different images, the interval is narrower than that of any one training, where to the same, it is not.

    Raises:
        InvalidValue: no pair, or they do not all rest on the same images.
    """
    images = _same_images([mean for pair in pairs for mean in pair])
    method = f"paired {images.method}" + (f", mean over {len(pairs)} seeds" if len(pairs) > 1 else "")
    difference = float(np.mean([first.estimate - second.estimate for first, second in pairs]))
    if any(mean.without is None for pair in pairs for mean in pair):
        return Interval.none(difference, images.n, "what single images add was not kept")
    without = np.mean([first.without - second.without for first, second in pairs], axis=0)
    return _interval(difference, _error(without, images), images, method)


def _same_images(means: Sequence[Mean]) -> Images:
    if not means:
        raise InvalidValue("There is nothing to take a mean of", given="no training", expected="at least one")
    images = means[0].images
    for other in (mean.images for mean in means):
        if other != images:
            raise InvalidValue(
                "These two matrices cannot be paired",
                given=f"{images.n} and {other.n} images, {images.method} and {other.method}",
                expected="the same images in the same order, the same HSIC",
            )
    return images


def _error(without: np.ndarray, images: Images) -> float:
    return float(jackknife.standard_errors(torch.from_numpy(without), images.groups))


def _interval(estimate: float, error: float, images: Images, method: str) -> Interval:
    if np.isnan(estimate):
        return Interval.none(estimate, images.n, "no two different layers can be compared")
    half = error * images.quantile
    if np.isnan(half):
        return Interval.none(estimate, images.n, f"{images.n} images give none")
    return Interval(estimate, estimate - half, estimate + half, images.n, method)
