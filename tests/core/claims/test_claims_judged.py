"""The claims of the paper, judged on answers that are known beforehand."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from core import claims
from core.claims import CANNOT_TELL, FAILS, HOLDS
from core.evaluation import compare
from core.replication import Stored, lines
from tests.core import invented
from tests.core.claims.conftest import COHORT, FULL, LESIONS, judged, network, put
from tests.core.invented import STUDY, answers


def test_verdicts_that_are_known_beforehand(shelf):
    found = judged(network(shelf, FULL), shelf)
    assert {key: finding.verdict for key, finding in found.items()} == {
        ("best", "iterative"): HOLDS,
        ("worst", "layerwise"): HOLDS,
        ("cost", "one_shot"): FAILS,
        ("cost", "layerwise"): FAILS,
        ("cost", "iterative"): HOLDS,
        ("learning", "one_shot"): FAILS,
        ("learning", "layerwise"): FAILS,
        ("learning", "iterative"): HOLDS,
        ("criterion", "one_shot"): HOLDS,
    }
    assert all(finding.tested and not finding.missing and finding.lesions == LESIONS for finding in found.values())


@pytest.mark.parametrize(
    ("measure", "score"), [("accuracy", accuracy_score), ("balanced_accuracy", balanced_accuracy_score)]
)
def test_differences_are_those_of_scikit_learn_with_the_interval_of_the_engine(shelf, measure, score):
    random = np.random.default_rng(1)
    entries = network(shelf, FULL)
    for own in entries:
        shelf.put(own, answers(COHORT.labels, random.random(len(COHORT)) < np.where(COHORT.labels == 0, 0.6, 0.9)))
    item = judged(entries, shelf, measure)["best", "iterative"].evidence[0]
    assert (item.part.first, item.part.second) == ("iterative", "one_shot")
    one, two = (shelf.known[f"{STUDY}/{method}-80-0"] for method in ("one_shot", "iterative"))
    scores = [score(COHORT.labels, values.argmax(1)) for values in (one, two)]
    assert item.difference.estimate == pytest.approx(scores[1] - scores[0])
    engine = compare(one, two, COHORT.labels, COHORT.class_names, groups=COHORT.groups).differences[measure]
    assert item.difference == engine
    assert engine.n == 2 * LESIONS


def test_the_interval_is_about_that_of_a_bootstrap_by_lesion(shelf):
    """Lesions drawn with replacement, both networks' answers to each kept together."""
    random = np.random.default_rng(2)
    entries = network(shelf, FULL)
    hard = np.repeat(random.random(LESIONS), 2)  # images of one lesion are alike
    for number, own in enumerate(entries):
        shelf.put(own, answers(COHORT.labels, hard + 0.3 * random.random(len(COHORT)) < 0.8 + 0.02 * number))
    item = judged(entries, shelf)["best", "iterative"].evidence[0]
    one, two = (
        shelf.known[f"{STUDY}/{method}-80-0"].argmax(1) == COHORT.labels for method in ("one_shot", "iterative")
    )
    by_lesion = (two.astype(float) - one).reshape(LESIONS, 2).mean(1)
    means = by_lesion[random.integers(0, LESIONS, (4000, LESIONS))].mean(1)
    low, high = np.quantile(means, [0.025, 0.975])
    assert item.difference.low == pytest.approx(low, abs=0.006)
    assert item.difference.high == pytest.approx(high, abs=0.006)


def test_equal_networks_cannot_be_told_apart_and_are_no_worse(shelf):
    same = dict.fromkeys(FULL, 320)
    found = judged(network(shelf, same), shelf)
    assert found["best", "iterative"].verdict == CANNOT_TELL
    assert found["cost", "iterative"].verdict == HOLDS
    assert {item.reason for item in found["best", "iterative"].evidence} == {"the two do not differ in a single image"}


def test_a_claim_of_several_parts_falls_with_one(shelf):
    found = judged(network(shelf, FULL | {"one_shot": 399}), shelf)["best", "iterative"]
    assert [item.verdict for item in found.evidence] == [FAILS, HOLDS]
    assert found.verdict == FAILS


def test_many_tests_need_more_than_one(shelf):
    """Alone, this difference would be told; among all tests of the study it may be chance."""
    lesions = {"one_shot": 300, "layerwise": 304, "iterative": 306, "dense_trained_on": 304, "one_shot-random": 299}
    item = judged(network(shelf, lesions), shelf)["best", "iterative"].evidence[0]
    assert item.p < 0.05 < item.corrected
    assert claims.verdict(item.difference, item.part.region) == HOLDS
    assert item.verdict == CANNOT_TELL
    assert "chance" in item.reason


def test_seeds_are_taken_together(shelf):
    entries = network(shelf, FULL) + network(shelf, FULL | {"iterative": 340}, seed=1)
    item = judged(entries, shelf)["best", "iterative"].evidence[0]
    assert list(item.by_seed) == [0, 1]
    assert [value.estimate for value in item.by_seed.values()] == pytest.approx([60 / 400, 40 / 400])
    assert item.difference.estimate == pytest.approx(50 / 400)
    lows, highs = zip(*((value.low, value.high) for value in item.by_seed.values()), strict=True)
    assert min(lows) < item.difference.low < item.difference.high < max(highs)
    assert item.difference.high - item.difference.low <= np.mean(highs) - np.mean(lows) + 1e-9
    assert "mean over 2 seeds" in item.difference.method
    assert item.difference.n == 2 * LESIONS, "the same lesions, asked twice"
    assert item.verdict == HOLDS
    table = claims.as_table(judged(entries, shelf).values())
    row = table[(table["group"] == "best") & (table["second"] == "one-shot")].iloc[0]
    assert (row["seeds"], row["seeds_low"], row["seeds_high"]) == (2, pytest.approx(0.1), pytest.approx(0.15))


def test_seeds_that_disagree_tell_nothing(shelf):
    entries = network(shelf, FULL | {"iterative": 399}) + network(shelf, FULL | {"iterative": 299}, seed=1)
    finding = judged(entries, shelf)["best", "iterative"]
    assert finding.evidence[0].difference.low > 0, "the mean alone would hold"
    assert finding.evidence[0].verdict == CANNOT_TELL
    assert finding.evidence[0].reason == "the seeds disagree"


def test_what_is_missing_is_said(shelf):
    dense, one_shot = network(shelf, {"one_shot": 300})
    found = judged([dense, one_shot], shelf)
    assert found["best", "iterative"].missing == ["iterative at 80% is not trained"]
    assert found["worst", "layerwise"].missing == [
        "layer by layer at 80% is not trained",
        "iterative at 80% is not trained",
    ]
    assert found["criterion", "one_shot"].missing == ["one-shot at random at 80% is not trained"]
    assert found["learning", "one_shot"].missing == ["the dense network trained on for 8 epochs is missing"]
    assert found["cost", "one_shot"].tested
    del shelf.known[one_shot.id]
    found = judged([dense, one_shot], shelf)
    assert found["cost", "one_shot"].missing == [f"the answers of {one_shot.id} are not stored"]
    assert {finding.verdict for finding in found.values()} == {CANNOT_TELL}
    table = claims.as_table(found.values())
    assert table["difference"].isna().all()
    assert claims.summary(list(found.values())).startswith("No claim can be tested")
    assert claims.resolution(list(found.values())) is None


def test_networks_that_come_from_two_trainings_of_the_dense_one_are_not_compared(shelf):
    dense, one_shot = network(shelf, {"one_shot": 300})
    again = {"parent": dense, "parent_digest": "of another training"}
    iterative = put(shelf, f"{STUDY}/iterative-80", 360, "iterative", 0.8, **again)
    layerwise = put(shelf, f"{STUDY}/layerwise-80", 360, "layerwise", 0.8, **again)
    found = judged([dense, one_shot, iterative, layerwise], shelf)
    told = ["the two come from different trainings of the same dense network"]
    assert found["cost", "iterative"].missing == found["best", "iterative"].missing == told
    against = {item.part.second: item.difference for item in found["best", "iterative"].evidence}
    assert against["layerwise"] is not None
    assert against["one_shot"] is None
    same = put(shelf, iterative.id, 360, "iterative", 0.8, parent=dense, parent_digest=dense.card.digest)
    assert judged([dense, one_shot, same], shelf)["cost", "iterative"].tested


def test_answers_to_other_images_do_not_count(shelf):
    entries = network(shelf, FULL)
    other = invented.cohort(LESIONS)
    object.__setattr__(other, "digest", "other images")
    found = claims.judge(claims.claims(STUDY, [0.8]), lines(STUDY, entries), Stored(other, shelf.read), "accuracy")
    assert not any(finding.tested for finding in found)
    found = claims.judge(claims.claims(STUDY, [0.8]), lines(STUDY, entries), Stored(None, shelf.read), "accuracy")
    assert not any(finding.tested for finding in found)


def test_a_control_that_was_trained_longer_is_no_control(shelf):
    dense, one_shot = network(shelf, {"one_shot": 300})
    long = put(shelf, f"{STUDY}/dense_trained_on", 399, "dense_trained_on", parent=dense, epochs=16)
    assert judged([dense, one_shot, long], shelf)["learning", "one_shot"].missing
    equal = put(shelf, f"{STUDY}/dense_trained_on-2", 300, "dense_trained_on", parent=dense, epochs=8)
    item = judged([dense, one_shot, long, equal], shelf)["learning", "one_shot"].evidence[0]
    assert item.difference.estimate == 0
    assert item.epochs == (8, 8)
    assert item.equal


def test_methods_that_were_not_trained_equally_long_are_marked(shelf):
    dense, one_shot = network(shelf, {"one_shot": 300})
    longer = put(shelf, f"{STUDY}/iterative-80", 360, "iterative", 0.8, parent=dense, epochs=80)
    item = judged([dense, one_shot, longer], shelf)["best", "iterative"].evidence[0]
    assert item.epochs == (80, 8)
    assert not item.equal
    assert judged([dense, one_shot, longer], shelf)["cost", "iterative"].evidence[0].equal
