"""The page about similarity: matrices of two networks, as pictures, differences and by class."""

import dataclasses
import json

import pytest

from core import checkpoints, data, matrices, paths, replication
from core.similarity import cka_matrix
from pages.components import similarity_colours
from tests.pages.similarity.conftest import STUDY, charts, opened, place, texts


@pytest.mark.usefixtures("nowhere")
def test_stored_matrices_are_shown_without_images(stored):
    app = opened(first="one_shot", second="iterative")
    assert [box.value for box in app.selectbox if box.key in ("first", "second")] == ["one_shot", "iterative"]
    text = texts(app)
    assert not app.error
    assert "**CKA** compares what two layers make of the same images" in text
    matrix = stored.matrix(place("one_shot"), place("iterative"))
    mean = matrix.mean_twins()
    assert f"**{mean.estimate:.3f} [{mean.low:.3f}, {mean.high:.3f}]**" in text
    assert "n = 90 test images" in text
    small, large = charts(app)[:2]
    assert "url" in json.dumps(small)
    scale = large["layer"][0]["encoding"]["color"]["scale"]
    assert (scale["domain"][0], scale["domain"][-1]) == (0, 1)
    assert scale["range"] == list(similarity_colours.VIRIDIS)  # spelt out: the theme's own would turn round


def test_a_click_on_a_small_matrix_chooses_the_pair(monkeypatch):
    from pages.components import similarity_choices

    state = {}
    monkeypatch.setattr(similarity_choices.st, "session_state", state)
    similarity_choices.picked(similarity_choices.joined("iterative", "one_shot"))
    assert state == {"first": "iterative", "second": "one_shot"}


@pytest.mark.usefixtures("nowhere")
def test_the_difference_of_two_matrices_has_its_own_fixed_scale(stored):
    app = opened(first="layerwise", second="layerwise", less="dense-dense")
    own, other = (stored.matrix(place(name), place(name)) for name in ("layerwise", "dense"))
    difference = own.off_diagonal.minus(other.off_diagonal)
    assert f"{difference.estimate:+.3f}".replace("-", "−") in texts(app)
    scale = charts(app)[1]["layer"][0]["encoding"]["color"]["scale"]
    assert (scale["domain"][0], scale["domain"][-1]) == (-0.3, 0.3)


@pytest.mark.usefixtures("nowhere")
def test_a_class_is_shown_on_its_own_images(stored):
    app = opened(sample="watched", first="dense", second="iterative")
    matrix = stored.matrix(place("dense"), place("iterative"), matrices.WATCHED_ONLY)
    assert f"**{matrix.mean_twins().estimate:.3f}" in texts(app)
    assert f"n = {stored.images[matrices.WATCHED_ONLY].n} test images" in texts(app)


def test_what_is_not_stored_is_computed_where_the_images_are(stored):
    app = opened(detail="all", first="dense", second="layerwise", images=64)
    line = replication.lines(STUDY, checkpoints.list())[0]
    test = data.load("colours", "test", size=32)
    models = [checkpoints.load(matrices.chosen(line)[name].path).model() for name in ("dense", "layerwise")]
    expected = cka_matrix(*models, test.take(matrices.samples(test, 64)["all"]), layers="all")
    assert "n = 64 test images" in texts(app)
    assert f"**{expected.mean_twins().estimate:.3f}" in texts(app)


@pytest.mark.usefixtures("stored")
def test_what_takes_long_is_computed_once_it_is_asked_for(monkeypatch):
    from pages.components import similarity_live

    monkeypatch.setattr(similarity_live, "LONG", 0)
    app = opened(detail="all", first="dense", second="iterative", images=64)
    [ask] = [button for button in app.button if button.key == "similarity-compute"]
    assert ask.label == "Compute, less than a minute"
    assert "n = 64 test images" not in texts(app)
    ask.click().run()
    assert "n = 64 test images" in texts(app)
    assert not [button for button in app.button if button.key in ("similarity-compute", "live-cancel")]


def test_cancel_brings_the_question_back(monkeypatch):
    from pages.components import similarity_live

    monkeypatch.setattr(similarity_live.st, "session_state", {"similarity-agreed": {("this",)}})
    assert similarity_live.agreed(("this",), 60)
    similarity_live.cancel(("this",))
    monkeypatch.setattr(similarity_live.st, "button", lambda *args, **kwargs: False)
    assert not similarity_live.agreed(("this",), 60)


@pytest.mark.usefixtures("nowhere")
def test_too_many_layers_for_cells_are_a_picture_and_a_cell_is_looked_up_by_name(stored, monkeypatch):
    from pages.components import similarity_charts

    monkeypatch.setattr(similarity_charts, "MOST", 2)
    app = opened(first="dense", second="iterative")
    assert charts(app)[1]["mark"]["type"] == "image"
    matrix = stored.matrix(place("dense"), place("iterative"))
    row, column = (next(box for box in app.selectbox if box.label == f"Layer, {side}") for side in ("down", "across"))
    row.set_value("features.4").run()
    column = next(box for box in app.selectbox if box.label == "Layer, across")
    column.set_value("classifier").run()
    cell = matrix.cell("features.4", "classifier")
    assert f"**{cell.estimate:.3f} [" in texts(app)


@pytest.mark.usefixtures("nowhere")
def test_images_that_decide_alone_are_left_out_and_named(stored):
    from core.similarity import Influence

    path = matrices.path_of(paths.of(STUDY)["one_shot"].dense)
    stored.influential = {"all": [Influence(4, "dense", "features.4", 0.43)]}
    for key, record in list(stored.records.items()):
        if key.sample == "all":
            stored.records[key._replace(sample="typical")] = record
    stored.images["typical"], stored.rows["typical"] = stored.images["all"], stored.rows["all"]
    matrices.write(path, stored)
    app = opened()
    text = texts(app)
    assert not app.error
    assert "makes up **43%** of what features.4 of the dense network tells apart" in text
    assert [group.value for group in app.get("button_group") if group.proto.label == "Images"] == ["typical"]
    assert "makes up **43%**" not in texts(opened(sample="all"))
    assert "makes up **43%**" in texts(opened(view="survival", method="iterative"))
    assert "makes up **43%**" in texts(opened(view="claims"))


@pytest.mark.usefixtures("nowhere")
def test_a_mean_over_some_of_the_cells_says_so(stored):
    from pages.components import similarity_words

    whole = stored.matrix(place("dense"), place("iterative"))
    assert whole.twins_mean.cells == len(whole.rows) == 3
    assert "over" not in similarity_words.mean(whole, own=False)
    some = dataclasses.replace(whole, twins_mean=dataclasses.replace(whole.twins_mean, cells=2))
    assert similarity_words.mean(some, own=False).endswith("** (over 2 of 3 cells, the others are grey)")
