"""The page about similarity where something is missing or damaged."""

import dataclasses

import pytest

from core import checkpoints, matrices, paths
from tests.pages.similarity.conftest import STUDY, charts, opened, texts


def test_it_says_what_to_do_where_nothing_was_trained():
    assert "No trained network yet" in texts(opened())


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
    assert "**Not tested**" in texts(opened(view="claims"))


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
