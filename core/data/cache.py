"""Folders of prepared arrays in the cache: written aside, put in place in one step, and checked by size when they are used."""

import errno
import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.errors import StorageFull
from core.files import cache_root, storage_errors, write_text

try:
    import fcntl
except ImportError:  # Windows has none; folders of dead processes stay there
    fcntl = None

T = TypeVar("T")
FORMAT = 3  # of all that is kept in the cache; raise it when a listing or an array would come out differently
_STALE = 86_400  # seconds after which the temporary folder of another process is that of a dead one


def cache_folder(name: str, key: str) -> Path:
    """Where the arrays of data set ``name`` with content ``key`` lie, or will."""
    return cache_root() / name / f"{key}-v{FORMAT}"


def meta(folder: Path) -> dict | None:
    """What :func:`publish` noted of ``folder``; None if it is not there, or a file of it has another size now."""
    with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        noted = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        if all((folder / name).stat().st_size == size for name, size in noted["bytes"].items()):
            return noted
    return None


def once_more(work: Callable[[], T]) -> T:
    """What ``work`` gives, asked a second time if files of the cache went meanwhile: it may be deleted at any time.

    Raises:
        StorageFull: they went again.
    """
    try:
        return work()
    except FileNotFoundError as error:
        if not _is_of_cache(error.filename):
            raise
    try:
        return work()
    except FileNotFoundError as error:
        raise StorageFull(
            "Prepared images were deleted while they were made or opened",
            given=error.filename,
            remedy=f"try again, and let nothing empty {cache_root()} meanwhile",
        ) from error


def gone(folder: Path) -> FileNotFoundError:
    """The error for a folder that was published and is not there, or not whole, any more."""
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(folder))


def _is_of_cache(name) -> bool:
    return isinstance(name, str | os.PathLike) and Path(name).is_relative_to(cache_root())


def publish(folder: Path, write: Callable[[Path], dict], whole: Callable[[Path], dict | None] = meta) -> None:
    """Let ``write`` fill a temporary folder, then rename it in one step; if another process was first, keep its.

    Args:
        folder: where it goes. One that is not whole is replaced.
        write: gets the temporary folder; what it returns (plain values) is kept as ``meta.json``.
        whole: tells a folder that can be used from one that cannot.

    Raises:
        StorageFull: no room, no permission, or a file in the way. Then, and if ``write`` raises, nothing is left behind.
        FileNotFoundError: the cache was deleted meanwhile; see :func:`once_more`.
    """
    with storage_errors(folder):
        make_folder(folder.parent)
        _sweep(folder.parent)
        place = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
        place.mkdir()
        handle = _held(place)
        try:
            noted = write(place)
            noted["bytes"] = {file.name: file.stat().st_size for file in place.iterdir()}
            write_text(place / "meta.json", json.dumps(noted, indent=1))
            if meta(place) is None:
                raise gone(place)
            if folder.exists() and whole(folder) is None:
                # Moved aside first: who has the broken one open keeps it, and nobody sees a folder half removed.
                broken = place.with_suffix(".broken.part")
                with suppress(OSError):
                    folder.rename(broken)
                shutil.rmtree(broken, ignore_errors=True)
            try:
                place.rename(folder)
            except OSError:
                if whole(folder) is None:
                    raise
        finally:
            shutil.rmtree(place, ignore_errors=True)
            if handle is not None:
                os.close(handle)


def write_array(path: Path, dtype: type, shape: tuple[int, ...], rows: Iterable[np.ndarray]) -> None:
    """Write ``rows``, each of ``shape``, one after the other as one ``.npy`` and flush it to the disk.

    Not through a memory map: where the disk is full, that kills the process instead of raising an error.
    """
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype(dtype)), "fortran_order": False}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (0, *shape)})
        number = 0
        for row in rows:
            file.write(np.ascontiguousarray(row, dtype))
            number += 1
        file.seek(0)  # NumPy leaves room in the header for the first dimension to grow
        np.lib.format.write_array_header_1_0(file, {**header, "shape": (number, *shape)})
        file.flush()
        os.fsync(file.fileno())


def make_folder(folder: Path) -> None:
    """Make ``folder`` and those above it.

    Raises:
        StorageFull: one of them is a file, or may not be written to.
    """
    with storage_errors(folder):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise StorageFull(
                f"The folder {folder} cannot be made",
                given=f"a file in its place: {error.filename}",
                expected="a folder",
                remedy="move the file away, or choose another folder (PRUNESCOPE_CACHE, PRUNESCOPE_DATA)",
            ) from error


def _sweep(folder: Path) -> None:
    for old in folder.glob(".*.part"):
        with suppress(OSError):
            # A clock that jumps makes a folder look old that is being written: who writes holds a lock on it.
            if time.time() - old.stat().st_mtime > _STALE and (handle := _held(old)) is not None:
                shutil.rmtree(old, ignore_errors=True)
                os.close(handle)


def _held(folder: Path) -> int | None:
    """A handle that holds the lock of ``folder`` until it is closed; None if another process has it."""
    if fcntl is None:
        return None
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return handle
