"""What there is of one's own: a small record each, under ``runs/own/``; adding, listing and deleting."""

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from core import files
from core.errors import InvalidValue, NotAllowed, PruneScopeError, QueueFull
from core.jobs.access import check_writable, single_user

IMAGES, WEIGHTS = "images", "weights"
MOST, MOST_OF_ONE = 100, 10
"""Own things of all owners together, and of one."""
MOST_BYTES = 4_000_000_000  # of all together
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_LONGEST = 30
_MARKUP = str.maketrans("[]<>`", "()()'")
_PATIENCE = 60  # seconds


@dataclass(frozen=True, kw_only=True)
class Own:
    """A thing that a user brought.

    Attributes:
        name: of the data set, or of what the weights' study begins with.
        kind: :data:`IMAGES` or :data:`WEIGHTS`.
        owner: see :func:`core.jobs.owner_of`.
        origin: the file it came in, as its owner called it.
        created: when, in UTC.
        bytes: that it takes.
        sha256: of the file it came in, in hex.
        study: of weights, such as ``"mine-64/vgg16"``; None of images.
    """

    name: str
    kind: str
    owner: str
    origin: str
    created: str
    bytes: int
    sha256: str
    study: str | None = None


def check_name(name: str) -> str:
    """Return ``name`` if a data set or a study may begin with it; raise :class:`InvalidValue` otherwise."""
    if not isinstance(name, str) or not _NAME.fullmatch(name) or len(name) > _LONGEST:
        raise InvalidValue(
            "This cannot be a name",
            given=repr(name)[:80],
            expected=f"small letters, digits, - and _, beginning with a letter, {_LONGEST} at most, such as my-clinic",
        )
    return name


def check_free(name: str) -> None:
    """Raise :class:`InvalidValue` if a data set, a study or an own thing is called ``name`` already, or goes by this name."""
    from core import checkpoints
    from core.data import DATASETS, folder

    place = files.data_root() / name
    studies = {entry.id.split("/")[0].rpartition("-")[0] for entry in checkpoints.list()}
    there = place.exists() or zip_of(name).exists() or name in folder.named(files.data_root())
    if name in DATASETS or there or name in studies or _path(name).exists():
        raise InvalidValue("There is something of this name already", given=name, expected="another name")


def listing() -> list[Own]:
    """Everything that was brought, the newest first; a record that cannot be read is passed over."""
    found = []
    for path in sorted(_root().glob("*.json")) if _root().is_dir() else ():
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            values = json.loads(path.read_bytes()[:100_000])
            one = Own(**{item.name: values[item.name] for item in fields(Own)})
            check_name(one.name)
            if one.name == path.stem and one.kind in (IMAGES, WEIGHTS) and type(one.bytes) is int:
                found.append(one)
    return sorted(found, key=lambda one: str(one.created), reverse=True)


@contextmanager
def adding(name: str, owner: str, size: int) -> Iterator[None]:
    """Hold the place for something new of ``size`` bytes, so that two who choose one name do not mix.

    Raises:
        NotAllowed: the app is read-only, or another process keeps the place for a minute.
        InvalidValue: the name is taken or cannot be one.
        QueueFull: there are as many things, or bytes, as there may be.
        StorageFull: the folder cannot be written to.
    """
    check_writable()
    check_name(name)
    with _alone():
        check_free(name)
        there = listing()
        own = sum(one.owner == owner for one in there)
        total = sum(one.bytes for one in there)
        if len(there) >= MOST or (own >= MOST_OF_ONE and not single_user()):
            raise QueueFull(
                "There are as many own things as there may be",
                given=f"{own} of yours, {len(there)} in all",
                expected=f"at most {MOST_OF_ONE} of one user and {MOST} in all",
                remedy="delete one that is no longer needed",
            )
        if total + size > MOST_BYTES:
            raise QueueFull(
                "There is no room for more own things",
                given=f"{total / 1e6:.0f} MB are kept, {size / 1e6:.0f} MB are to come",
                expected=f"at most {MOST_BYTES / 1e6:.0f} MB together",
                remedy="delete one that is no longer needed",
            )
        yield


def keep(name: str, kind: str, owner: str, origin: str, size: int, sha256: str, study: str | None = None) -> Own:
    """Write the record of something that is in its place now; to be asked under :func:`adding`."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    one = Own(
        name=name,
        kind=kind,
        owner=owner,
        origin=plain(origin),
        created=created,
        bytes=size,
        sha256=sha256,
        study=study,
    )
    files.write_text(_path(name), json.dumps(asdict(one), indent=1))
    return one


def remove(name: str, owner: str) -> None:
    """Delete an own thing and all that was derived from it here: prepared images, or a network and its stored answers.

    Raises:
        NotAllowed: not the owner's, a job needs it, or the app is read-only.
        InvalidValue: there is no such thing.
        StorageFull: the folder may not be written to.
    """
    check_writable()
    check_name(name)
    with _alone():
        one = next((one for one in listing() if one.name == name), None)
        if one is None:
            raise InvalidValue("There is nothing of your own of this name", given=name, expected="a name of the list")
        if owner != one.owner and not single_user():
            raise NotAllowed("Only who brought this may delete it", given=name, remedy="ask whoever runs this app")
        if one.kind == IMAGES:
            _check_unused(name)
        with files.storage_errors(_path(name)):
            if one.kind == IMAGES:
                zip_of(name).unlink(missing_ok=True)
                shutil.rmtree(files.cache_root() / name, ignore_errors=True)
            else:
                # The folder of the study was made for these weights; its name was free.
                for folder in files.checkpoint_root().glob(f"{name}-*"):
                    if re.fullmatch(rf"{re.escape(name)}-\d+", folder.name):
                        shutil.rmtree(folder)
            _path(name).unlink(missing_ok=True)


def zip_of(name: str) -> Path:
    """Where the images of an own data set lie."""
    return files.data_root() / f"{name}.zip"


def plain(text: str, longest: int = 80) -> str:
    """A name that a stranger gave, fit to be shown: printable, of no great length, and no link or markup to a page."""
    return "".join(one if one.isprintable() else "�" for one in str(text).translate(_MARKUP))[:longest]


def _check_unused(name: str) -> None:
    from core.jobs import ACTIVE, board
    from core.studies import Study

    for job in board().jobs:
        try:
            used = Study.parse(job.values["study"]).data == name
        except PruneScopeError:
            continue
        if used and job.state in ACTIVE:
            raise NotAllowed(
                "A job that waits or runs needs these images", given=job.values["study"], remedy="cancel it first"
            )


@contextmanager
def _alone() -> Iterator[None]:
    with files.storage_errors(_root()):
        _root().mkdir(parents=True, exist_ok=True)
        lock = FileLock(_root() / "lock")
        try:
            lock.acquire(timeout=_PATIENCE)
        except Timeout as error:
            raise NotAllowed("Somebody else is adding something at this moment", remedy="try again") from error
    try:
        yield
    finally:
        lock.release()


def _root() -> Path:
    return files.runs_root() / "own"


def _path(name: str) -> Path:
    return _root() / f"{name}.json"
