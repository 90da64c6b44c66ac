"""The rule of a verdict: where an interval lies, its p-value, and Holm's correction."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from core import claims
from core.claims import CANNOT_TELL, FAILS, HOLDS, Region
from core.claims.catalogue import NO_WORSE
from core.errors import InvalidValue
from core.evaluation import Interval

BEATS, WITHIN = Region(low=0.0), Region(-0.01, 0.01)


def interval(low: float, high: float) -> Interval:
    return Interval((low + high) / 2, low, high, 100, "by hand")


@pytest.mark.parametrize(
    ("ends", "region", "expected"),
    [
        ((0.001, 0.02), BEATS, HOLDS),
        ((-0.02, -0.001), BEATS, FAILS),
        ((-0.004, 0.029), BEATS, CANNOT_TELL),
        ((0.0, 0.02), BEATS, CANNOT_TELL),  # the edge itself is not cleared
        ((-0.009, 0.02), NO_WORSE, HOLDS),
        ((-0.03, -0.011), NO_WORSE, FAILS),
        ((-0.02, 0.0), NO_WORSE, CANNOT_TELL),
        ((-0.009, 0.009), WITHIN, HOLDS),
        ((0.011, 0.02), WITHIN, FAILS),
        ((-0.02, -0.011), WITHIN, FAILS),
        ((-0.02, 0.02), WITHIN, CANNOT_TELL),
        ((0.005, 0.011), WITHIN, CANNOT_TELL),
        ((0.0, 0.0), BEATS, CANNOT_TELL),  # a network against itself beats nobody,
        ((0.0, 0.0), NO_WORSE, HOLDS),  # and is no worse
    ],
)
def test_a_verdict_follows_from_where_the_interval_lies(ends, region, expected):
    assert claims.verdict(interval(*ends), region) == expected


def test_without_an_interval_nothing_can_be_told():
    assert claims.verdict(Interval.none(0.3, 10), BEATS) == CANNOT_TELL
    for low in (-1.0, 0.1):
        assert claims.verdict(Interval(math.nan, low, 1.0, 0, ""), BEATS) == CANNOT_TELL


@given(
    st.floats(-0.2, 0.2),
    st.floats(1e-4, 0.2),
    st.sampled_from([BEATS, NO_WORSE, WITHIN, Region(high=0.0)]),
)
def test_p_is_that_of_the_normal_test_at_the_nearest_edge(middle, half, region):
    found = claims.p_value(interval(middle - half, middle + half), region)
    error = half / norm.ppf(0.975)
    distance = min(abs(middle - edge) for edge in region.edges)
    assert found == pytest.approx(2 * norm.sf(distance / error), abs=1e-9)
    cleared = all(not middle - half <= edge <= middle + half for edge in region.edges)
    if abs(distance - half) > 1e-9:
        assert (found < 0.05) == cleared


def test_a_region_must_leave_something_to_claim():
    for edges in ((0.0, 0.0), (1.0, -1.0), (-math.inf, math.inf)):
        with pytest.raises(InvalidValue):
            Region(*edges)


def by_definition(values):
    """Holm's p-values as in his paper: reject from the smallest up, with the level divided by how many are left."""
    corrected = []
    for value in values:
        smaller = sorted(values)[: sorted(values).index(value) + 1]
        corrected.append(min(1, max((len(values) - rank) * other for rank, other in enumerate(smaller))))
    return corrected


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12, unique=True))
def test_holm_by_its_definition(values):
    assert claims.holm(values) == pytest.approx(by_definition(values))


def test_holm_on_numbers_worked_by_hand():
    assert claims.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert claims.holm([]) == []


def test_corrected_verdicts_rarely_err_where_nothing_is_true():
    """20 differences of nothing, 400 times: alone, most sets hold a wrong verdict; corrected, at most one in 20."""
    random = np.random.default_rng(3)
    alone = wrong = 0
    for _ in range(400):
        drawn = [interval(middle - 1.96, middle + 1.96) for middle in random.normal(size=20)]
        p = [claims.p_value(value, BEATS) for value in drawn]
        alone += any(claims.verdict(value, BEATS) != CANNOT_TELL for value in drawn)
        corrected = claims.holm(p)
        wrong += any(claims.verdict(v, BEATS, c) != CANNOT_TELL for v, c in zip(drawn, corrected, strict=True))
    assert alone > 200
    assert wrong < 400 * 0.05 + 3 * math.sqrt(400 * 0.05 * 0.95)
