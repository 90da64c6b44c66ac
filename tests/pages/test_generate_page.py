"""The Generate page in Streamlit's test runner. Jobs are submitted for real; workers are started by the test alone."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from streamlit.testing.v1 import AppTest

from core import checkpoints, files, jobs, recipes
from core.errors import JobDamaged
from core.jobs import dispatcher, estimating, places, record
from pages.components import loaders
from tests.core import tiny
from tests.core.jobs.conftest import command
from tests.pages import opening

PAGE = "pages/generate.py"
COLOURS = {"new-data": "colours", "new-size": 32}


@pytest.fixture(autouse=True)
def queue(tmp_path, monkeypatch):
    """Drawn images, the tiny network, and no dispatcher but those that a test starts."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tiny.write_pictures(tmp_path / "data")))
    monkeypatch.setattr(dispatcher, "_start", lambda device: None)
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # as the worker's: what it has trained tells of a device with as many
    with tiny.registered():
        yield
    torch.set_num_threads(before)


def opened(page: str | None = PAGE, **query) -> AppTest:
    return opening.opened(page, **query)


def texts(app: AppTest) -> str:
    kinds = (app.title, app.markdown, app.caption, app.info, app.warning, app.error, app.success)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def press(app: AppTest, label: str) -> AppTest:
    (button,) = [one for one in app.button if one.label == label]
    button.click().run()
    assert not app.exception
    return app


def fill(app: AppTest, label: str, value) -> AppTest:
    (field,) = [one for one in (*app.text_input, *app.selectbox, *app.slider) if one.label == label]
    field.set_value(value).run()
    assert not app.exception
    return app


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def work(id: str) -> None:
    assert subprocess.run([*command(), id, "cpu"], cwd=files.PROJECT).returncode == 0


def test_the_form_is_the_recipe_that_is_submitted():
    app = opened(**COLOURS)
    assert "No jobs yet" in texts(app)
    fill(app, "Epochs", "2")
    fill(app, "Seed", "7")
    fill(app, "Images a step", "8")
    press(app, "Make it")
    (job,) = jobs.board().jobs
    assert job.recipe == recipes.dense("colours-32/vgg16", epochs=2, seed=7, batch=8)
    assert "It is next in the queue" in texts(app)
    assert "colours (32 px) · VGG16, dense" in texts(app)
    assert app.query_params["new-epochs"] == "2"
    assert "This network is being made" in texts(app)
    assert "Make it" not in labels(app)


def test_pruning_starts_from_a_network_that_is_there_or_from_a_new_one():
    app = opened(**COLOURS, **{"new-make": "iterative", "new-remove": 60, "new-steps": 3, "new-criterion": "random"})
    fill(app, "Epochs", "1,5")
    assert "Its dense network is made first" in texts(app)
    press(app, "Make it")
    (job,) = jobs.board().jobs
    parent = recipes.dense("colours-32/vgg16")
    expected = recipes.pruned(parent, "iterative", 0.6, steps=3, criterion="random", epochs=1.5)
    assert job.recipe == expected


@pytest.mark.parametrize(
    ("label", "value", "problem"),
    [
        ("Epochs", "many", "Epochs is not a number"),
        ("Learning rate", "-1", "The setting rate is out of range"),
        ("Seed", "1.5", "The setting seed is a whole number"),
        ("Images a step", "nan", "The setting batch is out of range"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(label, value, problem):
    app = fill(opened(**COLOURS, **{"new-epochs": 3}), label, value)
    assert any(problem in error.value for error in app.error)
    assert "Make it" not in labels(app)
    kept = {field.label: field.value for field in app.text_input}
    assert kept[label] == value
    assert kept["Epochs"] == (value if label == "Epochs" else "3")
    fill(app, label, "4")
    assert not app.error
    assert "Make it" in labels(app)


@pytest.mark.parametrize(
    "query",
    [
        {"new-data": "../x"},
        {"new-size": "1e9"},
        {"new-network": "<b>"},
        {"new-make": "x"},
        {"new-remove": "²"},
        {"owner": "x"},
    ],
)
def test_a_link_with_nonsense_opens_the_form_as_it_comes(query):
    app = opened(**query)
    assert not app.error
    assert "Phantoms" in texts(app) or app.selectbox[0].value == "phantom"
    assert "Make it" in labels(app)


def test_images_that_are_not_here_are_named_with_the_way_to_get_them():
    app = opened(**{"new-data": "ham10000"})
    assert "HAM10000" in app.warning[0].value
    assert "Phantoms need no download" in texts(app)
    assert "Make it" not in labels(app)


def test_time_and_size_are_said_before_after_a_measurement():
    app = opened(**COLOURS, **{"new-epochs": 2})
    metrics = {metric.label: metric.value for metric in app.metric}
    assert "Time, about" not in metrics, "what is not known is no number in large type"
    assert "How long it takes is not known yet" in texts(app)
    assert metrics["Epochs to train"] == "2"
    press(app, "Measure the time")
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Time, about"]
    assert "not known yet" not in texts(app)
    assert "timed steps of 16 images" in texts(app)
    assert "Measure the time" not in labels(app)


def test_another_visitor_sees_the_job_and_cannot_touch_it(monkeypatch):
    mine = press(opened(**COLOURS), "Make it")
    assert "Cancel" in labels(mine)
    assert "The address of this page now holds the key" in texts(mine)
    theirs = opened(**COLOURS)
    assert "another user's" in texts(theirs)
    assert "Cancel" not in labels(theirs)
    # After a reload the key in the address is mine again.
    key = mine.query_params["owner"]
    again = opened(owner=key)
    press(again, "Cancel")
    assert "another user's" not in texts(again)
    (job,) = jobs.board().jobs
    assert job.state == "cancelled"
    assert key not in (places.folder(job.id) / "record.json").read_text()
    assert {"Resume", "Remove"} <= set(labels(again))
    monkeypatch.setenv("PRUNESCOPE_SINGLE_USER", "1")
    assert "Resume" in labels(opened())


def test_a_finished_job_links_on_and_its_network_is_there_at_once():
    app = press(opened(**COLOURS, **{"new-epochs": 2}), "Make it")
    (job,) = jobs.board().jobs
    work(job.id)
    app.run()
    assert "No jobs yet" not in texts(app)
    assert "This network was made before" in texts(app)
    assert checkpoints.load("colours-32/vgg16/dense").card.recipe_hash == job.id
    assert "Training loss, training images" in texts(app)
    assert len(jobs.progress(job).rows) == 2
    # It can be pruned from now on.
    pruning = opened(**COLOURS, **{"new-make": "one_shot"})
    (parent,) = [one for one in pruning.selectbox if one.label == "Start from"]
    assert parent.value == job.id
    assert "Its dense network is made first" not in texts(pruning)
    # And the time is known from its epochs, without a measurement.
    assert "2 epochs of one finished run" in texts(pruning)
    press(app, "Remove")
    assert jobs.board().jobs == ()


def test_a_failed_job_says_why_without_a_traceback():
    made = jobs.submit(recipes.dense("colours-32/vgg16"), "somebody")
    record.changed(
        made, state="failed", error={"problem": "It diverged", "given": None, "expected": None, "remedy": "wait"}
    )
    app = opened()
    assert "**It diverged.** What to do: wait." in app.error[0].value
    assert "Traceback" not in texts(app)


def test_a_damaged_record_is_named_and_can_be_removed():
    made = jobs.submit(recipes.dense("colours-32/vgg16"), "somebody")
    (places.folder(made.id) / "record.json").write_text("{")
    app = opened()
    assert "The record of a job cannot be read" in texts(app)
    press(app, "Remove the record")
    assert "No jobs yet" in texts(app)


def test_a_read_only_app_has_no_such_page(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_READ_ONLY", "1")
    app = opened(None)
    with pytest.raises(ValueError, match="generate"):
        app.switch_page(PAGE).run()
    app = AppTest.from_file(Path(__file__).parents[2] / PAGE, default_timeout=60)
    app.session_state["_inside_app"] = True
    app.run()
    assert "for looking only" in app.info[0].value
    assert not app.button


def test_an_estimate_counts_what_is_left_and_the_bytes_are_those_of_the_file():
    one = recipes.pruned(recipes.dense("colours-32/vgg16", epochs=2), "one_shot", 0.5, epochs=1)
    before = estimating.estimate(one)
    assert (before.epochs, before.networks, before.seconds) == (3, 2, None)
    from core import runs

    runs.run(one.parent)
    after = estimating.estimate(one)
    assert (after.epochs, after.networks) == (1, 1)
    history = checkpoints.load("colours-32/vgg16/dense").card.history
    low, high = after.seconds
    assert min(row["seconds"] for row in history) - 1e-9 <= low <= high <= max(row["seconds"] for row in history) + 1e-9
    made = runs.run(one)
    # The card and the names in the file come on top of the tensors.
    assert 0 < made.size_bytes - after.file_bytes < 20_000
    assert estimating.estimate(one).networks == 0


def test_what_waited_when_the_server_stopped_goes_on_when_any_page_is_opened(monkeypatch):
    started = []
    monkeypatch.setattr(dispatcher, "_start", started.append)
    job = jobs.submit(recipes.dense("colours-32/vgg16", epochs=1), "anna")
    started.clear()  # the server stops here, and its dispatcher with it
    loaders.warm_up.clear()
    opened(None)
    loaders.warm_up().join(60)
    assert started == [job.device]


def test_a_damaged_queue_keeps_no_page_from_opening(monkeypatch):
    def damaged() -> None:
        raise JobDamaged("The queue cannot be read", given="nonsense", expected="a queue", remedy="mend it")

    monkeypatch.setattr(jobs, "advance", damaged)
    loaders.warm_up.clear()
    opened(None)
    loaders.warm_up().join(60)
    assert "core.whatif" in sys.modules


def test_a_parent_of_the_row_split_says_so(study):
    from pages.components import generate_parents

    dense = checkpoints.load(f"{study}/dense")
    recipe = recipes.dense(study, split_by="row")
    card = replace(dense.card, recipe=recipe.as_dict(), recipe_hash=recipe.hash)
    card = replace(card, data=replace(card.data, split_by="row"))
    checkpoints.save(dense.model(), card, path=dense.path.with_name("dense-row.safetensors"))
    words = {id: words for id, (words, _) in generate_parents.known(study).items()}
    assert words[recipe.hash].startswith("dense-row: ")
    assert [id for id, text in words.items() if "leaks" in text] == [recipe.hash]
