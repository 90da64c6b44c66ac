"""What if without images, or without weights: what is stored is shown, and what cannot be read is named."""

import pytest

from core import checkpoints, data, paths, recipes, responses, runs
from tests.pages.opening import opened, texts

WHAT_IF = "pages/what_if.py"


def test_without_images_the_cards_still_speak(study, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    app = opened(WHAT_IF, sparsity=80)
    assert not app.error
    assert "The images of colours are not on this machine" in app.info[0].value
    order = [element.type for element in app.main if element.type in ("alert", "info", "metric")]
    assert order.index("info") > order.index("metric"), "the answer comes before what is missing for the rest"
    estimate = checkpoints.load(f"{study}/iterative-80").card.metrics["accuracy"]["estimate"]
    assert f"{estimate:.1%}" in [card.value for card in app.metric]


@pytest.mark.parametrize(
    "view", ["harm", "mistaken", "threshold", "subgroups", "breaking", "exemplars", "layers", "calibration"]
)
def test_every_view_says_what_it_has_where_nothing_is_stored(study, monkeypatch, tmp_path, view):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    app = opened(WHAT_IF, sparsity=70, view=view)
    assert not app.error
    assert "Nothing is stored for 70%" in texts(app)
    assert app.session_state["view"] == view


def test_stored_answers_are_shown_without_images_and_agree_with_live_ones(study, monkeypatch, tmp_path):
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    live = opened(WHAT_IF, method="prune_only", sparsity=60)
    for entry in paths.studies()[study]["iterative"].entries:
        responses.make(entry, *sets, percents=[0, 60, 80])
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    from pages.components import images, loaders

    images._image_set.clear()
    loaders._bench.clear()
    loaders.estimates.clear()
    loaders.results.clear()
    stored = opened(WHAT_IF, method="prune_only", sparsity=60)
    assert "The images of colours are not on this machine" in stored.info[0].value
    assert [card.value for card in stored.metric] == [card.value for card in live.metric]
    assert "n = 90 test images" in texts(stored)


def test_a_trained_network_that_ships_without_weights_is_shown_where_its_answers_are(study):
    """At 90% the page once showed the network of 80% pruned on, though the one trained at 90% had its answers stored."""
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    dense = recipes.Recipe.from_dict(checkpoints.load(f"{study}/dense").card.recipe)
    run = runs.run(recipes.pruned(dense, "iterative", 0.9, steps=2, epochs=1))
    for entry in checkpoints.list():
        if entry.id in (f"{study}/dense", run.id):
            responses.make(entry, *sets, percents=[0, 90, 91])
    entry = next(entry for entry in checkpoints.list() if entry.id == run.id)
    checkpoints.write_card(entry.path, entry.card, entry.size_bytes)
    entry.path.unlink()
    app = opened(WHAT_IF, method="iterative", sparsity=90)
    text = texts(app)
    assert not app.error
    assert "trained checkpoint, fine-tuned after pruning. Its answers are stored; its weights are not here." in text
    assert "Iterative was trained at 80% and 90%." in text
    assert app.toggle[0].disabled
    assert app.metric[1].value == f"{run.card.metrics['accuracy']['estimate']:.1%}"
    app.slider(key="sparsity").set_value(91).run()
    assert "The checkpoint at 90%, pruned on to here **without fine-tuning**" in texts(app)
    app.slider(key="sparsity").set_value(92).run()  # not stored: computed from the weights that are here
    assert not app.exception
    assert "The checkpoint at 80%, pruned on to here **without fine-tuning**" in texts(app)
    app = opened(WHAT_IF, method="iterative", sparsity=90, view="layers")
    assert "pruned on to 90% without fine-tuning: what layers set by hand start from" in texts(app)
    app = opened(WHAT_IF, method="iterative", sparsity=90, layers="0-50")
    assert "The checkpoint at 80%, pruned on" in texts(app)
    assert "is here without its weights" in texts(app)


@pytest.mark.parametrize(
    "view", ["harm", "mistaken", "threshold", "subgroups", "breaking", "exemplars", "layers", "calibration"]
)
def test_every_view_copes_with_answers_that_are_stored_short(study, monkeypatch, tmp_path, view):
    """As those of a study with a hundred classes are: the likeliest and the true class only."""
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    monkeypatch.setattr(responses, "MANY", 2)
    for entry in paths.studies()[study]["iterative"].entries:
        responses.make(entry, *sets, percents=[0, 60, 80, 90])
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    app = opened(WHAT_IF, sparsity=80, view=view, image=sets[0].ids[3])
    assert not app.error
    assert [card.label for card in app.metric] == ["Balanced accuracy", "Accuracy"]
    assert "Macro AUC is not stored" in texts(app)


def test_answers_that_cannot_be_read_are_left_out_and_named(study):
    """One damaged file of many must not take the page away."""
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    entries = paths.studies()[study]["iterative"].entries
    for entry in entries:
        responses.make(entry, *sets, percents=[0, 50, 80])
    responses.path_of(entries[1]).write_bytes(b"PAR1 and then nothing")
    app = opened(WHAT_IF, method="prune_only", sparsity=50)
    assert [card.value for card in app.metric]
    assert not app.warning
    app = opened(WHAT_IF, method="iterative", sparsity=80, view="breaking")
    assert not app.error
    assert [card.value for card in app.metric]  # computed anew
    assert len(app.warning) == 1
    assert f"The stored answers of **{study}/iterative-80** cannot be read" in app.warning[0].value
    assert "python -m core respond" in app.warning[0].value
