"""A device that no worker can have is told before any is started."""

import pytest
import torch

from core import cli, sweeps
from core.errors import InvalidValue
from core.sweeps import crews

STUDY = "colours-32/vgg16"


@pytest.fixture
def told(capsys, tmp_path, tiny, monkeypatch):
    """Carry out a sweep that must not get as far as a plan; what it says."""
    path = tmp_path / "sweep.toml"
    path.write_text(f'studies = "{STUDY}"\n')

    def never(*given, **options):
        raise AssertionError("too late")

    monkeypatch.setattr(sweeps, "run", never)
    monkeypatch.setattr(sweeps, "plan", never)
    monkeypatch.setattr(sweeps, "dask", lambda *given, **options: sweeps.processes())

    def run(*words):
        assert cli.main(["sweep", str(path), *words]) == 1
        return capsys.readouterr().err

    return run


def test_of_processes_here(told, monkeypatch):
    assert "cannot compute there. Given: 'tpu'" in told("--device", "tpu")
    monkeypatch.setenv("PRUNESCOPE_DEVICE", "tpu")
    assert "cannot compute there. Given: 'tpu'" in told()


def test_gpus_that_are_not_here(told, monkeypatch):
    """A worker that is told of such a one sees none, and would quietly compute on the processor."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert "does not have these GPUs. Given: --gpus 0, 1. Expected: GPUs; none is here" in told("--gpus", "0,1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert "Given: --gpus 2, -1. Expected: 0 to 1" in told("--gpus", "0,2, 1,-1")
    for gpus in ("0,1", "GPU-8932f937-d72c-4106-c12f-20bd9faed9f6"):
        with pytest.raises(AssertionError, match="too late"):
            told("--gpus", gpus)
    with pytest.raises(AssertionError, match="too late"):
        told("--gpus", "7", "--dask", "tcp://nowhere:1")  # the cluster's machines may have it
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "6,7")
    with pytest.raises(AssertionError, match="too late"):
        told("--gpus", "7")


def test_of_a_cluster_only_what_is_no_device_at_all(told):
    assert "No machine computes there. Given: 'tpu'" in told("--dask", "tcp://nowhere:1", "--device", "tpu")
    with pytest.raises(AssertionError, match="too late"):
        told("--dask", "tcp://nowhere:1", "--device", "cuda:7")


@pytest.mark.parametrize("threads", [0, -1, 1.5, 2000])
def test_threads_that_no_worker_can_have(threads):
    with pytest.raises(InvalidValue, match="so many threads"):
        sweeps.processes(2, threads=threads)


@pytest.mark.parametrize(("workers", "each"), [(1, 8), (2, 4), (3, 2), (9, 1)])
def test_the_cores_are_shared_out(monkeypatch, workers, each):
    begun = []
    monkeypatch.setattr(crews, "cores", lambda: 8)
    monkeypatch.setattr(crews, "ProcessPoolExecutor", lambda count, **how: begun.append((count, how["initargs"][0])))
    sweeps.processes(workers).start()
    sweeps.processes(workers, threads=3).start()
    assert begun == [(workers, each), (workers, 3)]
