import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.errors import InvalidValue
from core.evaluation.intervals import Interval, wilson


@given(st.integers(1, 5000), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(n, data, confidence):
    k = data.draw(st.integers(0, n))
    reference = binomtest(k, n).proportion_ci(confidence, method="wilson")
    estimate, low, high = wilson(k, n, confidence)
    assert estimate == k / n
    assert (low, high) == pytest.approx((reference.low, reference.high), abs=1e-12)
    assert 0 <= low <= estimate <= high <= 1


def test_wilson_of_arrays_and_of_nothing():
    estimate, low, high = wilson([0, 5, 0], [10, 10, 0])
    assert np.isnan(estimate[2])
    assert (low[2], high[2]) == (0, 1)
    assert low[0] == 0
    assert high[0] == pytest.approx(0.2775, abs=1e-4)
    assert (low[1], high[1]) == pytest.approx((0.2366, 0.7634), abs=1e-4)


@pytest.mark.parametrize(
    ("successes", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 0), (1, 2, 1), (1, 2, 95)]
)
def test_wilson_names_what_is_wrong(successes, n, confidence):
    with pytest.raises(InvalidValue):
        wilson(successes, n, confidence)


@pytest.mark.parametrize(
    ("interval", "options", "text"),
    [
        (Interval(0.8537, 0.8312, 0.8751, 2003, ""), {}, "85.4% [83.1, 87.5], n = 2,003"),
        (Interval(0.91234, 0.9, 0.92, 20, ""), {"percent": False}, "0.912 [0.900, 0.920], n = 20"),
        (Interval(-0.032, -0.048, 0.016, 9, ""), {"signed": True}, "−3.2 points [−4.8, +1.6], n = 9"),
        (Interval(-0.0001, -0.0002, 0.0, 9, ""), {"signed": True}, "0.0 points [0.0, 0.0], n = 9"),
        (Interval(-0.0321, -0.04, 0.0, 9, ""), {"signed": True, "percent": False}, "−0.032 [−0.040, 0.000], n = 9"),
        (Interval.none(0.5, 1, "too few"), {}, "50.0%, no interval, n = 1"),
        (Interval(float("nan"), 0.0, 1.0, 0, ""), {}, "not defined, n = 0"),
    ],
)
def test_format(interval, options, text):
    assert interval.format(**options) == text


def test_as_dict_is_json():
    text = json.dumps(Interval(float("nan"), 0.0, 1.0, 0, "Wilson 95%").as_dict(), allow_nan=False)
    assert json.loads(text) == {"estimate": None, "low": 0.0, "high": 1.0, "n": 0, "method": "Wilson 95%"}


def test_none_says_why():
    assert Interval.none(0.5, 3).method == "no interval"
    assert Interval.none(0.5, 3, "too few").method == "no interval: too few"
