"""Means over cells of a CKA matrix, with what is needed for their interval and for a paired difference of two."""

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
        if self.images != other.images:
            raise InvalidValue(
                "These two matrices cannot be paired",
                given=f"{self.images.n} and {other.images.n} images, {self.images.method} and {other.images.method}",
                expected="the same images in the same order, the same HSIC",
            )
        difference, method = self.estimate - other.estimate, f"paired {self.images.method}"
        if self.without is None or other.without is None:
            return Interval.none(difference, self.images.n, "what single images add was not kept")
        return _interval(difference, _error(self.without - other.without, self.images), self.images, method)


def _error(without: np.ndarray, images: Images) -> float:
    return float(jackknife.standard_errors(torch.from_numpy(without), images.groups))


def _interval(estimate: float, error: float, images: Images, method: str) -> Interval:
    if np.isnan(estimate):
        return Interval.none(estimate, images.n, "no two different layers can be compared")
    half = error * images.quantile
    if np.isnan(half):
        return Interval.none(estimate, images.n, f"{images.n} images give none")
    return Interval(estimate, estimate - half, estimate + half, images.n, method)
