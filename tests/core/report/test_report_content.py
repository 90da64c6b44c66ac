"""Reports: what they say, that they fetch nothing, and that their commands name the networks that they speak of."""

import json
import re
import shlex
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace
from unittest.mock import patch

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from core import paths, recipes, report
from core.cli import main, prune, train
from core.evaluation import METRICS
from core.files import PROJECT
from core.report import Chart
from core.whatif import Estimate
from tests.core import invented


class Reader(HTMLParser):
    """All addresses that a page would fetch, and the elements that are open and closed."""

    def __init__(self, text: str):
        super().__init__()
        self.addresses, self.open, self.words, self.policy = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.addresses += [value for name, value in attributes if name in ("src", "href", "data", "action")]
        if dict(attributes).get("http-equiv") == "Content-Security-Policy":
            self.policy = dict(attributes)["content"]
        if tag not in ("meta", "link", "br", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def position():
    """A dense network and a pruned one, and their answers to 40 images of 20 lesions."""
    dense = invented.entry(f"{invented.STUDY}/dense")
    pruned = invented.entry(f"{invented.STUDY}/one_shot-80", "one_shot", 0.8, parent=dense)
    cohort = invented.cohort(20)
    rng = np.random.default_rng(0)
    was, now = (invented.answers(cohort.labels, rng.random(40) < share).astype(np.float32) for share in (0.9, 0.6))
    path = paths.Path(invented.STUDY, "one_shot", (dense, pruned))
    return path, Estimate(np.arange(40), was, now, 0, True), cohort


def test_a_metric_that_the_registry_calls_a_headline_is_in_the_report(position, monkeypatch):
    monkeypatch.setitem(METRICS, "calibration_error", replace(METRICS["calibration_error"], headline=True))
    path, estimate, cohort = position
    scores = report.assemble(path, 0.8, path.entries[1], estimate, cohort, diagnosis="mel", link="").tables[0].frame
    assert scores["Measure"].tolist() == ["Balanced accuracy", "Accuracy", "Macro AUC", "Expected calibration error"]


def test_its_numbers_are_those_of_the_answers(position):
    path, estimate, cohort = position
    content = report.assemble(
        path, 0.8, path.entries[1], estimate, cohort, diagnosis="mel", link="/what_if?sparsity=80"
    )
    scores, ledger = (table.frame for table in content.tables)
    own = scores.set_index("Measure")
    for measure, reference in (("Accuracy", accuracy_score), ("Balanced accuracy", balanced_accuracy_score)):
        for column, answers in (("Dense", estimate.dense), ("Pruned", estimate.pruned)):
            assert own.at[measure, column].startswith(f"{reference(cohort.labels, answers.argmax(axis=1)):.1%} [")
    whole = ledger.iloc[-1]
    assert whole["Diagnosis"] == "All together"
    assert whole["Lesions"] == "20"
    assert ledger["Diagnosis"].tolist()[0] == "Melanoma *"
    ill = cohort.labels[::2] == 0
    means = [
        answers.reshape(20, 2, 2).mean(axis=1).argmax(axis=1)[ill] == 0 for answers in (estimate.dense, estimate.pruned)
    ]
    for column, count in (("Found, dense", means[0].sum()), ("Newly missed", (means[0] & ~means[1]).sum())):
        # The share that the interval is of stands before it.
        assert re.fullmatch(rf"{count} \({count / 10:.1%} \[\d+\.\d, \d+\.\d\]\)", ledger.at[0, column]), column
    facts = dict(content.facts)
    assert facts["Test images"].startswith("40 of 20 lesions")
    assert facts["Sparsity"] == "80%, a trained checkpoint"
    assert [id for id, _ in content.cards] == [entry.id for entry in path.entries]


def test_a_position_between_checkpoints_says_so(position):
    path, estimate, cohort = position
    content = report.assemble(
        path, 0.9, path.entries[1], Estimate(**vars(estimate) | {"recalibrated_on": 1024}), cohort
    )
    facts = dict(content.facts)
    assert facts["Sparsity"] == "90%, pruned on from 80% without fine-tuning"
    assert "1,024 training images" in facts["Batch norm"]
    sparser = invented.entry(f"{invented.STUDY}/one_shot-90", "one_shot", 0.9, parent=path.dense)
    content = report.assemble(path, 0.9, sparser, estimate, cohort)
    assert dict(content.facts)["Sparsity"] == "90%, a trained checkpoint"
    assert content.cards[1][0].endswith("one_shot-90")
    by_hand = dict(report.assemble(path, 0.9, path.entries[1], estimate, cohort, fixed=((2, 40),)).facts)
    assert by_hand["Layers set by hand"]


def test_the_file_is_whole_escapes_what_it_is_given_and_fetches_nothing(position):
    path, estimate, cohort = position
    content = report.assemble(path, 0.8, path.entries[1], estimate, cohort, link='/what_if?a=<b>&c="d"')
    nasty = {"datasets": {"table": [{"label": "</script><script>alert(1)</script>"}]}}
    charts = [Chart("A <chart>", 'It "shows"', nasty)] * 2
    text = report.html(content, "Of **20** <i>melanomas</i>", charts, "var x = '</script>';")
    reader = Reader(text)
    assert reader.addresses == []
    assert reader.open == []
    assert "<strong>20</strong> &lt;i&gt;" in text
    assert "alert(1)</script>" not in text
    assert text.count("var x = ") == 1, "the scripts stand in it once"
    assert reader.policy.startswith("default-src 'none';")
    stored = re.findall(r'<script type="application/json" id="chart-\d">(.*?)</script>', text)
    assert [json.loads(item) for item in stored] == [nasty, nasty]
    words = "".join(reader.words)
    for table in content.tables:
        for cell in table.frame.to_numpy().ravel():
            assert str(cell) in words


def test_numbers_that_json_cannot_hold_are_refused(position):
    path, estimate, cohort = position
    content = report.assemble(path, 0.8, path.entries[1], estimate, cohort)
    with pytest.raises(ValueError, match="JSON"):
        report.html(content, "", [Chart("", "", {"value": float("nan")})], "")


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"epochs": 3, "seed": 2},
        {"head": "stock", "norm": False, "rate": 0.02},
        {"split_by": "row", "augment": "none"},
        {"precise": 512, "norm_decay": 0.04},
    ],
)
@pytest.mark.parametrize("sparsity", [0.8, 0.12345678])
@pytest.mark.parametrize("pruning", [None, {}, {"criterion": "random", "epochs": 2.5}, {"scope": "layer", "seed": 1}])
def test_commands_are_read_back_as_the_same_recipe(changes, pruning, sparsity):
    dense = recipes.dense("ham10000-64/vgg16", **changes)
    recipe = dense if pruning is None else recipes.pruned(dense, "one_shot", sparsity, **pruning)
    card = SimpleNamespace(recipe=recipe.as_dict(), parent="ham10000-64/vgg16/dense-1")
    commands = report.make(card)
    assert len(commands) == (1 if pruning is None else 2)
    assert parsed(commands, dense) == recipe.hash
    assert ("--parent" in commands[-1]) == (pruning is not None and bool(changes))


def parsed(commands: list[str], dense) -> str:
    """The hash of the recipe that the command line itself makes of the last command."""
    carried = []
    with (
        patch.object(train, "carry_out", lambda recipe, args: carried.append(recipe)),
        patch.object(prune, "carry_out", lambda recipe, args: carried.append(recipe)),
        patch.object(prune, "_parent", lambda study, args: dense),
    ):
        for command in commands:
            words = shlex.split(command)
            assert words[:3] == ["python", "-m", "core"]
            assert main(words[3:]) in (0, None)
    return carried[-1].hash


def test_what_was_not_made_here_has_no_command():
    assert report.make(SimpleNamespace(recipe=None, parent=None)) == []
    assert report.make(SimpleNamespace(recipe={"who": "knows"}, parent=None)) == []


def test_the_networks_that_ship_have_commands():
    found = paths.studies(PROJECT / "checkpoints")["ham10000-64/vgg16"]["iterative"]
    assert report.make(found.entries[-1].card)[-1].startswith("python -m core prune ham10000-64/vgg16 iterative 0.8")
    assert report.again(found.dense.card, 0.9, True)[-1].endswith("--sparsity 0.9 --recalibrate")
    assert report.again(found.entries[-1].card, 0.8, False)[-1].endswith("iterative-80")
