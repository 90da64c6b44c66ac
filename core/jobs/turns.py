"""Whose job is next: owners take turns, so that one who submits many does not keep the others waiting.

The turns are kept in ``jobs/turns.json``: a number that rises with every submission and every start, and for each owner the
number of the last start. Who has waited longest since the last start, or never had one, is next; among an owner's own jobs
the first submitted. A damaged file costs fairness for a while and nothing else.
"""

import json
from collections.abc import Iterable
from contextlib import suppress

from core import files
from core.jobs import places
from core.jobs.record import Job

_FILE = "turns.json"
_MOST_OWNERS = 1000
_MOST = 2**53  # more than anybody submits; Python refuses to write out numbers that grow without end


def order(waiting: Iterable[Job], last: dict[str, int]) -> list[Job]:
    """The waiting jobs of one device in the order in which they will start, if none is added.

    Args:
        waiting: jobs that are queued.
        last: owner -> number of the last start; owners not named never had one.
    """
    waiting, last = sorted(waiting, key=lambda job: job.number), dict(last)
    turn = max(last.values(), default=0)
    ordered = []
    while waiting:
        chosen = min(waiting, key=lambda job: (last.get(job.owner, 0), job.number))
        waiting.remove(chosen)
        ordered.append(chosen)
        turn += 1
        last[chosen.owner] = turn
    return ordered


def read() -> tuple[int, dict[str, int]]:
    """The highest number given so far, and owner -> number of the last start."""
    # OverflowError is of Infinity, RecursionError of lists in lists.
    with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        values = json.loads((places.root() / _FILE).read_text(encoding="utf-8"))
        number, last = int(values["number"]), {str(owner): int(turn) for owner, turn in values["last"].items()}
        if all(0 <= turn < _MOST for turn in (number, *last.values())):
            return number, last
    return 0, {}


def advance(known: Iterable[Job], started: str | None = None) -> int:
    """A new number, higher than all before; to be asked under :func:`core.jobs.places.alone`.

    Args:
        known: all jobs, whose numbers count where the file was lost.
        started: the owner whose job starts now.

    Raises:
        StorageFull: the file could not be written.
    """
    number, last = read()
    number = max([number, *(job.number for job in known)]) + 1
    if started is not None:
        last[started] = number
    newest = dict(sorted(last.items(), key=lambda item: item[1])[-_MOST_OWNERS:])
    files.write_text(places.root() / _FILE, json.dumps({"number": number, "last": newest}))
    return number
