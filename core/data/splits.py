"""Splits by a hash: the same image falls in the same split on every machine, in any order, whatever else is there."""

import hashlib
from collections.abc import Iterable

import numpy as np

from core.errors import PruneScopeError, UnknownName

SPLITS = ("train", "validation", "test")
SHARES = (0.7, 0.1, 0.2)
ALIASES = {"training": "train", "val": "validation", "valid": "validation", "dev": "validation", "testing": "test"}


class UnknownSplit(UnknownName):
    """A split that does not exist; for the short names of other libraries it says what we call it."""

    def __init__(self, split):
        super().__init__("split", split, (*SPLITS, "all"))
        if isinstance(split, str) and (meant := ALIASES.get(split.lower())):
            # By its letters alone "val" would be taken for "all".
            self.near = [meant]
            PruneScopeError.__init__(
                self, self.problem, given=self.given, expected=self.expected, remedy=f"did you mean {meant}?"
            )


def check_split(split: str) -> str:
    """Return ``split`` if it is one of :data:`SPLITS` or ``"all"``; raise :class:`UnknownSplit` otherwise."""
    if split not in (*SPLITS, "all"):
        raise UnknownSplit(split)
    return split


def hashed(keys: Iterable[str], shares: tuple[float, ...] = SHARES) -> np.ndarray:
    """Assign each key to a split by its own hash alone.

    Args:
        keys: what must stay together, one per image: lesion ids, or image ids to split by row.
        shares: expected share of keys in train, validation and test; they sum to 1.

    Returns:
        int8 [N]: 0 train, 1 validation, 2 test.
    """
    keys = [str(key) for key in keys]  # not an array of text: NumPy drops a zero byte at the end of it
    known = {key: int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64 for key in set(keys)}
    numbers = np.array([known[key] for key in keys], dtype=float)
    edges = np.cumsum(shares)[:-1]
    return np.searchsorted(edges, numbers, side="right").astype(np.int8)


def hashed_names(keys: Iterable[str], shares: tuple[float, ...] = SHARES) -> list[str]:
    """As :func:`hashed`, by name: a list of N out of :data:`SPLITS`."""
    return [SPLITS[number] for number in hashed(keys, shares)]
