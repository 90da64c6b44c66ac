"""The report of What if: there where the answers are known, with the numbers of the page, and all scripts once."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from core import evaluation, paths, responses
from core.cohort import Cohort
from core.files import PROJECT
from core.pruning.fixed import as_text
from pages.components import report_file, whatif_top
from pages.components.whatif_selection import Selection
from tests.pages.opening import opened, texts

WHAT_IF = "pages/what_if.py"


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """The networks in the repository, and no image."""
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(PROJECT / "checkpoints"))
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))


def keys(app) -> set:
    """Of all download buttons on the page."""
    return {button.key for button in app.get("download_button")}


def test_there_is_a_report_where_the_answers_are_known(shipped):
    assert "report" in keys(opened(WHAT_IF, sparsity=90))


def test_there_is_none_where_they_cannot_be_known(shipped):
    # A layer set by hand has to be computed, and there are no images.
    app = opened(WHAT_IF, sparsity=90, layers=as_text({3: 40}))
    assert "without the images they cannot be" in texts(app)
    assert "report" not in keys(app)


def test_it_holds_the_numbers_of_the_view_and_the_scripts_once(shipped):
    path = paths.studies()["ham10000-64/vgg16"]["prune_only"]
    selection = Selection(path, 0.9, True, "mel")
    response, cohort = responses.read(path.dense), Cohort.load(responses.cohort_path(path.dense))
    estimate = responses.estimate(response, response, 0.9, True)
    text = report_file.text(selection, estimate)
    harm = evaluation.harm(estimate.dense, estimate.pruned, cohort.labels, cohort.class_names, cohort.groups)
    row = harm.set_index("class").loc["mel"]
    assert f"Of <strong>{row['lesions']} melanomas</strong>" in text
    assert f"it finds <strong>{row['found_pruned']}</strong> ({row['newly_missed']}\u00a0newly\u00a0missed" in text
    for network in (estimate.dense, estimate.pruned):
        assert f"{(network.argmax(axis=1) == cohort.labels).mean():.1%} [" in text
    assert text.count(report_file.scripts()[:200]) == 1
    assert text.count('class="chart"') == 3
    assert re.findall(r"<(?:script|link|img|iframe)[^>]*(?:src|href)=", text.replace(report_file.scripts(), "")) == []
    assert "python -m core evaluate ham10000-64/vgg16/dense --sparsity 0.9 --recalibrate" in text


def test_its_link_opens_the_same_view_and_passes_nothing_else_on(shipped):
    path = paths.studies()["ham10000-64/densenet169"]["iterative"]
    selection = Selection(path, 0.9, False, "bcc")
    link = urlsplit(report_file.address(selection))
    query = dict(parse_qsl(link.query))
    assert set(query) == {"study", "method", "sparsity", "diagnosis", "recalibrate"}
    app = opened(WHAT_IF, **query)
    state = app.session_state
    assert (state["study"], state["method"], state["diagnosis"]) == (path.study, "iterative", "bcc")
    assert (state["sparsity"], state["recalibrate"]) == (90, False)


@pytest.mark.parametrize(
    ("ends", "shown"),
    [((0.0004, -0.0004, 0.0026), "0.000 [0.000, +0.003]"), ((-0.012, -0.02, -0.004), "−0.012 [−0.020, −0.004]")],
)
def test_a_change_of_auc_reads_alike_on_the_page_and_in_the_report(ends, shown):
    change = evaluation.Interval(*ends, n=1, method="by hand")
    assert whatif_top._change(change, percent=False) == shown
    assert change.format(percent=False, signed=True) == f"{shown}, n = 1"
