"""What is compared: which networks at which sparsity, on which test images."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from core.checkpoints import Entry
from core.data import ImageSet
from core.paths import PRUNE_ONLY, Path
from core.replication import Line
from core.similarity.hsic import LEAST, check_count
from core.words import METHOD_TITLES, WATCHED

N = 512
"""Images behind what is stored. A CKA of VGG16 or DenseNet169 is then known to about ± 0.03."""
PERCENTS = (*range(0, 90, 10), 85, 90, 95, 99)
"""Steps of the slider that are stored, in percent."""
ALL, TYPICAL, WATCHED_ONLY, OTHERS = "all", "typical", "watched", "others"
"""Samples of the test images: drawn from all of them; these without the few that alone decide what layers tell apart
(:func:`core.similarity.influential`), where there are such; those of the class that is watched for (melanoma), and all but
those, both without such images."""
USUAL = 0.8
"""The sparsity of the networks in the paper's figures of CKA."""


class Position(NamedTuple):
    """A network at a point of the slider.

    Attributes:
        network: id of the checkpoint that it is reached from.
        percent: sparsity in percent, whole on the slider; a checkpoint itself may lie between two steps, at 87.5. Above the
            checkpoint's own it is pruned on without fine-tuning.
        recalibrated: with batch norm re-estimated after pruning on.
    """

    network: str
    percent: float
    recalibrated: bool = False


def position(entry: Entry) -> Position:
    """A checkpoint as it is."""
    return Position(entry.id, percent_of(entry.card.sparsity))


def percent_of(sparsity: float) -> float:
    """A sparsity in percent, an int where it is whole: 80 for 0.8, 87.5 for 0.875."""
    percent = round(100 * sparsity, 6)
    return int(percent) if percent.is_integer() else percent


def on_path(path: Path, percent: float, recalibrated: bool) -> Position:
    """The point of a path's slider at ``percent``. A trained checkpoint is taken as it is: it needs no recalibration."""
    start = path.start(percent / 100)
    return Position(start.id, percent, recalibrated and not path.is_checkpoint(percent / 100))


def sparsities(line: Line, usable: Callable[[Entry], bool] = lambda _: True) -> list[float]:
    """The sparsities at which a line's networks can be compared with each other, rising.

    Args:
        line: a dense network and what came from it.
        usable: which of its networks can be compared at all.

    Returns:
        Those that two or three methods have; where there are none, those that one has.
    """
    counts = Counter(sparsity for known in _by_method(line, usable).values() for sparsity in known)
    return sorted(sparsity for sparsity, count in counts.items() if count >= min(2, max(counts.values())))


def nearest(known: Sequence[float]) -> float | None:
    """Of several sparsities the one that is shown first: the nearest to :data:`USUAL`. None of none."""
    return min(known, key=lambda sparsity: abs(sparsity - USUAL), default=None)


def chosen(
    line: Line, sparsity: float | None = None, usable: Callable[[Entry], bool] = lambda _: True
) -> dict[str, Entry]:
    """The networks of a line that are compared with each other: the dense one, and at one sparsity one by each method.

    Args:
        line, usable: as for :func:`sparsities`.
        sparsity: of the pruned ones; by default the :func:`nearest` to the paper's. A method without it is left out.

    Returns:
        ``"dense"`` and the methods -> checkpoint, in the order in which they are shown.
    """
    if sparsity is None:
        sparsity = nearest(sparsities(line, usable))
    methods = _by_method(line, usable)
    return {"dense": line.dense} | {method: known[sparsity] for method, known in methods.items() if sparsity in known}


def _by_method(line: Line, usable: Callable[[Entry], bool]) -> dict[str, dict[float, Entry]]:
    """Method -> sparsity -> network. One that another training of the dense network gave has nothing to be compared with."""
    return {
        method: {
            sparsity: entry
            for sparsity, entry in line.pruned.get(method, {}).items()
            if line.at_home(entry) and usable(entry)
        }
        for method in METHOD_TITLES
    }


def points(path: Path) -> list[float]:
    """Where a path's networks can be looked for, in percent, rising: every step of the slider and its checkpoints themselves."""
    return sorted({*range(100), *map(percent_of, path.sparsities)})


def slider(paths: Mapping[str, Path], percents=PERCENTS) -> list[Position]:
    """Every position that the sliders of a study's methods can be moved to, coarse steps first, each once.

    Args:
        paths: method -> path.
        percents: steps of the slider.
    """
    found = []
    for percent in sorted(percents, key=lambda percent: (percent % 10 != 0, percent)):
        for method in (PRUNE_ONLY, *METHOD_TITLES):
            if method in paths:
                found += [on_path(paths[method], percent, recalibrated) for recalibrated in (False, True)]
    return list(dict.fromkeys(found))


def samples(test: ImageSet, n: int = N, without: Mapping[str, Collection[int]] | None = None) -> dict[str, np.ndarray]:
    """Which test images networks are compared on. They choose nothing: they only describe features.

    Args:
        test: a study's test images.
        n: at most so many in each sample.
        without: sample -> rows of ``test`` that alone decide what layers tell apart on it. Those of :data:`ALL` are left out
            of :data:`TYPICAL` only.

    Returns:
        Sample -> int64 [≤ n], rows of ``test``, drawn at random but always the same, each n a part of every larger one.
        :data:`TYPICAL` only where there are images to leave out, :data:`WATCHED_ONLY` and :data:`OTHERS` only where melanoma is
        among the classes; these only with as many images as CKA needs.

    Raises:
        InvalidValue: too few test images.
    """
    order = np.random.default_rng(0).permutation(len(test))  # as in core.whatif, so that both speak of the same images
    drawn = order[:n]
    check_count(len(drawn))
    found, without = {ALL: drawn}, without or {}
    if without.get(ALL):
        found[TYPICAL] = _less(drawn, without[ALL])
    if WATCHED in test.class_names:
        watched = test.labels == test.class_names.index(WATCHED)
        own = {WATCHED_ONLY: order[watched[order]][:n], OTHERS: drawn[~watched[drawn]]}
        found |= {name: _less(rows, without.get(name, ())) for name, rows in own.items()}
    return {name: rows for name, rows in found.items() if len(rows) >= LEAST[True]}


def _less(rows: np.ndarray, without: Collection[int]) -> np.ndarray:
    return rows[~np.isin(rows, list(without))]
