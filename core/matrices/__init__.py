"""Matrices: the networks of a study compared layer by layer (:mod:`core.similarity`), stored, and computed live where not."""

from core.matrices.live import Live
from core.matrices.making import LEVELS, make, network
from core.matrices.positions import ALL, OTHERS, PERCENTS, WATCHED_ONLY, N, Position, chosen, on_path, position, samples
from core.matrices.stored import STANDARD, Key, Stored, path_of, read, write

__all__ = [
    "ALL",
    "LEVELS",
    "OTHERS",
    "PERCENTS",
    "STANDARD",
    "WATCHED_ONLY",
    "Key",
    "Live",
    "N",
    "Position",
    "Stored",
    "chosen",
    "make",
    "network",
    "on_path",
    "path_of",
    "position",
    "read",
    "samples",
    "write",
]
