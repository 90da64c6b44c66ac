"""Where jobs lie, and the locks that say who is alive.

``jobs/lock`` is held for the moment of any change or look that must see one state; ``jobs/dispatcher-<device>.lock`` by the one
process that starts jobs of a device; ``jobs/device-<device>.lock`` by the one process that computes on it; ``jobs/<id>/lock``
by the process that carries out the job. The last three are only ever tried, taken and tested while ``jobs/lock`` is held, so
that a test is never taken for an owner; except the device's, which is waited for.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from core import files
from core.errors import JobNotFound, NotAllowed

RECORD, PROGRESS, CANCEL, LOG = "record.json", "progress.json", "cancel", "log.txt"
_ID = re.compile(r"[0-9a-f]{16}")
_PATIENCE = 30  # seconds; the lock is held for milliseconds


def root() -> Path:
    """The folder of all jobs."""
    return files.runs_root() / "jobs"


def folder(id: str) -> Path:
    """The folder of a job, which need not exist.

    Raises:
        JobNotFound: this cannot be the id of a job.
    """
    if not is_id(id):
        raise JobNotFound("There is no such job", given=repr(id)[:80], expected="an id of sixteen hex digits")
    return root() / id


def is_id(text) -> bool:
    """Whether this can be the id of a job, which is the hash of a recipe."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None


def ids() -> list[str]:
    """The ids of all jobs."""
    place = root()
    return sorted(path.name for path in place.iterdir() if _ID.fullmatch(path.name)) if place.is_dir() else []


@contextmanager
def alone() -> Iterator[None]:
    """Hold the lock of the queue. Not to be nested.

    Raises:
        StorageFull: the folder cannot be written to.
        NotAllowed: another process has held the lock for half a minute.
    """
    place = root()
    with files.storage_errors(place):
        place.mkdir(parents=True, exist_ok=True)
        lock = FileLock(place / "lock", poll_interval=0.01)
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout as error:
            raise NotAllowed(
                "The queue is being used by another process that does not let go of it",
                given=f"{place / 'lock'} was held for {_PATIENCE} s",
                remedy="try again; if it stays so, look for a hanging python process",
            ) from error
    try:
        yield
    finally:
        lock.release()


def device_lock(device: str) -> FileLock:
    """The lock of who computes on ``device``."""
    return FileLock(root() / f"device-{_plain(device)}.lock", poll_interval=0.2)


def dispatcher_lock(device: str) -> FileLock:
    """The lock of who starts the jobs of ``device``."""
    return FileLock(root() / f"dispatcher-{_plain(device)}.lock")


def job_lock(id: str) -> FileLock:
    """The lock of who carries out a job."""
    return FileLock(folder(id) / "lock")


def held(lock: FileLock) -> bool:
    """Whether somebody holds ``lock``; to be asked under :func:`alone`.

    Raises:
        StorageFull: its file cannot be made.
    """
    try:
        with files.storage_errors(Path(lock.lock_file)):
            lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def _plain(device: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", device.lower())
