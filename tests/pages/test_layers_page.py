"""The page about layers, on tiny networks that the test trains."""

import json

import numpy as np
import pandas as pd
import pytest

from core import checkpoints, data, inspection, pruning, sensitivity
from core.models import prunable
from core.pruning import Masks
from pages.components import layers_charts
from tests.pages.opening import opened, texts

LAYERS = "pages/layers.py"


def frames(app) -> list[pd.DataFrame]:
    """The tables on the page."""
    return [table.value for table in app.dataframe]


@pytest.fixture
def entry(study):
    [found] = [entry for entry in checkpoints.list() if entry.card.method == "dense"]
    return found


def test_it_says_what_to_do_where_nothing_was_trained():
    assert "No trained network yet" in texts(opened(LAYERS))


def test_every_method_is_drawn_with_the_zeros_of_its_masks(study):
    app = opened(LAYERS, sparsity=80)
    told = texts(app)
    assert "**Iterative**" in told
    assert "**No fine-tuning**" in told
    masks = Masks(checkpoints.load(f"{study}/iterative-80").masks)
    assert f"{masks.zeros:,} of {masks.size:,} weights are zero (80.0%), fine-tuned" in told
    [table] = frames(app)
    ours = table[table["method"] == "Iterative"].set_index("layer")
    per_layer = masks.per_layer().set_index("layer")
    assert (ours["zeros"] == per_layer["zeros"]).all()
    assert list(ours.index) == list(per_layer.index)


def test_few_layers_are_drawn_in_one_chart_and_by_weights_in_one_for_each_method(study):
    app = opened(LAYERS, sparsity=80)
    assert app.segmented_control(key="width").value == "equal"
    assert len(app.get("vega_lite_chart")) == 1
    app.segmented_control(key="width").select("weights").run()
    charts = [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]
    assert len(charts) == 2
    axes = [layer["encoding"]["x"]["axis"] for chart in charts for layer in chart["layer"]]
    assert all(axis["labels"] for axis in axes), "each chart has its axis"


def test_many_layers_are_drawn_by_their_weights(study, monkeypatch):
    monkeypatch.setattr(layers_charts, "MANY", 2)
    app = opened(LAYERS, sparsity=80)
    assert app.segmented_control(key="width").value == "weights"
    app.segmented_control(key="width").select("equal").run()
    assert len(app.get("vega_lite_chart")) == 2


def test_below_its_first_checkpoint_a_method_is_told_to_be_the_dense_network(study):
    told = texts(opened(LAYERS, sparsity=50))
    assert "The same for Iterative (trained from 80% on)" in told
    assert "**Iterative**" not in told


def test_one_layer_shows_its_weights_its_cutoff_and_its_filters(study):
    app = opened(LAYERS, show="layer", layer="features.4", method="prune_only", sparsity=70)
    model = checkpoints.load(f"{study}/dense").model()
    masks = pruning.magnitude(prunable(model), 0.7)
    weight, keep = prunable(model)["features.4"], masks["features.4"]
    cutoff = inspection.cutoff(weight, keep)
    assert f"Everything below {cutoff:.2g} in size goes" in texts(app)
    histogram, filters = frames(app)
    assert histogram["removed"].sum() == (~keep & (weight != 0)).sum()
    assert histogram["kept"].sum() == keep.sum()
    np.testing.assert_allclose(filters["norm"], (weight * keep).flatten(1).norm(dim=1), rtol=1e-5)


def test_a_layer_after_training_between_the_cuts_has_no_one_cutoff_or_says_which(study):
    told = texts(opened(LAYERS, show="layer", layer="features.0", method="iterative", sparsity=80))
    assert ("There is no one cutoff" in told) != ("in size goes (dashed lines)" in told)


def test_nonsense_in_the_address_falls_back(study):
    for query in (
        {"show": "nothing"},
        {"show": "layer", "layer": "features.99"},
        {"show": "masks", "first": "x", "second": ""},
    ):
        app = opened(LAYERS, sparsity="many", width="wide", **query)
        assert not app.error
        assert "Where are the zeros?" in app.title[0].value


def test_who_pays_is_asked_for_where_nothing_is_stored(study):
    app = opened(LAYERS, show="pays")
    assert "Nobody has asked yet" in app.info[0].value
    assert app.code[0].value == f"python -m core sensitivity {study}"


def test_who_pays_shows_what_is_stored_with_intervals_and_says_on_which_images(study, entry):
    images = [data.load("colours", split, size=32) for split in ("validation", "train")]
    made = sensitivity.make(entry, *images, sparsities=[0.5, 0.9])
    app = opened(LAYERS, show="pays", alone=90, loss="accuracy")
    told = texts(app)
    assert "n = 12 **validation** images" in told
    assert "test images chose nothing" in told
    rows = made.rows[(made.rows["sparsity"] == 0.9) & made.rows["recalibrated"]]
    worst = rows.loc[rows["accuracy"].idxmin()]
    assert f"**{worst['part']}** changes most for the worse" in told
    [table] = frames(app)
    np.testing.assert_allclose(table["accuracy_difference"], rows["accuracy"], atol=1e-5)
    np.testing.assert_allclose(table["low"], rows["accuracy_low"], atol=1e-5)
    app.toggle[0].set_value(False).run()
    raw = made.rows[(made.rows["sparsity"] == 0.9) & ~made.rows["recalibrated"]]
    np.testing.assert_allclose(frames(app)[0]["accuracy_difference"], raw["accuracy"], atol=1e-5)
    assert "batch norm as trained" in texts(app)


def test_a_damaged_store_is_a_message(study, entry):
    sensitivity.path_of(entry).write_text("nonsense")
    app = opened(LAYERS, show="pays")
    assert "does not hold what pruning single layers costs" in app.error[0].value


def test_two_methods_compared_are_counted_over_their_masks(study):
    app = opened(LAYERS, show="masks", first="iterative", second="prune_only", sparsity=80)
    one = Masks(checkpoints.load(f"{study}/iterative-80").masks)
    two = pruning.magnitude(prunable(checkpoints.load(f"{study}/dense").model()), 0.8)
    total = inspection.total(inspection.overlap(one, two))
    told = texts(app)
    assert f"**{total['shared']:.0%}** are removed by both" in told
    assert f"{total['shared_by_chance']:.0%}." in told
    [table] = frames(app)
    assert table["both"].sum() == total["both"]
    app = opened(LAYERS, show="masks", first="iterative", second="prune_only", sparsity=40)
    assert "Both remove exactly the same weights" in texts(app)
    app = opened(LAYERS, show="masks", first="iterative", second="iterative", sparsity=80)
    assert "These are the same" in app.info[0].value
