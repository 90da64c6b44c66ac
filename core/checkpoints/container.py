"""The safetensors container, read with distrust: the header is checked in full before anything is allocated.

A file is eight bytes with the length of the header (little-endian), the header in JSON (tensor name -> dtype, shape
and the range of its bytes; ``__metadata__`` -> text), and the bytes of all tensors one after the other.
"""

import json
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import torch
from torch import Tensor

from core.checkpoints.opening import MAX_HEADER, damaged, kind
from core.errors import FileTooLarge, UnsafeFile
from core.files import atomic_path, check_space

SUFFIX = ".safetensors"
DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
# How a header of ours begins and ends.
_FIRST_ENTRY = b'{"__metadata__":'
_LAST_ENTRY = re.compile(rb'"data_offsets":\[\d{1,15},(\d{1,15})\]\}\} *\Z')
_RESAVE = "if it holds weights in PyTorch's own format, bring them with `python -m core bring weights FILE`, or in Python with core.checkpoints.load_foreign"


class Spec(NamedTuple):
    """A tensor in a container: where it lies among the data, from byte ``start`` up to ``stop``."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int

    def as_json(self) -> dict:
        """This tensor's entry in the header."""
        return {"dtype": self.dtype, "shape": list(self.shape), "data_offsets": [self.start, self.stop]}


@dataclass(frozen=True)
class Header:
    """What a container says of itself: text by key, tensors by name, and at which byte of the file the data begins."""

    metadata: dict[str, str]
    tensors: dict[str, Spec]
    data_start: int
    file_size: int


def plan(tensors: Mapping[str, Tensor]) -> dict[str, Spec]:
    """Where each of ``tensors`` will lie: wide types first so that all are aligned, then by name, so that bytes repeat."""
    specs, place = {}, 0
    for name in sorted(tensors, key=lambda name: (-tensors[name].element_size(), name)):
        tensor = tensors[name]
        specs[name] = Spec(_NAMES[tensor.dtype], tuple(tensor.shape), place, place + tensor.nbytes)
        place += tensor.nbytes
    return specs


def as_bytes(tensor: Tensor) -> memoryview:
    """The bytes of a contiguous tensor on the processor, not copied."""
    return memoryview(tensor.detach().reshape(-1).view(torch.uint8).numpy())


def encoded_header(specs: Mapping[str, Spec], metadata: Mapping[str, str]) -> bytes:
    """The header in JSON, padded so that the data after it are aligned."""
    entries = {"__metadata__": dict(metadata)} | {name: spec.as_json() for name, spec in specs.items()}
    header = json.dumps(entries, separators=(",", ":")).encode()
    return header + b" " * (-len(header) % 8)


def size_of(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> int:
    """Bytes of the file that :func:`write` would make."""
    header = encoded_header(plan(tensors), metadata)
    return 8 + len(header) + sum(tensor.nbytes for tensor in tensors.values())


def write(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> int:
    """Write a container in one step and return its size in bytes.

    Args:
        path: where; folders above it are made.
        tensors: contiguous tensors on the processor.
        metadata: text by key.

    Raises:
        StorageFull: no room or no permission; an older file stays as it was.
        FileTooLarge: the metadata is larger than a reader would accept.
    """
    specs = plan(tensors)
    header = encoded_header(specs, metadata)
    if len(header) > MAX_HEADER:
        raise FileTooLarge(
            f"The card of {path.name} is too long",
            given=f"{len(header) / 1e6:.1f} MB",
            expected=f"at most {MAX_HEADER / 1e6:.0f} MB",
            remedy="keep less in its history, metrics or notes",
        )
    size = 8 + len(header) + sum(tensor.nbytes for tensor in tensors.values())
    check_space(path.parent, size)
    with atomic_path(path) as temporary, temporary.open("wb") as handle:
        handle.write(len(header).to_bytes(8, "little"))
        handle.write(header)
        for name in specs:
            handle.write(as_bytes(tensors[name]))
    return size


def read_header(handle: BinaryIO, size: int, path: Path) -> Header:
    """Read and check the header: every offset inside the file, no gaps, no overlaps, sizes that agree with shapes.

    Args:
        handle: the file, at its beginning.
        size: its size in bytes.
        path: its name, for messages.

    Raises:
        CheckpointDamaged: truncated, or not a safetensors file.
        UnsafeFile: a pickle or a zip under another name.
    """
    start = handle.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > min(MAX_HEADER, size - 8):
        what = {"zip": "a zip file", "pickle": "a pickle, which could run code; it was not opened"}.get(kind(start))
        if what:
            raise UnsafeFile(f"{path.name} is {what}", expected="safetensors", remedy=_RESAVE)
        if len(start) == 8 and length <= MAX_HEADER:
            raise damaged(path, f"it ends within its header, after {size} bytes")
        raise damaged(path, "it does not begin as a safetensors file does")
    text = handle.read(length)
    if len(text) != length:
        raise damaged(path, "it ends within its header")
    try:
        entries = json.loads(text.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_each_once)
        if not isinstance(entries, dict):
            raise ValueError("its header is not a table")
        metadata = _checked_metadata(entries.pop("__metadata__", {}))
        tensors = {name: _spec(name, entry) for name, entry in entries.items()}
        _check_ranges(tensors, size - 8 - length)
    except (ValueError, RecursionError) as error:
        raise damaged(path, str(error)) from error
    return Header(metadata, tensors, 8 + length, size)


def read_metadata(handle: BinaryIO, size: int, path: Path) -> dict[str, str]:
    """The metadata alone, for lists: tens of times as fast for a DenseNet, whose header names a thousand tensors.

    That the file is as long as its header says is seen; the tensors between are looked at only when it is loaded.

    Raises:
        CheckpointDamaged, UnsafeFile: as :func:`read_header`, which also reads what we did not write.
    """
    length = int.from_bytes(handle.read(8), "little")
    if length <= min(MAX_HEADER, size - 8):
        text = handle.read(length)
        last = _LAST_ENTRY.search(text[-200:])
        if text.startswith(_FIRST_ENTRY) and last and int(last[1]) == size - 8 - length:
            with suppress(ValueError, RecursionError):
                whole = text.decode("utf-8")
                metadata, stop = json.JSONDecoder(object_pairs_hook=_each_once).raw_decode(whole, len(_FIRST_ENTRY))
                # A second card would be the one that is loaded; our own names of tensors need no escapes to hide it.
                if "__metadata__" not in whole[stop:] and "\\" not in whole[stop:]:
                    return _checked_metadata(metadata)
    handle.seek(0)
    return read_header(handle, size, path).metadata


def read_data(handle: BinaryIO, header: Header, path: Path) -> dict[str, Tensor]:
    """The tensors of a container by name, as views of one fresh piece of memory.

    Raises:
        CheckpointDamaged: the file became shorter since its header was read.
    """
    # Read, not memory-mapped: a file that another process truncates would kill this one with SIGBUS.
    data = np.empty(header.file_size - header.data_start, dtype=np.uint8)
    handle.seek(header.data_start)
    if handle.readinto(memoryview(data)) != len(data):
        raise damaged(path, "it ends within its tensors")
    whole = torch.from_numpy(data)
    # Bytes may begin anywhere in the files of others, and torch wants wide types aligned.
    pieces = {name: whole[spec.start : spec.stop] for name, spec in header.tensors.items()}
    return {
        name: (piece if not piece.storage_offset() % DTYPES[spec.dtype].itemsize else piece.clone())
        .view(DTYPES[spec.dtype])
        .view(spec.shape)
        for (name, piece), spec in zip(pieces.items(), header.tensors.values(), strict=True)
    }


def _checked_metadata(metadata) -> dict[str, str]:
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("its metadata is not text")
    return metadata


def _each_once(pairs: list[tuple]) -> dict:
    table = dict(pairs)
    if len(table) != len(pairs):
        raise ValueError("its header holds a key twice")
    return table


def _no_constant(name: str):
    raise ValueError(f"its header holds {name}")


def _spec(name: str, entry) -> Spec:
    # A DenseNet has more than a thousand of these; matching patterns would take four times as long.
    if type(entry) is not dict or entry.keys() != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"the entry of tensor {name[:80]} is malformed")
    dtype, shape, offsets = entry["dtype"], entry["shape"], entry["data_offsets"]
    if type(shape) is not list or type(offsets) is not list or len(shape) > 8 or len(offsets) != 2:
        raise ValueError(f"the entry of tensor {name[:80]} is malformed")
    for number in (*shape, *offsets):
        # bool is an int to Python, and an offset of True is not what a sane writer leaves.
        if type(number) is not int or not 0 <= number < 2**48:
            raise ValueError(f"a size or an offset of tensor {name[:80]} is no sensible number")
    if type(dtype) is not str or dtype not in DTYPES:
        raise ValueError(f"tensor {name[:80]} has the unknown type {str(dtype)[:20]}")
    if math.prod(shape) * DTYPES[dtype].itemsize != offsets[1] - offsets[0]:
        raise ValueError(f"the size of tensor {name[:80]} does not agree with its shape")
    return Spec(dtype, tuple(shape), offsets[0], offsets[1])


def _check_ranges(tensors: Mapping[str, Spec], size: int) -> None:
    place = 0
    for start, stop in sorted((spec.start, spec.stop) for spec in tensors.values()):
        if start != place:
            raise ValueError("its tensors overlap or leave gaps")
        place = stop
    if place != size:
        raise ValueError(f"it has {size} bytes of tensors where its header says {place}")
