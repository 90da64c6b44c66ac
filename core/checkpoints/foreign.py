"""Weights of others: plain safetensors, and PyTorch's own files once it is sure that they neither run code nor explode.

``torch.load(weights_only=True)`` runs no code, but it unpacks what it is given: 190 KB of zip became 190 MB of memory,
and one pickled call of ``bytearray`` takes any amount. So the zip's directory and every name in its pickle are checked
before torch sees the file.
"""

import os
import pickletools
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor, nn

from core.checkpoints import container
from core.checkpoints.architecture import Architecture, check_fit, differences, empty, layout
from core.checkpoints.opening import MAX_BYTES, as_path, damaged, kind, opened, too_large
from core.checkpoints.seal import KEY
from core.errors import CheckpointDamaged, CheckpointMismatch, InvalidValue, UnsafeFile, check_choice
from core.models import ARCHITECTURES, HEADS, set_normalisation
from core.models.normalisation import IMAGENET_MEAN, IMAGENET_STD

_MAX_PICKLE = 16_000_000
# What torch.save writes for a dict of tensors, and nothing that takes memory or runs code.
_HARMLESS = re.compile(
    r"collections OrderedDict|torch Size|torch [A-Z]\w*Storage|torch\.storage UntypedStorage"
    r"|torch\._utils _rebuild_(tensor_v2|parameter)"
)
_CALLS_BY_STACK = {"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"}
_NESTS = ("state_dict", "model_state_dict", "model")
_RESAVE = "open it where you trust it and save only its state_dict with safetensors.torch.save_file"


def load_foreign(
    path: str | os.PathLike,
    architecture: str,
    classes: int,
    *,
    head: str | None = None,
    stem: str = "stock",
    norm: bool | None = None,
    mean: tuple[float, float, float] = IMAGENET_MEAN,
    std: tuple[float, float, float] = IMAGENET_STD,
    max_bytes: int = MAX_BYTES,
) -> nn.Module:
    """A network with the weights of a file that PruneScope did not write.

    Takes a ``state_dict`` in safetensors, or in a ``.pt`` or ``.pth`` file of PyTorch 1.6 or later, alone or under
    ``"state_dict"``, with or without ``"module."`` before each name.

    Args:
        path: the file. Its content decides how it is read, not its name.
        architecture: ``"vgg16"`` or ``"densenet169"``.
        classes: number of outputs.
        head, norm: as in :func:`core.models.build`; told from the shapes in the file unless given.
        stem: as in :func:`core.models.build`; it leaves no trace in a file.
        mean, std: of the images in [0, 1] that the network was trained with; ImageNet's by default.
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
    tensors = read_tensors(path, max_bytes)
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    fitting = min(known, key=lambda candidate: sum(map(len, differences(shapes, layout(candidate)).values())))
    expected = layout(fitting)
    # Files from before PyTorch 0.4.1 lack these counters, and nothing that we compute reads them.
    for name, shape in expected.items():
        if name.endswith(".num_batches_tracked") and name not in tensors:
            tensors[name], shapes[name] = torch.zeros(shape, dtype=torch.int64), tuple(shape)
    check_fit(shapes, fitting, path.name)
    state = {name: _convert(tensors[name], expected.dtypes[name], name, path) for name in expected}
    model = empty(fitting)
    model.load_state_dict(state, assign=True)
    return set_normalisation(model, mean, std).eval()


def read_tensors(path: Path, max_bytes: int = MAX_BYTES) -> dict[str, Tensor]:
    """The tensors of a file of others by name. Errors as for :func:`load_foreign`, which also compares them."""
    return _strip_prefix(_read(path, max_bytes))


def candidates(name: str, classes: int, head: str | None, stem: str, norm: bool | None) -> list[Architecture]:
    """The variants of an architecture that exist with this head and norm, each of them if it is None.

    Raises:
        InvalidValue: none does.
    """
    found = []
    for one_head in HEADS if head is None else (head,):
        for one_norm in (True, False) if norm is None else (norm,):
            candidate = Architecture(name, classes, one_head, stem, one_norm)
            try:
                layout(candidate)
            except InvalidValue:
                if head is not None and norm is not None:
                    raise
                continue
            found.append(candidate)
    if not found:
        raise InvalidValue(f"{name} does not exist with this head, stem and norm", given=f"{head}, {stem}, {norm}")
    return found


def _read(path: Path, max_bytes: int) -> dict[str, Tensor]:
    with opened(path, max_bytes) as (handle, size):
        what = kind(handle.read(8))
        handle.seek(0)
        if what == "zip":
            _check_zip(handle, size, path, max_bytes)
            return _state_dict(_torch_load(handle, path), path)
        if what == "pickle":
            raise UnsafeFile(
                f"{path.name} is a bare pickle (the format before PyTorch 1.6), which could run code; it was not opened",
                remedy=_RESAVE,
            )
        header = container.read_header(handle, size, path)
        if KEY in header.metadata:
            raise CheckpointMismatch(
                f"{path.name} is a checkpoint of PruneScope", remedy="open it with core.checkpoints.load"
            )
        return container.read_data(handle, header, path)


def _check_zip(handle: BinaryIO, size: int, path: Path, max_bytes: int) -> None:
    try:
        with zipfile.ZipFile(handle) as archive:
            members = archive.infolist()
            total = sum(member.file_size for member in members)
            if total > max_bytes:
                raise too_large(path.name, total, max_bytes)
            names = [member.filename for member in members]
            pickles = [member for member in members if member.filename.endswith(".pkl")]
            # torch.save never compresses, so a compressed member is a trap, or the work of some other program.
            packed = any(member.compress_type != zipfile.ZIP_STORED for member in members) or total > size
            if packed or len(set(names)) != len(names):
                raise UnsafeFile(
                    f"{path.name} is not as PyTorch writes it",
                    given="compressed or doubled members in the zip; it was not unpacked",
                    remedy=_RESAVE,
                )
            if len(pickles) != 1 or not pickles[0].filename.endswith("/data.pkl"):
                raise UnsafeFile(
                    f"{path.name} is a zip but no file of weights", given=", ".join(names[:3])[:200], remedy=_RESAVE
                )
            if pickles[0].file_size > _MAX_PICKLE:
                raise UnsafeFile(
                    f"The pickle in {path.name} is too long for a dict of tensors",
                    given=f"{pickles[0].file_size / 1e6:.1f} MB",
                    expected=f"at most {_MAX_PICKLE / 1e6:.0f} MB",
                    remedy=_RESAVE,
                )
            _check_pickle(archive.read(pickles[0]), path)
    # zipfile lets many kinds of error through when the bytes are wrong; all mean the same.
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise damaged(path, f"the zip cannot be read ({error})") from error
    handle.seek(0)


def _check_pickle(pickle: bytes, path: Path) -> None:
    for opcode, argument, _ in pickletools.genops(pickle):
        name = str(argument) if opcode.name == "GLOBAL" else opcode.name
        if (opcode.name == "GLOBAL" and not _HARMLESS.fullmatch(name)) or opcode.name in _CALLS_BY_STACK:
            raise UnsafeFile(
                f"{path.name} holds more than weights, and opening it could run code; it was not opened",
                given=f"a call of {name.replace(' ', '.')[:100]}",
                expected="a dict of tensors",
                remedy=_RESAVE,
            )


def _torch_load(handle: BinaryIO, path: Path):
    try:
        return torch.load(handle, map_location="cpu", weights_only=True)
    # torch raises RuntimeError, UnpicklingError, KeyError, TypeError … for wrong bytes, with no class of its own.
    except Exception as error:
        raise damaged(path, f"PyTorch cannot read it ({str(error).splitlines()[0][:200]})") from error


def _state_dict(value, path: Path) -> dict[str, Tensor]:
    for key in _NESTS:
        if isinstance(value, Mapping) and isinstance(value.get(key), Mapping):
            value = value[key]
    tensors = dict(value) if isinstance(value, Mapping) else {}
    if not tensors or not all(isinstance(name, str) and _plain(tensor) for name, tensor in tensors.items()):
        raise CheckpointMismatch(
            f"{path.name} holds no state_dict",
            given=f"keys {', '.join(map(repr, tensors))[:200]}" if tensors else type(value).__name__,
            expected="a dict of dense tensors by name, alone or under 'state_dict'",
            remedy="save model.state_dict()",
        )
    return tensors


def _plain(tensor) -> bool:
    return (
        isinstance(tensor, Tensor) and tensor.layout == torch.strided and not tensor.is_quantized and not tensor.is_meta
    )


def _strip_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    # nn.DataParallel puts this before every name.
    prefix = "module." if all(name.startswith("module.") for name in tensors) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def _convert(tensor: Tensor, dtype: torch.dtype, name: str, path: Path) -> Tensor:
    if tensor.is_floating_point() != dtype.is_floating_point or tensor.is_complex():
        raise CheckpointMismatch(f"{name} of {path.name} is of another type", given=tensor.dtype, expected=dtype)
    converted = tensor.detach().to(dtype, copy=True, memory_format=torch.contiguous_format)
    if not torch.isfinite(converted).all():
        raise CheckpointDamaged(
            f"{name} of {path.name} holds NaN or infinity",
            expected="finite float32 numbers",
            remedy="its training diverged: take an earlier save of it",
        )
    return converted
