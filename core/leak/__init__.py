"""The leak as a lesson: a network of the row split, scored on test images whose lesion it had seen, and not seen.

HAM10000 has several images of many lesions. Split image by image, as the paper did, a lesion lies in training and in
test at once, and the network is asked about what it has met. The answers of such a network to its own test images are
stored once, beside its checkpoint, with whether their lesion was trained on; from them the same network is scored with
and without the leak.
"""

from core.leak.answers import SUFFIX, Leak, make, networks, path_of, read
from core.leak.scores import (
    ALL,
    LEAST,
    LIKE,
    ONCE,
    SEEN,
    SEVERAL,
    UNSEEN,
    comparable,
    control,
    exposure,
    gaps,
    scores,
    side_by_side,
)

__all__ = [
    "ALL",
    "LEAST",
    "LIKE",
    "ONCE",
    "SEEN",
    "SEVERAL",
    "SUFFIX",
    "UNSEEN",
    "Leak",
    "comparable",
    "control",
    "exposure",
    "gaps",
    "make",
    "networks",
    "path_of",
    "read",
    "scores",
    "side_by_side",
]
