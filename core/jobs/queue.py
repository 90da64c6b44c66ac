"""Adding a job to the queue, and acting on one that is there."""

import shutil
from contextlib import suppress

from filelock import FileLock, Timeout

from core import files
from core.errors import InvalidValue, JobDamaged, JobNotFound, NotAllowed, QueueFull, StorageFull
from core.jobs import dispatcher, places, turns
from core.jobs.access import check_owner, check_writable, single_user
from core.jobs.board import Board, current, look
from core.jobs.record import ACTIVE, CANCELLED, FINISHED, QUEUED, RUNNING, Job, changed, write
from core.runfolder import is_queued

MOST_WAITING = 20
"""Jobs that wait, of all owners together."""
MOST_OF_ONE = 4
"""Jobs of one owner that wait or run."""
MOST_EPOCHS = 1000
"""Epochs of training that one job may ask for, its dense network included."""
MOST_PREPARED = 4_000_000_000
"""Bytes that the prepared images of one job's data set may take: a small zip can hold many of a few pixels each."""
MOST_KEPT = 100
"""Records of jobs that have ended; older ones go when a new job comes."""


def submit(recipe, owner: str, *, device=None) -> Job:
    """Put ``recipe`` into the queue.

    The same recipe is never made twice: one that was made before is returned as a finished job that names its checkpoint, one
    that waits or runs is returned as it is, whoever submitted it. One that was cancelled, failed or was interrupted goes into
    the queue again, now of ``owner``, and goes on from its last finished epoch; it stays a job of those who trained these.

    Args:
        recipe: a :class:`core.recipes.Recipe`.
        owner: see :func:`core.jobs.owner_of`.
        device: as for :func:`core.device.pick`.

    Raises:
        NotAllowed: the app is read-only.
        DataNotFound: the images are not on this machine.
        InvalidValue: more than :data:`MOST_EPOCHS` epochs, or images that take more than :data:`MOST_PREPARED` bytes at that size.
        QueueFull: too many jobs wait.
        JobDamaged: the record of this recipe's job cannot be read.
        StorageFull: the record could not be written; nothing was changed.
    """
    check_writable()
    made = _finished()
    device = _name(device)
    if ended := made.of(recipe):
        return Job(
            id=recipe.hash,
            values=recipe.as_dict(),
            owner=owner,
            device=device,
            number=0,
            state=FINISHED,
            checkpoint=ended.id,
        )
    _check_epochs(recipe)
    _check_data(recipe)
    chain = [one.hash for one in (recipe.parent, recipe) if one is not None and not made.of(one)]
    with places.alone():
        there = look()
        try:
            old = current(recipe.hash)
        except JobNotFound:
            old = None
        if old and old.state in ACTIVE:
            return old
        _check_room(there, owner)
        job = Job(
            id=recipe.hash,
            values=recipe.as_dict(),
            owner=owner,
            device=device,
            number=turns.advance(there.jobs),
            attempt=old.attempt if old else 0,
            begun_by=old.begun_by if old and old.state != FINISHED else (),
            chain=tuple(chain),
        )
        _take_back_cancel(job.id)
        write(job)
        _forget(look())
    _begin()
    return job


def cancel(id: str, owner: str) -> Job:
    """Take a job out of the queue, or ask its process to stop; finished epochs are kept.

    A process that runs stops at its next report, some steps of training later; one that does not answer is ended by the
    dispatcher. A job that has ended is left as it is.

    Raises:
        NotAllowed: not the owner's, or the app is read-only.
        JobNotFound, JobDamaged: no such job.
        StorageFull: the wish could not be written.
    """
    check_writable()
    with places.alone():
        job = current(id)
        check_owner(owner, job, "cancel")
        if job.state == QUEUED:
            return changed(job, state=CANCELLED)
        if job.state == RUNNING and not job.stopping:
            files.write_text(places.folder(id) / places.CANCEL, "")
        return current(id)


def resume(id: str, owner: str) -> Job:
    """Put a job that was cancelled, failed or was interrupted into the queue again; other jobs are left as they are.

    One whose checkpoint is there (its process was killed before it could write so) is finished by that.

    Raises:
        NotAllowed, JobNotFound, JobDamaged, StorageFull: as :func:`cancel`.
        QueueFull: too many jobs wait.
    """
    check_writable()
    made = _finished()
    with places.alone():
        there = look()
        job = current(id)
        check_owner(owner, job, "resume")
        if job.state in (*ACTIVE, FINISHED):
            return job
        if ended := made.of(job.recipe):
            _take_back_cancel(id)
            return changed(job, state=FINISHED, error=None, checkpoint=ended.id)
        whose = owner if job.is_of(owner) else job.owner  # the only user of an app may have another key today
        _check_room(there, whose)
        _take_back_cancel(id)
        job = changed(job, owner=whose, state=QUEUED, error=None, number=turns.advance(there.jobs))
    _begin()
    return job


def remove(id: str, owner: str) -> None:
    """Take a job that has ended off the board, and with it the epochs that are kept of a run it did not finish.

    A job that is another's too, because it was begun for both, goes over to them with all its epochs. Checkpoints stay where
    they are, and so do epochs that another job would go on from. A record that cannot be read may be removed by anyone, unless
    a process holds its job.

    Raises:
        NotAllowed: not the owner's, it waits or runs, or the app is read-only.
        JobNotFound: no such job.
        StorageFull: the folder may not be written to.
    """
    check_writable()
    with places.alone():
        job = None
        try:
            job = current(id)
            check_owner(owner, job, "remove")
            busy = job.state in ACTIVE
        except JobDamaged:
            busy = places.held(places.job_lock(id))
        if busy:
            raise NotAllowed("A job that waits or runs cannot be removed", remedy="cancel it first")
        if job is not None and not single_user() and (left := job.others(owner)):
            changed(job, owner=left[-1], begun_by=tuple(one for one in left if one in job.begun_by))
            return
        _delete(id)
        if job is not None:
            _drop_epochs(job, look())


def _begin() -> None:
    with suppress(StorageFull):  # it waits, and every look at the queue tells what for
        dispatcher.advance()


def _drop_epochs(job: Job, there: Board) -> None:
    """Delete what ``job`` has left of runs that it did not finish, unless another job or process has a use for it.

    Epochs that were there before any job are not the queue's: a visitor who asks for the same recipe must not take them away.
    """
    needed = {hash for other in there.jobs if other.state != FINISHED for hash in other.chain}
    for hash in set(job.chain) - needed:
        if not places.is_id(hash):
            continue  # a record is read as if a stranger had written it
        folder = files.runs_root() / hash
        if not is_queued(folder):
            continue
        # Held until all is gone: a run that is begun outside of the queue must not lose what it has just written.
        with suppress(Timeout), FileLock(folder / "lock", timeout=0):
            shutil.rmtree(folder, ignore_errors=True)


def _delete(id: str) -> None:
    folder = places.folder(id)
    with files.storage_errors(folder):
        # The record first: a folder without one is no job, whatever else is left in it.
        (folder / places.RECORD).unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)


def _check_room(there: Board, owner: str) -> None:
    waiting = len(there.places)
    if waiting >= MOST_WAITING:
        raise QueueFull(
            "The queue is full",
            given=f"{waiting} jobs wait",
            expected=f"fewer than {MOST_WAITING}",
            remedy="try again when some have ended; what you have filled in is kept",
        )
    own = sum(job.owner == owner and job.state in ACTIVE for job in there.jobs)
    if own >= MOST_OF_ONE and not single_user():
        raise QueueFull(
            "You have as many jobs as one user may have at a time",
            given=f"{own} that wait or run",
            expected=f"fewer than {MOST_OF_ONE}",
            remedy="wait until one has ended, or cancel one; what you have filled in is kept",
        )


def _take_back_cancel(id: str) -> None:
    with files.storage_errors(places.folder(id)):
        (places.folder(id) / places.CANCEL).unlink(missing_ok=True)


def _forget(there: Board) -> None:
    """Delete the oldest jobs that have ended; ``there`` has the new job too, which may be one of them taken up again."""
    old = [job for job in there.jobs if job.state not in ACTIVE][MOST_KEPT:]  # newest first
    for job in old:
        _delete(job.id)
    left = look() if old else there
    for job in old:
        _drop_epochs(job, left)


def _check_epochs(recipe) -> None:
    epochs = sum(one.training.epochs for one in (recipe, recipe.parent) if one is not None)
    if epochs > MOST_EPOCHS and not single_user():
        raise InvalidValue(
            "This would train for too long",
            given=f"{epochs:g} epochs",
            expected=f"at most {MOST_EPOCHS}",
            remedy="ask for fewer epochs; `python -m core train` on your own machine has no such limit",
        )


def _check_data(recipe) -> None:
    from core.data.sources import find, known_by_lying_there
    from core.studies import Study

    pixels = Study.parse(recipe.study).size
    with known_by_lying_there(recipe.data, "submit again"):
        heading = find(recipe.data, split_by=recipe.split_by).heading
    size = sum(record["images"] for record in heading.counts) * pixels**2 * 3
    if size > MOST_PREPARED and not single_user():
        raise InvalidValue(
            "These images would take too much room",
            given=f"{size / 1e9:.1f} GB at {pixels}×{pixels} pixels",
            expected=f"at most {MOST_PREPARED / 1e9:.0f} GB",
            remedy="choose a smaller size",
        )


def _finished():
    from core import checkpoints
    from core.finished import Finished

    return Finished(checkpoints.list())


def _name(device) -> str:
    from core import device as devices

    name = str(devices.pick(device))
    return f"{name}:0" if name == "cuda" else name
