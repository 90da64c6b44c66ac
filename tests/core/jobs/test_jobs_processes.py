"""Jobs in processes of their own, with the tiny network: killed, cancelled, failed, resumed, started twice."""

import itertools
import json
import os
import random
import subprocess
import sys
import threading
import time

import pytest
import torch

from core import checkpoints, files, jobs, runs
from core.jobs import dispatcher, places, record, telling
from core.recipes import pruned
from tests.core.jobs.conftest import ANNA, BEN, command, light, recipe, state, until

pytestmark = pytest.mark.usefixtures("queue")

SLOW = 0.15  # seconds after each report; an epoch of the tiny network has one report


def kept(one) -> float:
    return runs.epochs_done(one) or 0.0


def test_a_job_is_carried_out_and_tells_of_every_epoch(start):
    one = pruned(recipe(epochs=2), "iterative", 0.5, steps=2, epochs=2)
    job = jobs.submit(one, ANNA)
    assert job.chain == (one.parent.hash, one.hash)
    seen = []
    process = start(job.id, SLOW)
    while process.poll() is None:
        seen.append((jobs.board().find(job.id), jobs.progress(job)))
        time.sleep(0.05)
    assert process.returncode == 0
    done = jobs.board().find(job.id)
    assert (done.state, done.checkpoint) == ("finished", "colours-32/vgg16/iterative-50")
    assert {job.state for job, _ in seen} <= {"queued", "running", "finished"}
    shares = [moment.fraction for _, moment in seen if moment]
    assert shares == sorted(shares)
    last = jobs.progress(done)
    assert (last.attempt, last.epochs, last.of, last.fraction) == (1, 4, 4, 1)
    assert [row["network"] for row in last.rows] == ["dense", "dense", "iterative", "iterative"]
    assert [row["epoch"] for row in last.rows] == [1, 2, 3, 4]
    history = [*runs.find(one.parent).card.history, *runs.find(one).card.history]
    assert [row["loss"] for row in last.rows] == [row["loss"] for row in history]
    # Found, not made again.
    assert jobs.submit(one, BEN).checkpoint == done.checkpoint


@pytest.mark.parametrize(("given", "expected"), [(None, 10), ("19", 19), ("0", 0), ("-5", 10), ("much", 10)])
def test_a_worker_gives_way_to_the_app(given, expected, monkeypatch):
    monkeypatch.delenv("PRUNESCOPE_NICE")
    if given:
        monkeypatch.setenv("PRUNESCOPE_NICE", given)
    script = """
import os
from core.jobs import worker
worker.yield_to_the_app()
print(os.nice(0))
print(open("/proc/self/autogroup").read().split()[-1] if os.path.exists("/proc/self/autogroup") else os.nice(0))
print(open("/proc/self/oom_score_adj").read() if os.path.exists("/proc/self/oom_score_adj") else 800)
"""
    output = subprocess.check_output(
        [sys.executable, "-c", script], cwd=files.PROJECT, text=True, start_new_session=True
    )
    nice, of_its_session, score = map(int, output.split())
    assert nice == of_its_session == expected
    assert score == 800


def test_killed_at_any_moment_it_loses_no_finished_epoch_and_ends_in_the_same_bits(start, tmp_path):
    one = recipe(epochs=6)
    job = jobs.submit(one, ANNA)
    moments = random.Random(5)
    kept_before = 0.0
    for _ in range(2):
        process = start(job.id, SLOW)
        until(lambda: state(job.id) == "running")
        until(lambda before=kept_before: kept(one) > before)
        time.sleep(moments.random() * 0.4)
        seen = kept(one)
        process.kill()
        process.wait()
        assert state(job.id) == "interrupted"
        assert kept(one) >= seen > kept_before
        assert "resume" in jobs.board().find(job.id).error["remedy"]
        kept_before = kept(one)
        assert jobs.board().places == {}
        assert jobs.resume(job.id, ANNA).state == "queued"
    start(job.id).wait()
    done = jobs.board().find(job.id)
    assert (done.state, done.attempt) == ("finished", 3)
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as the worker's
    whole = runs.run(one, root=tmp_path / "whole")
    torch.set_num_threads(before)
    made = checkpoints.load(done.checkpoint)
    assert all(torch.equal(value, made.state_dict()[name]) for name, value in whole.state_dict().items())
    assert whole.card.metrics == made.card.metrics


def test_cancelled_while_it_runs_it_stops_keeps_its_epochs_and_can_be_resumed(start):
    one = recipe(epochs=40)
    job = jobs.submit(one, ANNA)
    process = start(job.id, SLOW)
    until(lambda: kept(one) >= 2)
    assert jobs.cancel(job.id, ANNA).stopping
    assert process.wait(60) == 0
    assert state(job.id) == "cancelled"
    epochs = kept(one)
    assert 2 <= epochs < 40
    jobs.resume(job.id, ANNA)
    again = start(job.id, SLOW)
    until(lambda: kept(one) > epochs)  # it neither began anew nor met the old wish
    assert not jobs.board().find(job.id).stopping
    again.kill()


def test_images_that_go_while_a_job_waits_are_named(monkeypatch, tmp_path):
    job = jobs.submit(recipe(), ANNA)
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))
    dispatcher.serve("cpu", command())
    done = jobs.board().find(job.id)
    assert done.state == "failed"
    assert "colours" in done.error["given"]


def test_what_was_told_and_cannot_be_read_is_nothing():
    job = jobs.submit(recipe(), ANNA)
    for content in ("", "{", "[]", '{"stage": "x"}', '{"rows": 5}'):
        (places.folder(job.id) / "progress.json").write_text(content)
        assert jobs.progress(job) is None


def test_a_long_curve_is_thinned_evenly_and_keeps_its_end():
    rows = [{"epoch": number} for number in range(1, 1002)]
    kept_rows = [row["epoch"] for row in telling.thinned(rows)]
    assert len(kept_rows) <= 400
    assert kept_rows[-1] == 1001
    assert {b - a for a, b in itertools.pairwise(kept_rows)} == {3}
    assert telling.thinned(rows[:400]) == rows[:400]


def test_lack_of_memory_and_surprises_are_named():
    from core.jobs.worker import _named

    job = jobs.submit(recipe(), ANNA)
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")):
        assert "not enough memory" in str(_named(error, job))
    assert "KeyError" in str(_named(KeyError("secret"), job))
    assert "secret" not in str(_named(KeyError("secret"), job))


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


def test_asked_to_stop_and_then_gone_it_was_cancelled_even_if_nobody_watched(start):
    job = jobs.submit(recipe(epochs=300), ANNA)
    process = start(job.id, worker=light())
    until(lambda: state(job.id) == "running")
    assert jobs.cancel(job.id, ANNA).state == "running"  # this worker never looks
    process.kill()
    process.wait()
    assert state(job.id) == "cancelled"
    assert jobs.resume(job.id, ANNA).state == "queued"


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


def test_two_workers_of_one_job_carry_it_out_once(start):
    job = jobs.submit(recipe(epochs=2), ANNA)
    both = [start(job.id, worker=light()) for _ in range(2)]
    assert [one.wait() for one in both] == [0, 0]
    done = jobs.board().find(job.id)
    assert (done.state, done.attempt) == ("finished", 1)


def test_a_clock_that_jumps_interrupts_nothing(start, monkeypatch):
    job = jobs.submit(recipe(epochs=300), ANNA)
    start(job.id, worker=light())
    until(lambda: state(job.id) == "running")
    for jump in (-(10**7), 10**7):
        monkeypatch.setattr(time, "time", lambda jump=jump: 1.7e9 + jump)
        for path in places.folder(job.id).iterdir():
            os.utime(path, (1.7e9 - jump, 1.7e9 - jump))
        assert state(job.id) == "running"


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

    # It goes when nothing is left to do.
    def gone():
        with places.alone():
            return not places.held(places.dispatcher_lock("cpu"))

    until(gone)


def test_where_steps_are_slow_a_wish_to_stop_is_heard_before_ten_of_them(colours, monkeypatch):
    from core.errors import Cancelled
    from core.training import loop

    steps = []
    pinned = loop._pin
    monkeypatch.setattr(loop, "_TELL_AFTER", 0.0)  # every step is slow
    monkeypatch.setattr(loop, "_pin", lambda masks: (steps.append(1), pinned(masks))[1])

    def stop(progress):
        if progress.numbers:
            raise Cancelled("The test")

    with pytest.raises(Cancelled):
        runs.run(recipe(batch=3), report=stop)  # twelve steps an epoch
    assert len(steps) == 2  # one before the first step, and one step


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

    def gone():
        with places.alone():
            return not places.held(places.dispatcher_lock("cpu"))

    until(gone)
