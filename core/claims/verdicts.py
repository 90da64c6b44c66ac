"""The rule by which an interval becomes a verdict, its p-value, and the correction for testing many claims at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InvalidValue
from core.evaluation.intervals import CONFIDENCE, Interval, z_value

HOLDS, FAILS, CANNOT_TELL = "holds", "does not hold", "cannot be told"
VERDICTS = (HOLDS, FAILS, CANNOT_TELL)
LEVEL = 1 - CONFIDENCE


@dataclass(frozen=True)
class Region:
    """What a claim says of a difference: that it lies strictly between two edges.

    Attributes:
        low, high: the edges; infinite where there is none. At least one is finite, and low is below high.

    Raises:
        InvalidValue: edges that leave nothing to claim, or nothing to refute.
    """

    low: float = -math.inf
    high: float = math.inf

    def __post_init__(self):
        if not self.low < self.high or not self.edges:
            raise InvalidValue("This region claims nothing", given=f"({self.low}, {self.high})", expected="low < high")

    @property
    def edges(self) -> list[float]:
        """Those that are finite."""
        return [edge for edge in (self.low, self.high) if math.isfinite(edge)]

    def __contains__(self, value: float) -> bool:
        return self.low < value < self.high


def verdict(interval: Interval, region: Region, p: float | None = None) -> str:
    """One of :data:`VERDICTS`.

    Args:
        interval: of a difference, 95%.
        region: what is claimed of it.
        p: p-value that the verdict must stand, such as one corrected for many tests; by default :func:`p_value`.
    """
    p = p_value(interval, region) if p is None else p
    if p >= LEVEL:
        return CANNOT_TELL
    return HOLDS if _middle(interval) in region else FAILS


def p_value(interval: Interval, region: Region) -> float:
    """The smallest level at which the interval, widened or narrowed to it, leaves a verdict.

    Two-sided, by inverting the interval, which is symmetric about its middle (Agresti & Min's is). Below 0.05 exactly
    where the 95% interval holds no edge of the region; 1 where the interval is undefined.

    Args:
        interval: of a difference, 95%.
        region: what is claimed of it.
    """
    if interval.low is None or not interval.defined:
        return 1.0
    half, middle = (interval.high - interval.low) / 2, _middle(interval)
    distance = min(abs(middle - edge) for edge in region.edges)
    if distance == 0:
        return 1.0
    return math.erfc(distance / half * z_value(CONFIDENCE) / math.sqrt(2)) if half > 0 else 0.0


def _middle(interval: Interval) -> float:
    return (interval.low + interval.high) / 2


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for how many there are: the chance of even one wrong verdict among all stays below the level.

    Holm, S. (1979). A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6,
    65–70.

    Args:
        p_values: in [0, 1], of tests that may depend on each other.

    Returns:
        As many, in the same order.
    """
    values = np.asarray(p_values, float)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * (len(values) - np.arange(len(values)))
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return corrected.tolist()
