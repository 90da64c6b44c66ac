"""The queue itself: order, limits, owners. Nothing is trained here."""

from dataclasses import replace

import pytest
from filelock import FileLock

from core import files, jobs, runfolder, runs
from core.errors import DataNotFound, InvalidValue, JobNotFound, NotAllowed, QueueFull, UnknownName
from core.jobs import places, queue, turns
from core.recipes import dense, pruned
from tests.core.jobs.conftest import ANNA, BEN, CLEO, ids, recipe

pytestmark = pytest.mark.usefixtures("queue")


def job(number, owner, **values):
    return jobs.Job(id=f"{number:016x}", values={}, owner=owner, device="cpu", number=number, **values)


def test_a_job_waits_and_is_seen_by_all():
    made = jobs.submit(recipe(), ANNA)
    (seen,) = jobs.board().jobs
    assert seen == made
    assert (seen.id, seen.state, seen.owner, seen.device) == (recipe().hash, "queued", ANNA, "cpu")
    assert seen.recipe == recipe()
    assert jobs.board().places == {made.id: 1}
    assert jobs.progress(seen) is None


def test_the_same_recipe_again_is_the_job_that_waits():
    assert jobs.submit(recipe(), ANNA) == jobs.submit(recipe(), BEN)
    assert len(jobs.board().jobs) == 1


def test_a_recipe_that_was_made_is_found_and_does_not_wait():
    made = runs.run(recipe(epochs=0))
    found = jobs.submit(recipe(epochs=0), ANNA)
    assert (found.state, found.checkpoint) == ("finished", made.id)
    assert jobs.board().jobs == ()


def test_a_wrong_split_rule_is_not_told_as_missing_images():
    with pytest.raises(UnknownName, match="split rule"):
        jobs.submit(dense("phantom-32/vgg16", split_by="foo"), "me")
    with pytest.raises(DataNotFound, match="nosuch"):
        jobs.submit(dense("nosuch-32/vgg16"), "me")


def test_owners_take_turns_whoever_came_first():
    waiting = [job(1, ANNA), job(2, ANNA), job(3, ANNA), job(4, BEN), job(5, CLEO), job(6, BEN)]
    assert [one.number for one in turns.order(waiting, {})] == [1, 4, 5, 2, 6, 3]
    # Who had a turn waits for those who had none, and for those who had theirs earlier.
    assert [one.number for one in turns.order(waiting, {ANNA: 8, BEN: 7})] == [5, 4, 1, 6, 2, 3]


def test_turns_are_kept_and_a_damaged_file_of_them_costs_no_number():
    assert turns.advance([]) == 1
    assert turns.advance([], started=ANNA) == 2
    assert turns.read() == (2, {ANNA: 2})
    (places.root() / "turns.json").write_text("{")
    assert turns.advance([job(9, ANNA)]) == 10


def test_the_queue_is_bounded_for_one_owner_and_for_all(monkeypatch):
    for seed in range(queue.MOST_OF_ONE):
        jobs.submit(recipe(seed=seed), ANNA)
    with pytest.raises(QueueFull, match=f"{queue.MOST_OF_ONE} that wait or run"):
        jobs.submit(recipe(seed=100), ANNA)
    monkeypatch.setattr(queue, "MOST_WAITING", queue.MOST_OF_ONE + 1)
    jobs.submit(recipe(seed=100), BEN)
    with pytest.raises(QueueFull, match="The queue is full"):
        jobs.submit(recipe(seed=101), CLEO)
    assert len(jobs.board().jobs) == queue.MOST_OF_ONE + 1
    jobs.cancel(recipe(seed=0).hash, ANNA)
    jobs.submit(recipe(seed=101), CLEO)  # room again


def test_cancelled_before_it_began_it_can_be_resumed_and_removed():
    id = jobs.submit(recipe(), ANNA).id
    assert jobs.cancel(id, ANNA).state == "cancelled"
    assert jobs.board().places == {}
    again = jobs.resume(id, ANNA)
    assert again.state == "queued"
    with pytest.raises(NotAllowed, match="cancel it first"):
        jobs.remove(id, ANNA)
    jobs.cancel(id, ANNA)
    jobs.remove(id, ANNA)
    assert jobs.board().jobs == ()
    with pytest.raises(JobNotFound):
        jobs.cancel(id, ANNA)


def test_only_the_owner_may_act_unless_there_is_one_user(monkeypatch):
    id = jobs.submit(recipe(), ANNA).id
    for act in (jobs.cancel, jobs.resume, jobs.remove):
        with pytest.raises(NotAllowed, match="Only who submitted"):
            act(id, BEN)
    monkeypatch.setenv("PRUNESCOPE_SINGLE_USER", "1")
    assert jobs.cancel(id, BEN).state == "cancelled"


def test_who_submits_a_cancelled_recipe_owns_it():
    id = jobs.submit(recipe(), ANNA).id
    jobs.cancel(id, ANNA)
    assert jobs.submit(recipe(), BEN).owner == BEN
    with pytest.raises(NotAllowed):
        jobs.cancel(id, ANNA)


def test_a_read_only_app_refuses_by_name(monkeypatch):
    id = jobs.submit(recipe(), ANNA).id
    monkeypatch.setenv("PRUNESCOPE_READ_ONLY", "1")
    for act in (
        lambda: jobs.submit(recipe(seed=2), ANNA),
        lambda: jobs.cancel(id, ANNA),
        lambda: jobs.remove(id, ANNA),
    ):
        with pytest.raises(NotAllowed, match="read-only"):
            act()
    assert ids(jobs.board().jobs) == [id]
    monkeypatch.setenv("PRUNESCOPE_READ_ONLY", "0")
    assert jobs.cancel(id, ANNA).state == "cancelled"


def test_images_that_are_not_here_are_named_before_anything_waits(monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))
    for study in ("ham10000-64/vgg16", "colours-32/vgg16"):
        with pytest.raises(DataNotFound, match=r"HAM10000|colours"):
            jobs.submit(replace(recipe(), study=study), ANNA)
    assert jobs.board().jobs == ()


def test_old_records_go(monkeypatch):
    monkeypatch.setattr(queue, "MOST_KEPT", 2)
    for seed in range(4):
        jobs.cancel(jobs.submit(recipe(seed=seed), ANNA).id, ANNA)
    assert ids(jobs.board().jobs) == [recipe(seed=seed).hash for seed in (3, 2, 1)]


def test_removing_an_unfinished_job_takes_its_epochs_along_unless_another_needs_them():
    one, other = recipe(seed=1), recipe(seed=2)
    child = pruned(one, "one_shot", 0.5, epochs=1)
    for hash in (one.hash, other.hash):
        runfolder.queued(files.runs_root() / hash)
    for wanted in (one, other, child):
        jobs.cancel(jobs.submit(wanted, ANNA).id, ANNA)
    jobs.remove(other.hash, ANNA)
    assert not (files.runs_root() / other.hash).exists()
    jobs.remove(one.hash, ANNA)
    assert (files.runs_root() / one.hash).exists()  # the child would begin with it
    with FileLock(files.runs_root() / one.hash / "lock"):  # a process makes it at this moment
        jobs.remove(child.hash, ANNA)
    assert (files.runs_root() / one.hash).exists()


def test_epochs_that_were_there_before_the_job_stay_when_it_is_removed():
    """Whoever runs the app trained them on its machine; any visitor can ask for the same recipe, cancel and remove."""
    one = recipe()
    kept = files.runs_root() / one.hash / runfolder.STATE
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"epochs")
    jobs.cancel(jobs.submit(one, ANNA).id, ANNA)
    runfolder.queued(kept.parent)  # as the worker does
    jobs.remove(one.hash, ANNA)
    assert kept.read_bytes() == b"epochs"


def test_a_zip_of_many_small_images_cannot_fill_the_disk(monkeypatch):
    size = 66 * 32 * 32 * 3  # of the drawn pictures at 32 pixels
    monkeypatch.setattr(queue, "MOST_PREPARED", size - 1)
    with pytest.raises(InvalidValue, match="too much room"):
        jobs.submit(recipe(), ANNA)
    monkeypatch.setattr(queue, "MOST_PREPARED", size)
    assert jobs.submit(recipe(), ANNA).state == "queued"


def test_a_job_has_an_end(monkeypatch):
    parent = recipe(epochs=600)
    with pytest.raises(InvalidValue, match="1001 epochs"):
        jobs.submit(pruned(parent, "one_shot", 0.5, epochs=401), ANNA)
    jobs.submit(pruned(parent, "one_shot", 0.5, epochs=400), ANNA)
    monkeypatch.setenv("PRUNESCOPE_SINGLE_USER", "1")
    jobs.submit(pruned(parent, "one_shot", 0.5, epochs=401), ANNA)
