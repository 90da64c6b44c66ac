"""Drift: how the attribution maps of a study's networks change as they are pruned, over a sample of each class, stored."""

from core.drift.curves import MEASURES, Measure, at, curve, estimate, likeness
from core.drift.making import PER_CLASS, PERCENTS, USUAL, check, make, sample
from core.drift.stored import Drift, path_of, read, write

__all__ = [
    "MEASURES",
    "PERCENTS",
    "PER_CLASS",
    "USUAL",
    "Drift",
    "Measure",
    "at",
    "check",
    "curve",
    "estimate",
    "likeness",
    "make",
    "path_of",
    "read",
    "sample",
    "write",
]
