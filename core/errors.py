"""The errors of the engine. Each says what was given, what was expected and what to do about it.

All derive from :class:`PruneScopeError`, so a page or the command line catches one class and shows its text;
anything else that escapes is a bug of ours.
"""

import difflib
from collections.abc import Callable, Iterable
from numbers import Integral, Real


class PruneScopeError(Exception):
    """A problem that the reader of its message can act on.

    Args:
        problem: one clause that says what is wrong, without a full stop.
        given: what was met (a value, a path, a size).
        expected: what would have been right.
        remedy: what to do now.
    """

    def __init__(self, problem: str, *, given=None, expected=None, remedy: str | None = None):
        self.problem, self.given, self.expected, self.remedy = problem, given, expected, remedy
        parts = [f"{problem}."]
        for label, value in (("Given", given), ("Expected", expected), ("What to do", remedy)):
            if value is not None:
                text = f"{label}: {value}"
                parts.append(text if text.endswith(("?", ".")) else f"{text}.")
        super().__init__(" ".join(parts))


class InvalidValue(PruneScopeError, ValueError):
    """An argument has the wrong value, type or shape."""


class InvalidSparsity(InvalidValue):
    """A sparsity outside [0, 1)."""


class UnknownName(PruneScopeError, ValueError):
    """A name that nothing is registered under; the near ones are suggested.

    Args:
        kind: what was named, such as "data set" or "method".
        name: what was given.
        known: every name that would have been accepted.
    """

    def __init__(self, kind: str, name, known: Iterable[str]):
        known = sorted(map(str, known))
        near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
        super().__init__(
            f"There is no {kind} of this name",
            given=repr(name),
            expected=_one_of(known) if known else "nothing: none exists yet",
            remedy="did you mean " + " or ".join(near) + "?" if near else None,
        )
        self.kind, self.near = kind, near


_LISTED = 25  # names that a message lists; more would bury what it says


def _one_of(names: list[str]) -> str:
    if len(names) <= _LISTED:
        return "one of " + ", ".join(names)
    return f"one of {len(names)} names, such as " + ", ".join(names[: _LISTED // 3])


class DataNotFound(PruneScopeError, FileNotFoundError):
    """A data set, or a file of it, is not where it was looked for."""


class DataDamaged(PruneScopeError):
    """A data file is there but cannot be read as what it should be."""


class DownloadFailed(PruneScopeError):
    """A file could not be fetched, or what came is not what was promised."""


class CheckpointNotFound(PruneScopeError, FileNotFoundError):
    """No checkpoint has this id or path."""


class WeightsNotHere(CheckpointNotFound):
    """Only a checkpoint's card and results are here: it was too large to ship, and one command makes it again."""


class CheckpointDamaged(PruneScopeError):
    """A checkpoint is truncated, altered, or not a checkpoint of ours."""


class CheckpointMismatch(PruneScopeError):
    """A checkpoint is whole but belongs to another architecture, data set or version."""


class FileTooLarge(PruneScopeError):
    """A file, or what it would expand to, is larger than allowed."""


class UnsafeFile(PruneScopeError):
    """A file that could run code or write outside its folder; it was not opened."""


class StorageFull(PruneScopeError, OSError):
    """There is no room on the disk, or the folder cannot be written to; nothing was changed."""


class MemoryFull(PruneScopeError):
    """A GPU or this computer has no memory left for a computation; what was finished before is kept."""


class TrainingFailed(PruneScopeError):
    """Training diverged or met data it cannot learn from; the last finished epoch is kept."""


class QueueFull(PruneScopeError):
    """Too many jobs are waiting, of everybody together or of one owner; nothing was added."""


class JobNotFound(PruneScopeError, FileNotFoundError):
    """No job has this id."""


class JobDamaged(PruneScopeError):
    """The record of a job cannot be read, or a newer version of PruneScope wrote it."""


class NotAllowed(PruneScopeError, PermissionError):
    """The job is another user's, or not in a state in which this can be done; or the app is read-only."""


class MissingPackage(PruneScopeError, ImportError):
    """Something needs an optional package that is not installed."""


class ExportFailed(PruneScopeError):
    """A file for use elsewhere would not do what the network does; it was not written."""


class Cancelled(PruneScopeError):
    """The work was stopped on request. What had been finished is kept."""

    def __init__(self, what: str = "The work"):
        super().__init__(f"{what} was cancelled", remedy="start it again to go on from what is finished")


def check_choice(kind: str, name, known: Iterable[str]) -> str:
    """Return ``name`` if it is one of ``known``; raise :class:`UnknownName` with suggestions otherwise."""
    known = list(known)
    if not isinstance(name, str) or name not in known:
        raise UnknownName(kind, name, known)
    return name


def check_whole(value, what: str, least: int, most: int) -> int:
    """Return ``value`` as an int from ``least`` to ``most``; raise :class:`InvalidValue` otherwise (bools included)."""
    if isinstance(value, bool) or not isinstance(value, Integral) or not least <= value <= most:
        raise InvalidValue(what, given=repr(value)[:200], expected=f"a whole number from {least} to {most:,}")
    return int(value)


def check_number(value, what: str, expected: str, allowed: Callable[[float], bool]) -> float:
    """Return ``value`` as a float that is ``allowed``; raise :class:`InvalidValue` otherwise (bools and text included)."""
    if isinstance(value, bool) or not isinstance(value, Real) or not allowed(value):
        raise InvalidValue(what, given=repr(value)[:200], expected=expected)
    return float(value)


def check_sparsity(sparsity, what: str = "Sparsity") -> float:
    """Return ``sparsity`` as a float in [0, 1); raise :class:`InvalidSparsity` otherwise (NaN and text included)."""
    try:
        value = float(sparsity)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # the last is torch's, of a tensor with many elements
        value = float("nan")
    number = not isinstance(sparsity, bool | str | bytes | bytearray)
    if not number or not 0.0 <= value < 1.0:
        remedy = f"write the number {value:g}" if 0 <= value < 1 else None
        if 1 < value < 100:
            remedy = f"for {value:g} percent write {value / 100:g}"
        raise InvalidSparsity(
            f"{what} is out of range",
            given=repr(sparsity),
            expected="a number from 0 up to but not including 1",
            remedy=remedy,
        )
    return value + 0.0  # -0.0 is 0.0, in hashes too
