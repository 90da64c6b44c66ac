"""What the page about similarity says again and again."""

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from core import similarity_claims
from core.checkpoints import Entry
from core.errors import WeightsNotHere
from core.evaluation import Interval
from core.matrices import TYPICAL
from core.similarity import CKAMatrix
from core.words import METHOD_TITLES
from pages.components import look

SAMPLES = {
    "all": "All diagnoses",
    "typical": "All but outliers",
    "watched": "Melanoma",
    "others": "All but melanoma",
}
MEANS = {
    True: "between its different layers",  # of a network with itself
    False: "between matching layers",
}


def network(name: str) -> str:
    """A network within a sentence."""
    return look.title(name).lower() if name != "dense" else "dense"


def compared(names: Iterable[str], sparsity: float) -> str:
    """Which pruned networks are compared, and which are not there to be compared."""
    text = f"The pruned networks lack {look.sparsity(sparsity)} of their weights and were trained on."
    absent = [network(name) for name in METHOD_TITLES if name not in names]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        text += f" {' and '.join(absent).capitalize()} {verb} left out: nothing to compare is here at {look.sparsity(sparsity)}."
    return text


def pair(first: str, second: str) -> str:
    """Two networks as a heading: ``"Dense with itself"``, ``"One-shot against iterative"``."""
    if first == second:
        return f"{look.title(first)} with itself"
    return f"{look.title(first)} against {network(second)}"


def number(value: Interval, signed: bool = False) -> str:
    """A CKA with its interval and no n: ``"0.743 [0.722, 0.764]"``."""
    return value.format(percent=False, signed=signed).split(", n = ")[0]


def mean(matrix: CKAMatrix, own: bool) -> str:
    """The mean of a matrix as a line: between different layers of a network with itself (``own``), else between matching ones."""
    value = matrix.mean_off_diagonal() if own else matrix.mean_twins()
    return f"Mean CKA {MEANS[own]}: **{number(value)}**{over(matrix, own)}"


def over(matrix: CKAMatrix, own: bool) -> str:
    """Of how many cells a mean is, where it is not of all: the others are grey."""
    known, every = _counts(matrix, own)
    return f" (over {known:,} of {every:,} cells, the others are grey)" if known < every else ""


def cells(matrix: CKAMatrix, own: bool) -> str:
    """Of how many cells a mean is, as an entry of a table: ``"9 of 43"``."""
    return "{:,} of {:,}".format(*_counts(matrix, own))


def _counts(matrix: CKAMatrix, own: bool) -> tuple[int, int]:
    size = len(matrix.rows)
    return (matrix.off_diagonal.cells, size * (size - 1)) if own else (matrix.twins_mean.cells, size)


def over_some(floor: CKAMatrix, pairs: Mapping[tuple[str, str], CKAMatrix]) -> str:
    """What a floor over some of the layers can be held against; empty where it is over all.

    Args:
        floor: two dense networks of different seeds.
        pairs: the networks shown, by name.
    """
    some, every = _counts(floor, False)
    if some == every:
        return ""
    told = []
    for (first, second), matrix in pairs.items():
        value, layers = similarity_claims.over_same(floor, matrix)
        if first == "dense" != second and layers:
            told.append(f"{value:.3f} with {network(second)}{'' if layers == some else f' (over {layers} of them)'}")
    text = f"**Do not hold it against means over all layers:** it is over {some} of {every}."
    return text + (
        f" Over these alone the dense network has {look.listed(told)} (no intervals: of these layers alone none are kept)."
        if told
        else ""
    )


def mostly_grey(found: Iterable[CKAMatrix], sample: str, known: Collection[str]) -> str:
    """What to look at instead where most cells are grey because of a few images; empty where they are not, or nothing else is there."""
    grey = np.mean([1 - matrix.supported.mean() for matrix in found])
    if grey < 0.5 or sample == TYPICAL or TYPICAL not in known:
        return ""
    return (
        f"**{grey:.0%} of all cells are grey**: some layers are decided by a few images that lie far from all others, and the rest "
        f"hardly count. **{SAMPLES[TYPICAL]}**, above, leaves these out."
    )


def basis(matrix: CKAMatrix) -> str:
    """What a matrix rests on, how sure its cells are, how many images would be needed."""
    images = matrix.images
    lesions = f" of {images.groups.max() + 1:,} lesions" if images.groups is not None else ""
    text = f"n = {images.n:,} test images{lesions}, the same for both networks, bands by {images.method}."
    known = matrix.supported & (matrix.high > matrix.low)
    if known.any():
        half = (matrix.high - matrix.low)[known] / 2
        text += (
            f" A typical cell is known to ± {sorted(half)[len(half) // 2]:.2f}, the least known to ± {half.max():.2f}; "
            f"± 0.05 everywhere would take about {matrix.needed[known].max():,} images."
        )
    grey = int((~matrix.supported).sum())
    if grey:
        text += f" {grey} cell{' is' if grey == 1 else 's are'} grey: the images cannot support {'it' if grey == 1 else 'them'}."
    return look.together(text)


def make_it(study: str) -> str:
    """The command that stores what is missing."""
    return f"python -m core similarity {study}"


def cannot_compute(entry: Entry) -> WeightsNotHere:
    """Only a network's results are here, and what is asked for takes its weights."""
    return WeightsNotHere(
        "This comparison is not stored, and to compute it takes weights that are not here",
        given=entry.id,
        remedy=f"make the weights again with `python -m core reproduce {entry.id}`, or choose a comparison that is stored",
    )
