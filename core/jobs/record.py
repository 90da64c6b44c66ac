"""The record of a job: one JSON file, replaced in one step, read as if a stranger had written it."""

import json
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property

from core import files
from core.errors import InvalidValue, JobDamaged, JobNotFound, PruneScopeError
from core.jobs import places

VERSION = 2
QUEUED, RUNNING, FINISHED, FAILED, CANCELLED, INTERRUPTED = (
    "queued",
    "running",
    "finished",
    "failed",
    "cancelled",
    "interrupted",
)
STATES = (QUEUED, RUNNING, FINISHED, FAILED, CANCELLED, INTERRUPTED)
ACTIVE = (QUEUED, RUNNING)
MOST_BYTES = 1 << 20
_MOST = 2**53  # more than anybody submits
_MOST_PARENTS = 20  # a recipe of hundreds cannot be built without running out of stack


@dataclass(frozen=True, kw_only=True)
class Job:
    """A recipe that is, was or will be carried out in the background.

    Attributes:
        id: the hash of its recipe, which also names the run.
        values: the recipe as :meth:`core.recipes.Recipe.as_dict` gives it.
        owner: who submitted or resumed it last, see :func:`core.jobs.owner_of`.
        device: where it runs, such as ``"cpu"`` or ``"cuda:0"``.
        number: rises with every submission; who was first.
        attempt: how often it was begun.
        begun_by: the owners for whom it was begun, the first of them first: the epochs that are kept are theirs too.
        state: one of :data:`STATES`. As stored, ``"running"`` may be of a process that is gone; :func:`core.jobs.board` tells.
        chain: hashes of the runs that it makes, parents first; those that were there before are not among them.
        error: of a failed or interrupted job what happened: problem, given, expected, remedy.
        checkpoint: id of what a finished job made.
        stopping: whether it runs and was asked to stop; not stored.
    """

    id: str
    values: dict
    owner: str
    device: str
    number: int
    attempt: int = 0
    begun_by: tuple[str, ...] = ()
    state: str = QUEUED
    chain: tuple[str, ...] = ()
    error: dict | None = None
    checkpoint: str | None = None
    stopping: bool = field(default=False, compare=False)

    @cached_property
    def recipe(self):
        """The :class:`core.recipes.Recipe`; imports torch."""
        from core.recipes import Recipe

        return Recipe.from_dict(self.values)

    def is_of(self, owner: str) -> bool:
        """Whether ``owner`` may act on it: who asked for it last, and everybody for whom it was begun."""
        return owner == self.owner or owner in self.begun_by

    def others(self, owner: str) -> tuple[str, ...]:
        """Whose it is beside ``owner``, who asked for it last at the end."""
        whose = (*(one for one in self.begun_by if one != self.owner), self.owner)
        return tuple(one for one in whose if one != owner)

    @property
    def recipes(self) -> list[dict]:
        """The recipes of :attr:`chain` as plain values, parents first."""
        whole = _with_parents(self.values)
        return whole[-len(self.chain) :] if self.chain else []


def read(id: str) -> Job:
    """The job ``id`` as it is stored.

    Raises:
        JobNotFound: there is none.
        JobDamaged: its record cannot be read, or is of a newer version.
    """
    path = places.folder(id) / places.RECORD
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        values = json.loads(content) if len(content) <= MOST_BYTES else None
        return _checked(id, values)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise JobNotFound("There is no such job", given=id, remedy="reload the page") from error
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise JobDamaged(
            "The record of a job cannot be read",
            given=f"{path}: {str(error)[:200]}",
            remedy="remove it and submit the recipe again; finished epochs are kept",
        ) from error


def write(job: Job) -> None:
    """Store ``job`` in one step.

    Raises:
        StorageFull: no room; the older record is still there.
    """
    values = {"version": VERSION, **asdict(job)}
    del values["stopping"]
    files.write_text(places.folder(job.id) / places.RECORD, json.dumps(values, indent=1))


def told(error: PruneScopeError) -> dict:
    """The parts of an error as a record keeps them."""
    names = ("problem", "given", "expected", "remedy")
    parts = {name: getattr(error, name, None) for name in names}
    if parts["problem"] is None:  # an error that words its message itself
        parts["problem"] = str(error)
    return {name: None if value is None else str(value)[:2000] for name, value in parts.items()}


def changed(job: Job, **values) -> Job:
    """Store ``job`` with some attributes changed, and return it."""
    job = replace(job, **values)
    write(job)
    return job


def _checked(id: str, values) -> Job:
    if not isinstance(values, dict):
        raise TypeError("not a record")
    version = values.pop("version")
    if type(version) is int and version > VERSION:
        raise JobDamaged(
            "A newer PruneScope wrote the record of a job",
            given=f"{id}, version {version}",
            expected=f"version {VERSION} or older",
            remedy="update this PruneScope",
        )
    if type(version) is int and version == 1 and "begun_by" not in values:  # it did not tell who else had trained
        values["begun_by"] = [values["owner"]] if values["attempt"] else []
        version = VERSION
    known = {item.name for item in fields(Job)} - {"stopping"}
    if version != VERSION or set(values) != known:
        raise TypeError("not the fields of a record")
    kinds = {"id": str, "values": dict, "owner": str, "device": str, "number": int, "attempt": int, "state": str}
    for name, kind in kinds.items():
        if type(values[name]) is not kind:
            raise TypeError(f"{name} is not {kind.__name__}")
    for name, kind in {"error": dict, "checkpoint": str}.items():
        if values[name] is not None and type(values[name]) is not kind:
            raise TypeError(f"{name} is not {kind.__name__}")
    lists = all(isinstance(values[name], list) for name in ("chain", "begun_by"))
    if values["state"] not in STATES or values["id"] != id or not lists:
        raise ValueError("not the state, id, chain or owners of a record")
    if not all(0 <= values[name] < _MOST for name in ("number", "attempt")):
        raise ValueError("number or attempt is not what a record counts to")
    values["chain"], values["begun_by"] = tuple(map(str, values["chain"])), tuple(map(str, values["begun_by"]))
    job = Job(**values)
    _check_recipe(job)
    return job


def _with_parents(values: dict) -> list[dict]:
    """The recipe and those it is made from, parents first.

    Raises:
        TypeError: a parent that is no table, or more of them than anybody trains one after the other.
    """
    whole = [values]
    while (parent := whole[0].get("parent")) is not None:
        if not isinstance(parent, dict) or len(whole) > _MOST_PARENTS:
            raise TypeError("a parent is not dict, or there are too many")
        whole.insert(0, parent)
    return whole


def _check_recipe(job: Job) -> None:
    # Only its shape, so that a look at the queue needs no torch; the worker builds the recipe and compares the hash.
    for values in _with_parents(job.values):
        # How weights were trained that somebody brought is not known, so their recipe has no training.
        told = values.get("brought" if "brought" in values else "training")
        if not isinstance(values.get("study"), str) or not isinstance(told, dict):
            raise InvalidValue("This is not a recipe", given=repr(values)[:200])
    if len(job.chain) > 2:
        raise ValueError("not the chain of a record")
