"""Arithmetic that gives the same bits on every machine: random numbers, fading, angles, smooth steps.

IEEE 754 fixes the result of ``+ - * /``, square root, floor and comparison to the last bit, but not that of ``exp``, ``sin``
or ``log``, nor the order in which a sum or a matrix product is added up: NumPy and BLAS choose these by processor. A last bit
that differs decides a rounding somewhere in six thousand images. So phantoms are made of the former only, one operation at a
time: no transcendental function, no reduction of floats other than ``min`` and ``max``, no matrix product, no einsum.
"""

import hashlib
import math

import numpy as np

_GOLDEN, _MIX1, _MIX2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
_ALL = 2**64 - 1


class Stream:
    """Random numbers that depend on a key alone (SplitMix64; Steele, Lea & Flood 2014).

    Each sign and artefact draws from a stream of its own, so that changing one never moves another.

    Args:
        key: numbers and names.

    Attributes:
        state: how far it has come, 64 bits.
    """

    def __init__(self, *key: int | str):
        digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
        self.state = int.from_bytes(digest, "little")

    def doubles(self, number: int) -> np.ndarray:
        """``number`` values in [0, 1): float64 [number], multiples of 2**-53."""
        values = self._mixed(np.arange(1, number + 1, dtype=np.uint64))
        self._skip(number)
        return values

    def array(self, *shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Evenly distributed in [low, high): float32 of ``shape``."""
        return _between(self.doubles(math.prod(shape)), low, high).reshape(shape)

    def part(self, side: int, rows: slice, columns: slice, low: float, high: float) -> np.ndarray:
        """``array(side, side, low=low, high=high)[rows, columns]``, without drawing the rest."""
        first = np.arange(rows.start, rows.stop, dtype=np.uint64) * np.uint64(side)
        places = first[:, None] + np.arange(columns.start + 1, columns.stop + 1, dtype=np.uint64)
        values = _between(self._mixed(places), low, high)
        self._skip(side * side)
        return values

    def _mixed(self, z: np.ndarray) -> np.ndarray:
        """The values that come ``z`` places from here: uint64, 1 and more, used up -> float64 of the same shape."""
        z *= np.uint64(_GOLDEN)
        z += np.uint64(self.state)
        for shift, factor in ((30, _MIX1), (27, _MIX2)):
            z ^= z >> np.uint64(shift)
            z *= np.uint64(factor)
        z ^= z >> np.uint64(31)
        z >>= np.uint64(11)
        return z * 2.0**-53

    def _skip(self, number: int) -> None:
        self.state = (self.state + number * _GOLDEN) & _ALL

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """One number in [low, high)."""
        # As doubles(1), without an array: a lesion draws a hundred of these.
        z = self.state = (self.state + _GOLDEN) & _ALL
        z = (z ^ (z >> 30)) * _MIX1 & _ALL
        z = (z ^ (z >> 27)) * _MIX2 & _ALL
        return low + (high - low) * (((z ^ (z >> 31)) >> 11) * 2.0**-53)

    def bell(self, low: float, high: float) -> float:
        """One number in [low, high), most often in the middle (the mean of three)."""
        return low + (high - low) * ((self.number() + self.number() + self.number()) / 3)

    def integer(self, number: int) -> int:
        """One of 0 … number - 1."""
        return int(self.number(0, number))


def fade(x: np.ndarray) -> np.ndarray:
    """Close to ``exp(-x)`` for x of 0 and more, in squarings: ``max(0, 1 - x/32)**32``. Exactly 1 at 0."""
    y = x * (-1 / 32)
    y += 1
    np.maximum(y, 0, out=y)
    for _ in range(5):
        np.multiply(y, y, out=y)
    return y


def wave(turns):
    """Close to ``sin(2π·turns)`` (within 0.001), by two parabolas. Floats or arrays."""
    t = turns - np.floor(turns + 0.5)
    y = 8 * t - 16 * t * abs(t)
    return 0.775 * y + 0.225 * y * abs(y)


def circle(turns):
    """Close to ``(cos, sin)`` of 2π·turns."""
    return wave(turns + 0.25), wave(turns)


def step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    """0 below ``low``, 1 above ``high``, smooth between; falling where ``low > high``."""
    t = x - low
    t *= 1 / (high - low)
    np.maximum(t, 0, out=t)
    np.minimum(t, 1, out=t)
    rest = t * -2
    rest += 3
    t *= t
    t *= rest
    return t


def _between(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """``values`` in [0, 1), float64 and used up, spread over [low, high): float32."""
    values *= high - low
    values += low
    return values.astype(np.float32)
