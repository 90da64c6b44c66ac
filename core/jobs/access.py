"""Who may do what: read-only apps, apps of a single user, and the name under which an owner's jobs are kept."""

import hashlib
import os

from core.errors import NotAllowed
from core.jobs.record import Job

READ_ONLY, SINGLE_USER = "PRUNESCOPE_READ_ONLY", "PRUNESCOPE_SINGLE_USER"


def read_only() -> bool:
    """Whether nothing may be made here: ``PRUNESCOPE_READ_ONLY=1``, for public demonstrations."""
    return _on(READ_ONLY)


def single_user() -> bool:
    """Whether all jobs belong to whoever opens the app: ``PRUNESCOPE_SINGLE_USER=1``.

    It has to be said: a server cannot tell from an address alone whether a proxy with many users stands before it.
    """
    return _on(SINGLE_USER)


def owner_of(key: str) -> str:
    """The owner's name in records: 16 hex digits of the key's SHA-256, so that who reads records learns no key."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def check_writable() -> None:
    """Raise :class:`NotAllowed` in a read-only app."""
    if read_only():
        raise NotAllowed(
            "This PruneScope is read-only",
            given=f"{READ_ONLY}=1",
            remedy="run PruneScope on your own machine to make networks",
        )


def check_owner(owner: str, job: Job, what: str) -> None:
    """Raise :class:`NotAllowed` unless ``owner`` may do ``what`` with ``job``."""
    if not single_user() and not job.is_of(owner):
        raise NotAllowed(
            f"Only who submitted a job may {what} it",
            remedy="submit the same recipe yourself: what is finished of it is found and used",
        )


def _on(name: str) -> bool:
    return os.environ.get(name, "").strip().lower() not in ("", "0", "false", "no", "off")
