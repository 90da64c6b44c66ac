"""What if: the numbers at the top of the page against the engine's, and layers set by hand."""

from dataclasses import replace

from core import checkpoints, data, evaluation, models, pruning
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


def test_a_metric_that_the_registry_calls_a_headline_is_at_the_top(study, monkeypatch):
    metrics = evaluation.METRICS
    monkeypatch.setitem(metrics, "calibration_error", replace(metrics["calibration_error"], headline=True))
    app = opened(WHAT_IF, method="prune_only", sparsity=60)
    assert [card.label for card in app.metric] == [metrics[name].title for name in evaluation.headlines()]
    assert len(app.metric) == 4


def test_a_class_that_the_data_picked_is_told_to_be_picked(study):
    assert "this one was picked because it loses the most" in texts(opened(WHAT_IF, sparsity=99))
    assert "was picked" not in texts(opened(WHAT_IF, sparsity=0)), "where nothing is lost"
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
