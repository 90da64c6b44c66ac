"""What the first page concludes, on the networks that ship: each sentence against numbers reckoned here."""

import re

import pandas as pd
import pytest

from core import checkpoints, claims, evaluation, paths, replication, responses
from core.cohort import Cohort
from core.replication import Stored
from pages.components import overview_found
from tests.pages.opening import opened, texts

SKIN, OBJECTS, DRAWN = "ham10000-64/densenet169", "cifar100-32/vgg16", "phantom-64/densenet169"


pytestmark = pytest.mark.usefixtures("shipped")


def changes(study: str, method: str, metric: str) -> dict[float, evaluation.Interval]:
    """What each trained network of a method loses, by sparsity, of the evaluation itself."""
    path = paths.studies()[study][method]
    test = Cohort.load(responses.cohort_path(path.dense))
    dense = responses.read(path.dense).at(0.0, False)
    return {
        entry.card.sparsity: evaluation.scoreboard(
            dense, responses.read(entry).at(entry.card.sparsity, False), test.labels, test.groups, metrics=[metric]
        )[0].change
        for entry in (*path.entries[1:], *path.results)
    }


@pytest.mark.parametrize("study", [SKIN, OBJECTS])
def test_what_can_be_told_is_the_paired_interval_of_each_method(study):
    said = texts(opened(study=study))
    line = next(line for line in said.splitlines() if line.startswith("- **Balanced accuracy**"))
    for method, name in (("one_shot", "one-shot"), ("layerwise", "layer by layer"), ("iterative", "iterative")):
        value = changes(study, method, "balanced_accuracy")
        shown = value[0.8].format(signed=True).split(", n =")[0].replace(" points", "")
        assert f"{name} {shown}" in line
        told = [sparsity for sparsity in value if all(value[s].high < 0 for s in value if s >= sparsity)]
        where = f"from {100 * min(told):g}% on" if told else "not up to 95%"
        assert re.search(rf"for [^;.]*{name}[^;.]* {where}", line), (name, where)
    assert re.search(r"without fine-tuning from \d\d% on", line)


def test_a_class_that_is_not_there_is_not_spoken_of_and_a_drawn_one_is_called_so():
    assert "melanoma" not in texts(opened(study=OBJECTS)).lower()
    assert "- **Drawn melanomas found**" in texts(opened(study=DRAWN))


def test_room_that_the_intervals_leave_for_a_loss_is_told():
    path = paths.studies()[SKIN]
    test = Cohort.load(responses.cohort_path(path["iterative"].dense))
    dense = responses.read(path["iterative"].dense).at(0.0, False)
    lows = []
    for method in ("one_shot", "layerwise", "iterative"):
        own = responses.read(path[method].start(0.8)).at(0.8, False)
        row = evaluation.ledger(dense, own, test.labels, test.class_names, test.groups).set_index("group").loc["mel"]
        assert row["change_high"] >= 0 > row["change_low"]
        lows.append(row["change_low"])
    assert f"the intervals leave room for {-100 * min(lows):.0f} fewer of 100" in texts(opened(study=SKIN))


def test_the_claims_are_counted_as_methods_counts_them():
    lines = replication.lines(SKIN, [entry for entry in checkpoints.list() if entry.card is not None])
    stored = Stored(Cohort.load(responses.cohort_path(lines[0].dense)), responses.read)
    found = claims.judge(claims.claims(SKIN, lines[0].sparsities), lines, stored, "accuracy")
    told = texts(opened(study=SKIN))
    assert claims.summary(found) in told
    assert claims.summary(found) in texts(opened("pages/methods.py", study=SKIN))
    assert "lose sight of the rare diagnoses" not in told


@pytest.mark.parametrize(
    ("highs", "told"),
    [
        ((0.1, 0.1), "At 80% no loss can be told from chance, neither of balanced accuracy nor of moles found."),
        (
            (-0.1, 0.1),
            "At 80% a loss can be told from chance: of balanced accuracy for iterative, of moles found for none.",
        ),
    ],
)
def test_the_conclusion_names_what_is_lost_and_what_is_not(highs, told):
    words = {"balanced_accuracy": "balanced accuracy", "watched": "moles found"}
    rows = pd.DataFrame({"method": ["iterative"] * 2, "measure": list(words), "high": highs})
    assert overview_found.conclusion(rows, words, "80%") == told
