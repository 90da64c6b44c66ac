"""Sweeps on the tiny network: in threads of this process, and in pools whose processes are killed."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial

import pytest

from core import checkpoints, files, runs, sweeps
from core.errors import Cancelled, StorageFull
from core.recipes import dense, pruned
from tests.core.sweeps import tiny_worker

pytestmark = pytest.mark.usefixtures("tiny")

STUDY = "colours-32/vgg16"
THREADS = sweeps.Crew(partial(ThreadPoolExecutor, 2))


@pytest.fixture(autouse=True)
def _data(colours, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    monkeypatch.setenv("PRUNESCOPE_RUNS", os.environ["PRUNESCOPE_RUNS"])  # a worker in this process sets it


def parent(**changes):
    return dense(STUDY, **{"epochs": 1, "batch": 12, "rate": 0.05, **changes})


def grid():
    one, two = parent(), parent(seed=1)
    return [one, two, pruned(one, "one_shot", 0.5, epochs=1), pruned(two, "iterative", 0.8, epochs=1, steps=2)]


@pytest.fixture
def made(monkeypatch):
    """The recipes that a worker was asked to make, in order."""
    asked, real = [], runs.run

    def run(recipe, **options):
        asked.append(recipe)
        return real(recipe, **options)

    monkeypatch.setattr(runs, "run", run)
    return asked


def test_what_is_missing_is_made_once_and_parents_first(made):
    # The parent of the last is not asked for, and made all the same.
    recipes = grid()[2:]
    outcomes = list(sweeps.run(recipes, THREADS))
    assert {outcome.recipe for outcome in outcomes} == set(grid())
    assert [(outcome.state, outcome.attempts, outcome.error) for outcome in outcomes] == [("made", 1, None)] * 4
    for recipe in recipes:  # a run asks for its parent too, and finds it
        assert made.index(recipe.parent) < made.index(recipe)
        assert made.count(recipe) == 1
    for outcome in outcomes:
        assert checkpoints.load(outcome.id).card.recipe_hash == outcome.recipe.hash
    # Again: nothing is.
    made.clear()
    again = list(sweeps.run(recipes, THREADS))
    assert made == []
    assert {(one.id, one.attempts) for one in again} == {(one.id, 0) for one in outcomes}
    assert [item.state for item in sweeps.plan(recipes)] == ["made", "made"]


def test_the_plan_tells_what_was_begun():
    def stop(progress):
        if progress.numbers.get("epoch", 0) > 2:
            raise Cancelled("The test")

    one = parent(epochs=20)
    with pytest.raises(Cancelled):
        runs.run(one, report=stop)
    begun, missing = sweeps.plan([one, parent()])
    assert (begun.state, missing.state, missing.epochs) == ("started", "missing", 0)
    assert 1 <= begun.epochs < 20


def test_a_failure_is_tried_again_and_then_told_and_children_of_it_are_skipped(monkeypatch):
    good, bad, failures = grid()[0], grid()[1], []
    real = runs.run

    def run(recipe, **options):
        if recipe == bad or (recipe == good and not failures):
            failures.append(recipe)
            raise StorageFull("No room", given="0 MB")
        return real(recipe, **options)

    monkeypatch.setattr(runs, "run", run)
    outcomes = {outcome.recipe.hash: outcome for outcome in sweeps.run(grid(), THREADS, retries=2)}
    found = [(outcomes[one.hash].state, outcomes[one.hash].attempts) for one in grid()]
    assert found == [("made", 2), ("failed", 3), ("made", 1), ("skipped", 0)]
    assert str(outcomes[bad.hash].error) == "No room. Given: 0 MB."
    assert bad.hash in str(outcomes[grid()[3].hash].error)
    assert failures.count(bad) == 3


def test_a_surprise_in_a_worker_is_told_by_its_kind(monkeypatch):
    monkeypatch.setattr(runs, "run", lambda recipe, **options: 1 / 0)
    (outcome,) = sweeps.run([parent()], THREADS, retries=0)
    assert (outcome.state, outcome.attempts) == ("failed", 1)
    assert "ZeroDivisionError" in str(outcome.error)


def test_progress_counts_epochs_and_can_cancel():
    told = []
    list(sweeps.run(grid(), THREADS, report=told.append))
    assert (told[-1].done, told[-1].total, told[-1].unit) == (4, 4, "epochs")

    def stop(_):
        raise Cancelled("The test")

    with pytest.raises(Cancelled):
        list(sweeps.run([parent(seed=7), parent(seed=8)], THREADS, report=stop))


def test_a_checkpoint_that_a_worker_wrote_elsewhere_is_not_taken_for_made(monkeypatch, tmp_path):
    monkeypatch.setattr("core.sweeps.running.time.sleep", lambda seconds: None)
    real = runs.run
    monkeypatch.setattr(runs, "run", lambda recipe, **options: moved(real(recipe, **options)))

    def moved(checkpoint):
        checkpoint.path.rename(tmp_path / "elsewhere.safetensors")
        return checkpoint

    (outcome,) = sweeps.run([parent()], THREADS, retries=0)
    assert "cannot be seen from here" in str(outcome.error)


class Fragile(Executor):
    """An executor that does its work in this thread, and breaks with all that is under way when it meets ``poison``."""

    def __init__(self, poison: str, handed: list):
        self._poison, self._handed, self._waiting = poison, handed, []

    def submit(self, function, values, *arguments):
        future = Future()
        self._waiting.append((future, function, values, arguments))
        if len(self._waiting) == 3 or len(self._handed) >= 3:
            self._work()
        return future

    def _work(self):
        bad = any(values["training"]["seed"] == self._poison for _, _, values, _ in self._waiting)
        self._handed.append([values["training"]["seed"] for _, _, values, _ in self._waiting])
        for future, function, values, arguments in self._waiting:
            if bad:
                future.set_exception(BrokenProcessPool("killed"))
            else:
                future.set_result(function(values, *arguments))
        self._waiting.clear()


def test_who_breaks_a_pool_is_found_by_trying_each_alone():
    handed = [None, None]  # so that the first three come together, and from then on each alone
    recipes = [parent(seed=seed) for seed in range(5)]
    crew = sweeps.Crew(lambda: Fragile(1, handed), at_once=3)
    outcomes = {outcome.recipe.training.seed: outcome for outcome in sweeps.run(recipes, crew, retries=1)}
    assert [outcomes[seed].state for seed in range(5)] == ["made", "failed", "made", "made", "made"]
    assert "ended from outside" in str(outcomes[1].error)
    assert (outcomes[1].attempts, outcomes[0].attempts) == (2, 1)  # the innocent are not blamed
    assert handed[2:6] == [[0, 1, 2], [0], [1], [1]]


def test_a_killed_process_of_a_pool_costs_nothing_but_its_epoch(monkeypatch):
    context = multiprocessing.get_context("spawn")
    pools = []

    def start():
        pools.append(ProcessPoolExecutor(1, mp_context=context, initializer=tiny_worker.begin))
        return pools[-1]

    one = parent(epochs=150)
    killed = []

    def kill(progress):
        if not killed and (kept := runs.epochs_done(one)):
            killed.append(kept)
            (pid,) = pools[0]._processes
            os.kill(pid, signal.SIGKILL)

    monkeypatch.setattr("core.sweeps.running._LOOK", 0.05)
    (outcome,) = sweeps.run([one], sweeps.Crew(start, at_once=1), report=kill)
    assert (outcome.state, outcome.attempts, len(pools)) == ("made", 2, 2), outcome.error
    assert killed
    epochs = [row["epoch"] for row in checkpoints.load(outcome.id).card.history]
    assert epochs == list(range(1, 151))


def test_each_process_takes_a_gpu_of_its_own_and_leaves_it_when_it_is_gone(tmp_path):
    # One process imports the worker and forks: each line that it is sent is a process more, or the number of one to kill.
    script = """
import os, signal, sys, time
from core.sweeps import worker
made = []
while line := sys.stdin.readline().strip():
    if line != "one more":
        os.kill(made[int(line)], signal.SIGKILL)
        os.waitpid(made.pop(int(line)), 0)
        print("killed", flush=True)
        continue
    made.append(os.fork())
    if not made[-1]:
        print(worker.pin(["0", "GPU-8a/b"]), worker.pin(["0"]), os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
        time.sleep(600)
for one in made:
    os.kill(one, signal.SIGKILL)
"""
    options = {"cwd": files.PROJECT, "env": os.environ | {"TMPDIR": str(tmp_path)}, "text": True}
    options |= {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}

    with subprocess.Popen([sys.executable, "-c", script], **options) as process:  # the end closes its input

        def told(line: str) -> str:
            print(line, file=process.stdin, flush=True)
            return process.stdout.readline().strip()

        assert told("one more") == "0 0 0"
        assert told("one more") == "GPU-8a/b GPU-8a/b GPU-8a/b"
        assert told("one more") == "0 0 0"  # both have one: shared evenly
        assert told("1") == "killed"
        assert told("one more") == "GPU-8a/b GPU-8a/b GPU-8a/b"


def test_a_worker_has_its_share_of_threads_and_does_not_outlive_the_sweep():
    script = (
        "import os, time, torch\nfrom core.sweeps.crews import begin\nbegin(3, os.getppid())\n"
        "print(torch.get_num_threads(), os.environ['OMP_NUM_THREADS'], flush=True)\ntime.sleep(600)"
    )
    middle = f"import subprocess, sys, time\nsubprocess.Popen([sys.executable, '-c', {script!r}])\ntime.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", middle], cwd=files.PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "3 3\n"
    process.kill()
    process.communicate(timeout=60)  # ends when nobody holds the pipe any more: the worker is gone too


def test_the_command_makes_what_a_file_says_and_tells_what_failed(tmp_path, capsys, monkeypatch):
    from core import cli
    from core.sweeps import crews

    monkeypatch.setattr(
        sweeps, "processes", lambda workers, **options: crews.Crew(partial(ThreadPoolExecutor, workers))
    )
    path = tmp_path / "sweep.toml"
    path.write_text('studies = "colours-32/vgg16"\nseeds = [0, 1]\n[dense]\nepochs = 1\nbatch = 12\n')
    assert cli.main(["sweep", str(path), "--plan"]) == 0
    assert capsys.readouterr().out.count("missing") == 2
    assert cli.main(["sweep", str(path), "--workers", "2", "--quiet"]) == 0
    output = capsys.readouterr().out
    assert output.count("colours-32/vgg16/dense") == 2
    assert cli.main(["sweep", str(path), "--json", "--quiet"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert [(one["state"], one["attempts"]) for one in records] == [("made", 0)] * 2
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))
    path.write_text('studies = "colours-32/vgg16"\nseeds = [2]\n[dense]\nepochs = 1\n')
    assert cli.main(["sweep", str(path), "--retries", "0"]) == 1
    errors = capsys.readouterr().err
    assert "1 of 1 runs were not made" in errors
    assert "seed 2" in errors
    for words in (["--workers", "0"], ["--retries", "-1"], ["--workers", "2", "--dask", "tcp://127.0.0.1:9"]):
        assert cli.main(["sweep", str(path), *words]) in (1, 2)
        assert "Traceback" not in capsys.readouterr().err
