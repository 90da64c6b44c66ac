"""What is to be stored of a study: which networks are compared, on which images, in how much detail. What matters most comes first."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations_with_replacement
from typing import NamedTuple

from core.matrices import coding
from core.matrices.positions import ALL, TYPICAL, Position, chosen, nearest, position, slider
from core.matrices.stored import STANDARD, Key
from core.paths import Path
from core.replication import Line

BLOCKS = "blocks"
LEVELS = (STANDARD, BLOCKS)
"""Levels of detail at which every network is compared with every other."""


class Wanted(NamedTuple):
    """A comparison that is to be stored.

    Attributes:
        key: what it is of.
        form: how much of it is kept: a name in :mod:`core.matrices.coding`.
        shares: whether with what gives its means an interval.
    """

    key: Key
    form: str
    shares: bool


def plan(
    family: Sequence[Line],
    paths: Mapping[str, Path],
    sparsities: Sequence[float],
    samples: Collection[str],
    percents: Sequence[int],
) -> Iterator[list[Wanted]]:
    """The comparisons of a study, in groups whose networks are looked at together.

    Args:
        family: the study's lines, its own first.
        paths: method -> path, for the slider.
        sparsities: at which pruned networks are compared with each other.
        samples: the study's samples of test images.
        percents: steps of the slider.
    """
    own, dense = family[0], position(family[0].dense)
    usual = nearest(sparsities)
    for line in family:
        yield list(_of_line(line, usual, samples, first=line is own))
        if line is not own:
            floor = (Key(dense, position(line.dense), sample) for sample in _whole(samples))
            yield [Wanted(key, coding.FULL, True) for key in floor]
    for place in slider(paths, percents):
        yield list(_of_place(dense, place, samples))
    for sparsity in sparsities:
        for line in family:
            yield list(_of_line(line, sparsity, samples, first=line is own))


def _of_line(line: Line, sparsity: float | None, samples: Collection[str], *, first: bool) -> Iterator[Wanted]:
    """Each network of a line with each; of the study's own line also by class and by block."""
    places = [position(entry) for entry in chosen(line, sparsity).values()]
    for a, b in combinations_with_replacement(places, 2):
        form = coding.SYMMETRIC if a == b else coding.FULL
        for sample in samples if first else _whole(samples):
            for level in LEVELS if first else (STANDARD,):
                yield Wanted(Key(a, b, sample, level), form, level == STANDARD)


def _of_place(dense: Position, place: Position, samples: Collection[str]) -> Iterator[Wanted]:
    """A point of the slider with itself and with the dense network on the usual sample; on the others the twins only."""
    usual = _whole(samples)[-1]
    if place != dense:
        yield Wanted(Key(place, place, usual), coding.SYMMETRIC, False)
    for sample in samples:
        form = coding.TWINS if sample != usual else coding.SYMMETRIC if place == dense else coding.FULL
        yield Wanted(Key(dense, place, sample), form, False)


def _whole(samples: Collection[str]) -> list[str]:
    """The samples that are of all classes."""
    return [sample for sample in (ALL, TYPICAL) if sample in samples]
