"""Why weights of others do or do not fit an architecture, in full: for a person who has to mend them."""

import os
from dataclasses import dataclass

import torch

from core.checkpoints.architecture import Layout, layout
from core.checkpoints.foreign import of_another_type, read_tensors
from core.checkpoints.opening import MAX_BYTES, as_path
from core.checkpoints.reading import candidates, nearest, other
from core.errors import check_choice
from core.models import ARCHITECTURES


@dataclass(frozen=True)
class Fit:
    """How the tensors of a file compare with those of the nearest variant of an architecture.

    Attributes:
        variant: in words: head, stem, batch norm.
        tensors: how many the file holds.
        missing, unexpected: names.
        shapes: texts such as ``"classifier.weight [10, 512] instead of [7, 512]"``.
        not_finite: names of tensors that hold NaN or infinity, or numbers beyond float32's.
        classes: outputs of the file's last layer; None if it has no such layer.
        expected_classes: outputs that were asked for.
        types: texts such as ``"classifier.weight torch.int64 instead of torch.float32"``.
        other: the architecture that the tensors are of, where it is not the one that was asked for.
        near: whether they are of the one that was asked for, though something differs.
    """

    variant: str
    tensors: int
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[str, ...]
    not_finite: tuple[str, ...]
    classes: int | None
    expected_classes: int
    types: tuple[str, ...] = ()
    other: str | None = None
    near: bool = True

    @property
    def fits(self) -> bool:
        """Whether :func:`core.checkpoints.load_foreign` would take the file."""
        return not (self.missing or self.unexpected or self.shapes or self.types or self.not_finite)


def explain_foreign(
    path: str | os.PathLike, architecture: str, classes: int, *, stem: str = "stock", max_bytes: int = MAX_BYTES
) -> Fit:
    """Compare a file of others' weights with an architecture, without making a network of it.

    Args: as for :func:`core.checkpoints.load_foreign`.

    Raises:
        CheckpointNotFound, CheckpointDamaged, CheckpointMismatch, FileTooLarge, UnsafeFile: it cannot be read at all.
    """
    path = as_path(path)
    check_choice("architecture", architecture, ARCHITECTURES)
    tensors = read_tensors(path, max_bytes)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    reading = nearest(shapes, candidates(architecture, classes, None, stem, None))
    expected, found = layout(reading.architecture), reading.found
    # Only what fits is looked into: of a tensor of another shape nobody knows how large it would be.
    whole = {
        name: reading.tensor(tensors, name) for name in expected if reading.shapes.get(name) == tuple(expected[name])
    }
    types = [name for name, tensor in whole.items() if of_another_type(tensor, expected.dtypes[name])]
    sound = [name for name in whole if name not in types]
    not_finite = [name for name in sound if not torch.isfinite(whole[name].to(expected.dtypes[name])).all()]
    return Fit(
        variant=str(reading.architecture),
        tensors=len(tensors),
        missing=tuple(found.get("missing", ())),
        unexpected=tuple(found.get("unexpected", ())),
        shapes=tuple(found.get("of another shape", ())),
        not_finite=tuple(not_finite),
        classes=_classes(reading.shapes, expected),
        expected_classes=classes,
        types=tuple(f"{name} {whole[name].dtype} instead of {expected.dtypes[name]}" for name in types),
        other=other(shapes, reading),
        near=reading.near,
    )


def _classes(shapes: dict, expected: Layout) -> int | None:
    last = shapes.get(list(expected.layers.values())[-1])
    return int(last[0]) if last else None
