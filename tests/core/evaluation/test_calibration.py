import numpy as np
import pytest

from core.errors import InvalidValue
from core.evaluation.calibration import calibration_difference, calibration_interval, calibration_table, error_of
from core.evaluation.checks import checked


def error(probabilities, labels, bins=15):
    return error_of(calibration_table(checked(probabilities, labels), bins).sum(axis=0))


def test_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.4, 0.6], [0.3, 0.7]])
    # Ten bins: two images at 0.9, one right; one at 0.6, right; one at 0.7, wrong.
    assert error(probabilities, [0, 1, 1, 0], bins=10) == pytest.approx((2 * 0.4 + 0.4 + 0.7) / 4)


def test_against_a_plain_loop(draw):
    probabilities, _, labels, _ = draw(seed=1)
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    total = 0.0
    for low in range(15):
        inside = (confidence > low / 15) & (confidence <= (low + 1) / 15)
        if inside.any():
            total += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    assert error(probabilities, labels) == pytest.approx(total)


def test_sure_and_right_is_0_sure_and_wrong_is_1():
    assert error(np.eye(2), [0, 1]) == 0
    assert error(np.eye(2), [1, 0]) == 1


def test_a_row_that_rounds_above_one_stays_in_the_last_bin():
    assert error(np.array([[1.004, 0.0]]), [0]) == 0


def test_interval_of_a_calibrated_network_reaches_0():
    """The estimate is all noise here, and the plain percentile interval would not hold the truth, 0."""
    random = np.random.default_rng(0)
    confidence = 0.5 + 0.5 * random.random(1000)
    labels = (random.random(1000) > confidence).astype(int)
    interval = calibration_interval(checked(np.stack([confidence, 1 - confidence], axis=1), labels), draws=500)
    assert interval.low == 0 < interval.estimate <= interval.high < 0.1


def test_interval_of_an_overconfident_network_does_not_reach_0():
    labels = (np.random.default_rng(0).random(1000) > 0.7).astype(int)
    probabilities = np.tile([0.95, 0.05], (1000, 1))
    interval = calibration_interval(checked(probabilities, labels), draws=500)
    assert 0.2 < interval.low < 0.25 < interval.high < 0.3


def test_difference_is_of_the_errors(draw):
    dense, pruned, labels, groups = draw(seed=2)
    difference = calibration_difference(checked(dense, labels, groups), checked(pruned, labels, groups), draws=300)
    assert difference.estimate == pytest.approx(error(pruned, labels) - error(dense, labels))
    assert difference.low < difference.high


def test_a_difference_seen_from_the_other_network_is_its_mirror_image(draw):
    dense, pruned, labels, groups = draw(seed=2, noise=2.0)  # so that the two errors are of different noise
    a, b = checked(dense, labels, groups), checked(pruned, labels, groups)
    there, back = calibration_difference(a, b, draws=300), calibration_difference(b, a, draws=300)
    assert (back.estimate, back.low, back.high) == pytest.approx((-there.estimate, -there.high, -there.low))


def test_one_lesion_has_no_interval():
    assert calibration_interval(checked([[0.7, 0.3]], [0])).low is None


def test_bins():
    with pytest.raises(InvalidValue, match="bins"):
        calibration_table(checked([[0.7, 0.3]], [0]), 0)
