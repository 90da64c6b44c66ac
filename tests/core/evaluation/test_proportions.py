import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from core.evaluation.intervals import wilson
from core.evaluation.proportions import differences, mean_difference, mean_proportion, proportions


def column(*values):
    return np.array(values, float)[:, None]


def test_images_that_stand_alone_get_wilsons_interval():
    right = np.random.default_rng(0).random((50, 3)) < [0.2, 0.9, 1.0]
    estimate, low, high = proportions(right.astype(float), np.ones((50, 3)))
    for k, e, a, b in zip(right.sum(axis=0), estimate, low, high, strict=True):
        reference = binomtest(int(k), 50).proportion_ci(method="wilson")
        assert (e, a, b) == pytest.approx((k / 50, reference.low, reference.high))


@pytest.mark.parametrize("right", [0.0, 1.0])
def test_lesions_that_all_agree_count_once(right):
    """Ten lesions of four images, all right: as sure as ten images, not as forty."""
    interval = proportions(column(*[4 * right] * 10), column(*[4] * 10))
    assert np.ravel(interval) == pytest.approx(np.ravel(wilson(10 * right, 10)))


def test_lesions_whose_images_agree_count_once_too():
    successes, sizes = column(*[3] * 6, *[0] * 4), column(*[3] * 10)
    # Estimated, the design effect is a little above 3; it is capped at the lesions' size.
    assert np.ravel(proportions(successes, sizes)) == pytest.approx(np.ravel(wilson(6, 10)))


def test_design_effect_by_hand():
    """Residuals 0.8, −0.4, −0.4, …: the variance between lesions over that of images, written out."""
    successes, sizes = column(2, 1, 1, 0, 1), column(2, 2, 2, 1, 1)
    p, n, m = 5 / 8, 8, 5
    residuals = np.array([2 - 2 * p, 1 - 2 * p, 1 - 2 * p, 0 - p, 1 - p])
    effect = max(1, m / (m - 1) * (residuals**2).sum() / n**2 / (p * (1 - p) / n))
    assert np.ravel(proportions(successes, sizes)) == pytest.approx(np.ravel(wilson(p * n / effect, n / effect)))


def test_no_images_leave_everything_open():
    estimate, low, high = proportions(np.zeros((2, 1)), np.zeros((2, 1)))
    assert np.isnan(estimate[0])
    assert (low[0], high[0]) == (0, 1)
    estimate, low, high = differences(np.zeros((2, 1)), np.zeros((2, 1)), np.zeros(1))
    assert np.isnan(estimate[0])
    assert (low[0], high[0]) == (-1, 1)


def test_mean_of_one_proportion_is_that_proportion():
    successes, sizes = column(2, 1, 0, 1), column(2, 1, 1, 1)
    assert mean_proportion(successes, sizes) == pytest.approx(np.ravel(proportions(successes, sizes)))


def test_mean_leaves_out_what_has_no_images():
    successes, sizes = np.array([[1.0, 0], [0, 0]]), np.array([[1.0, 0], [1, 0]])
    assert mean_proportion(successes, sizes) == pytest.approx(np.ravel(proportions(successes[:, :1], sizes[:, :1])))


def test_agresti_min_by_hand():
    """100 pairs, 15 newly wrong, 5 newly right: (b − c)/(n + 2) ± z·sqrt((b + c + 1) − (b − c)²/(n + 2))/(n + 2)."""
    changes = column(*[-1] * 15, *[1] * 5, *[0] * 80)
    estimate, low, high = differences(changes, np.ones((100, 1)), np.array([20.0]))
    middle, half = -10 / 102, 1.959964 * np.sqrt(21 - 100 / 102) / 102
    assert (estimate[0], low[0], high[0]) == pytest.approx((-0.1, middle - half, middle + half), abs=1e-7)


def test_a_few_unchanged_images_do_not_prove_that_nothing_changes():
    _, low, high = differences(np.zeros((20, 1)), np.ones((20, 1)), np.zeros(1))
    assert (low[0], high[0]) == pytest.approx((-1.959964 / 22, 1.959964 / 22))


def test_mean_difference_of_one_class_is_its_difference():
    random = np.random.default_rng(1)
    changes, sizes, flips = random.integers(-1, 2, (40, 1)).astype(float), np.ones((40, 1)), np.array([0.0])
    flips[0] = np.abs(changes).sum()
    expected = np.ravel(differences(changes, sizes, flips))
    assert mean_difference(changes, sizes, flips) == pytest.approx(expected)
    wide = [np.hstack([table, np.zeros_like(table)]) for table in (changes, sizes)]
    assert mean_difference(*wide, np.array([flips[0], 0.0])) == pytest.approx(expected)


@given(st.integers(1, 12), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_intervals_hold_their_estimate(lesions, classes, seed):
    random = np.random.default_rng(seed)
    sizes = random.integers(0, 4, (lesions, classes)).astype(float)
    sizes[0, 0] += 1
    up, down = random.random(classes), random.random(classes)
    newly_right = random.binomial(sizes.astype(int), up)
    newly_wrong = random.binomial(sizes.astype(int) - newly_right, down)
    changes, flips = (newly_right - newly_wrong).astype(float), (newly_right + newly_wrong).sum(axis=0).astype(float)
    some = sizes.sum(axis=0) > 0
    for value, low, high in (
        [end[some] for end in proportions(newly_right.astype(float), sizes)],
        [end[some] for end in differences(changes, sizes, flips)],
        mean_proportion(newly_right.astype(float), sizes),
        mean_difference(changes, sizes, flips),
    ):
        assert np.all((low >= -1) & (low <= value) & (value <= high) & (high <= 1))
