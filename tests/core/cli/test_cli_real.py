import json
import subprocess
import sys

import pytest

from core import files
from tests.core.cli_words import STUDY


def core(*words):
    """``python -m core`` in a process of its own."""
    command = [sys.executable, "-m", "core", *map(str, words)]
    return subprocess.run(command, cwd=files.PROJECT, capture_output=True, text=True)


def test_a_real_vgg16_is_trained_pruned_listed_and_measured(colours):
    data = ("--data", colours, "--threads", "1")
    done = core("train", STUDY, "--epochs", "0.5", "--batch", "12", "--warmup", "0", *data)
    assert done.returncode == 0, done.stderr
    assert f"{STUDY}/dense" in done.stdout
    done = core(*data, "prune", STUDY, "one_shot", "0.8", "--epochs", "0.3", "--batch", "12", "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["sparsity"] == pytest.approx(0.8, abs=1e-6)
    done = core("evaluate", made["id"], "--recalibrate", *data)
    assert done.returncode == 0, done.stderr
    assert "80.0% of weights are zero, batch norm recalibrated" in done.stdout
    assert "Balanced accuracy" in done.stdout
    done = core("list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["id", f"{STUDY}/dense", f"{STUDY}/one_shot-80"]
    assert list(files.runs_root().iterdir()) == []
