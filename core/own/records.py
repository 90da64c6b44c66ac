"""What there is of one's own: a small record each, under ``runs/own/``; adding, listing and deleting.

Something new lies in its place before its record does. So that a process killed between the two leaves nothing that blocks a name
and that nobody can delete, it notes first what it is about to add (:func:`begin`); whoever comes next finishes or forgets it.
"""

import json
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from core import files
from core.errors import InvalidValue, NotAllowed, PruneScopeError, QueueFull
from core.jobs.access import check_writable, read_only, single_user

IMAGES, WEIGHTS = "images", "weights"
MOST, MOST_OF_ONE = 100, 10
"""Own things of all owners together, and of one."""
MOST_BYTES = 4_000_000_000  # of all together
_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_LONGEST = 30
_MARKUP = str.maketrans("[]<>`", "()()'")
_PATIENCE = 60  # seconds
_KEPT, _BEGUN = ".json", ".begun"


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
    if name in DATASETS or there or name in studies or path_of(name).exists():
        raise InvalidValue("There is something of this name already", given=name, expected="another name")


def listing() -> list[Own]:
    """Everything that was brought, the newest first; a record that cannot be read is passed over."""
    if _root().is_dir() and any(_root().glob(f"*{_BEGUN}")) and not read_only():
        with suppress(PruneScopeError), alone(patience=0):  # if it is still being added, its owner sees it later
            finish_or_forget()
    found = [_read(path) for path in sorted(_root().glob("*.json"))] if _root().is_dir() else []
    return sorted((one for one in found if one is not None), key=lambda one: one.created, reverse=True)


def _read(path: Path) -> Own | None:
    """The record in a file, whose name before its suffix is the thing's; None if it cannot be one."""
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        values = json.loads(path.read_bytes()[:100_000])
        one = Own(**{item.name: values[item.name] for item in fields(Own)})
        check_name(one.name)
        texts = all(isinstance(text, str) for text in (one.owner, one.origin, one.created, one.sha256))
        sound = texts and isinstance(one.study, str | None) and type(one.bytes) is int
        if sound and one.name == path.stem and one.kind in (IMAGES, WEIGHTS):
            return one
    return None


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
    with alone():
        finish_or_forget()
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
        try:
            yield
        finally:
            with suppress(OSError):
                path_of(name, _BEGUN).unlink(missing_ok=True)


def begin(name: str, kind: str, owner: str, origin: str, size: int, sha256: str, study: str | None = None) -> None:
    """Note what is about to be put in its place, as :func:`keep` will; to be asked under :func:`adding`."""
    _write(_BEGUN, name, kind, owner, origin, size, sha256, study)


def keep(name: str, kind: str, owner: str, origin: str, size: int, sha256: str, study: str | None = None) -> Own:
    """Write the record of something that is in its place now; to be asked under :func:`adding`."""
    return _write(_KEPT, name, kind, owner, origin, size, sha256, study)


def _write(suffix: str, name, kind, owner, origin, size, sha256, study) -> Own:
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
    files.write_text(path_of(name, suffix), json.dumps(asdict(one), indent=1))
    return one


def finish_or_forget() -> None:
    """Give what killed processes were adding its record if it is whole in its place, and else forget it; under :func:`alone`."""
    for note in sorted(_root().glob(f"*{_BEGUN}")):
        one = _read(note)
        if one is not None and not path_of(one.name).exists():
            whole = _in_place(one)
            if whole:
                files.write_text(path_of(one.name), json.dumps(asdict(one), indent=1))
            done = "finished: it is whole" if whole else "forgotten: it is not whole"
            logging.getLogger(__name__).warning("A process was killed while it added %s, which is %s.", one.name, done)
        with files.storage_errors(note):
            note.unlink(missing_ok=True)


def _in_place(one: Own) -> bool:
    """Whether what ``one`` tells of lies in its place, and half-written copies of it no more."""
    from core import checkpoints
    from core.own.zips import digest_of

    if one.kind == IMAGES:
        place = zip_of(one.name)
        for leftover in place.parent.glob(f".{place.name}.*.tmp"):
            leftover.unlink(missing_ok=True)
        return files.is_file(place) and digest_of(place) == one.sha256
    cards = [entry.card for entry in checkpoints.list() if entry.card and entry.weights]
    return any(card.study == one.study and card.recipe.get("sha256") == one.sha256 for card in cards)


def zip_of(name: str) -> Path:
    """Where the images of an own data set lie."""
    return files.data_root() / f"{name}.zip"


def plain(text: str, longest: int = 80) -> str:
    """A name that a stranger gave, fit to be shown: printable, of no great length, and no link or markup to a page."""
    return "".join(one if one.isprintable() else "�" for one in str(text).translate(_MARKUP))[:longest]


@contextmanager
def alone(patience: float = _PATIENCE) -> Iterator[None]:
    """Hold own things as they are: nobody adds or deletes any meanwhile. Not to be nested.

    Raises:
        NotAllowed: another process has held them for ``patience`` seconds.
        StorageFull: the folder cannot be written to.
    """
    with files.storage_errors(_root()):
        _root().mkdir(parents=True, exist_ok=True)
        lock = FileLock(_root() / "lock")
        try:
            lock.acquire(timeout=patience)
        except Timeout as error:
            raise NotAllowed("Somebody else is adding something at this moment", remedy="try again") from error
    try:
        yield
    finally:
        lock.release()


def _root() -> Path:
    return files.runs_root() / "own"


def path_of(name: str, suffix: str = _KEPT) -> Path:
    """Where the record of an own thing lies."""
    return _root() / f"{name}{suffix}"
