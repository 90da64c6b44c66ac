"""The command on a real Dask cluster: a scheduler and two workers on 127.0.0.1, one of which is killed in the middle."""

import json
import os
import socket
import subprocess
import sys
import time

import pytest

from core import checkpoints, cli, files, runs
from core.errors import MissingPackage
from core.recipes import dense, pruned

pytest.importorskip("distributed", reason="the package distributed is not installed: no Dask cluster to test with")

STUDY = "colours-32/vgg16"
SWEEP = """
studies = "colours-32/vgg16"
seeds = [0, 1]
[dense]
epochs = 120
batch = 12
rate = 0.05
[pruned]
methods = ["one_shot", "dense_trained_on"]
sparsities = 0.5
epochs = 2
"""


@pytest.fixture
def cluster(tmp_path):
    """A scheduler's address and two worker processes, on which vgg16 means the tiny network."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = os.environ | {
        "PYTHONPATH": str(files.PROJECT),
        "OMP_NUM_THREADS": "1",
        "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    }
    options = {"cwd": tmp_path, "env": environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    program = [sys.executable, "-m", "dask"]
    scheduler = [*program, "scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard", "--no-show"]
    worker = [*program, "worker", address, "--nthreads", "2", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
    worker += ["--preload", "tests.core.sweeps.tiny_worker", "--death-timeout", "60"]
    processes = [subprocess.Popen(scheduler, **options)] + [subprocess.Popen(worker, **options) for _ in range(2)]
    yield address, processes[1:]
    for process in reversed(processes):
        process.kill()
        process.wait()


def test_a_cluster_makes_a_sweep_though_one_of_its_workers_is_killed(cluster, colours, tmp_path, capsys):
    address, workers = cluster
    (tmp_path / "sweep.toml").write_text(SWEEP)
    environment = os.environ | {"PRUNESCOPE_DATA": str(colours)}
    command = [
        sys.executable,
        "-m",
        "core",
        "sweep",
        str(tmp_path / "sweep.toml"),
        "--dask",
        address,
        "--json",
        "--quiet",
    ]
    options = {"cwd": files.PROJECT, "env": environment, "text": True}
    sweep = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
    parents = [dense(STUDY, seed=seed, epochs=120, batch=12, rate=0.05) for seed in (0, 1)]
    end = time.monotonic() + 90
    while not all(runs.epochs_done(one) for one in parents):  # both workers are at work
        assert time.monotonic() < end, "no worker began"
        assert sweep.poll() is None, sweep.stderr.read()
        time.sleep(0.02)
    kept = [runs.epochs_done(one) for one in parents]
    workers[0].kill()
    try:
        output, errors = sweep.communicate(timeout=120)
    finally:
        sweep.kill()
    assert sweep.returncode == 0, errors
    records = json.loads(output)
    assert [record["state"] for record in records] == ["made"] * 6
    children = [pruned(one, "one_shot", 0.5, seed=one.training.seed, epochs=2) for one in parents]
    assert {record["recipe_hash"] for record in records} >= {one.hash for one in [*parents, *children]}
    cards = {entry.card.recipe_hash: entry.card for entry in checkpoints.list()}
    assert len(cards) == 6
    assert max(kept) < 120
    for one in parents:  # every epoch once, in order, whoever carried it out
        assert [row["epoch"] for row in cards[one.hash].history] == list(range(1, 121))
    # Again: found, by nobody's work.
    workers[1].kill()
    assert cli.main(["sweep", str(tmp_path / "sweep.toml"), "--plan", "--json"]) == 0
    assert [record["state"] for record in json.loads(capsys.readouterr().out)] == ["made"] * 6


def test_no_scheduler_is_named(tmp_path, monkeypatch):
    from core import sweeps
    from core.errors import PruneScopeError
    from core.sweeps import crews

    monkeypatch.setattr(crews, "_PATIENCE", 1)
    with pytest.raises(PruneScopeError, match="No Dask scheduler answers"), sweeps.dask("tcp://127.0.0.1:9").start():
        pass
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingPackage, match="pip install 'distributed"):
        sweeps.dask("tcp://127.0.0.1:9")
