"""What if: the slider of sparsity, moved by hand and by playing."""

from core import checkpoints, data, evaluation, models, paths, pruning, responses
from tests.pages.opening import opened, texts

WHAT_IF = "pages/what_if.py"


def test_between_checkpoints_the_page_says_that_nothing_was_fine_tuned(study):
    app = opened(WHAT_IF, sparsity=90)
    assert "The checkpoint at 80%, pruned on to here **without fine-tuning**" in texts(app)
    app.slider(key="sparsity").set_value(40).run()
    assert "The dense network, pruned to here **without fine-tuning**" in texts(app)


def test_the_slider_moves_the_zeros(study):
    app = opened(WHAT_IF, method="prune_only", sparsity=50)
    masks = pruning.magnitude(models.prunable(checkpoints.load(f"{study}/dense").model()), 0.5)
    assert f"{masks.zeros:,} of {masks.size:,} weights are zero (50.0%)" in texts(app)
    app.slider(key="sparsity").set_value(75).run()
    assert not app.exception
    assert "weights are zero (75.0%)" in texts(app)


def test_playing_walks_through_what_is_stored_and_stops_at_its_end(study, monkeypatch):
    from pages.components import whatif_play

    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    entry = paths.studies()[study][paths.PRUNE_ONLY].dense
    responses.make(entry, *sets, percents=[0, 20, 60, 90])
    app = opened(WHAT_IF, method="prune_only", sparsity=30)
    assert app.button(key="play").label == "Play"
    monkeypatch.setattr(whatif_play, "SECONDS", 0.0)  # every run is late enough for the next step
    app.button(key="play").click().run()
    assert app.slider(key="sparsity").value == 90
    assert app.button(key="play").label == "Play"
    app.button(key="play").click().run()  # at the end: from the start again
    assert app.slider(key="sparsity").value == 90


def test_whoever_takes_the_slider_stops_the_playing(study):
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    responses.make(paths.studies()[study][paths.PRUNE_ONLY].dense, *sets, percents=[0, 20, 60, 90])
    app = opened(WHAT_IF, method="prune_only", sparsity=20)
    app.button(key="play").click().run()
    assert app.button(key="play").label == "Stop"
    app.slider(key="sparsity").set_value(30).run()
    assert app.button(key="play").label == "Play"
    assert app.slider(key="sparsity").value == 30
    app.button(key="play").click().run()
    app.button(key="play").click().run()
    assert app.button(key="play").label == "Play"


def test_nothing_to_play_is_no_button_to_press(study):
    assert opened(WHAT_IF, method="prune_only").button(key="play").disabled


def test_a_position_seen_before_costs_no_second_evaluation(study, monkeypatch):
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    responses.make(paths.studies()[study][paths.PRUNE_ONLY].dense, *sets, percents=[0, 40, 60])
    app = opened(WHAT_IF, method="prune_only", sparsity=40)
    seen = [card.value for card in app.metric]
    app.slider(key="sparsity").set_value(60).run()

    def refuse(*args, **kwargs):
        raise AssertionError("computed again")

    monkeypatch.setattr(evaluation, "scoreboard", refuse)
    monkeypatch.setattr(evaluation, "ledger", refuse)
    app.slider(key="sparsity").set_value(40).run()
    assert not app.error
    assert [card.value for card in app.metric] == seen
