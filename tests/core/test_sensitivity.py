"""What pruning one layer alone costs: computed as told, kept, gone on with, and never asked of test images."""

import json

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score

from core import checkpoints, cli, data, evaluation, runs, sensitivity
from core.errors import Cancelled, DataDamaged, InvalidSparsity, UnknownName
from core.models import build
from core.recipes import dense
from core.training import draw
from tests.core.tiny import write_pictures

STUDY = "colours-32/vgg16"

pytestmark = pytest.mark.usefixtures("tiny")


@pytest.fixture
def entry(tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(write_pictures(tmp_path / "data")))
    runs.run(dense(STUDY, epochs=2, batch=8, rate=0.05, augment="none", balance=0.0))
    [found] = checkpoints.list()
    return found


@pytest.fixture
def images(entry):
    return {split: data.load("colours", split, size=32) for split in ("validation", "train")}


def made(entry, images, **options):
    return sensitivity.make(entry, **images, **options)


def test_each_row_is_what_pruning_that_layer_by_hand_gives(entry, images):
    found = made(entry, images, sparsities=[0.5, 0.9])
    assert found.n == 12
    assert len(found.rows) == 3 * 2 * 2
    validation, train = images["validation"], images["train"]
    rows = draw(train.labels, len(train), balance=0.0, seed=0, epoch=0)
    for row in found.rows.to_dict("records"):
        answers = {}
        for name in ("whole", "pruned"):
            model = checkpoints.load(entry.path).model()
            if name == "pruned":
                weight = model.get_submodule(row["part"]).weight
                smallest = weight.detach().abs().flatten().argsort()[: round(row["sparsity"] * weight.numel())]
                with torch.no_grad():
                    weight.view(-1)[smallest] = 0
            if row["recalibrated"]:
                model = evaluation.recalibrate(model, train.images[rows])
            answers[name] = evaluation.predict(model, validation).argmax(1)
        scores = {name: (given == validation.labels).mean() for name, given in answers.items()}
        assert row["accuracy"] == pytest.approx(scores["pruned"] - scores["whole"], abs=1e-9)
        balanced = {name: balanced_accuracy_score(validation.labels, given) for name, given in answers.items()}
        assert row["balanced_accuracy"] == pytest.approx(balanced["pruned"] - balanced["whole"], abs=1e-9)
        assert row["accuracy_low"] <= row["accuracy"] <= row["accuracy_high"]
        assert found.base["accuracy"][row["recalibrated"]] == pytest.approx(scores["whole"])


def test_it_is_stored_and_read_again(entry, images):
    found = made(entry, images, sparsities=[0.9])
    again = sensitivity.read(entry)
    assert vars(again) | {"rows": None} == vars(found) | {"rows": None}
    assert list(again.rows.columns) == list(found.rows.columns)
    numbers = found.rows.select_dtypes("number").columns
    np.testing.assert_allclose(again.rows[numbers], found.rows[numbers], atol=1e-5)
    assert again.rows[["part", "recalibrated"]].equals(found.rows[["part", "recalibrated"]])
    assert sensitivity.path_of(entry).stat().st_size < 5000


@pytest.mark.parametrize("done_before", [3, 4])  # with one of a part's two ways, with both
def test_what_was_done_before_it_was_stopped_is_not_done_again(entry, images, monkeypatch, done_before):
    def stop(progress):
        if progress.done == done_before:
            raise Cancelled("Pruning")

    with pytest.raises(Cancelled):
        made(entry, images, sparsities=[0.5, 0.9], report=stop)
    assert len(sensitivity.read(entry).rows) == done_before
    done = []
    row = sensitivity._Probe.row
    monkeypatch.setattr(sensitivity._Probe, "row", lambda self, *words: done.append(words) or row(self, *words))
    whole = made(entry, images, sparsities=[0.5, 0.9])
    assert len(done) == 12 - done_before
    assert len(whole.rows) == 12
    assert not whole.rows.duplicated(["part", "sparsity", "recalibrated"]).any()
    made(entry, images, sparsities=[0.9])
    assert len(done) == 12 - done_before


def test_of_another_checkpoint_or_other_images_nothing_is_kept(entry, images):
    made(entry, images, sparsities=[0.9])
    path = sensitivity.path_of(entry)
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"digest": "other"}))
    assert sensitivity.read(entry) is None
    path.write_text(json.dumps(values | {"validation": "other"}))
    assert len(made(entry, images, sparsities=[0.5]).rows) == 6


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1}', '{"version": 1, "digest": "DIGEST", "rows": 3}'])
def test_a_damaged_file_is_named_and_made_anew(entry, images, text):
    sensitivity.path_of(entry).write_text(text.replace("DIGEST", entry.card.digest))
    with pytest.raises(DataDamaged, match="python -m core sensitivity"):
        sensitivity.read(entry)
    assert len(made(entry, images, sparsities=[0.9]).rows) == 6


def test_parts_are_layers_where_they_are_few_and_units_where_not():
    vgg, densenet = build("vgg16", 3), build("densenet169", 3)
    assert list(sensitivity.parts(vgg)) == ["features.0", "features.4", "classifier"]
    blocks = sensitivity.parts(densenet)
    assert list(blocks) == [
        "features.conv0",
        *(
            f"features.{kind}{n}{tail}"
            for n in (1, 2, 3)
            for kind, tail in (("denseblock", ""), ("transition", ".conv"))
        ),
        "features.denseblock4",
        "classifier",
    ]
    assert sum(map(len, blocks.values())) == len(sensitivity.parts(densenet, "layer")) == 169
    with pytest.raises(UnknownName, match="did you mean layer"):
        sensitivity.parts(vgg, "layers")


def test_a_sparsity_that_cannot_be_is_refused_before_anything_is_computed(entry, images):
    with pytest.raises(InvalidSparsity):
        made(entry, images, sparsities=[0.5, 1.0])
    assert not sensitivity.path_of(entry).exists()


def test_from_the_command_line(entry, capsys):
    assert cli.main(["sensitivity", STUDY, "--at", "0.9", "--quiet"]) == 0
    assert len(sensitivity.read(entry).rows) == 6
    assert cli.main(["sensitivity", STUDY, "--at", "9"]) == 1
    assert "write 0.09" in capsys.readouterr().err
