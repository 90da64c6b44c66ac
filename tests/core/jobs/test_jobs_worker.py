"""A job in a process of its own, with the tiny network: what it tells; killed, cancelled, resumed, started twice."""

import itertools
import os
import random
import subprocess
import sys
import time

import pytest
import torch

from core import checkpoints, files, jobs, runs
from core.jobs import places, telling
from core.progress import Progress
from core.recipes import pruned
from tests.core.jobs.conftest import ANNA, BEN, light, recipe, state, until

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
    again.wait()
    jobs.remove(job.id, ANNA)
    assert not kept(one), "the queue trained these epochs, so they go with the job"


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


def test_asked_to_stop_and_then_gone_it_was_cancelled_even_if_nobody_watched(start):
    job = jobs.submit(recipe(epochs=300), ANNA)
    process = start(job.id, worker=light())
    until(lambda: state(job.id) == "running")
    assert jobs.cancel(job.id, ANNA).state == "running"  # this worker never looks
    process.kill()
    process.wait()
    assert state(job.id) == "cancelled"
    assert jobs.resume(job.id, ANNA).state == "queued"


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


def test_a_list_that_fails_just_now_is_no_news_and_ends_no_job(monkeypatch):
    one = recipe()
    teller = telling.Teller(jobs.submit(one, ANNA), [one], images=24)
    real, fails = checkpoints.list, [FileNotFoundError("gone"), OSError("stale file handle")]

    def listed():
        if fails:
            raise fails.pop()
        return real()

    monkeypatch.setattr(checkpoints, "list", listed)
    for done in (1, 2, 3):
        teller(Progress("Training", done, 3, "steps"))
    assert not fails, "it asks again until it is answered"
    assert jobs.progress(jobs.board().find(one.hash)).done == 3
