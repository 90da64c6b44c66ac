from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import InvalidValue
from core.evaluation.metrics import METRICS, headlines, threshold_for_sensitivity


def test_what_sums_up_a_network_is_told_by_the_registry(monkeypatch):
    assert headlines() == ["balanced_accuracy", "accuracy", "macro_auc"]
    assert METRICS[headlines()[0]].primary
    assert headlines(short=True) == ["balanced_accuracy", "accuracy"]
    monkeypatch.setitem(METRICS, "calibration_error", replace(METRICS["calibration_error"], headline=True))
    assert headlines() == ["balanced_accuracy", "accuracy", "macro_auc", "calibration_error"]


def test_the_registry_describes_itself():
    assert [name for name, metric in METRICS.items() if metric.primary] == ["balanced_accuracy"]
    for name, metric in METRICS.items():
        assert name == metric.name
        assert metric.low < metric.high
        assert metric.unit in ("%", "")
        assert metric.title
        assert metric.description.endswith(".")
    assert not METRICS["calibration_error"].higher_is_better


@pytest.mark.parametrize(("target", "threshold"), [(0.2, 0.9), (0.21, 0.8), (0.6, 0.5), (0.8, 0.5), (1.0, 0.1)])
def test_threshold_by_hand(target, threshold):
    scores = np.array([0.9, 0.8, 0.5, 0.5, 0.1, 0.95, 0.0])
    labels = [1, 1, 1, 1, 1, 0, 0]
    assert threshold_for_sensitivity(np.stack([1 - scores, scores], axis=1), labels, 1, target) == threshold


@given(st.integers(0, 2**32 - 1), st.integers(1, 120), st.floats(0.01, 1))
def test_threshold_is_the_highest_that_reaches_the_target(seed, n, target):
    scores = np.round(np.random.default_rng(seed).random(n), 2)
    threshold = threshold_for_sensitivity(np.stack([1 - scores, scores], axis=1), np.ones(n, int), 1, target)
    assert (scores >= threshold).mean() >= target - 1e-9
    assert (scores > threshold).mean() < target


def test_rounding_does_not_ask_for_one_image_more():
    scores = np.arange(100) / 100
    threshold = threshold_for_sensitivity(np.stack([1 - scores, scores], axis=1), np.ones(100, int), 1, 0.07)
    assert threshold == 0.93  # 0.07 * 100 > 7 in floating point


def test_threshold_by_name_and_what_is_wrong():
    probabilities, labels = np.array([[0.3, 0.7], [0.6, 0.4]]), [1, 1]
    assert threshold_for_sensitivity(probabilities, labels, "mel", 1.0, ["nv", "mel"]) == 0.4
    with pytest.raises(InvalidValue, match="no image of nv"):
        threshold_for_sensitivity(probabilities, labels, "nv", 0.9, ["nv", "mel"])
    with pytest.raises(InvalidValue, match="target"):
        threshold_for_sensitivity(probabilities, labels, 1, 90)
    with pytest.raises(InvalidValue, match="no such class"):
        threshold_for_sensitivity(probabilities, labels, 2, 0.9)
