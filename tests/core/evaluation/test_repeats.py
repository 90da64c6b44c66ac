"""The mean over trainings of a paired difference: by hand, and its interval by simulation."""

import numpy as np
import pytest

from core.errors import InvalidValue, UnknownName
from core.evaluation.checks import checked
from core.evaluation.metrics import Settings
from core.evaluation.paired import DIFFERENCES
from core.evaluation.repeats import MEASURES, mean_over_trainings


def answers(right, labels, groups, names=("a", "b")):
    """Predictions that are right exactly where ``right`` says."""
    called = np.where(right, labels, 1 - labels)
    return checked(np.eye(2)[called], labels, groups, names)


def trainings(random, lesions=150, seeds=3, shared=0.5):
    """Pairs of networks that flip lesions: partly the same ones in every training. The second is right less often."""
    images = np.minimum(random.geometric(0.72, lesions), 4)
    groups = np.repeat(np.arange(lesions), images)
    labels = (np.arange(lesions) % 3 == 0).astype(np.int64)[groups]
    hard = random.random(lesions)
    pairs = []
    for _ in range(seeds):
        own = np.where(random.random(lesions) < shared, hard, random.random(lesions))[groups]
        right = own > 0.25
        lost = np.where(random.random(lesions) < shared, hard, random.random(lesions))[groups] < 0.35
        pairs.append([answers(right, labels, groups), answers(right & ~lost, labels, groups)])
    return pairs


@pytest.mark.parametrize("measure", MEASURES)
def test_one_training_is_the_paired_difference(measure):
    ((a, b),) = trainings(np.random.default_rng(1), seeds=1)
    found, expected = mean_over_trainings([(a, b)], measure), DIFFERENCES[measure](a, b, Settings())
    assert (found.estimate, found.low, found.high, found.n) == pytest.approx(
        (expected.estimate, expected.low, expected.high, expected.n)
    )


@pytest.mark.parametrize("measure", MEASURES)
def test_the_mean_is_that_of_the_differences(measure):
    pairs = trainings(np.random.default_rng(2))
    single = [DIFFERENCES[measure](a, b, Settings()) for a, b in pairs]
    found = mean_over_trainings(pairs, measure)
    assert found.estimate == pytest.approx(np.mean([value.estimate for value in single]))
    assert found.n == single[0].n
    assert found.high - found.low < np.mean([value.high - value.low for value in single])


@pytest.mark.parametrize("measure", MEASURES)
def test_what_is_won_and_lost_alike_is_no_difference_at_all(measure):
    """Seven images a class; over three trainings one gains what three others lose by thirds, which do not add up to 0 in binary."""
    labels, groups = np.repeat([0, 1], 7), np.arange(14)
    right = np.ones((2, 3, 14), bool)  # network, training, image
    right[1, 0, [0, 1]], right[1, 1, 2] = False, False
    right[0, :, 3] = False
    right[1, 0, [7, 8, 9]] = False
    right[0, [0, 1, 2], [10, 11, 12]] = False
    pairs = [tuple(answers(right[which, seed], labels, groups) for which in (0, 1)) for seed in range(3)]
    found = mean_over_trainings(pairs, measure)
    assert (found.estimate, str(found.estimate)) == (0.0, "0.0")
    assert found.low < 0 < found.high


@pytest.mark.parametrize("measure", MEASURES)
def test_trainings_that_err_alike_add_nothing(measure):
    (pair,) = trainings(np.random.default_rng(3), seeds=1)
    once, thrice = mean_over_trainings([pair], measure), mean_over_trainings([pair] * 3, measure)
    assert (once.low, once.high) == pytest.approx((thrice.low, thrice.high))


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_the_interval_holds_the_truth_about_95_times_in_100(shared):
    """600 repetitions have a standard error of 0.9 points."""
    random = np.random.default_rng(4)
    drawn = [trainings(random, shared=shared) for _ in range(600)]
    found = [mean_over_trainings(pairs, "accuracy") for pairs in drawn]
    truth = np.mean(
        [mean_over_trainings(trainings(random, 4000, shared=shared), "accuracy").estimate for _ in range(60)]
    )
    held = np.mean([value.low <= truth <= value.high for value in found])
    assert 0.925 < held < 0.985
    ends = [[DIFFERENCES["accuracy"](a, b, Settings()) for a, b in pairs] for pairs in drawn[:50]]
    plain = np.mean([value.high - value.low for pairs in ends for value in pairs])
    joint = np.mean([value.high - value.low for value in found[:50]])
    assert joint < (0.7 if shared == 0 else 0.95) * plain


def test_what_cannot_be_averaged_is_named():
    pairs = trainings(np.random.default_rng(5))
    with pytest.raises(UnknownName, match="accuracy"):
        mean_over_trainings(pairs, "macro_auc")
    with pytest.raises(InvalidValue, match="at least one"):
        mean_over_trainings([], "accuracy")
    with pytest.raises(InvalidValue, match="same images"):
        mean_over_trainings([pairs[0], *trainings(np.random.default_rng(6), lesions=151)], "accuracy")
