import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from core import checkpoints, evaluation
from core.data import load
from core.models import prunable
from core.pruning import CRITERIA, Masks, Ranking, bind, magnitude
from tests.core.cli_words import STUDY, squeezed


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


def test_what_was_pruned_at_random_is_pruned_on_at_random(call, trained):
    """By size, the control would turn into what it is compared with."""
    made = checkpoints.load(f"{STUDY}/dense")
    weights = prunable(made.model())
    by_lot = CRITERIA["random"](weights, seed=1)
    model = bind(made.model(), Ranking(by_lot).masks(0.1))
    card = replace(
        made.card,
        method="one_shot-random",
        sparsity=0.1,
        criterion="random",
        seed=1,
        digest="",
        recipe_hash="",
        recipe={},
    )
    saved = checkpoints.save(model, card)
    model = saved.model()
    expected = bind(model, Ranking(by_lot, keep=Masks(saved.masks)).masks(0.2))
    images = load("colours", "test", size=32)
    answers = evaluation.predict(expected, images, precision="float32")
    out = call("evaluate", saved.id, "--sparsity", "0.2", "--precision", "float32", "--json", "--quiet")[1]
    assert (
        json.loads(out)["metrics"]
        == evaluation.evaluate(answers, images.labels, images.class_names).as_dict()["metrics"]
    )


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


def test_the_threshold_of_the_card_is_measured_at(call, trained):
    made = checkpoints.load(f"{STUDY}/dense")
    metrics = made.card.metrics | {"threshold/red": {"estimate": 0.3, "low": None, "high": None, "n": 12, "method": ""}}
    checkpoints.save(made.model(), replace(made.card, metrics=metrics, digest=""), masks=made.masks)
    code, out, _err = call("evaluate", f"{STUDY}/dense", "--json")
    assert code == 0
    given = evaluation.predict(made.model(), test := load("colours", "test", size=32))
    red = test.labels == test.class_names.index("red")
    expected = (given[red, test.class_names.index("red")] >= 0.3).mean()
    assert json.loads(out)["metrics"]["sensitivity_at_threshold"]["estimate"] == pytest.approx(expected)
    assert "The threshold is for red: 30.0%" in call("evaluate", f"{STUDY}/dense")[1]
