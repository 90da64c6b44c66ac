"""Jobs that were left by a killed process, forgotten for being old, or removed while somebody looked. Nothing is trained here."""

import json
from types import SimpleNamespace

import pytest
from filelock import FileLock

from core import checkpoints, files, jobs, runfolder, runs
from core.errors import JobDamaged, NotAllowed
from core.jobs import dispatcher, places, queue, record, worker
from core.jobs.record import CANCELLED, FINISHED, QUEUED, RUNNING
from core.recipes import pruned
from tests.core.jobs.conftest import ANNA, BEN, CLEO, ids, recipe, state

pytestmark = pytest.mark.usefixtures("queue")


@pytest.fixture
def crowded(monkeypatch):
    """One user, and two records of ended jobs are kept."""
    monkeypatch.setenv("PRUNESCOPE_SINGLE_USER", "1")
    monkeypatch.setattr(queue, "MOST_KEPT", 2)


def ended(*recipes) -> list[str]:
    """Submit all, then end all, so that more have ended than are kept until the next submission; the last is the newest."""
    found = [jobs.submit(one, ANNA).id for one in recipes]
    for id in found:
        jobs.cancel(id, ANNA)
    return found


def test_an_old_job_that_is_submitted_again_is_not_forgotten_at_once(crowded):
    old, *_, newest = ended(*(recipe(seed=seed) for seed in range(4)))
    again = jobs.submit(recipe(seed=0), ANNA)
    assert again.id == old
    assert state(old) == QUEUED
    assert newest in ids(jobs.board().jobs)
    assert len(jobs.board().jobs) == 3


def test_epochs_that_the_new_job_goes_on_from_stay_when_an_old_one_is_forgotten(crowded):
    dense = recipe(seed=9)
    old, *_ = ended(pruned(dense, "one_shot", 0.5, epochs=1), *(recipe(seed=seed) for seed in range(3)))
    kept, own = files.runs_root() / dense.hash, files.runs_root() / old
    for folder in (kept, own):
        runfolder.queued(folder)
    new = jobs.submit(pruned(dense, "one_shot", 0.8, epochs=1), ANNA)
    assert dense.hash in new.chain
    assert jobs.board().find(old) is None
    assert kept.exists()
    assert not own.exists(), "nobody can go on from these any more"


def test_epochs_are_deleted_under_the_lock_of_their_run(monkeypatch):
    """A run that is begun outside of the queue at this moment waits, and begins in a folder of its own."""
    (id,) = ended(recipe())
    folder, deleted = files.runs_root() / id, []
    runfolder.queued(folder)
    real = queue.shutil.rmtree

    def watched(place, **how):
        if place == folder:
            deleted.append(places.held(FileLock(place / "lock")))
        real(place, **how)

    monkeypatch.setattr(queue, "shutil", SimpleNamespace(rmtree=watched))
    jobs.remove(id, ANNA)
    assert deleted == [True]
    assert not folder.exists()


def test_a_job_that_is_removed_while_its_process_is_to_start_does_not_end_the_dispatcher():
    job = jobs.submit(recipe(), ANNA)
    jobs.cancel(job.id, ANNA)
    jobs.remove(job.id, ANNA)
    dispatcher._carry_out(job, ["no such program"], 1.0)
    assert not places.folder(job.id).exists()


def begun(one, owner) -> str:
    """Submit as ``owner``, let its process take the job and keep an epoch, and end it. Returns the id."""
    job = jobs.submit(one, owner)
    lock = places.job_lock(job.id)
    worker._claim(job.id, lock)
    lock.release()
    runfolder.queued(files.runs_root() / job.id)
    (files.runs_root() / job.id / runfolder.STATE).write_bytes(b"epochs")
    return jobs.cancel(job.id, owner).id


@pytest.mark.parametrize("second_trains", [False, True])
def test_who_asks_for_the_recipe_of_another_does_not_take_their_epochs_away(second_trains):
    id = begun(recipe(), ANNA)
    kept = files.runs_root() / id / runfolder.STATE
    if second_trains:
        begun(recipe(), BEN)
    else:
        jobs.cancel(jobs.submit(recipe(), BEN).id, BEN)
    with pytest.raises(NotAllowed):
        jobs.remove(id, CLEO)
    jobs.remove(id, BEN)
    assert kept.read_bytes() == b"epochs"
    assert jobs.board().find(id).owner == ANNA
    with pytest.raises(NotAllowed, match="Only who submitted"):  # he has given up what was his
        jobs.resume(id, BEN)
    assert jobs.resume(id, ANNA).state == QUEUED
    jobs.cancel(id, ANNA)
    jobs.remove(id, ANNA)
    assert not kept.exists()
    assert jobs.board().jobs == ()


def test_who_trained_first_still_acts_and_leaves_the_job_to_who_asked_again():
    id = begun(recipe(), ANNA)
    again = jobs.submit(recipe(), BEN)
    assert (again.owner, again.begun_by) == (BEN, (ANNA,))
    assert jobs.cancel(id, ANNA).state == CANCELLED
    assert (jobs.resume(id, ANNA).owner, jobs.cancel(id, ANNA).begun_by) == (ANNA, (ANNA,))
    jobs.submit(recipe(), BEN)
    jobs.cancel(id, ANNA)
    jobs.remove(id, ANNA)
    left = jobs.board().find(id)
    assert (left.owner, left.begun_by) == (BEN, ())
    assert (files.runs_root() / id / runfolder.STATE).exists()


def test_killed_between_checkpoint_and_record_it_is_finished_by_resuming(colours):
    """The board cannot tell without reading all checkpoints; whoever resumes it need not wait for a process."""
    one = recipe(epochs=1)
    job = jobs.submit(one, ANNA)
    record.changed(record.read(job.id), state=RUNNING, attempt=1)
    made = runs.run(one)
    assert state(job.id) == "interrupted"
    found = jobs.resume(job.id, ANNA)
    assert (found.state, found.checkpoint, found.error) == (FINISHED, made.id, None)
    assert state(job.id) == FINISHED
    checkpoints.delete(made.id)
    jobs.remove(job.id, ANNA)
    record.write(job)
    record.changed(job, state=CANCELLED)
    assert jobs.resume(job.id, ANNA).state == QUEUED


def test_a_record_with_hundreds_of_parents_is_damaged():
    job = jobs.submit(recipe(), ANNA)
    path = places.folder(job.id) / places.RECORD
    values = json.loads(path.read_text())
    for _ in range(400):
        values["values"] = {**values["values"], "parent": values["values"]}
    path.write_text(json.dumps(values))
    with pytest.raises(JobDamaged, match="too many"):
        record.read(job.id)
    assert [id for id, _ in jobs.board().problems] == [job.id]
