"""Opening a file of which nothing is known yet, and saying what is wrong with it."""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from core.errors import CheckpointDamaged, CheckpointNotFound, FileTooLarge, InvalidValue

MAX_BYTES = 1_000_000_000
# JSON expands some twentyfold in Python, so the header is what a hostile file would inflate; ours are below 0.3 MB.
MAX_HEADER = 4_000_000


def as_path(path: str | os.PathLike) -> Path:
    """``path`` with ``~`` expanded where that home exists."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # "~somebody" whom this machine does not know
        return Path(path)
    except TypeError as error:
        raise InvalidValue("This is not a path", given=repr(path)[:300], expected="a text or a Path") from error


@contextmanager
def opened(path: Path, max_bytes: int | None = None) -> Iterator[tuple[BinaryIO, int]]:
    """Yield ``path`` opened for reading, and its size in bytes.

    Raises:
        FileTooLarge: larger than ``max_bytes``, if that is given.
        CheckpointNotFound: nothing is there.
        CheckpointDamaged: a folder, a pipe or a device, an empty file, or one that may not be read.
    """
    try:
        # Opening a pipe would wait for its writer for ever, so the kind is looked at first.
        if not stat.S_ISREG(path.stat().st_mode):
            what = "a folder" if path.is_dir() else "not a file"
            raise CheckpointDamaged(f"{path.name} is {what}", expected="one file", remedy="give the file's own path")
        handle = path.open("rb")
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a zero byte, or no text at all
        raise CheckpointNotFound(f"There is no file {path.name}", given=str(path), remedy="check the path") from error
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise CheckpointNotFound(
                f"There is no file {path.name[:80]}…", given=error.strerror, remedy="check the path"
            ) from error
        raise CheckpointDamaged(
            f"{path.name} cannot be read", given=f"{error.strerror}: {path}", remedy="check who may read this file"
        ) from error
    with handle:
        size = os.fstat(handle.fileno()).st_size
        if size == 0:
            raise damaged(path, "the file is empty")
        if max_bytes is not None and size > max_bytes:
            raise too_large(path.name, size, max_bytes)
        yield handle, size


def kind(start: bytes) -> str:
    """What a file is by its first eight bytes: ``"zip"``, ``"pickle"`` or, if its header may be sane, ``"safetensors"``."""
    if start.startswith(b"PK\x03\x04"):
        return "zip"
    # A header of 640 bytes begins like a pickle, but only a pickle goes on with opcodes where its length has zeros.
    if int.from_bytes(start, "little") > MAX_HEADER and start[:1] == b"\x80" and start[1:2] in b"\x02\x03\x04\x05":
        return "pickle"
    return "safetensors"


def damaged(path: Path, why: str) -> CheckpointDamaged:
    """The error for a file that is not whole: ``why`` is one clause."""
    return CheckpointDamaged(
        f"{path.name} is damaged or no checkpoint", given=why, remedy="fetch or make the file again, or delete it"
    )


def too_large(what: str, size: int, limit: int) -> FileTooLarge:
    """The error for a file, or what it would expand to, of ``size`` bytes where ``limit`` are allowed."""
    return FileTooLarge(
        f"{what} is too large, or would be once unpacked",
        given=f"{size / 1e6:.1f} MB",
        expected=f"at most {limit / 1e6:.0f} MB",
        remedy=f"if you trust it, load it with max_bytes={size}",
    )
