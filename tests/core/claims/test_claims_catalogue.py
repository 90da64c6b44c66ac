"""Which claims of the paper are asked of which study, and the words for them."""

import statistics

import pytest
from scipy import stats

from core import claims, paper
from core.claims import FAILS
from core.claims.catalogue import BETTER
from core.errors import UnknownName
from core.replication import Stored, lines
from core.words import METHOD_TITLES
from tests.core.claims.conftest import COHORT, FULL, judged, network, put
from tests.core.invented import STUDY


def test_the_best_of_each_row_is_the_papers():
    for model, dataset, sparsity in paper.accuracy()[["model", "dataset", "sparsity"]].drop_duplicates().to_numpy():
        size = 32 if dataset == "cifar100" else 64
        found = {(c.group, c.sparsity): c for c in claims.claims(f"{dataset}-{size}/{model}", [])}
        best = found["best", sparsity]
        assert best.subject == paper.best(model, dataset, sparsity)
        assert best.supported
        assert len(best.parts) == 2
        assert all(part.first == best.subject and part.region == BETTER for part in best.parts)
        worst = found["worst", sparsity]
        assert worst.subject == "layerwise"
        assert worst.supported == (paper.worst(model, dataset, sparsity) == "layerwise")
    assert claims.claims("densenet-64/vgg16", []) == []


def test_studies_and_sparsities_that_the_paper_lacks_are_asked_the_same():
    found = claims.claims("phantom-64/densenet169", [0.8, 0.9])
    assert {claim.sparsity for claim in found} == {0.8, 0.9}
    assert [claim.subject for claim in found if claim.group == "best"] == ["iterative", "iterative"]
    assert not any(claim.published for claim in found)
    assert {claim.supported for claim in found} == {None}
    own = claims.claims(STUDY, [0.95])
    assert {claim.sparsity for claim in own} == {0.5, 0.8, 0.95}
    assert [group for group in claims.GROUPS if any(claim.group == group for claim in own)] == list(claims.GROUPS)
    with pytest.raises(UnknownName):
        claims.claims("ham10000-64/vgg61", [])


def test_sentences(shelf):
    finding = judged(network(shelf, FULL), shelf)["best", "iterative"]
    said = claims.sentence(finding.claim, finding.evidence[0].part)
    assert said == "iterative beats one-shot at 80% on VGG16/HAM10000 (64 px)"
    assert claims.headline(finding.claim) == "iterative is the best of the three at 80%"
    cost = judged(network(shelf, FULL), shelf)["cost", "one_shot"]
    assert claims.headline(cost.claim) == "one-shot is no more than 1 point behind dense at 80%"
    assert claims.network("one_shot-random") == "one-shot at random"
    assert claims.percent(0.8) == "80%"
    assert claims.percent(0.55) == "55%"
    assert claims.percent(0.125) == "12.5%"


def test_the_summary_counts_what_could_be_tested(shelf):
    found = list(judged(network(shelf, FULL), shelf).values())
    text = (
        "Of 9 claims that can be tested on these networks, at 80% of their weights removed, 5 hold and 4 do not hold."
    )
    assert claims.summary(found) == text
    reach, told = claims.resolution(found)
    tests = {(finding.claim.sparsity, item.part): item.difference for finding in found for item in finding.evidence}
    assert reach == pytest.approx(statistics.median((value.high - value.low) / 2 for value in tests.values()))
    # Two-sided at 0.05 / tests, with a chance of 0.8: the textbook's sum of two quantiles, in standard errors.
    quantiles = stats.norm.isf(0.025 / len(tests)) + stats.norm.ppf(0.8)
    assert told == pytest.approx(quantiles * reach / stats.norm.ppf(0.975))


def test_a_claim_that_fell_counts_though_a_network_of_it_is_missing(shelf):
    found = judged(network(shelf, {"one_shot": 360, "iterative": 240}), shelf)
    best = found["best", "iterative"]
    assert best.verdict == FAILS
    assert not best.tested  # layer by layer was not trained, and is said to be missing
    text = (
        "Of 3 claims that can be tested on these networks, at 80% of their weights removed, 1 holds and 2 do not hold."
    )
    assert claims.summary(list(found.values())) == text


def test_the_best_way_is_named_where_the_tests_tell_one_and_where_they_tell_none(shelf):
    """Whichever the paper has there: here the tests tell that its winner is beaten by both others."""
    found = list(judged(network(shelf, FULL), shelf).values())
    assert claims.best(found) == "Iterative is the best of the three ways at 80%."
    found = list(judged(network(shelf, {"one_shot": 360, "layerwise": 300, "iterative": 240}), shelf).values())
    assert claims.best(found) == "One-shot is the best of the three ways at 80%."
    found = list(judged(network(shelf, {"one_shot": 300, "layerwise": 300, "iterative": 240}), shelf).values())
    text = "None of the three ways is shown to be the best at 80%; at 80% it is not iterative."
    assert claims.best(found) == text
    assert claims.best(list(judged(network(shelf, {"iterative": 240}), shelf).values())) == ""


def test_several_sparsities_stand_in_one_sentence(shelf):
    """80% tells the winner, 50% has networks that are all alike, and what was not tested counts nowhere."""
    entries = network(shelf, FULL)
    given = {"parent": entries[0], "seed": 0}
    entries += [put(shelf, f"{STUDY}/{method}-50", 320, method, 0.5, **given) for method in METHOD_TITLES]
    own = lines(STUDY, entries)
    found = claims.judge(claims.claims(STUDY, own[0].sparsities), own, Stored(COHORT, shelf.read), "accuracy")
    assert claims.best(found) == "Iterative is the best of the three ways at 80%; at 50% none is shown to be."
    assert "on these networks, at 50 and 80% of their weights removed, " in claims.summary(found)
    assert claims.percents([0.5]) == "50%"
    assert claims.percents([0.5, 0.8, 0.875]) == "50, 80 and 87.5%"


def test_what_the_groups_say_of_the_paper_is_counted():
    said = {name: group.claim() for name, group in claims.GROUPS.items()}
    assert "in 7 of 8 rows" in said["best"]
    assert "in 5 of 8 rows" in said["worst"]
    assert all(text.endswith(".") for text in said.values())
