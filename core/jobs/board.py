"""What there is: every job with its true state, the order of those that wait, and records that cannot be read."""

from dataclasses import dataclass, replace

from core.errors import JobDamaged, JobNotFound
from core.jobs import places, telling, turns
from core.jobs.record import CANCELLED, INTERRUPTED, QUEUED, RUNNING, Job, read


@dataclass(frozen=True)
class Board:
    """All jobs at one moment.

    Attributes:
        jobs: newest first; none is ``"running"`` whose process is gone.
        places: id -> how many jobs of its device start no later than it (1 is next), for those that wait.
        problems: (id, what is wrong) of records that cannot be read.
    """

    jobs: tuple[Job, ...]
    places: dict[str, int]
    problems: tuple[tuple[str, str], ...] = ()

    def find(self, id: str) -> Job | None:
        """The job of this id, or None."""
        return next((job for job in self.jobs if job.id == id), None)

    def next(self, device: str) -> Job | None:
        """The job that is to start next on ``device``, or None."""
        first = [job for job in self.jobs if job.device == device and self.places.get(job.id) == 1]
        return first[0] if first else None


def board() -> Board:
    """Every job there is, read from the files.

    Raises:
        StorageFull: a job runs and the folder cannot be written to, so that nobody can tell whether its process lives.
    """
    there = _read_all(read)
    if any(job.state == RUNNING for job in there.jobs):
        with places.alone():
            return look()
    return there


def look() -> Board:
    """The same as :func:`board`; to be asked under :func:`core.jobs.places.alone`."""
    return _read_all(current)


def current(id: str) -> Job:
    """A job with its true state; to be asked under :func:`core.jobs.places.alone`.

    Who runs a job holds its lock until its last state is written, so "running" without the lock means that the process is
    gone: cancelled if it was asked to stop, interrupted if not.

    Raises:
        JobNotFound, JobDamaged: as :func:`core.jobs.record.read`.
    """
    job = read(id)
    if job.state != RUNNING:
        return job
    asked = (places.folder(id) / places.CANCEL).exists()
    if places.held(places.job_lock(id)):
        return replace(job, stopping=asked)
    return replace(job, state=CANCELLED) if asked else replace(job, state=INTERRUPTED, error=_GONE)


def progress(job: Job) -> telling.Moment | None:
    """How far a job is, as its process last told; None if it told nothing yet."""
    return telling.read(job.id)


def _read_all(one) -> Board:
    jobs, problems = [], []
    for id in places.ids():
        try:
            jobs.append(one(id))
        except JobNotFound:  # removed at this moment, or about to be written for the first time
            continue
        except JobDamaged as error:
            problems.append((id, str(error)))
    jobs.sort(key=lambda job: -job.number)
    return Board(tuple(jobs), _places(jobs), tuple(problems))


def _places(jobs: list[Job]) -> dict[str, int]:
    _, last = turns.read()
    found = {}
    for device in {job.device for job in jobs}:
        waiting = [job for job in jobs if job.device == device and job.state == QUEUED]
        found |= {job.id: place for place, job in enumerate(turns.order(waiting, last), 1)}
    return found


_GONE = {
    "problem": "The process of this job is gone",
    "given": None,
    "expected": None,
    "remedy": "resume it; it goes on from the last finished epoch",
}
