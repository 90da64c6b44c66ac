"""Every page in Streamlit's own test runner, on tiny networks that the test trains."""

import shutil
import subprocess
import sys

import pytest

from core import checkpoints
from core.files import PROJECT
from tests.core import tiny_phantoms
from tests.pages.opening import PAGES, opened, texts

WHAT_IF = "pages/what_if.py"


def test_overview_says_what_to_do_where_nothing_was_trained(tmp_path):
    app = opened()
    assert "No trained network yet" in texts(app)
    assert "python -m core train" in app.code[0].value


def test_a_file_in_the_place_of_the_checkpoints_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(tmp_path / "file"))
    for page in ((), (WHAT_IF,)):
        assert any("place for checkpoints is a file" in error.value for error in opened(*page).error)


def test_what_if_says_what_to_do_where_nothing_was_trained():
    assert "No trained network yet" in texts(opened(WHAT_IF))


def test_overview_lists_the_networks_with_the_numbers_of_their_cards(study):
    app = opened()
    table = app.table[0].value
    below = dict(text.split("  \n") for text in table.index)
    table.index = list(below)
    assert list(below) == ["Dense", "Iterative"]
    found = checkpoints.load(f"{study}/iterative-80")
    card = found.card
    assert below["Iterative"] == f"{card.epochs:g}\u00a0epochs, {found.path.stat().st_size / 1e6:.1f}\u00a0MB"
    assert table.loc["Iterative", "Weights removed"] == f"{card.actual_sparsity:.1%}"
    estimate = card.metrics["balanced_accuracy"]["estimate"]
    assert table.loc["Iterative", "Balanced accuracy"].startswith(f"{estimate:.1%}")
    assert "not for diagnosis" in texts(app)


def test_overview_leaves_a_damaged_checkpoint_out_and_says_so(study):
    path = checkpoints.load(f"{study}/iterative-80").path
    path.write_bytes(path.read_bytes()[:1000])
    app = opened()
    (line,) = app.table[0].value.index
    assert line.startswith("Dense  \n")
    assert "iterative-80" in texts(app)
    assert "cannot be read" in texts(app)


def test_overview_answers_who_is_missed_from_the_answers_that_ship(monkeypatch, tmp_path):
    from core import evaluation, paths, responses
    from core.cohort import Cohort
    from core.files import PROJECT

    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(PROJECT / "checkpoints"))
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))
    path = paths.studies()["ham10000-64/vgg16"]["iterative"]
    own, dense = path.start(0.8), path.dense
    cohort = Cohort.load(responses.cohort_path(dense))
    answers = [responses.read(dense).at(0.0, False), responses.read(own).at(0.8, False)]
    harm = evaluation.harm(*answers, cohort.labels, cohort.class_names, cohort.groups).set_index("class").loc["mel"]
    told = texts(opened())
    assert f"Of **{harm['lesions']} melanomas**, the dense network finds **{harm['found_dense']}**" in told
    assert f"Iterative: {harm['newly_missed']} newly missed" in told


def test_overview_says_how_its_answer_is_made_where_nothing_is_stored(study):
    assert f"python -m core respond {study}" in texts(opened(study=study))


@pytest.mark.parametrize("page", ["pages/layers.py", "pages/cost.py"])
def test_results_without_weights_are_told_and_are_no_error(study, page):
    for entry in checkpoints.list():
        checkpoints.write_card(entry.path, entry.card, entry.size_bytes)
        entry.path.unlink()
    app = opened(page)
    told = texts(app)
    assert "Only the results of this checkpoint are here, not its weights" in told
    assert f"python -m core reproduce {study}" in told
    assert not app.error


def test_a_study_whose_weights_are_here_is_one_click_away(study):
    for entry in checkpoints.list():
        if entry.id.startswith(f"{study}/"):
            checkpoints.write_card(entry.path, entry.card, entry.size_bytes)
            entry.path.unlink()
    tiny_phantoms.save(seed=3)
    app = opened("pages/layers.py", study=study)
    [offer] = [button for button in app.button if button.key == "weights-offer"]
    offer.click().run()
    assert app.session_state["study"].startswith("phantom")
    assert "Only the results" not in texts(app)


@pytest.mark.parametrize("page", [page for page in PAGES if page not in ("overview", "learn", "generate", "bring")])
def test_pages_that_show_methods_name_the_network_that_is_left_out(study, page):
    path = checkpoints.load(f"{study}/iterative-80").path
    path.write_bytes(path.read_bytes()[:1000])
    other = path.parents[1] / "other-32" / path.name
    other.parent.mkdir()
    shutil.copyfile(path, other)
    app = opened(f"pages/{page}.py", study=study)
    named = [element.value for element in app.warning if "cannot be read and is left out" in element.value]
    assert len(named) == 1  # that of the other study is no matter of this page
    assert f"{study}/iterative-80" in named[0]
    assert sum("it ends within its header" in text.value for fold in app.expander for text in fold.markdown) == 1


@pytest.mark.parametrize("page", [None, "pages/what_if.py"])
def test_without_any_study_every_checkpoint_that_is_left_out_is_named(study, page):
    for name in ("iterative-80", "dense"):  # without a dense network there is no study
        path = checkpoints.load(f"{study}/{name}").path
        path.write_bytes(path.read_bytes()[:1000])
    app = opened(*filter(None, [page]))
    assert [element.value for element in app.warning] == ["**2 checkpoints** cannot be read and are left out."]
    told = [text.value for fold in app.expander for text in fold.markdown]
    for name in ("iterative-80", "dense"):
        assert any(f"{study}/{name}" in text and "it ends within its header" in text for text in told)


def test_run_without_a_visitor_the_app_ends_without_an_error():
    """A process that is spawned where the app runs, as those of a sweep, imports it once more."""
    done = subprocess.run([sys.executable, "app.py"], cwd=PROJECT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
