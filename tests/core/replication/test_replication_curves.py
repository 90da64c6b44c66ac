"""Curves, bars and learning, from cards and stored answers."""

import numpy as np
import pytest

from core import checkpoints, data, paper, paths, recipes, replication, responses, runs
from core.cohort import Cohort
from core.errors import DataDamaged
from core.evaluation import evaluate, wilson
from core.replication import Stored, lines
from tests.core import invented
from tests.core.invented import STUDY, answers, entry
from tests.core.replication.conftest import metrics
from tests.core.tiny import registered

COHORT = invented.cohort(50)


def test_trained_networks_without_answers_speak_through_their_cards():
    dense = entry("a/dense", metrics=metrics(0.9))
    one_shot = entry("a/one_shot-80", "one_shot", 0.8, parent=dense, metrics=metrics(0.8))
    control = entry("a/dense_trained_on", "dense_trained_on", parent=dense, metrics=metrics(0.91))
    shelf = invented.Shelf()
    shelf.put(one_shot, answers(COHORT.labels, np.arange(100) < 73))
    frame = replication.curves(lines(STUDY, [dense, one_shot, control]), Stored(COHORT, shelf.read))
    trained = frame[frame["trained"] & (frame["measure"] == "accuracy")].set_index("method")["estimate"]
    assert trained.to_dict() == {"dense": 0.9, "dense_trained_on": 0.91, "one_shot": 0.73}
    between = frame[~frame["trained"]]
    assert set(between["method"]) == {"one_shot"}
    assert list(between["sparsity"].unique()) == [0.8]


def test_a_damaged_response_is_as_if_there_were_none():
    def read(_):
        raise DataDamaged("This is no response")

    dense = entry("a/dense", metrics=metrics(0.9))
    stored = Stored(COHORT, read)
    assert stored.own(dense) is None
    assert stored.measure(dense, "accuracy") is None
    frame = replication.curves(lines(STUDY, [dense]), stored)
    assert list(frame["trained"]) == [True, True]


@pytest.fixture(scope="module")
def study(colours):
    """A tiny dense network, the layerwise method to 80% and the control, on drawn pictures, with answers."""
    changes = {"epochs": 2, "batch": 6, "augment": "none", "balance": 0.0}
    dense = recipes.dense("colours-32/vgg16", **changes)
    after = [recipes.pruned(dense, method, s, epochs=3) for method, s in (("layerwise", 0.8), ("dense", 0.0))]
    with registered():
        for recipe in (dense, *after):
            runs.run(recipe, data=colours)
        (line,) = lines(dense.study, checkpoints.list())
        test, train = (data.load("colours", split, size=32, root=colours) for split in ("test", "train"))
        responses.make(line.dense, test, train, percents=[0, 5, 12, 50])
        responses.make(line.at("layerwise", 0.8), test, train, percents=[80, 82, 90, 97])
    return line, Stored(Cohort.of(test), responses.read)


def test_curves_rise_from_checkpoints_in_steps(study):
    line, stored = study
    frame = replication.curves([line], stored)
    own = frame[(frame["measure"] == "balanced_accuracy") & ~frame["trained"]]
    steps = {method: list(rows["sparsity"]) for method, rows in own.groupby("method")}
    assert steps == {paths.PRUNE_ONLY: [0.0, 0.05, 0.5], "layerwise": [0.8, 0.9, 0.97]}  # steps of five, and both ends
    response, cohort = responses.read(line.dense), stored.cohort
    row = own[(own["method"] == paths.PRUNE_ONLY) & (own["sparsity"] == 0.5)].iloc[0]
    measured = evaluate(response.at(0.5, True), cohort.labels, cohort.class_names).metrics["balanced_accuracy"]
    assert (row["estimate"], row["low"], row["high"], row["n"]) == pytest.approx(
        (measured.estimate, measured.low, measured.high, measured.n)
    )
    control = frame[frame["method"] == "dense_trained_on"]
    assert list(control["trained"]) == [True, True]


def test_bars_are_the_last_epochs_of_the_steps(study):
    line, _ = study
    card = line.at("layerwise", 0.8).card
    frame = replication.bars(card)
    assert list(frame["source"]) == ["ours"] * 3, "the paper knows no such data set"
    assert list(frame["unit"]) == ["conv 1", "conv 2", "output"]
    ends = [[row for row in card.history if row["step"] == step][-1] for step in (1, 2, 3)]
    assert list(frame["accuracy"]) == [row["accuracy"] for row in ends]
    assert list(frame["sparsity"]) == [row["sparsity"] for row in ends]
    assert frame["sparsity"].iloc[-1] == pytest.approx(card.actual_sparsity)
    n = card.metrics["validation/accuracy"]["n"]
    _, low, high = wilson(ends[0]["accuracy"] * n, n)
    assert (frame["low"].iloc[0], frame["high"].iloc[0]) == pytest.approx((float(low), float(high)))


def test_bars_of_the_papers_studies_have_the_papers_beside_them():
    history = [{"step": 1, "last_layer": "features.0", "accuracy": 0.7, "sparsity": 0.01, "epoch": 1}]
    frame = replication.bars(entry("a/layerwise-80", "layerwise", 0.8, history=history).card)
    own, published = frame[frame["source"] == "ours"], frame[frame["source"] == "paper"]
    assert own["low"].isna().all(), "how many images is not recorded"
    assert list(published["accuracy"]) == list(paper.layerwise_progress("vgg16", "ham10000")["accuracy"])
    frame = replication.bars(entry("a/layerwise-50", "layerwise", 0.5, history=history).card)
    assert set(frame["source"]) == {"ours"}, "the paper tells of 80% only"


def test_learning_counts_epochs_on_over_steps(study):
    line, _ = study
    frame = replication.learning(line, 0.8)
    assert list(frame["method"].unique()) == ["dense", "dense_trained_on", "layerwise"]
    dense = frame[frame["method"] == "dense"]
    assert list(dense["epoch"]) == [1, 2]
    assert list(frame.loc[frame["method"] == "dense_trained_on", "epoch"]) == [2, 3, 4, 5]
    layerwise = frame[frame["method"] == "layerwise"]
    assert layerwise["epoch"].iloc[0] == 2
    assert layerwise["epoch"].iloc[-1] == pytest.approx(5)
    assert layerwise["epoch"].is_monotonic_increasing
    assert layerwise["accuracy"].iloc[0] == dense["accuracy"].iloc[-1], "all begin where the dense network ended"
    assert replication.learning(line, 0.5)["method"].nunique() == 2
