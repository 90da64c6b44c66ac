"""What ``torch.save`` wrote, read only once it is sure that it neither runs code nor explodes.

``torch.load(weights_only=True)`` runs no code, but it unpacks what it is given: 190 KB of zip became 190 MB of memory,
and one pickled call of ``bytearray`` takes any amount. So the zip's list of members and every opcode of its pickle are
checked first. And torch reads zips with a reader of its own, which finds the list of members by another way than Python's
does: one file can be two zips. So torch never sees the file, but a zip in memory of exactly the members that were checked.
"""

import io
import pickletools
import re
import shutil
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import torch

from core.checkpoints.opening import damaged, too_large
from core.errors import UnsafeFile

RESAVE = "open it where you trust it and save only its state_dict with safetensors.torch.save_file"
# A DenseNet169 with its optimiser's state has 0.3 MB of pickle, 0.16 MB of list and 2545 members. An opcode of one byte
# can make an object of two hundred, and an entry of the list one of a thousand.
_MAX_PICKLE = 1_000_000
_MAX_DIRECTORY = 1_000_000
_MAX_NESTING = 50  # tuples in tuples; Python's own hash of a deeper one ends the process
# What torch.save writes for a dict of tensors, and nothing that takes memory or runs code.
_HARMLESS = re.compile(
    r"collections OrderedDict|torch Size|torch [A-Z]\w*Storage|torch\._utils _rebuild_(tensor_v2|parameter)"
)
_CALLS_BY_STACK = {"STACK_GLOBAL", "INST", "OBJ", "EXT1", "EXT2", "EXT4"}
_PUTS, _GETS = {"PUT", "BINPUT", "LONG_BINPUT"}, {"GET", "BINGET", "LONG_BINGET"}
_PICKLE = "/data.pkl"
_READ_BY_TORCH = re.compile(r"version|\.data/version|byteorder|data/[\w.-]+", re.ASCII)
_END, _LOCATOR_64, _END_64 = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06"
_END_LENGTH, _LOCATOR_LENGTH, _END_64_LENGTH = 22, 20, 56


def read(handle: BinaryIO, size: int, path: Path, max_bytes: int):
    """The object in a file of ``torch.save``; its tensors are on the processor.

    Args:
        handle: the file.
        size: its size in bytes.
        path: its name, for messages.
        max_bytes: the most that it may expand to.

    Raises:
        CheckpointDamaged: truncated, or torch cannot read it.
        FileTooLarge: more than ``max_bytes``.
        UnsafeFile: it could run code or take any amount of memory, or is not as ``torch.save`` writes.
    """
    _check_directory(handle, size, path)
    try:
        with zipfile.ZipFile(handle) as archive:
            content = _screened(archive, size, path, max_bytes)
    # zipfile lets many kinds of error through when the bytes are wrong, and so does a pickle; all mean the same.
    except (zipfile.BadZipFile, zlib.error, OSError, LookupError, ValueError, EOFError, RuntimeError) as error:
        raise damaged(path, f"the zip cannot be read ({error})") from error
    try:
        return torch.load(content, map_location="cpu", weights_only=True)
    # torch raises RuntimeError, UnpicklingError, KeyError, TypeError … for wrong bytes, with no class of its own.
    except Exception as error:
        why = (str(error).splitlines() or [type(error).__name__])[0]
        raise damaged(path, f"PyTorch cannot read it ({why[:200]})") from error


def _check_directory(handle: BinaryIO, size: int, path: Path) -> None:
    """Bound the list of members before an object is made of each, and refuse a list that another reader looks for elsewhere."""
    handle.seek(max(0, size - _END_LENGTH - _LOCATOR_LENGTH - _END_64_LENGTH))
    tail = handle.read()
    end, before = tail[-_END_LENGTH:], tail[:-_END_LENGTH]
    if len(end) < _END_LENGTH or end[:4] != _END or end[-2:] != b"\0\0":
        raise damaged(path, "the zip does not end as PyTorch ends it")
    length, offset = struct.unpack("<2L", end[12:20])
    stop, agree = size - _END_LENGTH, True
    locator = before[-_LOCATOR_LENGTH:]
    if locator[:4] == _LOCATOR_64:
        stop -= _LOCATOR_LENGTH + _END_64_LENGTH
        record = before[:-_LOCATOR_LENGTH]
        if len(record) != _END_64_LENGTH or record[:4] != _END_64:
            raise damaged(path, "the zip does not end as PyTorch ends it")
        wide = struct.unpack("<2Q", record[40:56])
        agree = all(one in (other, 0xFFFFFFFF) for one, other in zip((length, offset), wide, strict=True))
        agree = agree and int.from_bytes(locator[8:16], "little") == stop
        length, offset = wide
    if not agree or offset + length != stop:
        raise _foreign(path, "a list of members that two programs would look for in two places; it was not unpacked")
    if length > _MAX_DIRECTORY:
        raise _foreign(path, f"a list of members of {length / 1e6:.1f} MB; it was not unpacked")
    handle.seek(0)


def _screened(archive: zipfile.ZipFile, size: int, path: Path, max_bytes: int) -> io.BytesIO:
    """A zip in memory of what torch needs of ``archive``, once nothing of it can do harm."""
    members = archive.infolist()
    total = sum(member.file_size for member in members)
    if total > max_bytes:
        raise too_large(path.name, total, max_bytes)
    names = [member.filename for member in members]
    pickles = [member for member in members if member.filename.endswith(".pkl")]
    # torch.save never compresses, so a compressed member is a trap, or the work of some other program.
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members) or total > size
    if packed or len(set(names)) != len(names):
        raise _foreign(path, "compressed or doubled members in the zip; it was not unpacked")
    if len(pickles) != 1 or not pickles[0].filename.endswith(_PICKLE):
        raise UnsafeFile(
            f"{path.name} is a zip but no file of weights", given=", ".join(names[:3])[:200], remedy=RESAVE
        )
    if pickles[0].file_size > _MAX_PICKLE:
        raise UnsafeFile(
            f"The pickle in {path.name} is too long for a dict of tensors",
            given=f"{pickles[0].file_size / 1e6:.1f} MB",
            expected=f"at most {_MAX_PICKLE / 1e6:.0f} MB",
            remedy=RESAVE,
        )
    pickle = archive.read(pickles[0])
    _check_pickle(pickle, path)
    target, folder = io.BytesIO(), pickles[0].filename.removesuffix(_PICKLE) + "/"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as own:
        own.writestr("archive" + _PICKLE, pickle)
        for member in members:
            name = member.filename.removeprefix(folder)
            if member.filename.startswith(folder) and _READ_BY_TORCH.fullmatch(name):
                _copy(archive, member, own, f"archive/{name}")
    target.seek(0)
    return target


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, own: zipfile.ZipFile, name: str) -> None:
    info = zipfile.ZipInfo(name)
    info.file_size = member.file_size  # tells zipfile whether 32 bits are enough
    # In pieces: one layer may be most of the file.
    with archive.open(member) as source, own.open(info, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def _check_pickle(pickle: bytes, path: Path) -> None:
    """Refuse calls and tuples deep in tuples, following how deep each object on the unpickler's stack is."""
    stack, memo = [], {}
    for opcode, argument, _ in pickletools.genops(pickle):
        name = opcode.name
        called = str(argument) if name == "GLOBAL" else name
        if (name == "GLOBAL" and not _HARMLESS.fullmatch(called)) or name in _CALLS_BY_STACK:
            raise UnsafeFile(
                f"{path.name} holds more than weights, and opening it could run code; it was not opened",
                given=f"a call of {called.replace(' ', '.')[:100]}",
                expected="a dict of tensors",
                remedy=RESAVE,
            )
        if name == "MARK":
            stack.append(None)
        elif name in _GETS:
            stack.append(memo[int(argument)])
        elif name in _PUTS or name == "MEMOIZE":
            memo[len(memo) if name == "MEMOIZE" else int(argument)] = stack[-1] or 0
        else:
            depth = _taken(stack, opcode) + name.startswith("TUPLE")
            if depth > _MAX_NESTING:
                raise _foreign(path, f"tuples {depth} deep in tuples; it was not opened")
            stack += [depth] * len(opcode.stack_after)


def _taken(stack: list, opcode) -> int:
    """Take from ``stack`` what ``opcode`` takes, and return how deep the deepest of it is."""
    deepest, singles = 0, len(opcode.stack_before)
    if pickletools.markobject in opcode.stack_before:
        singles = opcode.stack_before.index(pickletools.markobject)
        while (depth := stack.pop()) is not None:
            deepest = max(deepest, depth)
    return max([deepest, *(stack.pop() or 0 for _ in range(singles))])


def _foreign(path: Path, what: str) -> UnsafeFile:
    return UnsafeFile(f"{path.name} is not as PyTorch writes it", given=what, remedy=RESAVE)
