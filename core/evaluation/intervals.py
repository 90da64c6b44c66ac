"""An estimate with what is known of its uncertainty, and Wilson's interval for a proportion."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np

from core.errors import InvalidValue, check_number

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A number and the range that the data leave open for it.

    Attributes:
        estimate: the number; NaN where it is not defined (the sensitivity for a class without images).
        low, high: ends of the interval; both None where none was computed, and ``method`` then says why.
        n: number of images that the estimate rests on.
        method: in words, such as "Wilson 95%".
    """

    estimate: float
    low: float | None
    high: float | None
    n: int
    method: str

    @classmethod
    def none(cls, estimate: float, n: int, why: str = "") -> "Interval":
        """An estimate without an interval, and why."""
        return cls(float(estimate), None, None, n, f"no interval: {why}" if why else "no interval")

    @classmethod
    def from_dict(cls, values: Mapping) -> "Interval":
        """What :meth:`as_dict` gave, as cards hold it; what is missing there is not known."""
        estimate, known = values.get("estimate"), {name: values.get(name) for name in ("low", "high")}
        method = values.get("method") or "no interval"
        return cls(math.nan if estimate is None else estimate, **known, n=values.get("n") or 0, method=method)

    @property
    def defined(self) -> bool:
        """Whether there is an estimate at all."""
        return not math.isnan(self.estimate)

    def format(self, percent: bool = True, signed: bool = False) -> str:
        """In one line: ``"85.4% [83.1, 87.5], n = 2,003"``.

        Args:
            percent: times 100, one decimal; otherwise as it is, three decimals.
            signed: a difference: with its sign, and in percentage points ("−3.2 points [−4.8, −1.6], n = 2,003").
        """
        if not self.defined:
            return f"not defined, n = {self.n:,}"

        def number(value: float) -> str:
            value = round(100 * value, 1) if percent else round(value, 3)
            digits = 1 if percent else 3
            # Adding 0.0 turns a rounded −0.0 into 0.0: a change too small to show has no sign.
            return f"{value + 0.0:{'+' if signed and value else ''}.{digits}f}".replace("-", "−")

        unit = (" points" if signed else "%") if percent else ""
        span = "no interval" if self.low is None else f"[{number(self.low)}, {number(self.high)}]"
        return f"{number(self.estimate)}{unit}{', ' if self.low is None else ' '}{span}, n = {self.n:,}"

    def as_dict(self) -> dict:
        """For JSON: NaN becomes None."""
        return {
            "estimate": self.estimate if self.defined else None,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "method": self.method,
        }


def z_value(confidence: float) -> float:
    """The standard normal quantile of a two-sided interval: 1.96 for 0.95.

    Raises:
        InvalidValue: not strictly between 0 and 1.
    """
    confidence = check_number(
        confidence, "This is no confidence", "a number above 0 and below 1, such as 0.95", lambda value: 0 < value < 1
    )
    return _quantile(confidence)


@cache
def _quantile(confidence: float) -> float:
    return NormalDist().inv_cdf((1 + confidence) / 2)


def mover(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float, float]:
    """The difference of two independent estimates with its interval: estimate, low, high.

    The distances from each estimate to the ends of its interval add as standard errors do (MOVER: Zou & Donner 2008,
    Statistics in Medicine 27, 1693–1702; for two proportions it is Newcombe's interval of 1998).

    Args:
        first, second: estimate, low, high of each; the result is the first less the second.
    """
    (a, a_low, a_high), (b, b_low, b_high) = first, second
    return a - b, a - b - math.hypot(a - a_low, b_high - b), a - b + math.hypot(a_high - a, b - b_low)


def wilson(successes, n, confidence: float = CONFIDENCE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Estimate and Wilson's score interval of proportions.

    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209–212.

    Args:
        successes: number or array, in [0, n]; need not be whole (see :mod:`core.evaluation.proportions`).
        n: number or array of trials. Without trials nothing is known: the estimate is NaN, the interval [0, 1].
        confidence: in (0, 1).

    Returns:
        estimate, low, high: float64 arrays of the broadcast shape.

    Raises:
        InvalidValue: successes outside [0, n], or the confidence outside (0, 1).
    """
    z = z_value(confidence)
    try:
        successes, n = np.broadcast_arrays(np.asarray(successes, np.float64), np.asarray(n, np.float64))
    except (TypeError, ValueError) as error:
        raise InvalidValue(
            "These are no counts",
            given=f"{successes!r} of {n!r}"[:200],
            expected="numbers, or arrays that fit together",
        ) from error
    if not ((successes >= 0) & (successes <= n) & np.isfinite(n)).all():
        raise InvalidValue(
            "More successes than trials, or fewer than none", given=f"{successes} of {n}", expected="0 to n"
        )
    some = n > 0
    trials = np.where(some, n, 1.0)
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2) / (1 + z * z / trials)
    # At 0 and n an end of Wilson's interval is exactly the estimate; rounding must not push it past.
    low = np.where(some, np.minimum(np.maximum(middle - half, 0), share), 0.0)
    high = np.where(some, np.maximum(np.minimum(middle + half, 1), share), 1.0)
    return np.where(some, share, np.nan), low, high
