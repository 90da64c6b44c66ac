"""Weights of others: plain safetensors, and PyTorch's own files (see :mod:`core.checkpoints.torchfile`)."""

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from core.checkpoints import container, torchfile
from core.checkpoints.architecture import empty, layout
from core.checkpoints.opening import MAX_BYTES, as_path, kind, opened
from core.checkpoints.reading import candidates, check, nearest
from core.checkpoints.seal import KEY
from core.errors import CheckpointDamaged, CheckpointMismatch, UnsafeFile, check_choice
from core.models import ARCHITECTURES, set_normalisation
from core.models.normalisation import IMAGENET_MEAN, IMAGENET_STD

_NESTS = ("state_dict", "model_state_dict", "model", "net", "network", "weights")


def load_foreign(
    path: str | os.PathLike,
    architecture: str,
    classes: int,
    *,
    head: str | None = None,
    stem: str = "stock",
    norm: bool | None = None,
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
    max_bytes: int = MAX_BYTES,
) -> nn.Module:
    """A network with the weights of a file that PruneScope did not write.

    Takes a ``state_dict`` in safetensors, or in a ``.pt`` or ``.pth`` file of PyTorch 1.6 or later, alone or under a name such as
    ``"state_dict"``, with or without a prefix such as ``"module."`` or ``"model."`` before the names, with the two halves that
    ``torch.nn.utils.prune`` makes of a weight, under the names of older DenseNets, or with the last layer in a Sequential.

    Args:
        path: the file. Its content decides how it is read, not its name.
        architecture: ``"vgg16"`` or ``"densenet169"``.
        classes: number of outputs.
        head, norm: as in :func:`core.models.build`; told from the shapes in the file unless given.
        stem: as in :func:`core.models.build`; it leaves no trace in a file.
        mean, std: of the images in [0, 1] that the network was trained with; by default those that
            :func:`core.checkpoints.export_state_dict` left in the file, else ImageNet's.
        max_bytes: the most that the file may take, on disk and expanded.

    Returns:
        The network on the processor, float32, in evaluation mode.

    Raises:
        CheckpointNotFound: nothing is there.
        CheckpointDamaged: truncated, no weights file, or NaN or infinity among the weights.
        CheckpointMismatch: names or shapes differ from the architecture's (the first few are named), or the file is a
            checkpoint of PruneScope.
        FileTooLarge: more than ``max_bytes``.
        UnsafeFile: it could run code, or is of the format before PyTorch 1.6.
    """
    path = as_path(path)
    check_choice("architecture", architecture, ARCHITECTURES)
    known = candidates(architecture, classes, head, stem, norm)
    tensors, metadata = _read(path, max_bytes)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    reading = nearest(shapes, known)
    check(shapes, reading, path.name)
    expected = layout(reading.architecture)
    state = {}
    for name, shape in expected.items():
        # Only counters of batch norm may be missing by now.
        tensor = reading.tensor(tensors, name) if name in reading.sources else torch.zeros(shape, dtype=torch.int64)
        state[name] = _convert(tensor, expected.dtypes[name], name, path)
    model = empty(reading.architecture)
    model.load_state_dict(state, assign=True)
    noted = _normalisation(metadata)
    mean, std = (given if given is not None else own for given, own in zip((mean, std), noted, strict=True))
    return set_normalisation(model, mean, std).eval()


def read_tensors(path: Path, max_bytes: int = MAX_BYTES) -> dict[str, Tensor]:
    """The tensors of a file of others, as it calls them. Errors as for :func:`load_foreign`, which also compares them."""
    return _read(path, max_bytes)[0]


def _read(path: Path, max_bytes: int) -> tuple[dict[str, Tensor], Mapping[str, str]]:
    with opened(path, max_bytes) as (handle, size):
        what = kind(handle.read(8))
        handle.seek(0)
        if what == "zip":
            return _state_dict(torchfile.read(handle, size, path, max_bytes), path), {}
        if what == "pickle":
            raise UnsafeFile(
                f"{path.name} is a bare pickle (the format before PyTorch 1.6), which could run code; it was not opened",
                remedy=torchfile.RESAVE,
            )
        header = container.read_header(handle, size, path)
        if KEY in header.metadata:
            raise CheckpointMismatch(
                f"{path.name} is a checkpoint of PruneScope",
                remedy="open it with core.checkpoints.load, or take it home as a plain state_dict and bring that",
            )
        return container.read_data(handle, header, path), header.metadata


def _normalisation(metadata: Mapping[str, str]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std as an export of ours keeps them. Others may mean something else by these keys, and then it is ImageNet's."""
    found = []
    for key, least in (("mean", -math.inf), ("std", 0.0)):
        try:
            values = json.loads(metadata.get(key, "null"))
        except (ValueError, RecursionError):
            values = None
        fine = isinstance(values, list) and len(values) == 3
        if not fine or not all(type(value) in (int, float) and least < value < 1e6 for value in values):
            return IMAGENET_MEAN, IMAGENET_STD
        found.append(tuple(map(float, values)))
    return found[0], found[1]


def _state_dict(value, path: Path) -> dict[str, Tensor]:
    for key in _NESTS:
        if isinstance(value, Mapping) and isinstance(value.get(key), Mapping):
            value = value[key]
    if isinstance(value, Mapping):
        # Under a name of its own, beside an optimiser's state or a number of epochs: then it is the only one.
        inner = [one for one in value.values() if isinstance(one, Mapping) and one and all(map(_plain, one.values()))]
        value = inner[0] if len(inner) == 1 and not any(map(_plain, value.values())) else value
    tensors = dict(value) if isinstance(value, Mapping) else {}
    if not tensors or not all(isinstance(name, str) and _plain(tensor) for name, tensor in tensors.items()):
        raise CheckpointMismatch(
            f"{path.name} holds no state_dict",
            given=f"keys {', '.join(map(_shown, tensors))[:200]}" if tensors else type(value).__name__,
            expected="a dict of dense tensors by name, alone or under 'state_dict'",
            remedy="save model.state_dict()",
        )
    return tensors


def _shown(key) -> str:
    # Keys may be anything that can be hashed; Python refuses to write out a number of five thousand digits.
    return repr(key) if isinstance(key, str) else type(key).__name__


def _plain(tensor) -> bool:
    return (
        isinstance(tensor, Tensor) and tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_meta
    )


def of_another_type(tensor: Tensor, dtype: torch.dtype) -> bool:
    """Whether ``tensor`` cannot become ``dtype``: whole numbers for weights, fractions for a counter, or complex ones."""
    return tensor.is_floating_point() != dtype.is_floating_point or tensor.is_complex()


def _convert(tensor: Tensor, dtype: torch.dtype, name: str, path: Path) -> Tensor:
    if of_another_type(tensor, dtype):
        raise CheckpointMismatch(f"{name} of {path.name} is of another type", given=tensor.dtype, expected=dtype)
    converted = tensor.detach().to(dtype, copy=True, memory_format=torch.contiguous_format)
    if not torch.isfinite(converted).all():
        raise CheckpointDamaged(
            f"{name} of {path.name} holds NaN or infinity",
            expected="finite float32 numbers",
            remedy="its training diverged: take an earlier save of it",
        )
    return converted
