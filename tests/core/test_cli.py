import csv
import json
import os
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest

from core import checkpoints, cli, evaluation, files, models, pruning, runs
from core.checkpoints import write_card
from core.cli import making
from core.cli.output import table
from core.data import load
from core.models import prunable
from core.pruning import Masks, bind, magnitude
from core.recipes import dense, pruned
from core.training import AUGMENTATIONS, Settings
from tests.core import invented

STUDY = "colours-32/vgg16"
QUICK = ("--epochs", "2", "--batch", "8", "--warmup", "0.5")


def core(*words, **environment):
    """``python -m core`` in a process of its own."""
    command = [sys.executable, "-m", "core", *map(str, words)]
    return subprocess.run(command, cwd=files.PROJECT, capture_output=True, text=True, env=os.environ | environment)


@pytest.fixture
def call(capsys, colours, monkeypatch):
    """Carry out a command line here and return (exit code, standard output, standard error)."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))

    def run(*words):
        code = cli.main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def squeezed(text):
    return " ".join(text.split())


# --- help and usage ---------------------------------------------------------------------------------------------------

LIGHT = """
import sys, time
from core.cli import main
assert main(sys.argv[1:]) == 0
heavy = {"torch", "numpy", "pandas", "PIL"} & sys.modules.keys()
assert not heavy, heavy
assert time.process_time() < 0.4, time.process_time()
"""


@pytest.mark.parametrize("words", [["--help"], ["prune", "--help"]])
def test_help_needs_nothing_heavy(words):
    done = subprocess.run([sys.executable, "-c", LIGHT, *words], cwd=files.PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "examples:" in done.stdout or "a first session:" in done.stdout


def test_help_of_each_command_names_what_it_takes(call):
    texts = {}
    for command in ("data", "train", "prune", "evaluate", "list"):
        code, out, err = call(command, "--help")
        assert (code, err) == (0, "")
        assert f"python -m core {command}" in out
        texts[command] = squeezed(out)
    assert all(name in texts["prune"] for name in (*pruning.METHODS, *pruning.CRITERIA))
    assert all(name in texts["train"] for name in (*models.HEADS, *models.STEMS, *models.ARCHITECTURES, *AUGMENTATIONS))
    assert all(
        f"--{field.name}" in texts["train"] and f"--{field.name}" in texts["prune"] for field in fields(Settings)
    )
    assert list(making.SETTINGS) == [field.name for field in fields(Settings)]
    assert all(
        f"--{option}" in texts["evaluate"] for option in ("split", "sparsity", "recalibrate", "csv", "precision")
    )
    _, out, _ = call("--help")
    assert all(f"\n    {command} " in out for command in texts)
    assert "not for diagnosis" in squeezed(out)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "commands:"),
        (("trian",), "choose from"),
        (("train",), "STUDY"),
        (("train", STUDY, "--epochs", "many"), "--epochs"),
        (("train", STUDY, "--epoch", "3"), "unrecognized"),
        (("prune", STUDY, "one_shot"), "give a SPARSITY"),
        (("evaluate", "x", "--split", "train"), "validation"),
        (("list", "--threads", "0"), "1 to 1024"),
        (("data", "--download"), "which data set"),
    ],
)
def test_a_command_that_makes_no_sense_is_2(call, words, says):
    code, out, err = call(*words)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("train", "colours"), "such as ham10000-64/vgg16"),
        (("train", "colours-32/vgg61"), "did you mean vgg16?"),
        (("train", "colours-16/vgg16"), "32 to 512"),
        (("train", "ham1000-64/vgg16", "--quiet"), "did you mean ham10000"),
        (("train", STUDY, "--head", "compakt"), "did you mean compact?"),
        (("train", STUDY, "--rate", "-1"), "rate is out of range"),
        (("train", STUDY, "--augment", "dermascopy"), "did you mean dermoscopy?"),
        (("train", STUDY, "--split-by", "row", "--quiet"), "split rule"),
        (("prune", STUDY, "oneshot", "0.8"), "did you mean one_shot?"),
        (("prune", STUDY, "one_shot", "80"), "for 80 percent write 0.8"),
        (("prune", STUDY, "one_shot", "0.8", "--criterion", "magnitud"), "did you mean magnitude?"),
        (("prune", STUDY, "one_shot", "0.8", "--steps", "3"), "leave steps out"),
        (("prune", STUDY, "one_shot", "0.8", "--parent", "nothing"), "no checkpoint of this id"),
        (("evaluate", "nothing"), "no checkpoint of this id"),
        (("evaluate", "../../etc/passwd"), "leads out of the folder"),
        (("data", "colour"), "no data set of this name"),
        (("data", "ham10000"), "python -m core data ham10000 --download"),
        (("data", "colours", "--size", "8"), "16 to 512"),
        (("data", "colours", "--download"), "no data set to download"),
        (("train", STUDY, "--device", "gpu", "--quiet"), "cannot compute there"),
    ],
)
def test_a_problem_is_told_in_its_own_words_and_is_1(call, words, says):
    code, out, err = call(*words)
    assert (code, out) == (1, "")
    assert says in err
    assert "Traceback" not in err
    if "--quiet" in words:
        assert err.count("\n") == 1


def test_a_path_of_images_is_told_how_to_be_trained_on(call, colours, tmp_path):
    code, _, err = call("train", colours / "colours")
    assert code == 1
    assert f"write --data {colours} colours-64/vgg16" in err
    (tmp_path / "My Birds").mkdir()
    code, _, err = call("train", tmp_path / "My Birds")
    assert f"rename it to my-birds, then write --data {tmp_path} my-birds-64/vgg16" in err


THREADS = """
import os
from core.cli import main
assert main(["--threads", "1", "list"]) == 0
import torch
print(torch.get_num_threads(), os.environ["OMP_NUM_THREADS"])
"""


def test_threads_are_set_before_torch_is_there():
    done = subprocess.run(
        [sys.executable, "-c", THREADS],
        cwd=files.PROJECT,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "2"},
    )
    assert done.stdout.split() == ["1", "1"], done.stderr


def test_columns_are_aligned():
    assert table([("a", 1), ("bcd", 23)], ("name", "n"), right=(1,)) == "name   n\na      1\nbcd   23"


# --- data -------------------------------------------------------------------------------------------------------------


def test_data_shows_what_is_there(call, colours):
    code, out, err = call("data")
    assert code == 0
    lines = {line.split()[0]: line for line in out.splitlines()}
    assert lines["colours"].split() == ["colours", "66", "3", str(colours / "colours")]
    assert "not here" in lines["ham10000"]
    assert "data ham10000 --download" in err
    assert "data cifar100 --download" in err
    quiet = call("data", "--quiet")
    assert quiet == (0, out, "")


def test_data_counts_classes_and_splits(call):
    code, out, err = call("data", "colours")
    assert code == 0
    rows = [line.split() for line in out.splitlines() if line]
    assert rows[-5:] == [
        ["class", "train", "validation", "test", "images"],
        ["blue", "12", "4", "6", "22"],
        ["green", "12", "4", "6", "22"],
        ["red", "12", "4", "6", "22"],
        ["all", "36", "12", "18", "66"],
    ]
    assert "train colours-64/vgg16\n" in err


def test_data_of_a_path_says_where_to_train(call, colours, tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))
    code, _out, err = call("data", colours / "colours")
    assert code == 0
    assert f"train colours-64/vgg16 --data {colours}\n" in err


def test_data_is_prepared_at_a_size(call):
    code, out, err = call("data", "colours", "--size", "48")
    assert code == 0
    assert "at 48×48 pixels" in out
    assert "66/66 images" in err
    assert list(files.cache_root().rglob("*48*"))
    record = json.loads(call("data", "colours", "--size", "48", "--json")[1])
    assert record["prepared_size"] == 48
    assert [row["train"] for row in record["classes"]] == [12, 12, 12]


def test_data_is_downloaded_into_the_root(call, tmp_path, monkeypatch):
    from core.data import download

    asked = []

    def fake(name, root=None, report=None):
        asked.append((name, root))
        return tmp_path

    monkeypatch.setattr(download, "download", fake)
    code, _, err = call("data", "cifar100", "--download", "--data", tmp_path)
    assert asked == [("cifar100", str(tmp_path))]
    assert code == 1  # the fake brought nothing
    assert "CIFAR-100 is not here" in err


# --- list -------------------------------------------------------------------------------------------------------------


def test_list_of_nothing_says_how_to_make_something(call, tmp_path):
    code, out, err = call("list", "--checkpoints", tmp_path / "none")
    assert (code, out) == (0, "")
    assert str(tmp_path / "none") in err
    assert "python -m core train" in err
    assert json.loads(call("list", "--json")[1]) == []


# --- the whole way, with a tiny network -------------------------------------------------------------------------------


@pytest.fixture
def trained(call, tiny):
    code, out, err = call("train", STUDY, *QUICK)
    assert code == 0, err
    return out, err


def test_train_says_its_recipe_and_finds_what_was_made(call, trained):
    out, err = trained
    recipe = dense(STUDY, epochs=2, batch=8, warmup=0.5)
    assert f"Recipe {recipe.hash}" in err
    assert "Training colours-32/vgg16" in err
    made = runs.find(recipe)
    assert out.splitlines()[0].split() == ["Checkpoint", f"{STUDY}/dense"]
    for name in ("accuracy", "balanced_accuracy"):
        assert f"{100 * made.card.metrics[name]['estimate']:.1f}% [" in out
    code, again, err = call("train", STUDY, *QUICK)
    assert (code, again) == (0, out)
    assert "Already made." in err
    assert "Training" not in err


def test_quiet_and_json_are_for_programs(call, trained):
    code, out, err = call("train", STUDY, *QUICK, "--json", "--quiet")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert record["id"] == f"{STUDY}/dense"
    assert record["metrics"]["accuracy"]["n"] == 18
    assert [row["epoch"] for row in record["history"]] == [1, 2]


def test_stopped_with_control_c_it_goes_on(call, tiny, monkeypatch):
    def stop(progress):
        if progress.stage.startswith("Training") and progress.numbers["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(making, "reporter", lambda args: stop)
        code, out, err = call("train", STUDY, *QUICK)
    assert (code, out) == (130, "")
    assert "Stopped" in err.splitlines()[-1]
    assert "Going on" not in err
    code, out, err = call("train", STUDY, *QUICK)
    assert code == 0
    assert "Going on from the last finished epoch." in err
    assert "Already made." not in err
    assert runs.find(dense(STUDY, epochs=2, batch=8, warmup=0.5))


def test_prune_starts_from_the_one_dense_network(call, trained):
    parent = dense(STUDY, epochs=2, batch=8, warmup=0.5)
    code, out, err = call("prune", STUDY, "iterative", "0.8", "--steps", "2", "--epochs", "1", "--seed", "3")
    assert code == 0
    recipe = pruned(parent, "iterative", 0.8, steps=2, epochs=1, seed=3)
    assert f"Recipe {recipe.hash}" in err
    assert "Already made" not in err
    made = runs.find(recipe)
    assert made.card.parent == f"{STUDY}/dense"
    zeros, weights = made.card.zeros, made.card.weights
    assert zeros == round(0.8 * weights)
    assert f"{100 * zeros / weights:.1f}%, {zeros:,} of {weights:,} weights are zero" in out


def test_prune_dense_is_the_control(call, trained):
    code, out, _ = call("prune", STUDY, "dense", "--epochs", "1")
    assert code == 0
    assert f"{STUDY}/dense_trained_on" in out


def test_of_several_dense_networks_one_has_to_be_named(call, trained):
    assert call("train", STUDY, *QUICK, "--seed", "1")[0] == 0
    ids = [entry.id for entry in checkpoints.list()]
    assert len(ids) == 2
    code, _, err = call("prune", STUDY, "one_shot", "0.5", "--epochs", "0")
    assert code == 1
    assert all(id in err for id in ids)
    assert f"--parent {ids[0]}" in err
    code, _out, err = call("prune", STUDY, "one_shot", "0.5", "--epochs", "0", "--parent", ids[1])
    assert code == 0, err
    assert checkpoints.load(f"{STUDY}/one_shot-50").card.parent == ids[1]
    code, _, err = call("prune", STUDY, "one_shot", "0.5", "--parent", f"{STUDY}/one_shot-50")
    assert code == 1
    assert "cannot be the parent" in err


def test_list_tells_what_comes_from_another_training_of_its_dense_network(call, tmp_path):
    dense = invented.entry(f"{invented.STUDY}/dense")
    for name, digest in (("iterative", "another"), ("one_shot", dense.card.digest)):
        own = invented.entry(f"{invented.STUDY}/{name}-80", name, 0.8, parent=dense, parent_digest=digest)
        write_card(tmp_path / f"{own.id}.safetensors", own.card, 0)
    write_card(tmp_path / f"{dense.id}.safetensors", dense.card, 0)
    lines = call("list", "--checkpoints", tmp_path)[1].splitlines()
    assert [line.split()[0] for line in lines if "of another dense training" in line] == [
        f"{invented.STUDY}/iterative-80"
    ]
    records = json.loads(call("list", "--json", "--checkpoints", tmp_path)[1])
    assert {record["id"] for record in records if record["another_training"]} == {f"{invented.STUDY}/iterative-80"}


def test_list_shows_the_good_and_the_damaged(call, trained):
    call("prune", STUDY, "one_shot", "0.5", "--epochs", "0")
    broken = files.checkpoint_root() / "colours-32/vgg16/broken.safetensors"
    broken.write_bytes((files.checkpoint_root() / f"{STUDY}/dense.safetensors").read_bytes()[:1000])
    code, out, _err = call("list")
    assert code == 0
    head, rows, tail = out.splitlines()[0], out.splitlines()[1:3], out.partition("cannot be read:")[2]
    assert head.split() == ["id", "method", "sparsity", "balanced", "accuracy", "size"]
    assert rows[0].split()[:3] == [f"{STUDY}/dense", "dense", "0.0%"]
    assert rows[1].split()[:3] == [f"{STUDY}/one_shot-50", "one_shot", "50.0%"]
    assert "], n = 18" in rows[0]
    assert f"{STUDY}/broken (1.0 kB): " in tail
    records = json.loads(call("list", "--json")[1])
    assert [bool(record["error"]) for record in records] == [True, False, False]
    assert call("evaluate", f"{STUDY}/broken")[0] == 1


def reference(sparsity=None, split="test"):
    """What the library says of the trained network, computed without the command line."""
    model = checkpoints.load(f"{STUDY}/dense").model()
    if sparsity is not None:
        model = bind(model, magnitude(prunable(model), sparsity))
    images = load("colours", split, size=32)
    answers = evaluation.predict(model, images, precision="float32")
    return evaluation.evaluate(answers, images.labels, images.class_names)


@pytest.mark.parametrize(
    ("options", "sparsity", "split"),
    [((), None, "test"), (("--split", "validation", "--sparsity", "0.9"), 0.9, "validation")],
)
def test_evaluate_says_what_the_library_says(call, trained, tmp_path, options, sparsity, split):
    expected = reference(sparsity, split)
    words = ("evaluate", f"{STUDY}/dense", "--precision", "float32", *options)
    code, out, _err = call(*words, "--csv", tmp_path / "metrics.csv")
    assert code == 0
    for name, value in expected.metrics.items():
        metric = evaluation.METRICS[name]
        assert f"{metric.title} {squeezed(value.format(percent=metric.unit == '%'))}" in squeezed(out)
    for row in expected.per_class.to_dict("records"):
        (line,) = [line for line in out.splitlines() if line.startswith(row["class"])]
        assert line.split()[1:3] == [str(row["images"]), f"{100 * row['sensitivity']:.1f}%"]
    record = json.loads(call(*words, "--json", "--quiet")[1])
    assert record["confusion"] == expected.confusion.tolist()
    assert record["metrics"] == expected.as_dict()["metrics"]
    assert record["split"] == split
    assert record["sparsity"] == pytest.approx(sparsity or 0, abs=1e-3)
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text(encoding="utf-8").splitlines()))
    by_name = {(row["metric"], row["class"]): row for row in rows}
    assert float(by_name["accuracy", ""]["estimate"]) == expected.metrics["accuracy"].estimate
    assert (
        float(by_name["sensitivity", "red"]["low"])
        == expected.per_class.set_index("class").at["red", "sensitivity_low"]
    )


def test_evaluate_recalibrates_and_says_so(call, trained, monkeypatch):
    seen = []
    original = evaluation.recalibrate

    def watched(model, images, **options):
        seen.append((Masks.from_zeros(prunable(model)).sparsity, np.bincount(images.labels)))
        return original(model, images, **options)

    monkeypatch.setattr(evaluation, "recalibrate", watched)
    words = ("evaluate", f"{STUDY}/dense", "--sparsity", "0.7", "--json", "--quiet")
    raw, recalibrated = (json.loads(call(*words, *more)[1]) for more in ((), ("--recalibrate",)))
    ((sparsity, counts),) = seen
    assert sparsity == pytest.approx(0.7, abs=1e-3)  # pruned first
    assert counts.sum() == 36  # as many as there are, 1,024 at most
    assert (raw["recalibrated"], recalibrated["recalibrated"]) == (False, True)
    assert raw["metrics"] != recalibrated["metrics"]


def test_evaluate_prunes_on_but_not_back(call, trained):
    call("prune", STUDY, "one_shot", "0.5", "--epochs", "0")
    code, out, _ = call("evaluate", f"{STUDY}/one_shot-50", "--sparsity", "0.6")
    assert code == 0
    assert "60.0% of weights are zero, pruned on without fine-tuning" in out
    assert call("evaluate", f"{STUDY}/one_shot-50", "--sparsity", "0.5")[0] == 0  # what it has
    code, out, err = call("evaluate", f"{STUDY}/one_shot-50", "--sparsity", "0.4")
    assert (code, out) == (1, "")
    assert "does not come back" in err
    for wrong in ("1.0", "nan", "-0.1"):
        assert call("evaluate", f"{STUDY}/one_shot-50", f"--sparsity={wrong}")[0] == 1


def test_evaluate_warns_of_other_images_and_refuses_other_classes(call, trained, tmp_path):
    from tests.core import tiny as drawn

    root = drawn.write_pictures(tmp_path / "more", {**drawn.PER_CLASS, "test": 8})
    code, _, err = call("evaluate", f"{STUDY}/dense", "--data", root)
    assert code == 0
    assert "not exactly the images of its training" in err
    (root / "colours/train/red").rename(root / "colours/train/rouge")
    (root / "colours/test/red").rename(root / "colours/test/rouge")
    (root / "colours/validation/red").rename(root / "colours/validation/rouge")
    code, out, err = call("evaluate", f"{STUDY}/dense", "--data", root)
    assert (code, out) == (1, "")
    assert "blue, green, rouge" in err


# --- the whole way, for real ------------------------------------------------------------------------------------------


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
