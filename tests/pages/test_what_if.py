"""What if: the top of the page and its controls, on tiny networks that the test trains."""

import pytest

from core import checkpoints, data, evaluation, models, paths, pruning, recipes, responses, runs
from tests.pages.opening import opened, texts

WHAT_IF = "pages/what_if.py"


def dense_values(app) -> str:
    return "\n".join(caption.value for caption in app.caption if caption.value.startswith("Dense:"))


def test_the_numbers_are_those_of_the_engine(study):
    app = opened(WHAT_IF, method="prune_only", sparsity=60, recalibrate="false")
    test = data.load("colours", "test", size=32)
    dense = checkpoints.load(f"{study}/dense").model()
    pruned = pruning.bind(dense, pruning.magnitude(models.prunable(dense), 0.6))
    reports = [
        evaluation.evaluate(evaluation.predict(model, test), test.labels, test.class_names) for model in (dense, pruned)
    ]
    for card, name in zip(app.metric, ("balanced_accuracy", "accuracy"), strict=False):
        was, now = (report.metrics[name].estimate for report in reports)
        assert card.value == f"{now:.1%}"
        assert f"Dense: {was:.1%}" in dense_values(app)
    assert "n = 90 test images" in texts(app)
    assert "Iterative was trained" not in texts(app)  # the link chose the method


def test_a_class_that_the_data_picked_is_told_to_be_picked(study):
    assert "was picked because it loses most of" in texts(opened(WHAT_IF, sparsity=80))
    name = checkpoints.load(f"{study}/dense").card.data.class_names[0]
    assert "was picked" not in texts(opened(WHAT_IF, sparsity=80, diagnosis=name))


def test_a_trained_checkpoint_needs_no_recalibration(study):
    app = opened(WHAT_IF, sparsity=80)
    assert "trained checkpoint, fine-tuned" in texts(app)
    assert app.toggle[0].disabled
    was = checkpoints.load(f"{study}/dense").card.metrics["accuracy"]["estimate"]
    now = checkpoints.load(f"{study}/iterative-80").card.metrics["accuracy"]["estimate"]
    assert app.metric[1].value == f"{now:.1%}"
    assert f"Dense: {was:.1%}" in dense_values(app)


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


def test_without_images_the_cards_still_speak(study, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    app = opened(WHAT_IF, sparsity=80)
    assert not app.error
    assert "The images of colours are not on this machine" in app.info[0].value
    order = [element.type for element in app.main if element.type in ("alert", "info", "metric")]
    assert order.index("info") < order.index("metric"), "the notice speaks of the numbers below it"
    estimate = checkpoints.load(f"{study}/iterative-80").card.metrics["accuracy"]["estimate"]
    assert f"{estimate:.1%}" in [card.value for card in app.metric]


@pytest.mark.parametrize("view", ["harm", "threshold", "subgroups", "breaking", "exemplars", "layers", "calibration"])
def test_every_view_says_what_it_has_where_nothing_is_stored(study, monkeypatch, tmp_path, view):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    app = opened(WHAT_IF, sparsity=70, view=view)
    assert not app.error
    assert "Nothing is stored for 70%" in texts(app)
    assert app.session_state["view"] == view


def test_a_checkpoint_that_breaks_under_the_page_is_a_message_and_no_traceback(study):
    path = checkpoints.load(f"{study}/iterative-80").path
    content = bytearray(path.read_bytes())
    content[-7] ^= 1  # in the weights: the header still reads well
    path.write_bytes(content)
    app = opened(WHAT_IF, sparsity=80)
    assert "damaged" in app.error[0].value or "altered" in app.error[0].value
    app.slider(key="sparsity").set_value(40).run()  # the dense network is whole
    assert not app.error
    assert app.metric


@pytest.mark.parametrize(
    "query",
    [
        {"sparsity": "abc"},
        {"sparsity": 100},
        {"method": "nope"},
        {"study": "nope/nope"},
        {"view": "<script>"},
        {"diagnosis": "mel"},  # of another study
        {"layers": "99-50_x_1-100"},
        {"image": "nobody"},
        {"view": "threshold", "threshold": "none", "at": "x", "watch": ""},
        {"view": "exemplars", "rule": "?", "apart": "shoe size"},
        {"view": "subgroups", "by": "\x00"},
        {"changes": "all"},
    ],
)
def test_a_link_with_nonsense_in_it_opens_the_default_view(study, query):
    app = opened(WHAT_IF, **query)
    assert app.metric
    assert not app.error
    assert app.session_state["diagnosis"] is None
    assert "set by hand" not in texts(app)


@pytest.mark.parametrize("link", ["prune_only", "No fine-tuning"])
def test_a_link_names_the_method_by_its_identifier_and_older_ones_by_its_button(study, link, monkeypatch):
    app = opened(WHAT_IF, method=link)
    assert app.session_state["method"] == "prune_only"
    assert app.query_params["method"] == "prune_only"
    app.segmented_control(key="method").select("iterative").run()
    assert "method" not in app.query_params, "the default is not in the address"
    app.segmented_control(key="method").select("prune_only").run()
    assert app.query_params["method"] == "prune_only"


def test_a_link_outlives_a_button_that_is_renamed(study, monkeypatch):
    from pages.components import look

    monkeypatch.setitem(look.TITLES, "prune_only", "Never trained again")
    app = opened(WHAT_IF, method="prune_only")
    assert app.session_state["method"] == "prune_only"
    assert "Never trained again" in app.segmented_control(key="method").options


def test_choices_outlive_a_visit_to_another_page(study):
    app = opened(WHAT_IF, method="prune_only", view="calibration", diagnosis="red")
    app.switch_page("pages/overview.py").run()
    app.switch_page(WHAT_IF).run()
    assert [app.session_state[key] for key in ("method", "view", "diagnosis")] == ["prune_only", "calibration", "red"]
    assert app.query_params["view"] == "calibration"


def test_two_users_by_turns_see_their_own_numbers(study):
    """Two sessions on one server whose moves alternate; the test runner itself cannot run two threads."""
    views = [("prune_only", 10), ("iterative", 95)]

    def numbers(app) -> tuple:
        zeros = next(caption.value for caption in app.caption if "weights are zero" in caption.value)
        return [card.value for card in app.metric], zeros

    alone = [numbers(opened(WHAT_IF, method=method, sparsity=percent)) for method, percent in views]
    assert alone[0] != alone[1]
    users = [opened(WHAT_IF, method=method, sparsity=percent) for method, percent in views]
    for _ in range(2):
        for user, (_, percent), seen in zip(users, views, alone, strict=True):
            user.slider(key="sparsity").set_value(50).run()
            user.slider(key="sparsity").set_value(percent).run()
            assert numbers(user) == seen


def test_stored_answers_are_shown_without_images_and_agree_with_live_ones(study, monkeypatch, tmp_path):
    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    live = opened(WHAT_IF, method="prune_only", sparsity=60)
    for entry in paths.studies()[study]["iterative"].entries:
        responses.make(entry, *sets, percents=[0, 60, 80])
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    from pages.components import loaders

    loaders._image_set.clear()
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


def test_layers_set_by_hand_change_the_answers_and_can_be_reset(study):
    app = opened(WHAT_IF, method="prune_only", sparsity=50, view="layers", recalibrate="false")
    plain = [card.value for card in app.metric]
    app = opened(WHAT_IF, method="prune_only", sparsity=50, view="layers", recalibrate="false", layers="1-95")
    dense = checkpoints.load(f"{study}/dense").model()
    weights, units = models.prunable(dense), models.units(dense)
    whole, alone = pruning.magnitude(weights, 0.5), pruning.magnitude(weights, {units[1][0]: 0.95}, scope="layer")
    masks = pruning.Masks({name: alone[name] if name == units[1][0] else whole[name] for name in weights})
    assert f"{masks.zeros:,} of {masks.size:,} weights are zero: **{masks.sparsity:.1%}**" in texts(app)
    assert "with 1 layer set by hand" in texts(app)
    test = data.load("colours", "test", size=32)
    answers = evaluation.predict(pruning.bind(dense, masks), test)
    assert app.metric[1].value == f"{(answers.argmax(1) == test.labels).mean():.1%}"
    assert app.query_params["layers"] == "1-95"
    app.button(key="reset").click().run()
    assert "layers" not in app.query_params
    assert [card.value for card in app.metric] == plain


def test_edits_of_the_table_of_layers_lock_and_unlock():
    from pages.components.whatif_layers import changed

    now = [40, 50, 60]
    assert changed({0: {"sparsity": 90}}, now, {}) == {0: 90}
    assert changed({1: {"locked": True}}, now, {0: 90}) == {0: 90, 1: 50}
    assert changed({0: {"locked": False}}, now, {0: 90, 1: 50}) == {1: 50}
    assert changed({2: {"sparsity": None}}, now, {1: 50}) == {1: 50}


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


@pytest.mark.parametrize("view", ["harm", "threshold", "subgroups", "breaking", "exemplars", "layers", "calibration"])
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
    assert "macro AUC is not stored" in texts(app)


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
