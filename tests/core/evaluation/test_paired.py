import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2

from core.errors import InvalidValue
from core.evaluation.metrics import METRICS
from core.evaluation.paired import DIFFERENCES, compare, mcnemar
from core.evaluation.report import evaluate


def outcomes(both, only_a, only_b, neither):
    a = np.repeat([True, True, False, False], [both, only_a, only_b, neither])
    b = np.repeat([True, False, True, False], [both, only_a, only_b, neither])
    return a, b


def test_every_metric_has_a_difference():
    assert set(DIFFERENCES) == set(METRICS)


def test_differences_are_those_of_the_metrics(draw, names):
    dense, pruned, labels, groups = draw(seed=1)
    watch = {"groups": groups, "positive": "mel", "threshold": 0.2, "draws": 200}
    comparison = compare(dense, pruned, labels, names, **watch)
    before, after = (evaluate(p, labels, names, **watch) for p in (dense, pruned))
    assert list(comparison.differences) == list(METRICS)
    for name, difference in comparison.differences.items():
        assert difference.estimate == pytest.approx(after.metrics[name].estimate - before.metrics[name].estimate)
        assert difference.low <= difference.estimate <= difference.high
        assert difference.n == before.metrics[name].n
    table = comparison.per_class
    assert table["dense"].to_numpy() == pytest.approx(before.per_class["sensitivity"].to_numpy())
    assert table["pruned"].to_numpy() == pytest.approx(after.per_class["sensitivity"].to_numpy())
    assert table["difference"].to_numpy() == pytest.approx((table["pruned"] - table["dense"]).to_numpy())
    assert list(table["images"]) == list(before.per_class["images"])
    assert list(table["lesions"]) == list(before.per_class["lesions"])


def test_swapping_the_networks_turns_the_sign(draw, names):
    dense, pruned, labels, groups = draw(seed=2)
    settings = {"groups": groups, "positive": "mel", "threshold": 0.2, "draws": 200}
    there, back = compare(dense, pruned, labels, names, **settings), compare(pruned, dense, labels, names, **settings)
    for name, difference in there.differences.items():
        other = back.differences[name]
        assert (difference.estimate, difference.low, difference.high) == pytest.approx(
            (-other.estimate, -other.high, -other.low), abs=1e-9
        )
    assert (there.mcnemar.only_a, there.mcnemar.only_b) == (back.mcnemar.only_b, back.mcnemar.only_a)
    assert there.mcnemar.p_value == pytest.approx(back.mcnemar.p_value)


def test_a_network_does_not_differ_from_itself(draw, names):
    dense, _, labels, groups = draw(lesions=60)
    comparison = compare(dense, dense.copy(), labels, names, groups=groups, positive="mel", threshold=0.2)
    for difference in comparison.differences.values():
        assert (difference.estimate, difference.low, difference.high) == (0, 0, 0)
    assert (comparison.per_class[["difference", "low", "high"]] == 0).all(axis=None)
    assert comparison.mcnemar.p_value == 1


def test_the_same_answers_from_another_network_are_not_certainty(draw):
    dense, _, labels, groups = draw(lesions=60)
    softer = 0.99 * dense + 0.01 / 7
    difference = compare(dense, softer, labels, groups=groups, draws=50).differences["accuracy"]
    assert difference.estimate == 0
    assert -0.1 < difference.low < 0 < difference.high < 0.1


def test_pairing_narrows_the_interval(draw):
    """The same images twice tell more of a difference than two sets of images would."""
    dense, pruned, labels, groups = draw(seed=3, noise=0.3)
    accuracy = evaluate(dense, labels, groups=groups, draws=20).metrics["accuracy"]
    difference = compare(dense, pruned, labels, groups=groups, draws=20).differences["accuracy"]
    assert difference.high - difference.low < accuracy.high - accuracy.low


def test_one_image_and_an_absent_class():
    comparison = compare([[0.6, 0.4]], [[0.4, 0.6]], [0])
    difference = comparison.differences["accuracy"]
    assert difference.estimate == -1 == difference.low
    assert difference.high > 0
    assert comparison.differences["macro_auc"].format() == "not defined, n = 1"
    assert comparison.per_class["dense"].isna().tolist() == [False, True]


def test_mcnemar_counts_lesions():
    """Three images of one lesion, all newly wrong, are one case."""
    right, wrong = [0.9, 0.1], [0.1, 0.9]
    test = compare([right] * 4, [wrong] * 3 + [right], [0] * 4, groups=["a", "a", "a", "b"]).mcnemar
    assert (test.only_a, test.only_b, test.n) == (1, 0, 2)


@given(st.integers(0, 24), st.integers(0, 24), st.integers(0, 5))
def test_mcnemar_is_scipys(only_a, only_b, both):
    test = mcnemar(*outcomes(both, only_a, only_b, 1))
    assert (test.only_a, test.only_b, test.n) == (only_a, only_b, both + only_a + only_b + 1)
    if only_a + only_b == 0:
        assert test.p_value == 1
    elif only_a + only_b < 25:
        assert test.p_value == pytest.approx(binomtest(only_a, only_a + only_b).pvalue)
        assert "exact" in test.method
    else:
        statistic = max(abs(only_a - only_b) - 1, 0) ** 2 / (only_a + only_b)
        assert test.p_value == pytest.approx(chi2.sf(statistic, 1))
        assert "chi-squared" in test.method


def test_mcnemar_of_a_textbook():
    """Agresti, Categorical Data Analysis: 150 against 86 of 1,600; statsmodels with correction gives p = 4.115e-05."""
    test = mcnemar(*outcomes(794, 150, 86, 570))
    assert test.p_value == pytest.approx(4.115e-05, rel=1e-3)


def test_what_does_not_fit_is_named():
    with pytest.raises(InvalidValue, match="The pruned probabilities"):
        compare(np.eye(2), np.eye(2) * 3, [0, 1])
    with pytest.raises(InvalidValue, match="2 classes pruned"):
        compare(np.eye(3), np.eye(2)[[0, 1, 1]], [0, 1, 1])
    for a, b in (([True], [True, False]), ([], []), ([1, 0], [1, 1])):
        with pytest.raises(InvalidValue, match="two vectors"):
            mcnemar(np.array(a), np.array(b))
