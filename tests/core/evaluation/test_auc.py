import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import stdtrit
from sklearn.metrics import roc_auc_score

from core.evaluation.auc import areas, auc_difference, auc_interval
from core.evaluation.checks import checked


def test_is_scikit_learns(draw):
    probabilities, _, labels, groups = draw(seed=1)
    found = areas(checked(probabilities, labels, groups))
    for index in range(7):
        assert found.per_class[index] == pytest.approx(roc_auc_score(labels == index, probabilities[:, index]))
    assert found.macro == pytest.approx(roc_auc_score(labels, probabilities, multi_class="ovr", average="macro"))


@given(st.integers(0, 2**32 - 1))
def test_ties_count_half(seed):
    random = np.random.default_rng(seed)
    labels = np.r_[0, 1, random.integers(0, 2, 18)]
    scores = random.integers(0, 4, 20) / 3
    found = areas(checked(np.stack([1 - scores, scores], axis=1), labels))
    assert found.per_class == pytest.approx([roc_auc_score(labels, scores)] * 2)


def test_absent_classes_are_left_out():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1]])
    found = areas(checked(probabilities, [0, 0, 1]))
    assert np.isnan(found.per_class).tolist() == [False, False, True]
    assert found.macro == 1


def test_delong_by_hand():
    """Two classes: both AUCs are the same and so are their components, so the macro AUC has DeLong's variance."""
    scores = np.array([0.9, 0.8, 0.35, 0.6, 0.7, 0.3, 0.2, 0.4])
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0])
    wins = scores[labels == 1][:, None] > scores[labels == 0][None]
    area = wins.mean()
    variance = wins.mean(axis=1).var(ddof=1) / 4 + wins.mean(axis=0).var(ddof=1) / 4
    sides = np.array([wins.mean(axis=1).var(ddof=1) / 4, wins.mean(axis=0).var(ddof=1) / 4])
    t = stdtrit(sides.sum() ** 2 / (sides**2 / 3).sum(), 0.975)
    logit, half = np.log(area / (1 - area)), t * np.sqrt(variance) / (area * (1 - area))
    interval = auc_interval(checked(np.stack([1 - scores, scores], axis=1), labels))
    assert interval.estimate == pytest.approx(area)
    assert interval.low == pytest.approx(1 / (1 + np.exp(half - logit)))
    assert interval.high == pytest.approx(1 / (1 + np.exp(-half - logit)))


def test_variance_agrees_with_redrawing_the_lesions(draw):
    probabilities, pruned, labels, groups = draw(lesions=500, seed=3)
    interval = auc_difference(checked(probabilities, labels, groups), checked(pruned, labels, groups))
    random = np.random.default_rng(0)
    of_lesion = [np.flatnonzero(groups == lesion) for lesion in np.unique(groups)]
    drawn = []
    for _ in range(150):
        rows = np.concatenate([of_lesion[index] for index in random.integers(0, 500, 500)])
        drawn.append(
            areas(checked(pruned[rows], labels[rows])).macro - areas(checked(probabilities[rows], labels[rows])).macro
        )
    assert (interval.high - interval.low) / 2 / 1.96 == pytest.approx(np.std(drawn), rel=0.3)


def test_copies_of_images_do_not_narrow_the_interval(draw):
    probabilities, _, labels, _ = draw(seed=4)
    lesions = np.arange(len(labels))
    once = auc_interval(checked(probabilities, labels, lesions))
    twice = auc_interval(checked(np.tile(probabilities, (2, 1)), np.tile(labels, 2), np.tile(lesions, 2)))
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high))


@pytest.mark.parametrize(
    ("probabilities", "labels", "estimate", "why"),
    [
        ([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]], [0, 0, 1, 1], 1.0, "perfect"),
        ([[0.9, 0.1]] * 4, [0, 0, 1, 1], 0.5, "none"),  # a network pruned to death
        ([[0.9, 0.1], [0.3, 0.7], [0.1, 0.9], [0.6, 0.4]], [0, 0, 0, 1], 1 / 3, "single lesion"),
        ([[0.9, 0.1]], [0], np.nan, "two classes"),
    ],
)
def test_no_interval_says_why(probabilities, labels, estimate, why):
    interval = auc_interval(checked(probabilities, labels))
    assert interval.estimate == pytest.approx(estimate, nan_ok=True)
    assert (interval.low, interval.high) == (None, None)
    assert interval.method.startswith("no interval")
    assert why in interval.method
