"""Matrices: the networks of a study compared layer by layer (:mod:`core.similarity`), stored, and computed live where not."""

from core.matrices.live import Live, seconds
from core.matrices.making import make, network
from core.matrices.planning import LEVELS
from core.matrices.positions import (
    ALL,
    OTHERS,
    PERCENTS,
    TYPICAL,
    USUAL,
    WATCHED_ONLY,
    N,
    Position,
    chosen,
    nearest,
    on_path,
    points,
    position,
    samples,
    sparsities,
)
from core.matrices.stored import STANDARD, Key, Stored, path_of, read, write

__all__ = [
    "ALL",
    "LEVELS",
    "OTHERS",
    "PERCENTS",
    "STANDARD",
    "TYPICAL",
    "USUAL",
    "WATCHED_ONLY",
    "Key",
    "Live",
    "N",
    "Position",
    "Stored",
    "chosen",
    "make",
    "nearest",
    "network",
    "on_path",
    "path_of",
    "points",
    "position",
    "read",
    "samples",
    "seconds",
    "sparsities",
    "write",
]
