"""The queue itself: order, limits, owners, records. Nothing is trained here."""

import errno
import json
import os
from dataclasses import replace

import pytest
from filelock import FileLock

from core import files, jobs, runs
from core.errors import DataNotFound, InvalidValue, JobDamaged, JobNotFound, NotAllowed, QueueFull, StorageFull
from core.jobs import places, queue, record, speed, turns
from core.recipes import pruned
from tests.core.jobs.conftest import ANNA, BEN, CLEO, recipe

pytestmark = pytest.mark.usefixtures("queue")


def ids(found):
    return [job.id for job in found]


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


DAMAGED = {
    "empty": "",
    "cut": '{"version": 1, "id": "',
    "list": "[]",
    "deep": "[" * 100_000,
    "bytes": "\udcff",
    "other fields": '{"version": 1}',
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_record_is_named_and_the_others_stand(content):
    whole, broken = jobs.submit(recipe(), ANNA), jobs.submit(recipe(seed=1), ANNA)
    (places.folder(broken.id) / "record.json").write_text(content, errors="surrogateescape")
    there = jobs.board()
    assert ids(there.jobs) == [whole.id]
    assert [id for id, _ in there.problems] == [broken.id]
    assert "cannot be read" in there.problems[0][1]
    with pytest.raises(JobDamaged):
        jobs.submit(recipe(seed=1), ANNA)
    jobs.remove(broken.id, BEN)  # nobody can tell whose it was
    assert jobs.submit(recipe(seed=1), ANNA).state == "queued"


@pytest.mark.parametrize(
    "change",
    [
        {"state": "dancing"},
        {"number": "1"},
        {"chain": 3},
        {"error": "x"},
        {"owner": None},
        {"id": "0" * 16},
        {"values": {"study": 5, "training": {}}},
        *(
            {"values": {"study": "a", "training": {}, "parent": wrong}}
            for wrong in ("x", 5, [1], {"x": 1}, {}, "", False)
        ),
        {"number": 10**400},
        {"attempt": -1},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_record_with_a_wrong_value_is_damaged(change):
    made = jobs.submit(recipe(), ANNA)
    path = places.folder(made.id) / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(JobDamaged):
        record.read(made.id)
    whole = jobs.submit(recipe(seed=1), ANNA)
    assert ids(jobs.board().jobs) == [whole.id]
    assert [id for id, _ in jobs.board().problems] == [made.id]
    jobs.remove(made.id, BEN)
    assert jobs.board().problems == ()


@pytest.mark.parametrize(
    "content",
    [
        '{"number": Infinity, "last": {}}',
        '{"number": 1, "last": {"a": 1e999}}',
        '{"number": NaN, "last": {}}',
        '{"number": 1' + "0" * 4000 + ', "last": {}}',
        '{"number": -5, "last": {}}',
        '{"number": 1, "last": []}',
        "[" * 100_000,
    ],
    ids=lambda text: text[:20],
)
def test_damaged_turns_cost_fairness_and_nothing_else(content):
    first = jobs.submit(recipe(), ANNA)
    (places.root() / "turns.json").write_text(content)
    assert jobs.board().places == {first.id: 1}
    assert jobs.submit(recipe(seed=1), BEN).number > first.number


MOMENT = {
    "attempt": 1, "stage": "s", "done": 1, "total": 2, "unit": "steps", "epochs": 0.5, "of": 1, "seconds_left": None, "loss": 0.5,
    "rows": [{"network": "dense", "epoch": 1, "loss": 0.5, "accuracy": None, "balanced_accuracy": 0.2}],
}  # fmt: skip


def test_what_cannot_be_progress_is_none():
    job = jobs.submit(recipe(), ANNA)
    path = places.folder(job.id) / places.PROGRESS
    path.write_text(json.dumps(MOMENT))
    assert jobs.progress(job).fraction == 0.5
    changes = [{name: [1]} for name in MOMENT] + [{name: "x"} for name in MOMENT if name not in ("stage", "unit")]
    changes += [{"of": float("inf")}, {"epochs": float("nan")}, {"done": 10**400}, {"done": True}, {"rows": [{}]}]
    changes += [{"rows": [MOMENT["rows"][0] | {name: "x"}]} for name in ("epoch", "loss", "accuracy")]
    for change in changes:
        path.write_text(json.dumps(MOMENT | change))
        assert jobs.progress(job) is None, change
    for text in ("[" * 100_000, "[]", "{}", ""):
        path.write_text(text)
        assert jobs.progress(job) is None


def test_a_speed_that_cannot_be_is_measured_anew():
    network = recipe().architecture(3)
    path, key = places.root() / "speed.json", speed._key(network, 32, 8, "cpu")
    good = {"fastest": 0.1, "slowest": 0.2, "steps": 3, "batch": 8, "device": "CPU"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({key: good}))
    assert speed.known(network, 32, 8, "cpu") == speed.Speed(**good)
    wrong = [good | {name: "x"} for name in good if name != "device"] + [good | {"slowest": float("inf")}, 5, {}, [1]]
    for content in [json.dumps({key: one}) for one in wrong] + [
        "[" * 100_000,
        "[1]",
        "",
        json.dumps({key: good | {"device": 5}}),
    ]:
        path.write_text(content)
        assert speed.known(network, 32, 8, "cpu") is None, content[:200]
        speed._store(key, speed.Speed(**good))
        assert speed.known(network, 32, 8, "cpu") == speed.Speed(**good)


def test_a_record_of_a_newer_version_says_so():
    made = jobs.submit(recipe(), ANNA)
    path = places.folder(made.id) / "record.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": 2, "mood": "good"}))
    assert "newer PruneScope" in jobs.board().problems[0][1]
    with pytest.raises(JobDamaged, match="version 2"):
        jobs.cancel(made.id, ANNA)


@pytest.mark.parametrize("id", ["", "..", "../../etc/passwd", "0" * 15, "0" * 17, "G" * 16, None, 5])
def test_an_id_never_leaves_the_folder(id):
    with pytest.raises(JobNotFound):
        jobs.cancel(id, ANNA)


def test_a_full_disk_is_named_and_leaves_the_older_record(monkeypatch):
    made = jobs.submit(recipe(), ANNA)

    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_flush", full)
    with pytest.raises(StorageFull, match="No space left"):
        jobs.submit(recipe(seed=1), ANNA)
    with pytest.raises(StorageFull, match="No space left"):
        jobs.cancel(made.id, ANNA)
    assert jobs.board().jobs == (made,)
    assert jobs.board().problems == ()


def test_a_folder_that_cannot_be_written_to_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRUNESCOPE_RUNS", str(tmp_path / "file"))
    assert jobs.board().jobs == ()
    with pytest.raises(StorageFull):
        jobs.submit(recipe(), ANNA)


def test_old_records_go(monkeypatch):
    monkeypatch.setattr(queue, "MOST_KEPT", 2)
    for seed in range(4):
        jobs.cancel(jobs.submit(recipe(seed=seed), ANNA).id, ANNA)
    assert ids(jobs.board().jobs) == [recipe(seed=seed).hash for seed in (3, 2, 1)]


def test_removing_an_unfinished_job_takes_its_epochs_along_unless_another_needs_them():
    one, other = recipe(seed=1), recipe(seed=2)
    child = pruned(one, "one_shot", 0.5, epochs=1)
    for hash in (one.hash, other.hash):
        (files.runs_root() / hash).mkdir(parents=True)
    for wanted in (one, other, child):
        jobs.cancel(jobs.submit(wanted, ANNA).id, ANNA)
    jobs.remove(other.hash, ANNA)
    assert not (files.runs_root() / other.hash).exists()
    jobs.remove(one.hash, ANNA)
    assert (files.runs_root() / one.hash).exists()  # the child would begin with it
    with FileLock(files.runs_root() / one.hash / "lock"):  # a process makes it at this moment
        jobs.remove(child.hash, ANNA)
    assert (files.runs_root() / one.hash).exists()


def test_a_record_that_names_a_folder_elsewhere_deletes_nothing(tmp_path):
    made = jobs.cancel(jobs.submit(recipe(), ANNA).id, ANNA)
    precious = files.runs_root() / "precious"
    precious.mkdir()
    record.write(replace(made, chain=("precious", "../..")))
    jobs.remove(made.id, ANNA)
    assert precious.exists()
    assert tmp_path.exists()


def test_a_job_has_an_end(monkeypatch):
    parent = recipe(epochs=600)
    with pytest.raises(InvalidValue, match="1001 epochs"):
        jobs.submit(pruned(parent, "one_shot", 0.5, epochs=401), ANNA)
    jobs.submit(pruned(parent, "one_shot", 0.5, epochs=400), ANNA)
    monkeypatch.setenv("PRUNESCOPE_SINGLE_USER", "1")
    jobs.submit(pruned(parent, "one_shot", 0.5, epochs=401), ANNA)
