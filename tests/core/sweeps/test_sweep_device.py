"""A device that no worker can have is told before any is started."""

import pytest

from core import cli, sweeps
from core.errors import InvalidValue

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


def test_of_a_cluster_only_what_is_no_device_at_all(told):
    assert "No machine computes there. Given: 'tpu'" in told("--dask", "tcp://nowhere:1", "--device", "tpu")
    with pytest.raises(AssertionError, match="too late"):
        told("--dask", "tcp://nowhere:1", "--device", "cuda:7")


@pytest.mark.parametrize("threads", [0, -1, 1.5, 2000])
def test_threads_that_no_worker_can_have(threads):
    with pytest.raises(InvalidValue, match="so many threads"):
        sweeps.processes(2, threads=threads)
