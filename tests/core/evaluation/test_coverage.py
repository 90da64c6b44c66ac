"""Do 95% intervals hold the truth 95 times in 100? Simulated with sizes like ours: 1,500 lesions, about 2,000 images.

With 1,500 repetitions the share found has a standard error of 0.6 points, so a bound at 93% is 3.6 of them below 95%.
Seeds are fixed: a failure means that the code changed.
"""

import numpy as np
import pytest
from scipy.special import expit, ndtr

from core.evaluation.auc import auc_difference, auc_interval
from core.evaluation.bootstrap import cluster_bootstrap, resample
from core.evaluation.calibration import calibration_difference, calibration_interval, calibration_table, error_of
from core.evaluation.checks import checked
from core.evaluation.intervals import wilson
from core.evaluation.proportions import differences, mean_difference, mean_proportion, proportions

SHARES = np.array([0.033, 0.051, 0.11, 0.0115, 0.08, 0.7, 0.0145])  # class 4: 120 lesions
RIGHT = np.array([0.55, 0.7, 0.6, 0.5, 0.6, 0.93, 0.8])
REDRAWN = np.array([0.2, 0.1, 0.15, 0.25, 0.2, 0.04, 0.1])
CLASSES, AGREEMENT = 7, 0.6  # correlation of the answers to images of one lesion


def tables(random, lesions):
    """Right answers dense and newly right less newly wrong, flips and images: [lesions, C] each."""
    truth = random.choice(CLASSES, size=lesions, p=SHARES / SHARES.sum())
    scale = (1 - AGREEMENT) / AGREEMENT
    chance = random.beta(RIGHT[truth] * scale, (1 - RIGHT[truth]) * scale)
    lesion = np.repeat(np.arange(lesions), np.minimum(random.geometric(0.72, lesions), 6))
    dense = random.random(len(lesion)) < chance[lesion]
    redrawn = (random.random(lesions) < REDRAWN[truth])[lesion]
    pruned = np.where(redrawn, random.random(len(lesion)) < RIGHT[truth][lesion] / 2, dense)

    def table(values):
        cells = np.bincount(lesion * CLASSES + truth[lesion], weights=values, minlength=lesions * CLASSES)
        return cells.reshape(lesions, CLASSES)

    right, was, sizes = table(pruned), table(dense), table(np.ones(len(lesion)))
    return was, right - was, table(dense != pruned).sum(axis=0), sizes


def total(table):
    return table.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def covered():
    """Shares of repetitions in which the interval holds the truth, by name."""
    random, repetitions, hits = np.random.default_rng(11), 1500, {}
    shares = SHARES / SHARES.sum()
    change = REDRAWN * -RIGHT / 2
    truths = {
        "accuracy": shares @ RIGHT,
        "balanced": RIGHT.mean(),
        "sensitivity": RIGHT,
        "accuracy difference": shares @ change,
        "balanced difference": change.mean(),
        "sensitivity difference": change,
        "bootstrap": RIGHT.mean(),
    }
    for _ in range(repetitions):
        right, changes, flips, sizes = tables(random, 1500)
        drawn = resample(np.hstack([right, sizes]), draws=400)
        # A draw may miss the rarest class.
        drawn_sizes = np.where(drawn[:, CLASSES:] > 0, drawn[:, CLASSES:], np.nan)
        balanced = np.nanmean(drawn[:, :CLASSES] / drawn_sizes, axis=1)
        ends = {
            "accuracy": proportions(total(right), total(sizes)),
            "balanced": mean_proportion(right, sizes),
            "sensitivity": proportions(right, sizes),
            "accuracy difference": differences(total(changes), total(sizes), flips.sum(keepdims=True)),
            "balanced difference": mean_difference(changes, sizes, flips),
            "sensitivity difference": differences(changes, sizes, flips),
            "bootstrap": (None, *np.quantile(balanced, [0.025, 0.975])),
        }
        for name, (_, low, high) in ends.items():
            hits[name] = hits.get(name, 0) + ((low <= truths[name]) & (truths[name] <= high)) / repetitions
    return {name: np.ravel(share) for name, share in hits.items()}


@pytest.mark.parametrize("name", ["accuracy", "balanced", "accuracy difference", "balanced difference", "bootstrap"])
def test_overall(covered, name):
    assert 0.93 <= covered[name][0] <= 0.97


def test_sensitivity_of_every_class(covered):
    """From about 1,050 lesions down to 17."""
    assert (covered["sensitivity"] >= 0.93).all(), covered["sensitivity"]
    assert (covered["sensitivity"] <= 0.97).all(), covered["sensitivity"]


def test_sensitivity_difference_of_every_class(covered):
    """Never below; above where two flips are all there is to see in 17 lesions."""
    assert (covered["sensitivity difference"] >= 0.93).all(), covered["sensitivity difference"]
    assert (covered["sensitivity difference"][[2, 4, 5]] <= 0.97).all(), covered["sensitivity difference"]


def test_ignoring_lesions_would_not_do():
    """The check can fail: taking images as independent covers too rarely where lesions have many images."""
    random = np.random.default_rng(5)
    shares = []
    for adjusted in (True, False):
        hits = 0
        for _ in range(400):
            chance = random.beta(0.5, 0.5, 100)
            right, sizes = random.binomial(5, chance)[:, None].astype(float), np.full((100, 1), 5.0)
            if not adjusted:  # each image a lesion of its own
                right, sizes = (np.arange(500) < right.sum())[:, None].astype(float), np.ones((500, 1))
            _, low, high = proportions(right, sizes)
            hits += low[0] <= 0.5 <= high[0]
        shares.append(hits / 400)
    assert shares[0] >= 0.92
    assert shares[1] < 0.8


def test_auc():
    """Two normal distributions one standard deviation apart, a fifth of the lesions ill: the true area is Φ(1/√2)."""
    random, repetitions = np.random.default_rng(3), 600
    truth, hits = ndtr(1 / np.sqrt(2)), np.zeros(2)
    for _ in range(repetitions):
        lesion = np.repeat(np.arange(300), np.minimum(random.geometric(0.72, 300), 6))
        labels = (random.random(300) < 0.2)[lesion].astype(int)
        shared = np.sqrt(0.6) * random.normal(size=300)[lesion]
        both = []
        for _ in range(2):  # two networks that see the same lesions, equally good
            score = expit(labels + shared + np.sqrt(0.4) * random.normal(size=len(lesion)))
            both.append(checked(np.stack([1 - score, score], axis=1), labels, lesion))
        single, paired = auc_interval(both[0]), auc_difference(*both)
        hits += [single.low <= truth <= single.high, paired.low <= 0 <= paired.high]
    assert (hits / repetitions >= 0.93).all(), hits / repetitions
    assert (hits / repetitions <= 0.97).all(), hits / repetitions


@pytest.mark.parametrize("overconfidence", [0.0, 0.03, 0.1])
def test_calibration_error(overconfidence):
    """Right by ``overconfidence`` less often than it is confident: that is the true error, and noise only adds to it."""
    random, repetitions, hits, plain = np.random.default_rng(4), 300, 0, 0
    for _ in range(repetitions):
        confidence = 0.6 + 0.4 * random.random(1000)
        labels = (random.random(1000) >= confidence - overconfidence).astype(int)
        predictions = checked(np.stack([confidence, 1 - confidence], axis=1), labels)
        interval = calibration_interval(predictions, draws=300)
        hits += interval.low <= overconfidence <= interval.high
        percentile = cluster_bootstrap(calibration_table(predictions), error_of, n=1000, draws=300)
        plain += percentile.low <= overconfidence <= percentile.high
    assert 0.925 <= hits / repetitions <= 0.995
    if not overconfidence:
        assert plain == 0  # why calibration_interval does not use it


@pytest.mark.parametrize("overconfidence", [(0.1, 0.0), (0.05, 0.0), (0.02, 0.0), (0.0, 0.1), (0.1, 0.08)])
@pytest.mark.parametrize("shared", [True, False])
def test_calibration_difference(overconfidence, shared):
    """One network is nearer to calibrated than the other: noise raises its error more."""
    random, repetitions, hits = np.random.default_rng(6), 120, 0
    for _ in range(repetitions):
        confidence = [0.6 + 0.4 * random.random(1000)] * 2 if shared else list(0.6 + 0.4 * random.random((2, 1000)))
        luck = [random.random(1000)] * 2 if shared else list(random.random((2, 1000)))
        both = []
        for share, drawn, over in zip(confidence, luck, overconfidence, strict=True):
            right = drawn < share - over
            chances = np.where(right[:, None], [0, 1], [1, 0]) * share[:, None]
            both.append(checked(np.where(chances > 0, chances, 1 - share[:, None]), np.ones(1000, int)))
        interval = calibration_difference(*both, draws=300)
        assert -1 <= interval.low <= interval.estimate <= interval.high <= 1
        hits += interval.low <= overconfidence[1] - overconfidence[0] <= interval.high
    assert hits / repetitions >= 0.9


@pytest.mark.parametrize(("large", "single", "least"), [(50, 20, 0.9), (20, 40, 0.92)])
def test_one_lesion_with_most_of_the_images(large, single, least):
    """Without leverage the interval held the truth in 34 to 51 of 100 cases, and in 88."""
    random, repetitions = np.random.default_rng(7), 1500
    sizes = np.array([large] + [1] * single)
    chance = random.beta(0.8 * 2 / 3, 0.2 * 2 / 3, (repetitions, len(sizes)))  # agreement within a lesion: 0.6
    right = random.binomial(sizes, chance).T.astype(float)
    _, low, high = proportions(right, np.repeat(sizes[:, None].astype(float), repetitions, axis=1))
    assert least <= ((low <= 0.8) & (high >= 0.8)).mean() <= 0.98


def test_one_lesion_alone_counts_as_one_image():
    _, low, high = proportions(np.array([[4.0]]), np.array([[6.0]]))
    assert (4 / 6, low[0], high[0]) == pytest.approx(tuple(map(float, wilson(4 / 6, 1))))
