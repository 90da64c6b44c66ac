"""The commands that make networks tell a slip before anything is planned, read or made."""

import pytest

from core import cli, data, runs, sweeps

STUDY = "colours-32/vgg16"


@pytest.fixture
def told(capsys, colours, tiny, monkeypatch):
    """Carry out a command line for which nothing may be read or made; what it says."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))

    def never(*given, **options):
        raise AssertionError("too late")

    for place, name in ((data, "load"), (runs, "run"), (sweeps, "run"), (sweeps, "plan")):
        monkeypatch.setattr(place, name, never)

    def run(*words):
        assert cli.main([str(word) for word in words]) == 1
        return capsys.readouterr().err

    return run


@pytest.mark.parametrize("words", [["train", STUDY], ["prune", STUDY, "one_shot", "0.5"], ["prune", STUDY, "dense"]])
def test_a_device_that_is_not_here(told, words):
    assert "cannot compute there" in told(*words, "--device", "tpu")


@pytest.mark.parametrize("share", ["5/3", "0/0", "0/3"])
@pytest.mark.parametrize("plan", [["--plan"], []])
def test_a_share_that_cannot_be(told, share, plan):
    assert f"no such share. Given: {share}" in told("reproduce", "--share", share, *plan)


@pytest.mark.parametrize("workers", [0, -1])
@pytest.mark.parametrize("plan", [["--plan"], []])
def test_no_workers(told, tmp_path, workers, plan):
    path = tmp_path / "sweep.toml"
    path.write_text(f'studies = "{STUDY}"\n')
    assert f"needs workers. Given: {workers}" in told("sweep", path, "--workers", workers, *plan)
