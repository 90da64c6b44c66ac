"""Flagging at a threshold, and the reliability diagram, against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import balanced_accuracy_score, recall_score, roc_auc_score

from core.errors import InvalidValue, UnknownName
from core.evaluation import METRICS, balanced_accuracy, compare, curve, evaluate, reliability, scoreboard, watch


def by_lesion(probabilities, labels, groups):
    """Mean probabilities and truths of lesions, by pandas."""
    frame = pd.DataFrame(probabilities).assign(truth=labels).groupby(np.asarray(groups)).mean()
    return frame.drop(columns="truth").to_numpy(), frame["truth"].to_numpy().astype(int)


@pytest.mark.parametrize("positive", [["mel"], ["mel", "bcc", "akiec"]])
@pytest.mark.parametrize("threshold", [0.0, 0.15, 0.5, 1.0])
def test_sensitivity_and_specificity_are_scikit_learns(draw, names, positive, threshold):
    dense, pruned, labels, groups = draw(seed=1)
    table = watch(dense, pruned, labels, positive, threshold, names, groups).set_index("group")
    columns = [names.index(name) for name in positive]
    for network, probabilities in (("dense", dense), ("pruned", pruned)):
        means, truth = by_lesion(probabilities, labels, groups)
        ill, flagged = np.isin(truth, columns), means[:, columns].sum(axis=1) >= threshold
        assert table.loc["sensitivity", network] == pytest.approx(recall_score(ill, flagged))
        assert table.loc["specificity", network] == pytest.approx(recall_score(ill, flagged, pos_label=False))
    assert table["lesions"].sum() == len(np.unique(groups))


def test_the_curve_runs_through_the_points_and_has_scikit_learns_area(draw, names):
    dense, pruned, labels, groups = draw(seed=2)
    for network, probabilities in (("dense", dense), ("pruned", pruned)):
        means, truth = by_lesion(probabilities, labels, groups)
        scores = np.unique(means[:, 4])
        # Between the scores, so that rounding decides nothing.
        thresholds = np.concatenate([[0.0], (scores[1:] + scores[:-1]) / 2, [1.0]])
        points = curve(dense, pruned, labels, ["mel"], thresholds, names, groups)
        points = points[points["network"] == network]
        area = np.trapezoid(points["sensitivity"], points["specificity"])
        assert area == pytest.approx(roc_auc_score(truth == 4, means[:, 4]), abs=1e-9)
    point = curve(dense, pruned, labels, ["mel"], [0.2], names, groups).iloc[1]
    row = watch(dense, pruned, labels, ["mel"], 0.2, names, groups).set_index("group")
    assert point["sensitivity"] == pytest.approx(row.loc["sensitivity", "pruned"])
    assert point["specificity"] == pytest.approx(row.loc["specificity", "pruned"])


def test_a_probability_at_the_threshold_is_flagged():
    answers, labels = np.array([[0.5, 0.5], [0.5, 0.5], [0.75, 0.25]]), np.array([0, 1, 1])
    points = curve(answers, answers, labels, ["mel"], [0.25, 0.5, 0.75], ["mel", "nv"])
    assert points["sensitivity"].tolist() == [1, 1, 0] * 2
    assert points["specificity"].tolist() == [0, 0, 0.5] * 2
    at_half = watch(answers, answers, labels, ["mel"], 0.5, ["mel", "nv"]).set_index("group")
    assert at_half["dense"].tolist() == [1, 0]


def test_what_cannot_be_watched_for_is_named(draw, names):
    dense, pruned, labels, _ = draw(seed=3)
    with pytest.raises(InvalidValue, match="There is no such class"):
        watch(dense, pruned, labels, ["wart"], 0.5, names)
    for positive in ([], names):
        with pytest.raises(InvalidValue, match="nothing to watch for"):
            watch(dense, pruned, labels, positive, 0.5, names)
    with pytest.raises(InvalidValue, match="threshold"):
        watch(dense, pruned, labels, ["mel"], 1.5, names)


def test_the_reliability_diagram_is_scikit_learns(draw):
    probabilities, _, labels, _ = draw(seed=4)
    table = reliability(probabilities, labels, bins=10)
    right, sure = probabilities.argmax(1) == labels, probabilities.max(1)
    accuracy, confidence = calibration_curve(right, sure, n_bins=10)
    np.testing.assert_allclose(table["accuracy"], accuracy)
    np.testing.assert_allclose(table["confidence"], confidence)
    assert table["images"].sum() == len(labels)
    assert ((table["low"] <= table["accuracy"]) & (table["accuracy"] <= table["high"])).all()


def test_the_calibration_error_is_the_diagrams_distance_from_the_diagonal(draw, names):
    probabilities, _, labels, groups = draw(seed=5)
    table = reliability(probabilities, labels, groups)
    distance = (table["images"] * (table["accuracy"] - table["confidence"]).abs()).sum() / len(labels)
    error = evaluate(probabilities, labels, names, groups=groups).metrics["calibration_error"]
    assert distance == pytest.approx(error.estimate)


def test_the_scoreboard_says_what_the_reports_say(draw, names):
    dense, pruned, labels, groups = draw(seed=6)
    reports = [evaluate(answers, labels, names, groups=groups) for answers in (dense, pruned)]
    changes = compare(dense, pruned, labels, names, groups=groups).differences
    scores = scoreboard(dense, pruned, labels, groups)
    assert [score.metric.name for score in scores] == [name for name in METRICS if not METRICS[name].watches]
    for score in scores:
        name = score.metric.name
        assert score.dense == reports[0].metrics[name]
        assert score.pruned == reports[1].metrics[name]
        assert score.change == changes[name]
    expected = balanced_accuracy_score(labels, pruned.argmax(1))
    assert scoreboard(dense, pruned, labels, metrics=["balanced_accuracy"])[0].pruned.estimate == pytest.approx(
        expected
    )
    assert balanced_accuracy(pruned, labels) == pytest.approx(expected)
    assert balanced_accuracy([[0.9, 0.1, 0.0], [0.9, 0.1, 0.0]], [0, 2]) == 0.5  # of the classes that are there
    (same,) = scoreboard(dense, dense, labels, metrics=["accuracy"])
    assert (same.change.estimate, same.change.low, same.change.high) == (0, 0, 0)
    with pytest.raises(UnknownName):
        scoreboard(dense, pruned, labels, metrics=["sensitivity_at_threshold"])
