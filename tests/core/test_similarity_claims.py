from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from core import matrices, similarity_claims
from core.checkpoints import Entry
from core.claims import CANNOT_TELL, FAILS, HOLDS
from core.errors import InvalidValue
from core.matrices import Stored, coding, position
from core.replication import Line
from core.similarity import CKAMatrix, Images, Mean, mean_difference
from core.similarity_claims import NOT_TESTED

N = 60
IMAGES = Images(N, "these", None)
METHODS = ("one_shot", "layerwise", "iterative")


def line(seed: int = 0, methods=METHODS) -> Line:
    def entry(name: str, sparsity: float) -> Entry:
        id = f"a-32/vgg16/{name}-{seed}"
        parent = None if name == "dense" else f"a-32/vgg16/dense-{seed}"
        known = {"sparsity": sparsity, "digest": id, "seed": seed, "parent": parent, "parent_digest": "", "recipe": {}}
        return Entry(id, None, 1, card=SimpleNamespace(**known))

    return Line("a-32/vgg16", entry("dense", 0.0), {name: {0.8: entry(name, 0.8)} for name in methods}, ())


def draws(mean: float, seed: int, width: float = 0.02) -> np.ndarray:
    """What single images say, of exactly this mean."""
    x = np.random.default_rng(seed).normal(0, width, N)
    return mean + x - x.mean()


def mean_of(x: np.ndarray) -> Mean:
    return Mean.of(float(x.mean()), (x.sum() - x) / (N - 1), 2, IMAGES)


def matrix(off: np.ndarray, twins: np.ndarray, reason: str = "") -> CKAMatrix:
    flat = np.full((2, 2), 0.5)
    layers = ("first", "last")
    reasons = (reason, "")
    return CKAMatrix(
        flat, flat / 50, layers, layers, reasons, reasons, IMAGES, ("float32",) * 2, mean_of(off), mean_of(twins)
    )


def stored(lines, off, twins, floor=None, shift=0.0, reason="") -> Stored:
    """``off``: network -> mean of its own layers; ``twins``: pair -> mean of matching layers; of later seeds plus ``shift``."""
    known = Stored("cohort")
    for number, own in enumerate(lines):
        places = {name: position(entry) for name, entry in matrices.chosen(own).items()}
        for name, value in off.items():
            if name in places:
                found = matrix(draws(value + shift * number, 1), draws(1, 2, 0))
                known.add(matrices.Key(places[name], places[name]), found, {}, form=coding.SYMMETRIC, shares=True)
        for place, (pair, value) in enumerate(twins.items()):
            if set(pair) <= set(places):
                found = matrix(draws(0.5, 3), draws(value, 10 + place), reason)
                known.add(matrices.Key(*(places[name] for name in pair)), found, {}, form=coding.FULL, shares=True)
    if floor is not None:
        key = matrices.Key(*(position(own.dense) for own in lines[:2]))
        known.add(key, matrix(draws(0.5, 4), draws(floor, 5)), {}, form=coding.FULL, shares=True)
    return known


ALIKE = {"dense": 0.60, "one_shot": 0.61, "layerwise": 0.70, "iterative": 0.62}
TWINS = {("one_shot", "iterative"): 0.95, ("one_shot", "layerwise"): 0.85, ("layerwise", "iterative"): 0.84}


def verdicts(found) -> dict[str, str]:
    return {finding.claim.name: finding.verdict for finding in found}


def test_the_difference_is_the_textbook_one_of_paired_values():
    x, y = draws(0.7, 1), draws(0.6, 2)
    interval = mean_of(x).minus(mean_of(y))
    low, high = stats.t.interval(0.95, N - 1, loc=(x - y).mean(), scale=stats.sem(x - y))
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((0.1, low, high), abs=1e-9)
    assert "paired" in interval.method


def test_over_several_trainings_each_image_counts_with_its_mean_difference():
    pairs = [(draws(0.7, seed), draws(0.6, 10 + seed)) for seed in range(3)]
    interval = mean_difference([(mean_of(x), mean_of(y)) for x, y in pairs])
    x = np.mean([x - y for x, y in pairs], axis=0)
    low, high = stats.t.interval(0.95, N - 1, loc=x.mean(), scale=stats.sem(x))
    assert (interval.estimate, interval.low, interval.high) == pytest.approx((0.1, low, high), abs=1e-9)
    alone = [mean_of(x).minus(mean_of(y)) for x, y in pairs]
    assert interval.high - interval.low < 0.75 * min(one.high - one.low for one in alone)  # about 1 / √3
    assert "mean over 3 seeds" in interval.method
    first = mean_of(pairs[0][0]), mean_of(pairs[0][1])
    again = mean_difference([first, first])  # the same images decide: a second training adds nothing
    assert (again.low, again.high) == pytest.approx((alone[0].low, alone[0].high), abs=1e-12)


def test_no_training_and_trainings_on_other_images_have_no_mean_difference():
    with pytest.raises(InvalidValue, match="nothing to take a mean of"):
        mean_difference([])
    x = mean_of(draws(0.7, 1))
    with pytest.raises(InvalidValue, match="cannot be paired"):
        mean_difference([(x, x), (x, replace(x, images=Images(N, "others", None)))])
    kept_no_images = mean_difference([(x, x), (x, replace(x, without=None))])
    assert (kept_no_images.low, kept_no_images.high) == (None, None)


def test_claims_that_are_plainly_true_hold():
    lines = [line(0), line(1, ())]
    found = similarity_claims.judge(stored(lines, ALIKE, TWINS, floor=0.6), lines[:1] + lines[1:])
    assert verdicts(found) == {"redundant": HOLDS, "similar": HOLDS, "apart": HOLDS}
    assert [len(finding.evidence) for finding in found] == [3, 1, 2]
    first = found[0].evidence[0]
    assert first.difference.estimate == pytest.approx(0.10, abs=1e-3)
    assert first.values[0].estimate == pytest.approx(0.70, abs=1e-3)
    assert first.p < 0.05


def test_one_part_that_is_plainly_false_sinks_the_claim():
    lines = [line(0), line(1, ())]
    found = similarity_claims.judge(stored(lines, ALIKE | {"iterative": 0.80}, TWINS, floor=0.99), lines)
    assert verdicts(found) == {"redundant": FAILS, "similar": FAILS, "apart": HOLDS}


def test_a_difference_within_the_scatter_cannot_be_told():
    twins = TWINS | {("one_shot", "layerwise"): 0.9499}
    found = similarity_claims.judge(stored([line()], ALIKE, twins), [line()])
    apart = found[2]
    assert apart.verdict == CANNOT_TELL
    assert apart.evidence[0].verdict == CANNOT_TELL
    assert "both sides" in apart.evidence[0].reason
    assert apart.evidence[1].verdict == HOLDS


def test_without_a_second_seed_similar_has_no_meaning():
    found = similarity_claims.judge(stored([line()], ALIKE, TWINS), [line()])
    similar = found[1]
    assert similar.verdict == CANNOT_TELL
    assert similar.reasons == ["a second dense network with another seed is missing"]
    assert similar.evidence[0].values[0].estimate == pytest.approx(0.95, abs=1e-3)  # what is known is shown
    assert similarity_claims.floor(stored([line()], ALIKE, TWINS), [line()]) is None


def test_seeds_that_disagree_tell_nothing_and_seeds_that_agree_are_averaged():
    lines = [line(0), line(1)]
    agree = similarity_claims.judge(stored(lines, ALIKE, TWINS, floor=0.6), lines)
    assert len(agree[0].evidence[0].by_seed) == 2
    assert "mean over 2 seeds" in agree[0].evidence[0].difference.method
    known = stored(lines, ALIKE, TWINS, floor=0.6)
    place = position(matrices.chosen(lines[1])["layerwise"])
    other = matrix(draws(0.5, 1), draws(1, 2, 0))
    known.add(matrices.Key(place, place), other, {}, form=coding.SYMMETRIC, shares=True)
    found = similarity_claims.judge(known, lines)
    assert found[0].verdict == CANNOT_TELL
    assert "the seeds disagree" in found[0].reasons


def test_a_seed_that_was_trained_twice_counts_as_two_trainings():
    lines = [line(0), line(1)]
    twice = [
        lines[0],
        replace(
            lines[1], dense=replace(lines[1].dense, card=SimpleNamespace(**vars(lines[1].dense.card) | {"seed": 0}))
        ),
    ]
    assert [own.seed for own in twice] == [0, 0]
    item = similarity_claims.judge(stored(twice, ALIKE, TWINS), twice)[0].evidence[0]
    assert list(item.by_seed) == [0, "a-32/vgg16/dense-1"]


def test_what_is_missing_is_said():
    assert {finding.reasons[0] for finding in similarity_claims.judge(None, [line()])[:1]} == {"nothing is stored"}
    short = line(methods=("one_shot", "iterative"))
    found = similarity_claims.judge(stored([short], ALIKE, TWINS), [short])
    assert "layer by layer pruning is not trained" in found[0].reasons[0]
    dead = stored([line()], ALIKE, TWINS, reason="it gives the same features for every image: a dead layer")
    assert "dead layer" in similarity_claims.judge(dead, [line()])[2].reasons[0]
    empty = Stored("cohort")
    assert similarity_claims.judge(empty, [line()])[0].reasons == ["the comparison is not stored"]


def test_the_floor_is_the_first_other_seed_that_was_compared():
    lines = [line(0), line(1, ()), line(2, ())]
    known = stored([lines[0], lines[2]], ALIKE, TWINS, floor=0.6)
    found = similarity_claims.floor(known, lines)
    assert found[0] is lines[2]
    assert found[1].mean_twins().estimate == pytest.approx(0.6, abs=1e-3)
    similar = similarity_claims.judge(known, lines)[1]
    assert similar.verdict == HOLDS
    assert similarity_claims.floor(known, lines[:2]) is None
    assert "comparison with a second dense network" in similarity_claims.judge(known, lines[:2])[1].reasons[0]


def test_a_floor_over_some_of_the_layers_is_not_held_against_all():
    lines = [line(0), line(1, ())]
    known = stored(lines, ALIKE, TWINS, floor=0.6)
    key = matrices.Key(*(position(own.dense) for own in lines))
    grey = matrix(draws(0.5, 4), draws(0.6, 5), "its images cannot show that it tells images apart")
    known.add(key, grey, {}, form=coding.FULL, shares=True)
    similar = similarity_claims.judge(known, lines)[1]
    assert similar.verdict == CANNOT_TELL
    assert "two dense networks of different seeds a layer cannot be compared" in similar.reasons[0]
    floor, pair = similarity_claims.floor(known, lines)[1], matrix(draws(0.5, 4), draws(0.9, 5))
    some = floor.twins().query("reason == ''")["row"]
    assert 0 < len(some) < len(pair.twins())
    value, layers = similarity_claims.over_same(floor, pair)
    assert (value, layers) == (pair.twins().set_index("row").loc[list(some), "cka"].mean(), len(some))


def test_claims_are_about_networks_of_one_sparsity():
    own = line()
    at_half = {name: replace(entry[0.8], id=f"{entry[0.8].id}-50") for name, entry in own.pruned.items()}
    both = replace(own, pruned={name: {0.5: at_half[name]} | dict(own.pruned[name]) for name in METHODS})
    known = stored([own], ALIKE, TWINS)
    assert similarity_claims.judge(known, [both])[0].verdict == HOLDS
    assert similarity_claims.judge(known, [both], 0.8)[0].verdict == HOLDS
    assert similarity_claims.judge(known, [both], 0.5)[0].reasons == ["the comparison is not stored"]


def test_where_a_few_images_decide_the_tests_are_on_the_others():
    own = line()
    known = stored([own], ALIKE, TWINS, reason="512 images cannot show that it tells images apart")
    assert similarity_claims.judge(known, [own])[2].verdict == CANNOT_TELL
    for key, record in stored([own], ALIKE, TWINS).records.items():
        known.records[key._replace(sample=matrices.TYPICAL)] = record
    known.images[matrices.TYPICAL] = known.images[matrices.ALL]
    assert similarity_claims.judge(known, [own])[2].verdict == HOLDS


def test_the_table_has_a_row_for_each_test():
    frame = similarity_claims.as_table(similarity_claims.judge(stored([line()], ALIKE, TWINS), [line()]))
    assert len(frame) == 6
    assert frame["difference"].notna().sum() == 5
    row = frame[frame["first"] == "layer by layer with itself"].iloc[0]
    assert row["difference"] == pytest.approx(row["first_cka"] - row["second_cka"], abs=1e-6)
    assert row["n"] == N


def test_what_was_not_tested_is_not_counted_as_untold():
    missing = "a second dense network with another seed is missing"
    findings = similarity_claims.judge(stored([line()], ALIKE, TWINS), [line()])
    assert [(finding.tests, finding.outcome) for finding in findings] == [(3, HOLDS), (0, NOT_TESTED), (2, HOLDS)]
    said = similarity_claims.summary(findings)
    assert said == f"Of 3 claims of the paper, for these networks 2 hold; 1 is not tested: {missing}."
    nothing = similarity_claims.summary(similarity_claims.judge(None, [line()]))
    assert nothing == "Of 3 claims of the paper, for these networks 3 are not tested: nothing is stored."
    # Of several reasons each claim tells its own.
    damaged = [
        replace(
            findings[0],
            evidence=tuple(
                replace(item, p=None, verdict=CANNOT_TELL, reason="why not") for item in findings[0].evidence
            ),
        )
    ]
    assert similarity_claims.summary([*damaged, *findings[1:]]).endswith("networks 1 holds; 2 are not tested.")
