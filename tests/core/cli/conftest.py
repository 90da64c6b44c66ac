"""The command line on tiny data: called here, in this process."""

import pytest

from core import cli
from tests.core.cli_words import QUICK, STUDY


@pytest.fixture
def call(capsys, colours, monkeypatch):
    """Carry out a command line here and return (exit code, standard output, standard error)."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))

    def run(*words):
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def trained(call, tiny):
    code, out, err = call("train", STUDY, *QUICK)
    assert code == 0, err
    return out, err
