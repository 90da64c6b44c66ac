"""The answers of the lessons, on answers made up so that it is known what must come out."""

from dataclasses import replace
from statistics import NormalDist
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import balanced_accuracy_score

from core import learn
from core.cohort import Cohort
from core.evaluation import Interval
from tests.core import invented

CLASSES = ("mel", "nv")


def wilson(k, n):
    """As in a textbook, in float64."""
    z = NormalDist().inv_cdf(0.975)
    middle, half = k + z * z / 2, z * np.sqrt(k * (n - k) / n + z * z / 4)
    return (middle - half) / (n + z * z), (middle + half) / (n + z * z)


@pytest.fixture
def cohort() -> Cohort:
    """40 lesions of one image each: 20 melanomas and 20 naevi."""
    return invented.cohort(40, pictures=1)


def network(cohort, wrong) -> np.ndarray:
    """Probabilities of a network that is wrong on the images ``wrong``."""
    right = np.ones(len(cohort), bool)
    right[list(wrong)] = False
    return invented.answers(cohort.labels, right).astype(np.float32)


def test_what_is_left_of_the_accuracy_is_that_of_the_pruned_network(cohort):
    found = learn.kept_accuracy(network(cohort, [0, 1]), network(cohort, range(8)), cohort, 50)
    assert found.truth == pytest.approx(80)
    assert (found.low, found.high) == pytest.approx([100 * end for end in wilson(32, 40)])
    assert "**95.0% [83.5, 98.6], n = 40**" in found.question
    assert "80.0%" not in found.question, "the answer stands in the question"
    assert "80.0%" in found.told
    assert "n = 40" in found.told


def test_the_smallest_weights_hold_what_a_sum_says():
    sizes = np.array([4.0, 1.0, 3.0, 2.0])
    found = learn.strength_of_smallest(sizes, 50)
    assert found.truth == pytest.approx(100 * (1 + 2) / 10)
    assert "smallest 2 of 4 weights hold **30.0%** of the sum" in found.told
    assert found.low is None
    rng = np.random.default_rng(0)
    normal = np.abs(rng.normal(size=200_001))
    # The share of a half-normal's mean that lies below its median, in closed form.
    median = stats.halfnorm.median()
    assert learn.strength_of_smallest(normal, 50).truth == pytest.approx(100 * (1 - np.exp(-(median**2) / 2)), abs=0.2)


def test_methods_are_told_apart_only_if_the_lead_excludes_none(cohort):
    epochs = {"one_shot": 8.0, "iterative": 8.0}
    alike = {"one_shot": network(cohort, [0, 3]), "iterative": network(cohort, [0, 3, 4])}
    found = learn.best_method(alike, epochs, cohort, 80)
    assert found.truth == learn.ALIKE
    assert set(found.options) == {"one_shot", "iterative", learn.ALIKE}
    apart = {"one_shot": network(cohort, range(16)), "iterative": network(cohort, [0])}
    found = learn.best_method(apart, epochs, cohort, 80)
    assert found.truth == "iterative"
    reference = balanced_accuracy_score(cohort.labels, apart["one_shot"].argmax(axis=1))
    own = found.table.set_index("network")["estimate"]
    assert own["One-shot"] == pytest.approx(reference)
    assert f"{reference:.1%}" in found.told


def test_the_best_of_three_must_stand_a_correction_for_three_tests(cohort):
    """By itself its lead excludes none, but it was found by looking at all pairs."""
    answers = {
        "one_shot": network(cohort, range(5)),
        "layerwise": network(cohort, range(5)),
        "iterative": network(cohort, []),
    }
    two = {name: answers[name] for name in ("one_shot", "iterative")}
    epochs = dict.fromkeys(answers, 8.0)
    assert learn.best_method(two, epochs, cohort, 80).truth == "iterative"
    found = learn.best_method(answers, epochs, cohort, 80)
    assert found.truth == learn.ALIKE
    assert "among 3 comparisons one like it may be chance" in found.told


def test_hidden_harm_counts_the_melanomas_that_were_found_and_are_missed(cohort):
    # Melanomas are the even images. The dense network misses two; the pruned one these, four more, and catches one again.
    dense, pruned = network(cohort, [0, 2]), network(cohort, [2, 4, 6, 8, 10])
    found = learn.hidden_harm(dense, pruned, cohort, 90)
    assert (found.truth, found.most, found.unit) == (4, 18, "melanomas")
    assert (found.low, found.high) == pytest.approx([18 * end for end in wilson(4, 18)])
    assert "4 of the 18**: 22.2% [9.0, 45.2], n = 18 lesions" in found.told
    assert "18 melanomas" in found.question
    assert "accuracy falls too" not in found.told, "four images more of forty may be chance"
    assert "accuracy falls too" in learn.hidden_harm(network(cohort, []), network(cohort, range(30)), cohort, 90).told


def test_melanomas_that_were_drawn_are_called_so(cohort):
    dense, pruned = network(cohort, []), network(cohort, range(30))
    assert "drawn" not in learn.hidden_harm(dense, pruned, cohort, 90).question
    assert " drawn melanomas" in learn.hidden_harm(dense, pruned, replace(cohort, name="phantom"), 90).question


def test_hidden_harm_is_asked_of_the_class_hit_hardest_where_there_is_no_melanoma(cohort):
    other = Cohort(**{**vars(cohort), "class_names": ("red", "blue")})
    found = learn.hidden_harm(network(cohort, []), network(cohort, [1, 3]), other, 90)
    assert found.unit == "images of class “blue”"
    assert "picked" in found.told
    assert found.truth == 2
    assert learn.hidden_harm(network(cohort, range(40)), network(cohort, []), other, 90) is None


def test_changed_answers_are_counted_with_an_interval_by_lesion(cohort):
    twins = Interval(0.97, 0.96, 0.98, 512, "")
    found = learn.changed_answers(network(cohort, [0]), network(cohort, [1, 2]), cohort, twins, (9, 43))
    assert found.truth == pytest.approx(100 * 3 / 40)
    assert (found.low, found.high) == pytest.approx([100 * end for end in wilson(3, 40)])
    assert "9 of 43 matching layers" in found.question
    assert "0.970 [0.960, 0.980], n = 512" in found.question


def test_operations_left_are_those_counted():
    cost = SimpleNamespace(flops=200, flops_left=150, channels=10, channels_left=7)
    found = learn.operations_left(cost, 80)
    assert found.truth == 75
    assert "3 of 10 channels" in found.told


def test_the_leak_is_what_drawing_again_and_again_gives():
    # Lesions of one to three images; the same in a whole data set drawn from 2,000 times.
    rng = np.random.default_rng(1)
    counts = np.repeat([1, 2, 3], [3000, 2000, 1005])
    groups = np.repeat(np.arange(len(counts)), counts)[: learn.misleading.IMAGES]
    assert len(groups) == learn.misleading.IMAGES
    shares = []
    for _ in range(60):
        order = rng.permutation(len(groups))
        train, test = groups[order[: learn.misleading.TRAINED]], groups[order[learn.misleading.TRAINED :]]
        shares.append(np.isin(test, train).mean())
    labels = np.zeros(len(groups), np.int64)
    cohort = Cohort("ham10000", "test", "x", CLASSES, labels, groups.astype(str), groups.astype(str), None)
    found = learn.leaked(cohort)
    assert found.truth == pytest.approx(100 * np.mean(shares), abs=0.3)
    assert found.low < found.truth < found.high
    assert learn.leaked(Cohort(**{**vars(cohort), "groups": None})) is None


def test_the_papers_row_has_its_budgets_and_wilson_intervals():
    row = learn.table("vgg16", "ham10000", 0.8).set_index("method").loc["Iterative"]
    n = learn.misleading.IMAGES - learn.misleading.TRAINED
    assert (row["low"], row["high"]) == pytest.approx(wilson(row["accuracy"] * n, n))
    assert row["epochs_least"] == 80
    assert learn.table("vgg16", "cifar100", 0.8).empty


def test_the_best_epoch_is_set_against_the_last():
    traps = learn.traps(
        "vgg16", 0.8, {"one_shot": 8.0}, [{"accuracy": 0.5}, {"accuracy": 0.7}, {"accuracy": 0.6}, {"loss": 1}]
    )
    assert "adds 10.0 points" in traps[-1].ours
    assert "Iterative 80" in traps[0].paper
    assert learn.traps("vgg16", 0.8, {}, [])[-1].ours == ""
