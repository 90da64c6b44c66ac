"""Writing files so that a crash never leaves half of one, and finding the folders that PruneScope uses."""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from core.errors import InvalidValue, StorageFull

PROJECT = Path(__file__).resolve().parent.parent
_PROBE = 8192  # bytes: what a record or the turns of the queue take, and a page of the disk
_OTHER_PLACE = "free some room or choose a folder that you may write to"
_OTHER_NAME = "choose another name for the file, short and not that of a folder"


def data_root(root: str | os.PathLike | None = None) -> Path:
    """Where data sets are looked for: ``root``, else ``PRUNESCOPE_DATA``, else ``data/`` of the project.

    Raises:
        InvalidValue: it begins with the name of a user who does not exist, as for all of these folders.
    """
    return _home_written_out(root or os.environ.get("PRUNESCOPE_DATA") or PROJECT / "data", "PRUNESCOPE_DATA")


def cache_root() -> Path:
    """Where prepared arrays lie: ``PRUNESCOPE_CACHE``, else ``~/.cache/prunescope``. Safe to delete at any time."""
    return _home_written_out(os.environ.get("PRUNESCOPE_CACHE") or "~/.cache/prunescope", "PRUNESCOPE_CACHE")


def checkpoint_root(root: str | os.PathLike | None = None) -> Path:
    """Where checkpoints ship and are saved: ``root``, else ``PRUNESCOPE_CHECKPOINTS``, else ``checkpoints/`` of the project."""
    place = root or os.environ.get("PRUNESCOPE_CHECKPOINTS") or PROJECT / "checkpoints"
    return _home_written_out(place, "PRUNESCOPE_CHECKPOINTS")


def runs_root() -> Path:
    """Where runs keep their state between epochs: ``PRUNESCOPE_RUNS``, else ``runs/`` of the project."""
    return _home_written_out(os.environ.get("PRUNESCOPE_RUNS") or PROJECT / "runs", "PRUNESCOPE_RUNS")


def _home_written_out(path: str | os.PathLike, variable: str) -> Path:
    try:
        return Path(path).expanduser()
    except TypeError as error:
        raise InvalidValue("This is not a path", given=repr(path)[:300], expected="a text or a Path") from error
    except RuntimeError as error:
        raise InvalidValue(
            "There is no home folder to write out ~ with",
            given=str(path)[:300],
            expected="a path such as /home/me/data, or ~ and a user of this computer",
            remedy=f"point {variable} (or the option for it) to a whole path",
        ) from error


def is_folder(path: str | os.PathLike) -> bool:
    """Whether a folder is there. False, and no error, for what cannot be a path at all, such as a name too long."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir() raises where the name is too long or may not be asked for


def is_file(path: str | os.PathLike) -> bool:
    """Whether a file is there; as :func:`is_folder`."""
    return os.path.isfile(path)  # noqa: PTH113 - as above


@contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn errors of writing into :class:`StorageFull`, naming ``path``.

    They are "disk full", "read only", "no permission", "a file is where a folder should be" or the other way round, "name
    too long", and "in use", as a drive's own folder is.
    """
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
            errno.EISDIR,
            errno.ENAMETOOLONG,
            errno.EBUSY,
        }:
            raise
        named = error.errno in {errno.EISDIR, errno.ENAMETOOLONG, errno.EBUSY}
        raise StorageFull(
            f"Could not write {path.name[:100]}",
            given=f"{error.strerror} in {str(path.parent)[:300]}",
            remedy=f"{_OTHER_NAME if named else _OTHER_PLACE}; nothing was changed",
        ) from error


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of its own for files of a moment, which goes afterwards. What is written there is for :func:`temporary_errors`.

    Raises:
        StorageFull: none can be made.
    """
    with ExitStack() as stack:
        with temporary_errors():
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="prunescope-"))
        yield Path(folder)


@contextmanager
def temporary_errors() -> Iterator[None]:
    """Turn errors of writing a temporary file into :class:`StorageFull`, with the way to another folder for them."""
    place = os.environ.get("TMPDIR") or tempfile.tempdir or "/tmp"
    try:
        with storage_errors(Path(place) / "file"):
            yield
    except (StorageFull, FileNotFoundError) as error:  # the latter where not one folder takes a file
        reason = error.__cause__ if isinstance(error.__cause__, OSError) else error
        raise StorageFull(
            "There is no room for a temporary file",
            given=f"{reason.strerror or reason} in {place}",
            remedy="free some room there, or start again with TMPDIR pointing to a folder that has some",
        ) from error


def check_space(folder: Path, size: int) -> None:
    """Raise :class:`StorageFull` unless ``folder`` (or its nearest parent that exists) has ``size`` bytes free, and 5% more."""
    place = folder
    while not (is_folder(place) or is_file(place)):
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < size * 1.05:
        raise StorageFull(
            f"There is no room in {folder}",
            given=f"{free / 1e6:.0f} MB free",
            expected=f"{size * 1.05 / 1e6:.0f} MB",
            remedy="free some room, or point PRUNESCOPE_CACHE, PRUNESCOPE_RUNS or PRUNESCOPE_CHECKPOINTS elsewhere",
        )


def check_takes_files(folder: Path) -> None:
    """Raise :class:`StorageFull` unless ``folder`` (or its nearest parent that exists) takes a small file; none is left there."""
    place = folder
    while not (is_folder(place) or is_file(place)):
        place = place.parent
    probe = place / f".probe.{secrets.token_hex(4)}.tmp"
    with storage_errors(folder / "files"), suppress(FileNotFoundError):  # removed since: it will be made again
        try:
            probe.write_bytes(bytes(_PROBE))
        finally:
            with suppress(OSError):
                probe.unlink()


def check_writable_name(path: Path) -> None:
    """Raise :class:`InvalidValue` for a path that no file can have: no name, a zero character, or one that the system cannot spell."""
    try:
        possible = path.name not in ("", "..") and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:  # half of a character, as broken JSON has them
        possible = False
    if not possible:
        raise InvalidValue("This cannot be the name of a file", given=repr(str(path))[:300], remedy=_OTHER_NAME)


def check_destination(path: Path) -> None:
    """Raise at once what :func:`atomic_path` would raise in the end for a name that no file can have or that a folder has.

    Raises:
        InvalidValue: no file can have this name.
        StorageFull: it is a folder.
    """
    check_writable_name(path)
    if is_folder(path):
        raise StorageFull(
            f"Could not write {path.name[:100]}",
            given=f"a folder of this name in {str(path.parent)[:300]}",
            remedy=f"{_OTHER_NAME}; nothing was changed",
        )


@contextmanager
def atomic_path(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success flush it to disk and rename it over ``path`` in one step.

    A reader sees the old file or the new one, never a part, even after kill -9 or a power cut. If the body raises,
    the temporary file is removed and ``path`` stays as it was.

    Raises:
        StorageFull: no room, or no permission to write.
        InvalidValue: no file can have this name.
    """
    path = Path(path)
    check_writable_name(path)
    with storage_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
        # Made by the system with the umask's permissions: to ask for the umask is to change it, for all threads.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield temporary
            _flush(temporary)
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
