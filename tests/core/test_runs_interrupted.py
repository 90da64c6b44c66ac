"""Runs that are cancelled, killed or asked for twice end in the same bits as those that never were."""

import shutil
import signal
import subprocess
import sys
import threading

import pytest
import torch

from core import checkpoints, files, runfolder, runs
from core.errors import Cancelled
from core.recipes import pruned
from tests.core.tiny import parent, write_pictures

pytestmark = pytest.mark.usefixtures("tiny", "one_thread")


def facts(checkpoint):
    """All that a run decides; not the seconds, dates and versions."""
    card = checkpoint.card
    history = [{key: value for key, value in row.items() if key != "seconds"} for row in card.history]
    return checkpoint.state_dict(), checkpoint.masks, history, card.metrics


def assert_same(one, two):
    for a, b in zip(facts(one)[:2], facts(two)[:2], strict=True):
        assert list(a) == list(b)
        assert all(torch.equal(a[name], b[name]) for name in a)
    assert facts(one)[2:] == facts(two)[2:]


class StopAt:
    """Cancels at a step of an iterative run, after a number of epochs of it."""

    def __init__(self, step, epochs):
        self.step, self.epochs = step, epochs

    def __call__(self, progress):
        if f"step {self.step} of" in progress.stage and progress.numbers["epoch"] > self.epochs:
            raise Cancelled("Training")


@pytest.mark.parametrize(("step", "epochs"), [(1, 0), (1, 1), (2, 0), (2, 1), (3, 1)])
def test_interrupted_anywhere_a_run_ends_in_the_same_bits(step, epochs, colours, tmp_path):
    # Two epochs a step. Step 2, epoch 0: the state on disk is still that of step 1, finished.
    recipe = pruned(parent(), "iterative", 0.9, epochs=6, steps=3)
    whole = runs.run(recipe, data=colours, root=tmp_path / "whole")
    runs.run(parent(), data=colours)
    with pytest.raises(Cancelled):
        runs.run(recipe, data=colours, report=StopAt(step, epochs))
    assert runs.find(recipe) is None
    moments = []
    again = runs.run(recipe, data=colours, report=moments.append)
    assert_same(whole, again)
    trained = {moment.stage for moment in moments if moment.stage.startswith("iterative")}
    assert len(trained) == 4 - step
    assert not (files.runs_root() / recipe.hash).exists()


@pytest.mark.parametrize("stop", [1, 2, 3])
@pytest.mark.parametrize("method", ["layerwise", "iterative"])
def test_a_run_with_steps_that_train_nothing_goes_on_in_the_same_bits(method, stop, colours, tmp_path):
    recipe = pruned(parent(), method, 0.9, epochs=3 if method == "iterative" else 2, batch=64)
    whole = runs.run(recipe, data=colours, root=tmp_path / "whole")
    runs.run(parent(), data=colours)
    told = []

    def report(progress):
        if progress.stage.startswith(method):
            told.append(progress)
            if len(told) == stop:
                raise Cancelled("Training")

    try:
        runs.run(recipe, data=colours, report=report)
    except Cancelled:
        assert runs.epochs_done(recipe) == (stop - 1 or None)
    assert_same(whole, runs.run(recipe, data=colours))


SCRIPT = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from core import runs
from core.recipes import dense
from tests.core.tiny import registered

kill = int(sys.argv[2])
told = []

def report(progress):
    if progress.stage.startswith("Training"):
        told.append(progress)
        if kill and progress.numbers["epoch"] == kill:
            os.kill(os.getpid(), signal.SIGKILL)

with registered():
    recipe = dense("colours-32/vgg16", epochs=4, batch=8, rate=0.05, warmup=0.5)
    runs.run(recipe, data=sys.argv[1], report=report)
print(len(told))
"""


def process(colours, kill=0):
    command = [sys.executable, "-c", SCRIPT, str(colours), str(kill)]
    return subprocess.Popen(command, cwd=files.PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_killed_it_goes_on_and_ends_in_the_same_bits(colours, tmp_path):
    killed = process(colours, kill=3)
    output = killed.communicate()
    assert killed.returncode == -signal.SIGKILL, output
    recipe = parent(epochs=4)
    assert runs.find(recipe) is None
    moments = []
    made = runs.run(recipe, data=colours, report=moments.append)
    # Two of four epochs were left.
    assert {moment.total for moment in moments if moment.stage.startswith("Training")} == {8}
    whole = runs.run(recipe, data=colours, root=tmp_path / "whole")
    assert_same(whole, made)


def test_two_processes_that_ask_at_once_make_it_once(colours):
    both = [process(colours), process(colours)]
    output = [one.communicate() for one in both]
    assert [one.returncode for one in both] == [0, 0], output
    trained = sorted(int(out) for out, _ in output)
    assert trained[0] == 0
    assert trained[1] > 0
    assert [entry.id for entry in checkpoints.list()] == ["colours-32/vgg16/dense"]


def test_a_state_of_other_images_is_not_gone_on_from(tmp_path):
    recipe = parent()
    write_pictures(tmp_path, {"train": 12, "validation": 4, "test": 6})

    def stop(progress):
        if progress.stage.startswith("Training") and progress.numbers["epoch"] == 2:
            raise Cancelled("Training")

    with pytest.raises(Cancelled):
        runs.run(recipe, data=tmp_path, report=stop)
    state = files.runs_root() / recipe.hash / "state.safetensors"
    assert state.exists()
    write_pictures(tmp_path, {"train": 16})
    moments = []
    made = runs.run(recipe, data=tmp_path, report=moments.append)
    assert {moment.total for moment in moments if moment.stage.startswith("Training")} == {2 * 6}
    assert len(made.card.history) == 2


def test_who_waits_is_told_and_does_not_mind_that_the_folder_goes(tmp_path):
    folder, moments, held = tmp_path / "runs" / "hash", [], []

    def wait():
        with runfolder.alone(folder, moments.append):
            held.append(folder.exists())

    waiting = threading.Thread(target=wait)
    with runfolder.alone(folder, moments.append):
        waiting.start()
        waiting.join(1.3)
        assert held == []
        assert [moment.stage for moment in moments] == ["Waiting for another process that makes this run"]
        shutil.rmtree(folder)
    waiting.join(10)
    assert held == [True]
