import csv
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
from torch import nn

from core import paper
from core.checkpoints import Architecture
from core.errors import DataDamaged, DataNotFound
from core.models import build, units
from core.paper import facts
from core.similarity import layer_names
from tests.core import invented

FOLDER = Path(facts.__file__).parent


def test_the_table_is_the_file_cell_by_cell():
    with (FOLDER / "accuracy.csv").open() as file:
        rows = list(csv.DictReader(file))
    table = paper.accuracy()
    assert len(table) == len(rows) == 24
    for row in rows:
        own = paper.published(row["model"], row["dataset"], float(row["sparsity"]))
        assert own[row["method"]] == pytest.approx(float(row["accuracy"]) / 100)
        assert list(own) == list(paper.METHODS)
    # A few cells as the paper prints them.
    assert paper.published("vgg16", "cifar100", 0.8)["iterative"] == pytest.approx(0.6579)
    assert paper.published("densenet169", "ham10000", 0.8)["one_shot"] == pytest.approx(0.8823)
    assert paper.published("vgg16", "phantom", 0.8) == {}


def test_iterative_is_best_in_every_row_but_one():
    rows = paper.accuracy()[["model", "dataset", "sparsity"]].drop_duplicates().itertuples(index=False)
    other = [tuple(row) for row in rows if paper.best(*row) != "iterative"]
    assert other == [("densenet169", "ham10000", 0.8)]
    assert paper.best(*other[0]) == "one_shot"
    assert paper.usual_best() == "iterative"
    assert paper.best("vgg16", "ham10000", 0.9) is None
    assert paper.worst("vgg16", "cifar100", 0.5) == "layerwise"
    assert paper.worst("densenet169", "cifar100", 0.5) == "one_shot"
    tally = paper.tally()
    assert tally.loc["iterative"].to_list() == [7, 1, 8]
    assert (tally[["best", "worst"]].sum() == 8).all()


def test_what_is_handed_out_can_be_changed_without_harm():
    mine = paper.accuracy()
    mine.loc[:, "accuracy"] = 0.0
    assert (paper.accuracy()["accuracy"] > 0.5).all()


@pytest.mark.parametrize(
    ("model", "dataset"), [("vgg16", "cifar100"), ("densenet169", "cifar100"), ("densenet169", "ham10000")]
)
def test_the_layerwise_way_ends_in_the_table(model, dataset):
    way = paper.layerwise_progress(model, dataset)
    assert list(way["unit"]) == paper.units(model)
    assert list(way["position"]) == list(range(1, len(way) + 1))
    assert way["sparsity"].is_monotonic_increasing
    assert way["accuracy"].iloc[-1] == pytest.approx(paper.published(model, dataset, 0.8)["layerwise"])


def test_the_layerwise_way_of_vgg16_on_ham10000_is_told_in_part():
    way = paper.layerwise_progress("vgg16", "ham10000")
    assert list(way["unit"]) == ["conv 1", "conv 2", "conv 3", "conv 4", "conv 8", "conv 9", "conv 12", "hidden 2"]
    assert list(way["position"]) == [1, 2, 3, 4, 8, 9, 12, 15]
    assert paper.layerwise_progress("vgg16", "phantom").empty
    assert paper.units("resnet18") == []


@pytest.mark.parametrize("build_as", [{"head": "stock", "norm": False}, {"head": "compact"}])
def test_units_of_vgg16_are_called_alike_in_the_paper_and_here(build_as):
    names = paper.unit_names([unit[-1] for unit in units(build("vgg16", 7, **build_as))])
    wanted = paper.units("vgg16")
    assert names == (wanted if build_as["head"] == "stock" else [*wanted[:13], "output"])


def test_units_of_densenet169_are_called_alike_in_the_paper_and_here():
    assert paper.unit_names([unit[-1] for unit in units(build("densenet169", 7))]) == paper.units("densenet169")


@pytest.mark.parametrize("norm", [True, False])
@pytest.mark.parametrize("head", ["compact", "stock"])
def test_each_layer_of_vgg16_has_the_name_of_its_kind_and_number(head, norm):
    model, counts = build("vgg16", 7, head=head, norm=norm), Counter()
    layers = layer_names(model, "all")
    kinds = {nn.Conv2d: "conv", nn.BatchNorm2d: "norm", nn.ReLU: "ReLU", nn.MaxPool2d: "pool"}
    for layer in layers:
        if layer.startswith("features"):
            kind = kinds[type(model.get_submodule(layer))]
            counts[kind] += 1
            assert paper.layer_name(layer, layers) == f"{kind} {counts[kind]}"
    convolutions = layer_names(model, "convolutions")
    shown = [paper.layer_name(layer, convolutions) for layer in convolutions]
    assert shown == paper.unit_names([unit[-1] for unit in units(model)])
    blocks = layer_names(model, "blocks")
    assert [paper.layer_name(layer, blocks) for layer in blocks[:5]] == [f"pool {number}" for number in range(1, 6)]


def test_layers_of_densenet169_have_brief_names_of_their_own_and_others_keep_theirs():
    layers = layer_names(build("densenet169", 7), "all")
    shown = {paper.layer_name(layer, layers) for layer in layers}
    assert len(shown) == len(layers)
    assert {"conv 1", "block4.layer11.conv1", "transition2.conv", "output"} <= shown
    assert paper.layer_name("features.denseblock2", layers) == "block 2"
    small = ["features.0", "features.4", "features.8"]
    assert [paper.layer_name(layer, small) for layer in small] == small


def test_budgets():
    assert paper.budget("vgg16", "iterative", 0.8) == (80, 80)
    assert paper.budget("vgg16", "iterative", 0.5) == (50, 50)
    assert paper.budget("vgg16", "one_shot", 0.8) == (10, 10)
    assert paper.budget("vgg16", "layerwise", 0.8) == (240, 1600)  # 16 layers
    assert paper.budget("densenet169", "layerwise", 0.5) == (135, 900)  # 9 units
    assert paper.budget("vgg16", "dense", 0.0) is None


def marks(entry) -> str:
    return "".join(deviation.mark for deviation in paper.deviations(entry.card))


def test_what_differs_is_read_from_the_card():
    assert marks(invented.entry("a", "one_shot", 0.8)) == "SLFIHNERCM"
    assert marks(invented.entry("a", "one_shot", 0.8, split_by="row")) == "SFIHNERCM"
    told = {d.mark: d for d in paper.deviations(invented.entry("a", "one_shot", 0.8, study="ham10000-128/vgg16").card)}
    assert (told["S"].ours, told["S"].paper) == ("128×128", "224×224")
    assert (told["E"].ours, told["E"].paper) == ("8 epochs", "10 epochs")


def test_a_run_by_the_papers_protocol_differs_only_where_we_always_do():
    training = {"rate": 0.001, "momentum": 0.9, "decay": 5e-4, "balance": 0.0}
    same = {
        "study": "ham10000-224/vgg16",
        "split_by": "row",
        "architecture": Architecture("vgg16", 2, head="stock", norm=False),
        "recipe": {"start": "imagenet", "training": training},
        "epochs": 10,
    }
    # Test images are never flipped here, and networks always train in training mode.
    assert marks(invented.entry("a", "one_shot", 0.8, **same)) == "FM"
    assert marks(invented.entry("a", "one_shot", 0.8, **same | {"recipe": {}})) == "F"


@pytest.mark.parametrize("recipe", [{"training": None}, {"training": {}}])
def test_a_card_that_tells_little_is_no_traceback(recipe):
    assert marks(invented.entry("a", "one_shot", 0.8, recipe=recipe)).startswith("SLFIHNE")


def test_files_that_are_not_as_they_ship_are_named(tmp_path, monkeypatch):
    monkeypatch.setattr(facts, "_FOLDER", tmp_path)
    with pytest.raises(DataNotFound, match=r"paper's numbers"):
        facts._read("accuracy.csv", ["model"])
    pd.DataFrame({"other": [1]}).to_csv(tmp_path / "accuracy.csv")
    with pytest.raises(DataDamaged, match=r"accuracy\.csv"):
        facts._read("accuracy.csv", ["model"])
