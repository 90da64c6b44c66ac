import pytest

from core import cli, jobs
from tests.core.tiny import write_pictures

ANNA, BEN = (jobs.owner_of(name) for name in ("anna", "ben"))


@pytest.fixture
def own_data(tmp_path, monkeypatch):
    """No data but those that a test brings."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "data"))


@pytest.fixture
def call(capsys, monkeypatch, tmp_path):
    """Carry out a command line here, with drawn pictures as data, and return (exit code, standard output, standard error)."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(write_pictures(tmp_path / "data")))

    def run(*words):
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run
