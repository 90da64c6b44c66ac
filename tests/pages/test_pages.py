"""Every page in Streamlit's own test runner, on tiny networks that the test trains."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from core import checkpoints, data, evaluation, models, pruning

APP = Path(__file__).parents[2] / "app.py"
WHAT_IF = "pages/what_if.py"


def opened(page: str | None = None, **query) -> AppTest:
    app = AppTest.from_file(APP, default_timeout=60)
    for name, value in query.items():
        app.query_params[name] = str(value)
    app.run()
    if page:
        app.switch_page(page).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def test_overview_says_what_to_do_where_nothing_was_trained(tmp_path):
    app = opened()
    assert "No trained network yet" in texts(app)
    assert "python -m core train" in app.code[0].value


def test_what_if_says_what_to_do_where_nothing_was_trained():
    assert "No trained network yet" in texts(opened(WHAT_IF))


def test_overview_lists_the_networks_with_the_numbers_of_their_cards(study):
    app = opened()
    table = app.table[0].value
    assert list(table.index) == ["Dense", "Iterative"]
    card = checkpoints.load(f"{study}/iterative-80").card
    assert table.loc["Iterative", "Weights removed"] == f"{card.actual_sparsity:.1%}"
    estimate = card.metrics["balanced_accuracy"]["estimate"]
    assert table.loc["Iterative", "Balanced accuracy"].startswith(f"{estimate:.1%}")
    assert "not for diagnosis" in texts(app)


def test_overview_leaves_a_damaged_checkpoint_out_and_says_so(study):
    path = checkpoints.load(f"{study}/iterative-80").path
    path.write_bytes(path.read_bytes()[:1000])
    app = opened()
    assert list(app.table[0].value.index) == ["Dense"]
    assert "iterative-80" in texts(app)
    assert "cannot be read" in texts(app)


def test_what_if_shows_the_numbers_of_the_engine(study):
    app = opened(WHAT_IF, method="No fine-tuning", sparsity=60, recalibrate="false")
    test = data.load("colours", "test", size=32)
    dense = checkpoints.load(f"{study}/dense").model()
    pruned = pruning.bind(dense, pruning.magnitude(models.prunable(dense), 0.6))
    reports = [
        evaluation.evaluate(evaluation.predict(model, test), test.labels, test.class_names) for model in (dense, pruned)
    ]
    for card, name in zip(app.metric, ("balanced_accuracy", "accuracy"), strict=False):
        was, now = (report.metrics[name].estimate for report in reports)
        assert card.value == f"{now:.1%}"
        assert f"(dense: {was:.1%})" in card.label
    assert "n = 90 test images" in texts(app)
    assert "Iterative was trained" not in texts(app)  # the link chose the method, under the name that its button has


def test_what_if_at_a_trained_checkpoint_needs_no_recalibration(study):
    app = opened(WHAT_IF, sparsity=80)
    assert "trained checkpoint, fine-tuned" in texts(app)
    assert app.toggle[0].disabled
    was = checkpoints.load(f"{study}/dense").card.metrics["accuracy"]["estimate"]
    now = checkpoints.load(f"{study}/iterative-80").card.metrics["accuracy"]["estimate"]
    assert app.metric[1].value == f"{now:.1%}"
    assert f"(dense: {was:.1%})" in app.metric[1].label


def test_what_if_between_checkpoints_says_that_nothing_was_fine_tuned(study):
    app = opened(WHAT_IF, sparsity=90)
    assert "The checkpoint at 80%, pruned on to here **without fine-tuning**" in texts(app)
    app.slider[0].set_value(40).run()
    assert "The dense network, pruned to here **without fine-tuning**" in texts(app)


def test_the_slider_moves_the_zeros(study):
    app = opened(WHAT_IF, method="No fine-tuning", sparsity=50)
    assert "weights are zero (50.0%)" in texts(app)
    app.slider[0].set_value(75).run()
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


def test_a_checkpoint_that_breaks_under_the_page_is_a_message_and_no_traceback(study):
    path = checkpoints.load(f"{study}/iterative-80").path
    content = bytearray(path.read_bytes())
    content[-7] ^= 1  # in the weights: the header still reads well
    path.write_bytes(content)
    app = opened(WHAT_IF, sparsity=80)
    assert "damaged" in app.error[0].value or "altered" in app.error[0].value
    app.slider[0].set_value(40).run()  # the dense network is whole
    assert not app.error
    assert app.metric


@pytest.mark.parametrize("query", [{"sparsity": "abc"}, {"sparsity": 100}, {"method": "nope"}, {"study": "nope/nope"}])
def test_a_link_with_nonsense_in_it_opens_the_default_view(study, query):
    app = opened(WHAT_IF, **query)
    assert app.metric
    assert not app.error


def test_two_users_by_turns_see_their_own_numbers(study):
    """Two sessions on one server whose moves alternate; the test runner itself cannot run two threads."""
    views = [("No fine-tuning", 10), ("Iterative", 95)]

    def numbers(app: AppTest) -> tuple:
        zeros = next(caption.value for caption in app.caption if "weights are zero" in caption.value)
        return [card.value for card in app.metric], zeros

    alone = [numbers(opened(WHAT_IF, method=method, sparsity=percent)) for method, percent in views]
    assert alone[0] != alone[1]
    users = [opened(WHAT_IF, method=method, sparsity=percent) for method, percent in views]
    for _ in range(2):
        for user, (_, percent), seen in zip(users, views, alone, strict=True):
            user.slider[0].set_value(50).run()
            user.slider[0].set_value(percent).run()
            assert numbers(user) == seen


def test_many_users_of_one_network_at_once_get_their_own_answers(study):
    """Threads that share the networks as the pages do, each at a sparsity of its own."""
    from core import whatif

    dense = whatif.Subject(checkpoints.load(f"{study}/dense"))
    test, train = (data.load("colours", split, size=32) for split in ("test", "train"))
    sparsities = [0.1, 0.4, 0.7, 0.9, 0.97] * 2

    def answers(sparsity: float, recalibrated: bool) -> np.ndarray:
        *_, last = bench.refine(dense, sparsity, recalibrated=recalibrated)
        assert last.final
        return last.pruned[np.argsort(last.rows)]

    bench = whatif.Bench(dense, test, train)
    alone = {s: answers(s, recalibrated=s > 0.5) for s in set(sparsities)}
    before = {name: value.clone() for name, value in dense.model.state_dict().items()}
    bench = whatif.Bench(dense, test, train)
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda s: answers(s, recalibrated=s > 0.5), sparsities))
    for sparsity, seen in zip(sparsities, together, strict=True):
        np.testing.assert_array_equal(seen, alone[sparsity])
    assert all(value.equal(before[name]) for name, value in dense.model.state_dict().items())


def test_estimates_grow_and_end_with_every_image(study, monkeypatch):
    from core import whatif

    monkeypatch.setattr(whatif, "STAGES", (70,))
    dense = whatif.Subject(checkpoints.load(f"{study}/dense"))
    bench = whatif.Bench(dense, data.load("colours", "test", size=32), data.load("colours", "train", size=32))
    found = list(bench.refine(dense, 0.5, recalibrated=True))
    assert [estimate.n for estimate in found] == [64, 70, 90]
    assert [estimate.final for estimate in found] == [False, False, True]
    assert [estimate.recalibrated_on for estimate in found] == [64, 72, 72]
    assert sorted(found[-1].rows) == list(range(90))
    exact = evaluation.predict(
        evaluation.recalibrate(dense.at(0.5), bench.calibration), bench.test.images[found[-1].rows]
    )
    np.testing.assert_allclose(found[-1].pruned, exact, atol=2e-2)


def test_stored_answers_are_shown_without_images_and_agree_with_live_ones(study, monkeypatch, tmp_path):
    from core import paths, responses

    sets = [data.load("colours", split, size=32) for split in ("test", "train")]
    live = opened(WHAT_IF, method="No fine-tuning", sparsity=60)
    for entry in paths.studies()[study]["iterative"].entries:
        responses.make(entry, *sets, percents=[0, 60, 80])
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    from pages.components import loaders

    loaders._bench.clear()
    loaders.memory.clear()
    stored = opened(WHAT_IF, method="No fine-tuning", sparsity=60)
    assert "The images of colours are not on this machine" in stored.info[0].value
    assert [card.value for card in stored.metric] == [card.value for card in live.metric]
    assert "n = 90 test images" in texts(stored)
