"""What is compared: which networks at which sparsity, on which test images."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from core.checkpoints import Entry
from core.data import ImageSet
from core.paths import Path
from core.replication import Line
from core.words import METHOD_TITLES

N = 512
"""Images behind what is stored. A CKA of VGG16 or DenseNet169 is then known to about ± 0.03."""
PERCENTS = (*range(0, 90, 10), 85, 90, 95, 99)
"""Steps of the slider that are stored, in percent."""
WATCHED = "mel"
ALL, WATCHED_ONLY, OTHERS = "all", "watched", "others"
"""Samples of the test images: drawn from all of them; those of the class that is watched for (melanoma); all but those."""
_USUAL = 0.8  # the paper's figures of CKA show networks at this sparsity


class Position(NamedTuple):
    """A network at a point of the slider.

    Attributes:
        network: id of the checkpoint that it is reached from.
        percent: sparsity in percent; above the checkpoint's own it is pruned on without fine-tuning.
        recalibrated: with batch norm re-estimated after pruning on.
    """

    network: str
    percent: int
    recalibrated: bool = False


def position(entry: Entry) -> Position:
    """A checkpoint as it is."""
    return Position(entry.id, round(100 * entry.card.sparsity))


def on_path(path: Path, percent: int, recalibrated: bool) -> Position:
    """The point of a path's slider at ``percent``. A trained checkpoint is taken as it is: it needs no recalibration."""
    start = path.start(percent / 100)
    return Position(start.id, percent, recalibrated and not path.is_checkpoint(percent / 100))


def chosen(line: Line) -> dict[str, Entry]:
    """The networks of a line that are compared with each other: the dense one, and one by each method.

    All at the sparsity that most methods have, of several the one nearest to 80%. A method without it is left out.

    Returns:
        ``"dense"`` and the methods -> checkpoint, in the order in which they are shown.
    """
    methods = {method: line.pruned.get(method, {}) for method in METHOD_TITLES}
    counts = Counter(sparsity for by_sparsity in methods.values() for sparsity in by_sparsity)
    found = {"dense": line.dense}
    if counts:
        sparsity = max(counts, key=lambda value: (counts[value], -abs(value - _USUAL)))
        found |= {method: known[sparsity] for method, known in methods.items() if sparsity in known}
    return found


def slider(paths: Mapping[str, Path], percents=PERCENTS) -> list[Position]:
    """Every position that the sliders of a study's methods can be moved to, coarse steps first, each once.

    Args:
        paths: method -> path.
        percents: steps of the slider.
    """
    found = []
    for percent in sorted(percents, key=lambda percent: (percent % 10 != 0, percent)):
        for method in ("prune_only", *METHOD_TITLES):
            if method in paths:
                found += [on_path(paths[method], percent, recalibrated) for recalibrated in (False, True)]
    return list(dict.fromkeys(found))


def samples(test: ImageSet, n: int = N) -> dict[str, np.ndarray]:
    """Which test images networks are compared on. They choose nothing: they only describe features.

    Args:
        test: a study's test images.
        n: at most so many in each sample.

    Returns:
        Sample -> int64 [≤ n], rows of ``test``, drawn at random but always the same, each n a part of every larger one.
        :data:`WATCHED_ONLY` and :data:`OTHERS` only where melanoma is among the classes.
    """
    order = np.random.default_rng(0).permutation(len(test))  # as in core.whatif, so that both speak of the same images
    drawn = order[:n]
    found = {ALL: drawn}
    if WATCHED in test.class_names:
        watched = test.labels == test.class_names.index(WATCHED)
        found |= {WATCHED_ONLY: order[watched[order]][:n], OTHERS: drawn[~watched[drawn]]}
    return {name: rows for name, rows in found.items() if len(rows)}
