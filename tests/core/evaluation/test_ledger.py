"""The harm ledger against plain loops, scikit-learn and SciPy."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, binomtest
from sklearn.metrics import confusion_matrix, recall_score

from core.errors import InvalidValue, UnknownName
from core.evaluation.changes import harm
from core.evaluation.ledger import (
    ALL,
    FalseAlarms,
    by_class,
    false_alarms,
    in_groups,
    ledger,
    taken_for,
    titled,
    total,
)
from core.evaluation.outcomes import ADDED, intervals, outcomes


def test_counts_are_those_of_a_plain_loop(draw, names):
    dense, pruned, labels, groups = draw(seed=5)
    table = ledger(dense, pruned, labels, names, groups).set_index("group")
    expected = {name: np.zeros(6, int) for name in [*names, ALL]}
    for lesion in np.unique(groups):
        rows = groups == lesion
        truth = labels[rows][0]
        was, now = (p[rows].mean(axis=0).argmax() == truth for p in (dense, pruned))
        for name in (names[truth], ALL):
            expected[name] += [1, was, now, was and not now, now and not was, was == now]
    for name, counts in expected.items():
        assert table.loc[name].tolist()[:6] == counts.tolist()
    columns = ["lesions", "found_dense", "found_pruned", "newly_missed", "newly_caught"]
    np.testing.assert_array_equal(table.loc[names, columns], harm(dense, pruned, labels, names, groups)[columns])


def test_what_is_missed_is_called_as_in_scikit_learns_confusion(draw, names):
    dense, pruned, labels, groups = draw(seed=5)
    lesions, first = np.unique(groups, return_index=True)
    truth = labels[first]
    was, now = (np.array([p[groups == lesion].mean(axis=0).argmax() for lesion in lesions]) for p in (dense, pruned))
    for index, name in enumerate(names):
        table = taken_for(dense, pruned, labels, name, names, groups)
        others = [place for place in range(7) if place != index]
        assert table["answer"].tolist() == [names[place] for place in others]
        for column, answers in (("dense", was), ("pruned", now)):
            assert table[column].tolist() == confusion_matrix(truth, answers, labels=range(7))[index, others].tolist()
        lost = (truth == index) & (was == index)
        assert table["newly_missed"].tolist() == [(now[lost] == place).sum() for place in others]


def test_shares_and_tests_are_those_of_scikit_learn_and_scipy(draw, names):
    dense, pruned, labels, _ = draw(seed=6)
    table = ledger(dense, pruned, labels, names)
    for column, answers in (("dense", dense), ("pruned", pruned)):
        recall = recall_score(labels, answers.argmax(1), average=None, labels=range(7))
        np.testing.assert_allclose(table[column][:7], recall)
        assert table[column][7] == pytest.approx((answers.argmax(1) == labels).mean())
    np.testing.assert_allclose(table["change"], table["pruned"] - table["dense"], atol=1e-12)
    for row in table.itertuples():
        missed, caught = row.newly_missed, row.newly_caught
        if missed + caught < 25:
            assert row.p_value == pytest.approx(binomtest(missed, missed + caught).pvalue if missed + caught else 1)


@pytest.mark.parametrize("counts", [(0, 0, 17), (3, 1, 51), (40, 12, 1000), (5, 9, 0)])
def test_a_share_has_the_interval_of_the_beta_distribution(counts):
    """What the Bayesian bootstrap draws, summed over lesions with one outcome, has a known distribution."""
    total = sum(counts)
    for which, (low, high) in enumerate(intervals(*counts)[:2]):
        mine, rest = counts[which] + ADDED[which], total - counts[which] + sum(ADDED) - ADDED[which]
        exact = beta.ppf([0.025, 0.975], mine, rest)
        error = 5 * np.sqrt(0.025 * 0.975 / 2000) / beta.pdf(exact, mine, rest)  # of a quantile of 2,000 draws
        assert abs(low - min(exact[0], counts[which] / total)) < error[0] + 1e-9
        assert abs(high - max(exact[1], counts[which] / total)) < error[1] + 1e-9


def test_every_interval_holds_its_estimate_and_equal_counts_have_equal_ones():
    random = np.random.default_rng(0)
    for counts in random.integers(0, 30, (200, 3)):
        found = intervals(*map(int, counts))
        if counts.sum():
            missed, caught = counts[:2] / counts.sum()
            for (low, high), share in zip(found, (missed, caught, caught - missed), strict=True):
                assert low <= share <= high
        assert found == intervals(*map(int, counts))
    assert intervals(0, 0, 0) == ((0, 1), (0, 1), (-1, 1))


def test_a_network_does_not_differ_from_itself(draw, names):
    dense, _, labels, groups = draw(seed=7)
    table = ledger(dense, dense, labels, names, groups)
    assert (table[["newly_missed", "newly_caught", "change", "change_low", "change_high"]] == 0).all(axis=None)
    assert (table["p_value"] == 1).all()


def test_a_class_without_lesions_has_no_share():
    table = ledger([[0.9, 0.1]], [[0.2, 0.8]], [0], ["a", "b"]).set_index("group")
    assert np.isnan(table.loc["b", ["dense", "pruned", "change", "p_value"]].astype(float)).all()
    assert table.loc["b", ["change_low", "change_high"]].tolist() == [-1, 1]


def test_groups_of_patients_add_up_to_the_ledger(draw, names):
    dense, pruned, labels, groups = draw(seed=8)
    whole = ledger(dense, pruned, labels, names, groups).set_index("group")
    hands = np.where(np.unique(groups, return_inverse=True)[1] % 3 == 0, "left", "right")
    members = pd.DataFrame({"hand": pd.Categorical(hands, ["right", "left", "none"])})
    counts = ["lesions", "found_dense", "newly_missed", "newly_caught", "unchanged"]
    for only in (None, names[5]):
        table = in_groups(dense, pruned, labels, members, names, groups, only=only)
        assert table["group"].tolist() == ["right", "left", "none"]
        assert (table["kind"] == "hand").all()
        assert table[counts].sum().tolist() == whole.loc[only or ALL, counts].tolist()
        assert table["lesions"].tolist()[2] == 0


def test_what_does_not_fit_is_named():
    yes = np.ones(3, bool)
    with pytest.raises(InvalidValue, match="groups a"):
        outcomes(yes, yes, {"a": yes[:2]})
    with pytest.raises(InvalidValue, match="int64"):
        outcomes(yes.astype(int), yes, {})
    with pytest.raises(InvalidValue, match=r"\[3, 1\]"):
        outcomes(yes[:, None], yes[:, None], {})


SIZES = (17, 22, 55, 76, 120, 165, 1050)  # lesions a class, as in the test split of HAM10000


def test_harm_intervals_cover():
    """95% intervals hold the true shares 95 times in 100, ± 2, in classes of every size of ours.

    800 repetitions a size, each with true shares of its own: up to 30% of the lesions newly missed, 15% newly caught.
    """
    random = np.random.default_rng(2)
    for lesions in SIZES:
        hits, plain = np.zeros(3), 0
        for _ in range(800):
            missed, caught = random.random(2) * (0.3, 0.15)
            truths = np.array([missed, caught, caught - missed])
            counts = random.multinomial(lesions, [missed, caught, 1 - missed - caught])
            ends = np.array(intervals(*map(int, counts)))
            hits += (ends[:, 0] <= truths) & (truths <= ends[:, 1])
            if lesions == SIZES[0]:
                low, high = np.quantile(random.binomial(lesions, counts[1] / lesions, 400) / lesions, [0.025, 0.975])
                plain += low <= caught <= high
        assert (np.abs(hits / 800 - 0.95) <= 0.02).all(), (lesions, hits / 800)
        if lesions == SIZES[0]:
            assert plain / 800 < 0.9, "why the plain bootstrap is not used"


def test_a_class_called_all_keeps_its_row():
    """As a folder of leukaemia cells may be: acute lymphoblastic leukaemia against healthy ones."""
    labels = np.repeat([0, 1], [20, 40])
    dense = np.eye(2)[labels]
    pruned = dense.copy()
    pruned[:10] = [0, 1]
    table = ledger(dense, pruned, labels, ("all", "hem"))
    assert table["group"].tolist() == ["all", "hem", ALL]
    assert by_class(table)["newly_missed"].tolist() == [10, 0]
    assert (total(table)["lesions"], total(table)["newly_missed"]) == (60, 10)
    assert titled(table, "diagnoses")["group"].tolist() == ["all", "hem", "all diagnoses together"]


def test_who_is_in_no_group_does_not_count(draw, names):
    dense, pruned, labels, _ = draw(seed=3)
    kinds = pd.DataFrame({"site": np.array(["back", None, "ear"], object)[np.arange(len(labels)) % 3]})
    found = in_groups(dense, pruned, labels, kinds, names)
    assert found["group"].tolist() == ["back", "ear"]
    assert found["lesions"].tolist() == [(kinds["site"] == name).sum() for name in ("back", "ear")]
    empty = in_groups(dense, pruned, labels, kinds[[]], names)
    assert empty.empty
    assert empty.columns.tolist() == found.columns.tolist()
    with pytest.raises(UnknownName):
        in_groups(dense, pruned, labels, kinds, names, only="nothing")
    with pytest.raises(InvalidValue, match="match the images"):
        in_groups(dense, pruned, labels, kinds[:-1], names)


def test_false_alarms_are_counted_by_lesion():
    """Two images of one lesion are one alarm, by the mean of their probabilities."""
    dense = np.array([[0.9, 0.1], [0.2, 0.8], [0.4, 0.6], [0.6, 0.4], [0.1, 0.9]])
    pruned = dense[:, ::-1].copy()
    labels, groups = [0, 0, 0, 0, 1], ["a", "a", "b", "c", "d"]
    found = false_alarms(dense, pruned, labels, 1, groups=groups)
    assert (found.others, found.dense, found.pruned) == (3, 1, 2)
    assert false_alarms(dense, pruned, labels, "mel", ["nv", "mel"], groups) == found
    assert false_alarms(dense, dense, labels, 0, groups=groups) == FalseAlarms(1, 0, 0)
    with pytest.raises(InvalidValue):
        false_alarms(dense, pruned, labels, 2, groups=groups)
