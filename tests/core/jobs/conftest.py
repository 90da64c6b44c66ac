"""A queue whose processes train the tiny network: the same modules, started by a script that registers it first."""

import subprocess
import sys
import time

import pytest

from core import files, jobs
from core.jobs import dispatcher
from core.recipes import dense

WORKER = """
import sys, time
import torch
torch.set_num_threads(1)
from core.jobs import telling, worker
from tests.core.tiny import registered
pause = float(sys.argv[1])
told = telling.Teller.__call__
def slowly(self, progress):
    told(self, progress)
    time.sleep(pause)
telling.Teller.__call__ = slowly
with registered():
    worker.work(*sys.argv[2:4])
"""
"""Its first argument is how long to wait after every report, so that a job lasts long enough to be met."""

LIGHT = """
import sys, time
from core.jobs import worker
def carry_out(job):
    time.sleep(600 if job.values["training"]["epochs"] > 100 else 0.3)
    return {"state": "finished", "checkpoint": "none"}
worker._carry_out = carry_out
worker.work(*sys.argv[1:3])
"""
"""The whole of a worker but for the training, so that it needs no torch: it sleeps, and for a long job far too long."""

ANNA, BEN, CLEO = (jobs.owner_of(name) for name in ("anna", "ben", "cleo"))


def command(pause: float = 0.0) -> list[str]:
    """What starts a worker on the tiny network."""
    return [sys.executable, "-c", WORKER, str(pause)]


def light() -> list[str]:
    """What starts a worker that only sleeps."""
    return [sys.executable, "-c", LIGHT]


def recipe(**changes):
    return dense("colours-32/vgg16", **{"epochs": 3, "batch": 8, "rate": 0.05, "warmup": 0.5, **changes})


def until(true, seconds: float = 90):
    """Wait for ``true()``; a busy machine gets its time."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)
    return found


def state(id: str) -> str:
    return jobs.board().find(id).state


@pytest.fixture
def queue(tiny, colours, monkeypatch):
    """The tiny network's study, and no dispatcher but the ones that a test starts."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    monkeypatch.setattr(dispatcher, "_start", lambda device: None)


@pytest.fixture
def start(queue):
    """Start the worker of a job: call with its id; all are ended with the test."""
    processes = []

    def begin(id: str, pause: float = 0.0, worker: list[str] | None = None) -> subprocess.Popen:
        process = subprocess.Popen([*(worker or command(pause)), id, "cpu"], cwd=files.PROJECT)
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.wait()


def ids(found):
    return [job.id for job in found]
