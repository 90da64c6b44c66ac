"""Two servers on one folder, clocks that jump, and a job that takes all memory."""

import os
import subprocess
import sys
import threading
import time

import pytest

from core import checkpoints, data, files, jobs, runs
from core.data import cache
from core.jobs import dispatcher
from tests.core.jobs.conftest import ANNA, light, queue, recipe, state  # noqa: F401 (queue is a fixture)

SUBMIT = """
import sys
from core import jobs
from core.jobs import dispatcher, queue
from tests.core.jobs.conftest import recipe
from tests.core.tiny import registered
queue.MOST_OF_ONE = 100
dispatcher._start = lambda device: None
print("ready", flush=True)
sys.stdin.readline()
with registered():
    for seed in range(int(sys.argv[2]), int(sys.argv[2]) + 12):
        job = jobs.submit(recipe(seed=seed), jobs.owner_of(sys.argv[1]))
        if seed % 3 == 0:
            try:
                jobs.cancel(job.id, jobs.owner_of(sys.argv[1]))
            except jobs.access.NotAllowed:
                pass
"""

HUNGRY = """
import resource, sys
import torch
torch.set_num_threads(1)
from core import runs
from core.jobs import worker
from tests.core.tiny import registered
with registered():
    real = runs.run
    def run(recipe, **options):
        if recipe.training.seed == 1:  # as much as the machine has, and the step of training wants 3 GB
            used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (used + 300_000_000, resource.RLIM_INFINITY))
        return real(recipe, **options)
    runs.run = run
    worker.work(*sys.argv[1:3])
"""


@pytest.mark.usefixtures("queue")
def test_two_servers_that_submit_and_cancel_at_once_keep_one_queue():
    servers = [
        subprocess.Popen(
            [sys.executable, "-c", SUBMIT, name, str(first)],
            cwd=files.PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name, first in (("anna", 0), ("ben", 6))
    ]
    for server in servers:
        assert server.stdout.readline() == "ready\n"
    for server in servers:
        server.stdin.write("go\n")
        server.stdin.flush()
    for server in servers:
        _, errors = server.communicate()
        assert server.returncode == 0, errors
    there = jobs.board()
    assert there.problems == ()
    assert {job.id for job in there.jobs} == {recipe(seed=seed).hash for seed in range(18)}
    waiting = [job for job in there.jobs if job.state == "queued"]
    numbers = [job.number for job in there.jobs]
    assert len(set(numbers)) == len(numbers)
    assert sorted(there.places.values()) == list(range(1, len(waiting) + 1))
    # Both servers start a dispatcher: each job is carried out once.
    for job in waiting[4:]:
        jobs.cancel(job.id, job.owner)
    serving = [threading.Thread(target=dispatcher.serve, args=("cpu", light())) for _ in range(2)]
    for one in serving:
        one.start()
    for one in serving:
        one.join(120)
        assert not one.is_alive()
    assert [(job.state, job.attempt) for job in map(jobs.board().find, [job.id for job in waiting[:4]])] == [
        ("finished", 1)
    ] * 4


@pytest.mark.usefixtures("queue")
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is limited by its use as Linux tells it")  # noqa: PTH110
def test_a_job_that_takes_all_memory_says_so_and_the_queue_goes_on():
    hungry = jobs.submit(recipe(epochs=1, batch=65_536, seed=1), ANNA)
    modest = jobs.submit(recipe(epochs=1, seed=2), ANNA)
    dispatcher.serve("cpu", [sys.executable, "-c", HUNGRY])
    assert (state(hungry.id), state(modest.id)) == ("failed", "finished")
    error = jobs.board().find(hungry.id).error
    assert error["problem"] == "There was not enough memory for this job"
    assert "smaller batch" in error["remedy"]
    # The app was never part of it: it submits, shows and finds as before.
    assert runs.find(modest.recipe)


@pytest.mark.usefixtures("tiny")
def test_clocks_that_jump_change_no_run(colours, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    one = recipe(epochs=2)
    straight = runs.run(one, root=tmp_path / "straight")
    real, jumps = time.time, iter([0, 1e9, -1e9, 3e8, -2e9, 5e8] * 10_000)
    monkeypatch.setattr(time, "time", lambda: max(0.0, real() + next(jumps)))
    jumped = runs.run(one)
    assert checkpoints.load(jumped.id).state_dict().keys() == straight.state_dict().keys()
    assert all((value == jumped.state_dict()[name]).all() for name, value in straight.state_dict().items())
    assert all(row["seconds"] >= 0 for row in jumped.card.history)
    # Files that seem to come from the future or from before everything are as good as any.
    for path in (*files.checkpoint_root().rglob("*"), *files.cache_root().rglob("*")):
        os.utime(path, (4e9, 4e9))
    assert runs.run(one).id == jumped.id
    assert len(data.load("colours", "test", size=32)) == 18


def test_arrays_that_are_being_written_are_not_swept_away_however_old_a_clock_makes_them(tmp_path):
    place, begun, go = tmp_path / "set" / "key-v2", threading.Event(), threading.Event()

    def write(folder):
        (folder / "images.npy").write_bytes(b"x" * 10)
        begun.set()
        go.wait(30)
        (folder / "table.csv").write_text("id")
        return {}

    writer = threading.Thread(target=cache.publish, args=(place, write))
    writer.start()
    begun.wait(30)
    (part,) = place.parent.glob(".*.part")
    dead = place.parent / ".other-v2.0000.part"
    dead.mkdir()
    for folder in (part, dead):
        os.utime(folder, (0, 0))
    cache._sweep(place.parent)
    assert part.exists()
    assert not dead.exists()
    go.set()
    writer.join(30)
    assert cache.meta(place)["bytes"] == {"images.npy": 10, "table.csv": 2}
