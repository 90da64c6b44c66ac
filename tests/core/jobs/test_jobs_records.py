"""What the queue keeps on disk, damaged, of another version, or where nothing can be written. Nothing is trained here."""

import errno
import itertools
import json
import os
from dataclasses import replace
from types import SimpleNamespace

import pytest

from core import files, jobs
from core.errors import JobDamaged, JobNotFound, StorageFull
from core.jobs import places, record, speed
from tests.core.jobs.conftest import ANNA, BEN, ids, recipe

pytestmark = pytest.mark.usefixtures("queue")


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
        {"begun_by": None},
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


def test_slow_networks_are_timed_for_fewer_steps(tiny, monkeypatch):
    """Five seconds a step: after two of them, whatever the batch, enough was waited."""
    monkeypatch.setattr(speed, "time", SimpleNamespace(perf_counter=itertools.count(0, 5).__next__))
    found = speed.measure(recipe().architecture(3), 32, 4, "cpu")
    assert (found.steps, found.batch, found.fastest, found.slowest) == (2, 4, 1.25, 1.25)


def test_a_record_of_a_newer_version_says_so():
    made = jobs.submit(recipe(), ANNA)
    path = places.folder(made.id) / "record.json"
    newer = record.VERSION + 1
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": newer, "mood": "good"}))
    assert "newer PruneScope" in jobs.board().problems[0][1]
    with pytest.raises(JobDamaged, match=f"version {newer}"):
        jobs.cancel(made.id, ANNA)


def test_a_record_of_the_version_before_is_of_its_owner():
    made = record.changed(jobs.submit(recipe(), ANNA), attempt=1, state="cancelled")
    path = places.folder(made.id) / "record.json"
    values = json.loads(path.read_text()) | {"version": 1}
    del values["begun_by"]
    path.write_text(json.dumps(values))
    assert record.read(made.id).begun_by == (ANNA,)
    path.write_text(json.dumps(values | {"attempt": 0}))
    assert record.read(made.id).begun_by == ()


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


def test_a_record_that_names_a_folder_elsewhere_deletes_nothing(tmp_path):
    made = jobs.cancel(jobs.submit(recipe(), ANNA).id, ANNA)
    precious = files.runs_root() / "precious"
    precious.mkdir()
    record.write(replace(made, chain=("precious", "../..")))
    jobs.remove(made.id, ANNA)
    assert precious.exists()
    assert tmp_path.exists()
