"""What starts one job after the other: processes that fail or do not stop, two dispatchers, one that was killed."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from core import files, jobs
from core.jobs import dispatcher, places, record
from tests.core.jobs.conftest import ANNA, BEN, command, light, recipe, state, until

pytestmark = pytest.mark.usefixtures("queue")


def gone() -> bool:
    """Whether no dispatcher is at work."""
    with places.alone():
        return not places.held(places.dispatcher_lock("cpu"))


def test_images_that_go_while_a_job_waits_are_named(monkeypatch, tmp_path):
    job = jobs.submit(recipe(), ANNA)
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))
    dispatcher.serve("cpu", command())
    done = jobs.board().find(job.id)
    assert done.state == "failed"
    assert "colours" in done.error["given"]


def test_a_process_that_never_begins_is_a_failure_and_is_not_started_for_ever():
    job = jobs.submit(recipe(), ANNA)
    dispatcher.serve("cpu", [sys.executable, "-c", "import sys; sys.exit(3)"])
    assert state(job.id) == "failed"
    assert "code 3" in jobs.board().find(job.id).error["given"]


def test_a_process_that_does_not_answer_to_cancel_is_ended():
    job = jobs.submit(recipe(epochs=300), ANNA)
    serving = threading.Thread(target=dispatcher.serve, args=("cpu", light()), kwargs={"grace": 0.5})
    serving.start()
    until(lambda: state(job.id) == "running")
    jobs.cancel(job.id, ANNA)
    serving.join(60)
    assert not serving.is_alive()
    assert (state(job.id), jobs.board().find(job.id).error) == ("cancelled", None)


def test_a_killed_process_does_not_stop_the_queue():
    first, second = jobs.submit(recipe(epochs=300), ANNA), jobs.submit(recipe(epochs=0, seed=1), ANNA)
    serving = threading.Thread(target=dispatcher.serve, args=("cpu", light()))
    serving.start()
    until(lambda: state(first.id) == "running")
    (pid,) = [int(one) for one in subprocess.check_output(["pgrep", "-f", first.id], text=True).split()]
    os.kill(pid, 9)
    serving.join(90)
    assert not serving.is_alive()
    assert (state(first.id), state(second.id)) == ("interrupted", "finished")
    assert "SIGKILL" in jobs.board().find(first.id).error["given"]


def test_two_dispatchers_start_each_job_once_and_one_at_a_time():
    made = [jobs.submit(recipe(epochs=2, seed=seed), owner) for seed, owner in enumerate((ANNA, ANNA, BEN))]
    serving = [threading.Thread(target=dispatcher.serve, args=("cpu", light())) for _ in range(2)]
    for one in serving:
        one.start()
    order = []
    while any(one.is_alive() for one in serving):
        running = [job.id for job in jobs.board().jobs if job.state == "running"]
        assert len(running) <= 1
        order += [id for id in running if id not in order]
        time.sleep(0.02)
    done = [jobs.board().find(job.id) for job in made]
    assert [(job.state, job.attempt) for job in done] == [("finished", 1)] * 3
    assert order == [made[0].id, made[2].id, made[1].id]  # Ben did not wait for both of Anna's


def test_the_real_dispatcher_outlives_who_submits():
    """The detached process itself: without the images its worker fails by name, which shows that all of it ran."""
    job = record.Job(
        id="a" * 16, values={"study": "colours-32/vgg16", "training": {}}, owner=ANNA, device="cpu", number=1
    )
    record.write(job)
    script = "from core import jobs; jobs.advance()"
    subprocess.run([sys.executable, "-c", script], cwd=files.PROJECT, check=True)
    until(lambda: state(job.id) == "failed")
    error = jobs.board().find(job.id).error
    assert error["problem"] == "The recipe of this job was altered"
    assert "Traceback" not in json.dumps(error)
    assert "Traceback" in (places.folder(job.id) / "log.txt").read_text()
    until(gone)  # it goes when nothing is left to do


def test_the_queue_goes_on_when_its_dispatcher_was_killed_and_nobody_looks():
    """Two jobs whose records were altered, so that each fails at once: the worker of the first starts what the second needs."""
    made = [
        record.Job(
            id=letter * 16,
            values={"study": "colours-32/vgg16", "training": {}},
            owner=ANNA,
            device="cpu",
            number=number,
        )
        for number, letter in enumerate("ab", 1)
    ]
    for one in made:
        record.write(one)
    subprocess.run([*dispatcher.WORKER, made[0].id, "cpu"], cwd=files.PROJECT, check=True)
    assert state(made[0].id) == "failed"
    until(lambda: state(made[1].id) == "failed")
    until(gone)
