"""The process of one job: ``python -m core.jobs work ID DEVICE``. The dispatcher starts it.

It gives way to the app: lower priority for the processor, and the first to go when the machine runs out of memory.
"""

import os
import traceback
from contextlib import ExitStack, suppress
from pathlib import Path

from filelock import FileLock

from core import device as devices
from core import files
from core.errors import Cancelled, JobDamaged, JobNotFound, MemoryFull, PruneScopeError, StorageFull
from core.jobs import places, turns
from core.jobs.board import current, look
from core.jobs.dispatcher import NO_ROOM
from core.jobs.record import CANCELLED, FAILED, FINISHED, QUEUED, RUNNING, Job, changed, told

_OOM_SCORE = "800"


def work(id: str, device: str) -> None:
    """Carry out the job ``id`` as soon as ``device`` is free, unless it is no longer in the queue by then.

    Whatever happens is written into its record; the traceback of a failure goes to standard error, which is the job's log.

    Raises:
        SystemExit: with :data:`core.jobs.dispatcher.NO_ROOM`, where that could not even be begun for a full disk.
    """
    lock = places.job_lock(id)
    with ExitStack() as held:
        try:
            with files.storage_errors(places.root() / "locks"):
                held.enter_context(places.device_lock(device))
            job = _claim(id, lock)
        except StorageFull as error:
            lock.release()
            raise SystemExit(NO_ROOM) from error
        if job is None:
            return
        try:
            ending = _carry_out(job)
            with places.alone():
                changed(job, **ending)
        finally:
            lock.release()


def _claim(id: str, lock: FileLock) -> Job | None:
    """Take a job out of the queue for this process; None if it is not to be begun (any more)."""
    with places.alone():
        try:
            job = current(id)
        except (JobNotFound, JobDamaged):
            return None
        if job.state != QUEUED:
            return None
        with files.storage_errors(places.folder(id) / "lock"):
            lock.acquire(timeout=0)  # free: whoever had it held the device too
        turns.advance(look().jobs, started=job.owner)
        begun_by = tuple(dict.fromkeys((*job.begun_by, job.owner)))
        return changed(job, state=RUNNING, attempt=job.attempt + 1, begun_by=begun_by, error=None)


def _carry_out(job: Job) -> dict:
    """Run the recipe. Returns what becomes of the record."""
    try:
        from core import runfolder, runs
        from core.jobs.telling import Teller

        recipe = job.recipe
        if recipe.hash != job.id:
            raise JobDamaged("The recipe of this job was altered", given=recipe.hash, expected=job.id)
        chain = [one for one in (recipe.parent, recipe) if one is not None and one.hash in job.chain]
        for one in chain:
            runfolder.queued(files.runs_root() / one.hash)
        teller = Teller(job, chain, _images(recipe))
        made = runs.run(recipe, device=job.device, report=teller)
        teller.finish()
        return {"state": FINISHED, "checkpoint": made.id}
    except Cancelled:
        return {"state": CANCELLED}
    except Exception as error:
        traceback.print_exc()
        return {"state": FAILED, "error": told(_named(error, job))}


def _named(error: Exception, job: Job) -> PruneScopeError:
    """The error in words that help whoever submitted the job."""
    if isinstance(error, MemoryFull) or devices.is_memory_full(error):
        return MemoryFull(
            "There was not enough memory for this job",
            given=f"{job.recipe.training.batch} images a step",
            remedy="submit it with a smaller batch or smaller images",
        )
    if isinstance(error, PruneScopeError):
        return error
    return PruneScopeError(
        "The job failed in a way that was not foreseen",
        given=type(error).__name__,
        remedy=f"tell whoever runs this app to look into {places.LOG} in the folder of job {job.id}; finished epochs are kept",
    )


def _images(recipe) -> int:
    """How many training images there are; 0 where the data set cannot be read, which the run itself will say."""
    from core.data.sources import find

    try:
        heading = find(recipe.data, split_by=recipe.split_by).heading
    except PruneScopeError:
        return 0
    return sum(record["train"] for record in heading.counts)


def yield_to_the_app() -> None:
    """Lower this process's priority, and make it the one that the system ends when memory runs out."""
    nice = _nice()
    with suppress(OSError, AttributeError):
        os.nice(nice)
    # Where Linux groups processes by session, the group's own priority is what counts against the app (sched(7)).
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(nice), encoding="ascii")
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE, encoding="ascii")


def _nice() -> int:
    given = os.environ.get("PRUNESCOPE_NICE", "10")
    return min(int(given), 19) if given.isdecimal() else 10
