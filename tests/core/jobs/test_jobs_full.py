"""A queue on a disk that is full or read-only: what waits is told, and goes on by itself. Nothing is trained here."""

import subprocess
import threading
import time

import pytest

from core import files, jobs
from core.errors import StorageFull
from core.jobs import dispatcher, places, record
from tests.core.jobs.conftest import ANNA, light, recipe, state
from tests.core.no_room import full

pytestmark = pytest.mark.usefixtures("queue")


def test_what_waits_for_room_is_told_and_left_in_the_queue():
    job = jobs.submit(recipe(), ANNA)
    jobs.advance()
    with full(), pytest.raises(StorageFull, match="Could not write"):
        jobs.advance()
    assert state(job.id) == "queued"
    assert not list(files.runs_root().rglob("*.tmp"))


def test_while_a_job_runs_it_is_the_one_to_tell():
    running = record.changed(jobs.submit(recipe(), ANNA), state="running")
    jobs.submit(recipe(seed=1), ANNA)
    with places.job_lock(running.id), full():
        jobs.advance()


def test_a_job_is_submitted_although_the_last_bytes_went_to_its_record(monkeypatch):
    def no_room(folder):
        raise StorageFull("There is no room", given=folder)

    monkeypatch.setattr(files, "check_takes_files", no_room)
    assert jobs.submit(recipe(), ANNA).state == "queued"


def test_a_worker_that_cannot_write_that_it_begins_leaves_its_job_in_the_queue(monkeypatch):
    monkeypatch.setattr(dispatcher, "_FULL", 0.01)
    job = jobs.submit(recipe(), ANNA)
    with full():
        ended = subprocess.run([*light(), job.id, "cpu"], cwd=files.PROJECT, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stderr) == (dispatcher.NO_ROOM, b"")
    dispatcher._settle(job, ended.returncode)
    assert state(job.id) == "queued"
    with places.alone():
        assert not places.held(places.job_lock(job.id))


def test_the_dispatcher_waits_for_room_and_goes_on(monkeypatch):
    monkeypatch.setattr(dispatcher, "_FULL", 0.05)
    job = jobs.submit(recipe(), ANNA)
    serving = threading.Thread(target=dispatcher.serve, args=("cpu", light()))
    with full():
        serving.start()
        time.sleep(0.5)
        assert serving.is_alive()
        assert state(job.id) == "queued"
    serving.join(60)
    assert not serving.is_alive()
    assert state(job.id) == "finished"


def test_an_end_that_finds_no_room_is_written_when_there_is_some(monkeypatch):
    monkeypatch.setattr(dispatcher, "_FULL", 0.05)
    job = record.changed(jobs.submit(recipe(), ANNA), state="running", attempt=1)
    with full():
        settling = threading.Thread(target=dispatcher._settle, args=(job, -9))
        settling.start()
        time.sleep(0.3)
        assert settling.is_alive()
    settling.join(60)
    assert "SIGKILL" in record.read(job.id).error["given"]


def test_a_lock_that_cannot_be_made_is_named(monkeypatch):
    jobs.submit(recipe(), ANNA)
    # As in a folder turned read-only in which the queue's own lock was made before.
    blocked = places.root() / "dispatcher-cpu.lock"
    blocked.unlink(missing_ok=True)
    blocked.mkdir()
    with pytest.raises(StorageFull, match="dispatcher-cpu"):
        jobs.advance()
