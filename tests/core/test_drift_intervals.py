"""Intervals of mean measures of maps: a textbook's, and how often they hold the truth at the sizes that are stored."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core import drift


def frame(values: np.ndarray, measure: str) -> pd.DataFrame:
    """A table of [classes, lesions] values, an image a lesion."""
    classes, lesions = values.shape
    names = [f"l{number}" for number in range(values.size)]
    return pd.DataFrame({"class": np.repeat(np.arange(classes), lesions), measure: values.ravel(), "lesion": names})


def coverage(draw, truth: float, measure: str, repeats: int = 400) -> float:
    held = 0
    for seed in range(repeats):
        value = drift.estimate(frame(draw(np.random.default_rng(seed)), measure), measure)
        held += value.low <= truth <= value.high
    return held / repeats


def test_of_one_class_it_is_the_textbook_s():
    values = np.random.default_rng(0).normal(0.3, 0.2, (1, 12))
    found = drift.estimate(frame(values, "rank"), "rank")
    low, high = stats.ttest_1samp(values[0], 0).confidence_interval()
    assert (found.low, found.high) == pytest.approx((low, high))
    assert found.method == "Student 95% by lesion"


def test_of_two_classes_it_is_welch_s():
    random = np.random.default_rng(1)
    values = np.stack([random.normal(0.3, 0.1, 12), random.normal(0.1, 0.4, 12)])
    found = drift.estimate(frame(values, "rank"), "rank")
    # The mean of two means is half of what one is above the other's negative.
    low, high = stats.ttest_ind(values[0], -values[1], equal_var=False).confidence_interval()
    assert (found.low, found.high) == pytest.approx((low / 2, high / 2))


def test_images_of_one_lesion_are_one_observation():
    values = np.random.default_rng(2).normal(0.3, 0.2, (1, 12))
    once = frame(values, "rank")
    twice = pd.concat([once, once], ignore_index=True)
    one, two = drift.estimate(once, "rank"), drift.estimate(twice, "rank")
    assert (one.low, one.high) == pytest.approx((two.low, two.high))
    assert two.n == 24


@pytest.mark.parametrize("classes", [1, 7])
@pytest.mark.parametrize(("shape", "truth"), [("normal", 0.3), ("beta", 0.8)])
def test_twelve_lesions_of_a_class_hold_the_truth_as_often_as_they_say(classes, shape, truth):
    def draw(random):
        size = (classes, 12)
        return random.normal(0.3, 0.2, size) if shape == "normal" else random.beta(8, 2, size)

    assert 0.92 <= coverage(draw, truth, "rank") <= 0.98


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_the_pointing_game_of_one_class_is_a_share(share):
    assert 0.92 <= coverage(lambda random: (random.random((1, 12)) < share).astype(float), share, "hit") <= 0.995


def test_all_hits_are_no_certainty():
    found = drift.estimate(frame(np.ones((1, 12)), "hit"), "hit")
    assert found.low < 0.8
    assert found.high == 1


def test_one_lesion_of_each_class_has_no_interval():
    assert drift.estimate(frame(np.random.default_rng(0).random((12, 1)), "rank"), "rank").low is None
