"""Background jobs: a queue of recipes kept in files, and the processes that carry them out.

``submit`` adds a recipe, ``board`` shows everything there is, ``cancel``, ``resume`` and ``remove`` act on a job;
:mod:`core.jobs.estimating`, which needs torch where this package does not, says beforehand what a recipe costs. All of it is files under ``runs/jobs/``, one folder a job, so that any page, any server
on the folder and any later start of the app sees the same. A job runs in a process of its own (:mod:`core.jobs.worker`),
started by a light process that survives the app (:mod:`core.jobs.dispatcher`). No decision rests on a clock or a
process number: who is alive holds a file lock, which the system takes back whatever way a process ends.
"""

from core.jobs.access import owner_of, read_only, single_user
from core.jobs.board import Board, board, progress
from core.jobs.dispatcher import advance
from core.jobs.queue import MOST_OF_ONE, MOST_WAITING, cancel, remove, resume, submit
from core.jobs.record import ACTIVE, STATES, Job
from core.jobs.telling import Moment

__all__ = [
    "ACTIVE",
    "MOST_OF_ONE",
    "MOST_WAITING",
    "STATES",
    "Board",
    "Job",
    "Moment",
    "advance",
    "board",
    "cancel",
    "owner_of",
    "progress",
    "read_only",
    "remove",
    "resume",
    "single_user",
    "submit",
]
