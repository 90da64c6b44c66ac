"""Splits by a hash: the same image falls in the same split on every machine, in any order, whatever else is there."""

import hashlib
from collections.abc import Iterable, Sequence

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
    if not isinstance(split, str) or split not in (*SPLITS, "all"):
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
    return np.searchsorted(np.cumsum(shares)[:-1], _numbers(keys), side="right").astype(np.int8)


def hashed_names(keys: Iterable[str], shares: tuple[float, ...] = SHARES) -> list[str]:
    """As :func:`hashed`, by name: a list of N out of :data:`SPLITS`."""
    return [SPLITS[number] for number in hashed(keys, shares)]


def filled(keys: Sequence[str], labels: Sequence[int], shares: tuple[float, ...] = SHARES) -> tuple[np.ndarray, int]:
    """As :func:`hashed`, but where that leaves a class without training images or a split empty, the nearest images move.

    A class without training images gets that of its images whose hash is nearest to the training part. To a split that is
    empty each class gives, as long as it keeps others in the same place, the image whose hash is nearest. So a set of a
    handful of images can be used, one that is large enough keeps the split by hash alone, and order means nothing. Images
    of one key move together.

    Args:
        keys: what must stay together, one per image, as for :func:`hashed`.
        labels: the class of each.
        shares: as for :func:`hashed`; a split whose share is 0 stays empty.

    Returns:
        int8 [N] as of :func:`hashed`, and how many of them are not what the hash says.
    """
    first = hashed(keys, shares)
    split, labels, numbers = first.copy(), np.asarray(labels), _numbers(keys)
    ends = np.cumsum(shares)
    order = np.array(sorted(range(len(split)), key=lambda row: (numbers[row], str(keys[row]))), dtype=int)
    classes = np.unique(labels)
    _, key_of = np.unique(np.array([str(key) for key in keys], dtype=object), return_inverse=True)

    def spared(row: int, every_class: bool = True) -> bool:
        """Whether others stay where a key's images are now; of each of their classes, if that is asked for."""
        staying = (split == split[row]) & (key_of != key_of[row])
        wanted = np.unique(labels[key_of == key_of[row]]) if every_class else ()
        return staying.any() and set(wanted) <= set(labels[staying])

    for label in classes:
        own = order[labels[order] == label]
        if not (split[own] == 0).any():
            split[key_of == key_of[own[0]]] = 0  # training comes first in the order of the hash
    for lacking in (1, 2):
        if shares[lacking] == 0 or (split == lacking).any():
            continue
        away = np.maximum(ends[lacking] - shares[lacking] - numbers, numbers - ends[lacking])
        nearest = order[np.argsort(away[order], kind="stable")]
        for label in classes:
            own = nearest[labels[nearest] == label]
            spare = next((row for row in own if split[row] != lacking and spared(row)), None)
            if spare is not None:
                split[key_of == key_of[spare]] = lacking
        if not (split == lacking).any():
            # No class has two images in one place; a split other than training may give one of its own all the same.
            spare = next((row for row in nearest if split[row] != 0 and spared(row, every_class=False)), None)
            if spare is not None:
                split[key_of == key_of[spare]] = lacking
    return split, int((split != first).sum())


def _numbers(keys: Iterable[str]) -> np.ndarray:
    """Where the hash of each key lies in [0, 1)."""
    keys = [str(key) for key in keys]  # not an array of text: NumPy drops a zero byte at the end of it
    known = {key: int.from_bytes(hashlib.sha256(encoded(key)).digest()[:8], "big") / 2**64 for key in set(keys)}
    return np.array([known[key] for key in keys], dtype=float)


def encoded(text: str) -> bytes:
    """``text`` in UTF-8 for hashing; half characters, as file names that are not UTF-8 have, do no harm."""
    return text.encode(errors="surrogatepass")
