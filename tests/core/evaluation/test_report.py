import json

import numpy as np
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    precision_score,
    recall_score,
    roc_auc_score,
)

from core.breaking import survival
from core.errors import InvalidValue
from core.evaluation.checks import clusters
from core.evaluation.metrics import METRICS, threshold_for_sensitivity
from core.evaluation.report import evaluate


def test_estimates_are_scikit_learns(draw, names):
    probabilities, _, labels, groups = draw(seed=1)
    answers = probabilities.argmax(axis=1)
    report = evaluate(probabilities, labels, names, groups=groups, draws=200)
    value = {name: interval.estimate for name, interval in report.metrics.items()}
    assert value["accuracy"] == pytest.approx(accuracy_score(labels, answers))
    assert value["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(labels, answers))
    assert value["macro_auc"] == pytest.approx(roc_auc_score(labels, probabilities, multi_class="ovr"))
    assert np.array_equal(report.confusion, confusion_matrix(labels, answers, labels=range(7)))
    table = report.per_class.set_index("class")
    assert list(table.index) == names
    assert table["sensitivity"].to_numpy() == pytest.approx(recall_score(labels, answers, average=None))
    precision = precision_score(labels, answers, average=None, zero_division=np.nan, labels=range(7))
    assert table["positive_predictive_value"].to_numpy() == pytest.approx(precision, nan_ok=True)
    for index, name in enumerate(names):
        assert table.loc[name, "specificity"] == pytest.approx(recall_score(labels != index, answers != index))
        assert table.loc[name, "images"] == (labels == index).sum()
        assert table.loc[name, "lesions"] == len(set(groups[labels == index]))
    for column in ("sensitivity", "specificity", "positive_predictive_value"):
        known = table[table[column].notna()]
        assert ((known[f"{column}_low"] <= known[column]) & (known[column] <= known[f"{column}_high"])).all()


def test_at_a_threshold(draw, names):
    probabilities, _, labels, groups = draw(seed=2)
    report = evaluate(probabilities, labels, names, groups=groups, positive="mel", threshold=0.2, draws=50)
    assert list(report.metrics) == list(METRICS)
    mel, flagged = labels == 4, probabilities[:, 4] >= 0.2
    sensitivity, specificity = report.metrics["sensitivity_at_threshold"], report.metrics["specificity_at_threshold"]
    assert (sensitivity.estimate, sensitivity.n) == (flagged[mel].mean(), mel.sum())
    assert (specificity.estimate, specificity.n) == ((~flagged[~mel]).mean(), (~mel).sum())
    assert (report.positive, report.threshold) == ("mel", 0.2)


def test_an_image_at_the_threshold_is_flagged():
    """So that a threshold chosen for a sensitivity reaches it."""
    probabilities, labels = np.array([[0.25, 0.75], [0.5, 0.5], [0.75, 0.25], [0.5, 0.5]]), np.array([1, 1, 1, 0])
    threshold = threshold_for_sensitivity(probabilities, labels, 1, 0.6)
    report = evaluate(probabilities, labels, positive=1, threshold=threshold)
    assert report.metrics["sensitivity_at_threshold"].estimate == pytest.approx(2 / 3)
    assert report.metrics["specificity_at_threshold"].estimate == 0


def test_without_a_class_to_watch_for_no_threshold_metric(draw):
    probabilities, _, labels, _ = draw(lesions=40)
    assert set(evaluate(probabilities, labels, draws=20).metrics) == {
        name for name, metric in METRICS.items() if not metric.watches
    }


def test_the_order_of_images_does_not_matter(draw, names):
    probabilities, _, labels, groups = draw(lesions=80, seed=3)
    order = np.random.default_rng(0).permutation(len(labels))
    settings = {"positive": "mel", "threshold": 0.3, "draws": 100}
    one = evaluate(probabilities, labels, names, groups=groups, **settings)
    other = evaluate(probabilities[order], labels[order], names, groups=groups[order], **settings)
    assert np.array_equal(one.confusion, other.confusion)
    for name, interval in one.metrics.items():
        again = other.metrics[name]
        ends = (interval.estimate, interval.low, interval.high)
        assert ends == pytest.approx((again.estimate, again.low, again.high), abs=1e-6)


def test_an_absent_class_is_left_out_and_said_so(names):
    probabilities = np.tile(np.full(7, 1 / 7), (4, 1))
    probabilities[:2] = np.eye(7)[:2]
    report = evaluate(probabilities, [0, 1, 1, 0], names)
    assert report.absent == ("bkl", "df", "mel", "nv", "vasc")
    assert "bkl" in report.notes[0]
    assert report.metrics["balanced_accuracy"].estimate == 0.75  # classes 0 and 1: 1 and 0.5
    row = report.per_class.set_index("class").loc["mel"]
    assert np.isnan(row["sensitivity"])
    assert (row["sensitivity_low"], row["sensitivity_high"]) == (0, 1)


def test_one_image(names):
    report = evaluate(np.eye(7)[[4]], [4], names, positive="mel", threshold=0.5)
    assert report.images == report.lesions == 1
    accuracy = report.metrics["accuracy"]
    assert (accuracy.estimate, accuracy.high) == (1, 1)
    assert accuracy.low == pytest.approx(0.2065, abs=1e-4)  # Wilson, 1 of 1
    assert report.metrics["balanced_accuracy"].low == pytest.approx(accuracy.low)
    assert report.metrics["macro_auc"].format() == "not defined, n = 1"
    assert report.metrics["specificity_at_threshold"].format() == "not defined, n = 0"
    json.dumps(report.as_dict(), allow_nan=False)


def test_all_right_is_not_certainty():
    labels = np.tile([0, 1, 2], 10)
    report = evaluate(np.eye(3)[labels], labels)
    for name in ("accuracy", "balanced_accuracy"):
        interval = report.metrics[name]
        assert interval.estimate == interval.high == 1
        assert 0.7 < interval.low < 0.95
    assert report.notes == []


def test_the_card_is_json(draw, names):
    probabilities, _, labels, groups = draw(lesions=60)
    report = evaluate(probabilities, labels, names, groups=groups, positive=4, threshold=0.3, draws=50)
    card = json.loads(json.dumps(report.as_dict(), allow_nan=False))
    assert card["metrics"]["accuracy"] == report.metrics["accuracy"].as_dict()
    assert card["per_class"][4]["class"] == "mel"
    assert card["per_class"][4]["images"] == int((labels == 4).sum())
    assert np.array_equal(card["confusion"], report.confusion)
    assert card["grouped"] is True


def test_methods_tell_whether_lesions_matter(draw):
    probabilities, _, labels, groups = draw(lesions=60)
    accuracy = [evaluate(probabilities, labels, groups=g, draws=20).metrics["accuracy"] for g in (None, groups)]
    assert [interval.method for interval in accuracy] == ["Wilson 95%", "Wilson 95%, adjusted for lesions"]
    assert accuracy[0].high - accuracy[0].low < accuracy[1].high - accuracy[1].low


@pytest.mark.parametrize("watch", [{"positive": 1}, {"threshold": 0.5}, {"positive": 1, "threshold": 50}])
def test_half_a_watch_is_named(watch):
    with pytest.raises(InvalidValue):
        evaluate(np.eye(2), [0, 1], **watch)


@pytest.mark.parametrize(
    "given",
    [
        {"labels": [[0], [0, 1]]},
        {"groups": [["a"], ["a", "b"]]},
        {"positive": 1, "threshold": "half"},
        {"positive": True, "threshold": 0.5},
        {"draws": 2.5},
    ],
)
def test_what_has_no_meaning_is_named(given):
    with pytest.raises(InvalidValue):
        evaluate(**{"probabilities": np.full((2, 2), 0.5), "labels": [0, 1]} | given)


def test_images_without_a_lesion_are_lesions_of_their_own():
    groups = np.array(["a", None, "a", float("nan")], object)
    np.testing.assert_array_equal(clusters(groups, 4), [0, 1, 0, 2])
    breaks = np.array([10, np.nan, 30, 50.0])
    table = survival(breaks, [0, 0, 1, 1], 2, [0, 20, 40], groups)
    assert table.loc[table["class"] == -1, "unbroken"].tolist() == [1.0, 0.75, 0.5]
