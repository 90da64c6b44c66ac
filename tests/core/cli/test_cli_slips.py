"""Slips on the command line that are told at once, and figures of a CSV that are what they say."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core import checkpoints, data, evaluation, files, runs
from tests.core.cli_words import STUDY


@pytest.mark.parametrize("study", ["~nosuchuser/x", "~nosuchuser-64/vgg16", "x" * 300, "x/" * 3000])
@pytest.mark.parametrize("words", [["train"], ["respond"]])
def test_what_can_be_no_study_and_no_path(call, study, words):
    code, _out, err = call(*words, study)
    assert code == 1
    assert "study" in err


@pytest.mark.parametrize(
    "words",
    [("prune", STUDY, "one_shot"), ("evaluate", f"{STUDY}/dense", "--sparsity"), ("sensitivity", STUDY, "--at")],
)
def test_a_percentage_is_told_the_share_that_was_meant(call, words):
    code, _out, err = call(*words, "80%")
    assert code == 2
    assert "'80%' is no number from 0 up to but not including 1; write 0.8" in err
    assert "write" not in call(*words, "much")[2].partition("is no number")[2]


def test_a_size_of_nothing_is_no_missing_size(call):
    code, out, err = call("data", "colours", "--size", 0)
    assert (code, out) == (1, "")
    assert "Given: 0" in err
    assert call("data", "--size", 0)[0] == 2


def test_a_file_is_no_folder_of_checkpoints(call, tmp_path):
    (tmp_path / "file").write_text("")
    code, out, err = call("list", "--checkpoints", tmp_path / "file")
    assert (code, out) == (1, "")
    assert "place for checkpoints is a file" in err
    assert call("list", "--checkpoints", tmp_path / "not_yet")[0] == 0


def test_a_folder_for_the_csv_is_told_before_anything_is_measured(call, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "predict", lambda *given, **how: pytest.fail("measured first"))
    code, out, err = call("evaluate", f"{STUDY}/dense", "--csv", tmp_path)
    assert (code, out) == (1, "")
    assert f"Could not write {tmp_path.name}" in err


def test_a_study_without_data_leaves_no_folder_of_a_run(call):
    code, _out, err = call("train", "nosuchdata-64/vgg16")
    assert code == 1
    assert "nosuchdata" in err
    assert not list(files.runs_root().glob("*"))


def test_usage_errors_begin_with_the_command_that_was_called(call):
    code, out, err = call("prune")
    assert (code, out) == (2, "")
    assert "\npython -m core prune: error:" in err
    code, out, err = call("bring", "list", "extra")
    assert (code, out) == (2, "")
    assert "takes no name" in err


def test_a_zip_that_cannot_be_a_path(call):
    assert call("bring", "images", "x" * 300)[0] == 1


@pytest.mark.parametrize(
    "words",
    [
        ["respond", STUDY],
        ["similarity", STUDY],
        ["attribution", STUDY],
        ["sensitivity", STUDY],
        ["verify"],
        ["leak"],
        ["reproduce", f"{STUDY}/dense"],
        ["bring", "weights", "x.pt", "--measure"],
    ],
)
def test_a_device_that_is_not_here_is_told_before_images_are_made_ready(call, trained, monkeypatch, words):
    def never(*given, **options):
        raise AssertionError("too late")

    monkeypatch.setattr(data, "load", never)
    monkeypatch.setattr(runs, "run", never)
    if words[0] == "verify":
        from core import responses

        monkeypatch.setattr(responses, "path_of", lambda entry: entry.path)
    code, _out, err = call(*words, "--device", "tpu")
    assert code == 1
    assert "cannot compute there" in err


def test_what_a_killed_run_left_is_cleared_by_the_same_command(call, trained, monkeypatch):
    from core import files, runfolder
    from core.checkpoints import list as entries

    (entry,) = entries()
    folder = files.runs_root() / entry.card.recipe_hash
    folder.mkdir()
    runfolder.saving(folder, None)
    from tests.core.cli_words import QUICK

    code, _out, err = call("train", STUDY, *QUICK)
    assert code == 0
    assert "Already made" in err
    assert "Cleared what a process that was killed had left" in err
    assert not folder.exists()


def test_each_share_of_the_csv_has_the_number_of_images_that_it_is_a_share_of(call, trained, tmp_path):
    path = tmp_path / "m.csv"
    assert call("evaluate", f"{STUDY}/dense", "--precision", "float32", "--csv", path)[0] == 0
    with path.open(encoding="utf-8", newline="") as file:
        rows = {(row["metric"], row["class"]): row for row in csv.DictReader(file)}
    from core import checkpoints

    images = data.load("colours", "test", size=32)
    answers = evaluation.predict(checkpoints.load(f"{STUDY}/dense").model(), images, precision="float32").argmax(1)
    for label, name in enumerate(images.class_names):
        mine, said = images.labels == label, answers == label
        counted = {
            "sensitivity": (mine.sum(), (mine & said).sum()),
            "specificity": ((~mine).sum(), (~mine & ~said).sum()),
            "positive_predictive_value": (said.sum(), (mine & said).sum()),
        }
        for metric, (among, right) in counted.items():
            row = rows[metric, name]
            assert int(row["images"]) == among
            if among:
                assert float(row["estimate"]) == pytest.approx(right / among)
        assert int(rows["auc", name]["images"]) == len(images)
    assert int(rows["accuracy", ""]["images"]) == len(images)


def test_what_was_measured_is_said_although_the_csv_cannot_be_written(call, trained, tmp_path):
    (tmp_path / "file").write_text("")
    for form in ([], ["--json"]):
        code, out, err = call("evaluate", f"{STUDY}/dense", "--csv", tmp_path / "file" / "metrics.csv", *form)
        assert code == 1
        assert "specificity" in out
        assert "Could not write" in err


def test_a_class_that_a_spreadsheet_would_carry_out(tmp_path):
    from core.cli.evaluate import Outcome, _write_csv

    answers = np.eye(2)[[0, 1, 1, 0]]
    report = evaluation.evaluate(answers, np.array([0, 1, 0, 1]), ("=cmd()", "-nv"))
    _write_csv(Outcome(report, {}), tmp_path / "m.csv")
    with (tmp_path / "m.csv").open(encoding="utf-8", newline="") as file:
        names = {row["class"] for row in csv.DictReader(file)}
    assert names == {"", "'=cmd()", "'-nv"}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here is always full")
@pytest.mark.parametrize("words", [["list", "--json"], ["data"]])
def test_results_that_find_no_room_are_named(words):
    with Path("/dev/full").open("w") as full:
        run = [sys.executable, "-m", "core", *words]
        done = subprocess.run(run, stdout=full, stderr=subprocess.PIPE, text=True, cwd=files.PROJECT)
    assert done.returncode == 1
    assert "Could not write the results. Given: No space left on device: standard output" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_file_that_the_system_refuses_is_named(call, monkeypatch):
    def refused(*_):
        raise PermissionError(13, "Permission denied", "/some/where")

    monkeypatch.setattr(checkpoints, "list", refused)
    code, out, err = call("list")
    assert (code, out) == (1, "")
    assert "Given: /some/where: Permission denied" in err
