"""Writing files so that a crash never leaves half of one, and finding the folders that PruneScope uses."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import StorageFull

PROJECT = Path(__file__).resolve().parent.parent


def data_root(root: str | os.PathLike | None = None) -> Path:
    """Where data sets are looked for: ``root``, else ``PRUNESCOPE_DATA``, else ``data/`` of the project."""
    return Path(root or os.environ.get("PRUNESCOPE_DATA") or PROJECT / "data").expanduser()


def cache_root() -> Path:
    """Where prepared arrays lie: ``PRUNESCOPE_CACHE``, else ``~/.cache/prunescope``. Safe to delete at any time."""
    return Path(os.environ.get("PRUNESCOPE_CACHE") or Path.home() / ".cache" / "prunescope").expanduser()


def checkpoint_root() -> Path:
    """Where checkpoints ship and are saved: ``PRUNESCOPE_CHECKPOINTS``, else ``checkpoints/`` of the project."""
    return Path(os.environ.get("PRUNESCOPE_CHECKPOINTS") or PROJECT / "checkpoints").expanduser()


def runs_root() -> Path:
    """Where runs keep their state between epochs: ``PRUNESCOPE_RUNS``, else ``runs/`` of the project."""
    return Path(os.environ.get("PRUNESCOPE_RUNS") or PROJECT / "runs").expanduser()


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn "disk full", "read only", "no permission" and "a file is where a folder should be" into :class:`StorageFull`, naming ``path``."""
    try:
        yield
    except OSError as error:
        if isinstance(error, StorageFull) or error.errno not in {
            errno.ENOSPC,
            errno.EDQUOT,
            errno.EFBIG,  # more than this process may write into one file
            errno.EROFS,
            errno.EACCES,
            errno.EPERM,
            errno.ENOTDIR,
            errno.EEXIST,
        }:
            raise
        raise StorageFull(
            f"Could not write {path.name}",
            given=f"{error.strerror} in {path.parent}",
            remedy="free some room or choose a folder that you may write to; nothing was changed",
        ) from error


def check_space(folder: Path, size: int) -> None:
    """Raise :class:`StorageFull` unless ``folder`` (or its nearest parent that exists) has ``size`` bytes free, and 5% more."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < size * 1.05:
        raise StorageFull(
            f"There is no room in {folder}",
            given=f"{free / 1e6:.0f} MB free",
            expected=f"{size * 1.05 / 1e6:.0f} MB",
            remedy="free some room, or point PRUNESCOPE_CACHE, PRUNESCOPE_RUNS or PRUNESCOPE_CHECKPOINTS elsewhere",
        )


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success flush it to disk and rename it over ``path`` in one step.

    A reader sees the old file or the new one, never a part, even after kill -9 or a power cut. If the body raises,
    the temporary file is removed and ``path`` stays as it was.

    Raises:
        StorageFull: no room, or no permission to write.
    """
    path = Path(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".tmp", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        try:
            yield temporary
            _flush(temporary)
            # mkstemp makes private files; a checkpoint is read by whoever may read its folder.
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
            _flush(path.parent)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


def write_text(path: str | os.PathLike, text: str) -> None:
    """Write ``text`` to ``path`` in one step (see :func:`atomic_path`)."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _flush(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows cannot open a folder for flushing
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
