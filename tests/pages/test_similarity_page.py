"""The page about similarity in Streamlit's own test runner, on tiny networks that the test trains."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import checkpoints, data, files, matrices, paths, recipes, replication, runs
from core.matrices import positions
from core.similarity import cka_matrix
from pages.components import similarity_colours
from tests.core import tiny

APP = Path(__file__).parents[2] / "app.py"
STUDY = "colours-32/vgg16"
CHANGES = {"epochs": 2, "batch": 12, "augment": "none", "balance": 0.0, "rate": 0.05}
PERCENTS = (0, 50, 80, 90)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder: pictures, tiny networks trained on them (dense, and pruned to 80% in three ways), and their comparisons."""
    root = tmp_path_factory.mktemp("similarity")
    tiny.write_pictures(root / "data", {"train": 24, "validation": 4, "test": 30})
    places = {"root": root / "checkpoints", "data": root / "data"}
    with tiny.registered(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(positions, "WATCHED", "red")
        dense = recipes.dense(STUDY, **CHANGES)
        runs.run(dense, **places)
        for method in ("one_shot", "layerwise", "iterative"):
            steps = {"steps": 2} if method == "iterative" else {}
            runs.run(recipes.pruned(dense, method, 0.8, **steps), **places)
        known, entries = paths.of(STUDY, places["root"]), checkpoints.list(places["root"])
        sets = [data.load("colours", split, size=32, root=places["data"]) for split in ("test", "train")]
        matrices.make(known, entries, *sets, percents=PERCENTS)
        matrices.path_of(known["one_shot"].dense).rename(root / "similarity.npz")
    return root


@pytest.fixture
def study(trained, monkeypatch):
    """The networks in the test's own folder, with their images; red is watched for. Nothing is stored."""
    shutil.copytree(trained / "checkpoints", files.checkpoint_root())
    monkeypatch.setenv("PRUNESCOPE_DATA", str(trained / "data"))
    monkeypatch.setattr(positions, "WATCHED", "red")
    with tiny.registered():
        yield STUDY


@pytest.fixture
def stored(study, trained):
    """All comparisons stored."""
    path = matrices.path_of(paths.of(study)["one_shot"].dense)
    shutil.copy(trained / "similarity.npz", path)
    return matrices.read(path, checkpoints.list())


@pytest.fixture
def nowhere(study, monkeypatch, tmp_path):
    """The images are not on this machine."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))


def opened(**query) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = str(value)
    app.run()
    app.switch_page("pages/similarity.py").run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = (app.title, app.header, app.markdown, app.caption, app.info, app.warning, app.error, app.code)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def charts(app: AppTest) -> list[dict]:
    found = app.get("vega_lite_chart") or app.get("arrow_vega_lite_chart")
    return [json.loads(element.proto.spec) for element in found]


def place(name: str):
    line = replication.lines(STUDY, checkpoints.list())[0]
    return matrices.position(matrices.chosen(line)[name])


def test_it_says_what_to_do_where_nothing_was_trained():
    assert "No trained network yet" in texts(opened())


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
def test_what_is_neither_stored_nor_computable_says_so(stored):
    app = opened(images=64)
    assert "The images of colours are not on this machine" in texts(app)
    assert not app.error
    assert len(charts(app)) == 1  # the small matrices, which are stored


def test_nothing_stored_is_computed_and_names_the_command(study):
    app = opened()
    assert not app.error
    assert len(charts(app)) == 2
    app = opened(view="claims")
    assert f"python -m core similarity {STUDY}" in texts(app)
    app = opened(view="survival", method="prune_only", sparsity=70)
    assert "Nothing is stored of this study" in texts(app)
    assert len(charts(app)) == 1


@pytest.mark.usefixtures("nowhere")
def test_nothing_stored_and_no_images_is_a_clear_message(study):
    for view in ("networks", "survival"):
        app = opened(view=view)
        assert not app.error
        assert "The images of colours are not on this machine" in texts(app)
        assert f"python -m core similarity {STUDY}" in texts(app)


@pytest.mark.usefixtures("nowhere")
def test_the_slider_moves_the_matrix_and_shows_the_nearest_step_without_images(stored):
    app = opened(view="survival", method="prune_only", sparsity=50)
    dense = place("dense")
    matrix = stored.matrix(dense, matrices.Position(dense.network, 50, True))
    assert f"**{matrix.mean_twins().estimate:.3f} [" in texts(app)
    app.slider[0].set_value(90).run()
    moved = stored.matrix(dense, matrices.Position(dense.network, 90, True))
    assert f"**{moved.mean_twins().estimate:.3f} [" in texts(app)
    app.slider[0].set_value(88).run()
    assert not app.exception
    assert "88% is not stored" in texts(app)
    assert f"**{moved.mean_twins().estimate:.3f} [" in texts(app)


@pytest.mark.usefixtures("nowhere")
def test_survival_has_a_line_for_each_layer_and_is_split_by_class(stored):
    app = opened(view="survival", method="iterative", sparsity=80, against="itself")
    lines, _, by_layer = charts(app)
    assert len(lines["layer"]) == len(by_layer["layer"]) == 3
    text = texts(app)
    assert "Melanoma against the rest" in text
    assert f"melanoma n = {stored.images[matrices.WATCHED_ONLY].n}" in text
    matrix = stored.matrix(place("iterative"), place("iterative"))
    assert f"**{matrix.mean_off_diagonal().estimate:.3f} [" in text


@pytest.mark.usefixtures("nowhere")
def test_claims_have_verdicts_with_numbers(stored):
    from core import similarity_claims

    app = opened(view="claims")
    text = texts(app)
    findings = similarity_claims.judge(stored, replication.lines(STUDY, checkpoints.list()))
    for finding in findings:
        assert finding.claim.sentence in text
        assert f"**{finding.verdict.capitalize()}**" in text
    assert "a second dense network with another seed is missing" in text
    assert len(charts(app)) == 2
    assert "at every sparsity" not in text  # there is one only


@pytest.mark.usefixtures("nowhere")
def test_with_a_network_damaged_the_others_stay_where_they_were(stored):
    """Results of networks at another sparsity, of which nothing can be compared, must not draw the page there."""
    entries = {entry.id.rpartition("/")[2]: entry for entry in checkpoints.list()}
    for method in ("one_shot", "layerwise", "iterative"):
        entry = entries[f"{method}-80"]
        card = dataclasses.replace(entry.card, id=f"{STUDY}/{method}-90", sparsity=0.9)
        checkpoints.write_card(entry.path.with_name(f"{method}-90.safetensors"), card, entry.size_bytes)
    broken = entries["iterative-80"].path
    broken.write_bytes(broken.read_bytes()[:1000])
    app = opened(first="one_shot", second="layerwise")
    text = texts(app)
    assert not app.error
    assert "lack 80% of their weights" in text
    assert "Iterative is left out: nothing to compare is here at 80%" in text
    assert "How to get" not in text
    assert len(charts(app)) == 2
    assert not [group for group in app.get("button_group") if group.proto.label == "Pruned to"]
    assert "**Cannot be told**" in texts(opened(view="claims"))


@pytest.mark.usefixtures("nowhere")
def test_another_sparsity_is_chosen_where_networks_of_it_were_compared(stored):
    entries = {entry.id.rpartition("/")[2]: entry for entry in checkpoints.list()}
    path = matrices.path_of(entries["dense"])
    for method in ("layerwise", "iterative"):
        entry = entries[f"{method}-80"]
        card = dataclasses.replace(entry.card, id=f"{STUDY}/{method}-95", sparsity=0.95)
        checkpoints.write_card(entry.path.with_name(f"{method}-95.safetensors"), card, entry.size_bytes)
    known = matrices.read(path, checkpoints.list())
    digests = {entry.id: entry.card.digest for entry in checkpoints.list()}
    moved = {
        f"{STUDY}/{method}-80": matrices.Position(f"{STUDY}/{method}-95", 95) for method in ("layerwise", "iterative")
    }
    for key, record in list(known.records.items()):
        if all(place.percent in (0, 80) for place in key[:2]):
            a, b = (moved.get(place.network, place) for place in key[:2])
            known.records[key._replace(a=a, b=b)] = record
    known.digests |= {place.network: digests[place.network] for place in moved.values()}
    matrices.write(path, known)
    app = opened(pruned=95)
    text = texts(app)
    assert not app.error
    assert "lack 95% of their weights" in text
    assert "One-shot is left out" in text
    assert [box.options for box in app.selectbox if box.key == "first"] == [["Dense", "Layer by layer", "Iterative"]]
    text = texts(opened(view="claims", pruned=95))
    assert "one-shot pruning is not trained at the sparsity of the others" in text
    assert "**Layer by layer with itself, at every sparsity**" in text
    assert "the verdict above is about 95%" in text
    assert text.count("**Cannot be told**") >= 2
    survival = opened(view="survival", method="iterative", sparsity=80)
    rows = [row for frame in survival.dataframe for row in frame.value.to_dict("records")]
    assert not survival.error
    assert any(row.get("checkpoint") == f"{STUDY}/iterative-95" for row in rows)


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
def test_a_damaged_store_is_a_message_and_no_traceback(stored):
    matrices.path_of(paths.of(STUDY)["one_shot"].dense).write_bytes(b"PK nothing")
    app = opened()
    assert "holds no comparisons" in app.error[0].value


@pytest.mark.parametrize(
    "query",
    [
        {"view": "nope"},
        {"first": "nope", "second": "nope", "less": "nope"},
        {"sample": "nope", "detail": "nope", "images": "nope"},
        {"images": 7},
        {"view": "survival", "sparsity": "abc", "against": "nope", "method": "nope"},
        {"study": "nope/nope"},
    ],
)
@pytest.mark.usefixtures("nowhere")
def test_a_link_with_nonsense_in_it_opens_a_default_view(stored, query):
    app = opened(**query)
    assert not app.error
    assert charts(app)


def test_colours_of_pictures_are_those_of_the_scale():
    values = np.array([[0.0, 0.1, 1.0], [0.05, np.nan, 2.0]])
    pixels = similarity_colours.rgb(values, np.array([[True, True, True], [True, True, False]]))
    first, second, grey = (
        [int(text[place : place + 2], 16) for place in (1, 3, 5)]
        for text in (*similarity_colours.VIRIDIS[:2], similarity_colours.UNSUPPORTED)
    )
    np.testing.assert_array_equal(pixels[0, 0], first)
    np.testing.assert_array_equal(pixels[0, 1], second)
    np.testing.assert_allclose(pixels[1, 0], (np.array(first) + second) / 2, atol=1)
    np.testing.assert_array_equal(pixels[1, 1], grey)
    np.testing.assert_array_equal(pixels[1, 2], grey)


def test_lightness_rises_evenly_along_the_scale():
    """CIE L* of a colour from sRGB: what an eye, also a colour-blind one, takes for light and dark."""

    def lightness(text: str) -> float:
        linear = [int(text[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in linear]
        y = np.dot(linear, (0.2126, 0.7152, 0.0722))
        return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y

    steps = np.diff([lightness(text) for text in similarity_colours.VIRIDIS])
    assert (steps > 4).all()
    assert steps.max() < 2 * steps.min()
    ends = [lightness(text) for text in similarity_colours.DIVERGING]
    assert np.argmax(ends) == 5
    assert abs(ends[0] - ends[-1]) < 12


@pytest.mark.usefixtures("nowhere")
def test_a_mean_over_some_of_the_cells_says_so(stored):
    from pages.components import similarity_words

    whole = stored.matrix(place("dense"), place("iterative"))
    assert whole.twins_mean.cells == len(whole.rows) == 3
    assert "over" not in similarity_words.mean(whole, own=False)
    some = dataclasses.replace(whole, twins_mean=dataclasses.replace(whole.twins_mean, cells=2))
    assert similarity_words.mean(some, own=False).endswith("** (over 2 of 3 cells, the others are grey)")
