"""Exemplars that pruning forgets, and groups of patients, on drawn answers and by hand."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import multimode
from zlib import crc32

import numpy as np
import pandas as pd
import pytest

from core import exemplars, subgroups
from core.checkpoints import Entry
from core.cohort import Cohort
from core.errors import UnknownName
from core.evaluation import wilson
from core.responses import Response

CLASSES, IMAGES, STUDY = 5, 200, "drawn-32/vgg16"


@dataclass(frozen=True)
class Card:
    method: str
    sparsity: float
    seed: int
    parent: str | None = None
    parent_digest: str = ""
    digest: str = "first training"
    study: str = STUDY
    recipe: dict = field(default_factory=dict)


def entry(id: str, card: Card | None) -> Entry:
    return Entry(id, Path(id), 1, card)


def dense(seed: int, epochs: int = 2) -> Entry:
    recipe = {"method": "dense", "training": {"seed": seed, "epochs": epochs}}
    return entry(f"dense-{seed}-{epochs}", Card("dense", 0.0, seed, recipe=recipe))


def pruned(method: str, sparsity: float, seed: int, parent: str | None = None, of: str = "first training") -> Entry:
    return entry(f"{method}-{sparsity}-{seed}", Card(method, sparsity, seed, parent or f"dense-{seed}-2", of))


DENSE = [dense(0), dense(1)]
PRUNED = [pruned(method, 0.8, seed) for method in ("one_shot", "iterative") for seed in (0, 1)]
OTHERS = [
    dense(0, epochs=9),  # another recipe
    pruned("one_shot", 0.8, 7, parent="dense-0-9"),
    pruned("one_shot-random", 0.8, 0),
    pruned("dense_trained_on", 0.0, 0),
    pruned("layerwise", 0.9, 0),  # sparser than asked for
    pruned("layerwise", 0.8, 0, of="another training"),  # of a dense network that is not here
    entry("broken", None),
]


def answers(name: str, percent: int, mode: bool) -> np.ndarray:
    start = np.random.default_rng(0).dirichlet(np.ones(CLASSES) * 0.5, IMAGES)
    random = np.random.default_rng(crc32(f"{name} {percent} {mode}".encode()))
    return (0.6 * start + 0.4 * random.dirichlet(np.ones(CLASSES), IMAGES)).astype(np.float16)


STORED = {
    entry.id: Response(
        entry.id,
        "cohort",
        36,
        {(percent, mode): answers(entry.id, percent, mode) for percent in (0, 80, 85) for mode in (False, True)},
        CLASSES,
    )
    for entry in (*DENSE, *PRUNED, *OTHERS)
}


def read(entry: Entry) -> Response | None:
    return STORED.get(entry.id)


@pytest.mark.parametrize(("percent", "recalibrated"), [(80, True), (85, True), (85, False)])
def test_the_population_is_every_method_and_seed_and_no_control(percent, recalibrated):
    found = exemplars.population([*OTHERS, *PRUNED, *DENSE], DENSE[0], percent, recalibrated, read)
    assert set(found.dense) == {"dense-0-2", "dense-1-2"}
    assert set(found.pruned) == {entry.id for entry in PRUNED}
    assert set(found.methods) == {"one_shot", "iterative"}
    assert set(found.seeds) == {0, 1}
    treated = recalibrated and percent != 80  # a checkpoint is never recalibrated
    pruned_answers = np.stack([STORED[name].answers[percent, treated].argmax(1) for name in found.pruned])
    own = [f"dense-{name[-1]}-2" for name in found.pruned]
    reference = np.stack([STORED[name].answers[0, treated].argmax(1) for name in own])
    np.testing.assert_array_equal(found.disagrees, pruned_answers != reference)
    everyone = [(pruned_answers[:, image] != reference[:, image]).all() for image in range(IMAGES)]
    np.testing.assert_array_equal(found.forgotten("all"), everyone)
    most = [
        not set(multimode(pruned_answers[:, image].tolist())) & set(multimode(reference[:, image].tolist()))
        for image in range(IMAGES)
    ]
    np.testing.assert_array_equal(found.forgotten("most"), most)
    first, second = (STORED[entry.id].answers[0, False].argmax(1) for entry in DENSE)
    assert found.twins.tolist() == [np.mean(first != second)]
    confidence = np.mean([STORED[name].answers[0, False].max(1) for name in found.dense], axis=0)
    np.testing.assert_allclose(found.confidence, confidence, atol=1e-3)
    with pytest.raises(UnknownName):
        found.forgotten("some")


@pytest.mark.parametrize("rule", exemplars.RULES)
def test_what_pruning_did_not_change_is_not_forgotten(rule, monkeypatch):
    """Dense networks of other seeds disagree among themselves; a pruned one that answers as its own dense one forgot nothing."""
    child = pruned("one_shot", 0.8, 1)
    same = replace(
        STORED[child.id], answers={**STORED[child.id].answers, (80, False): STORED["dense-1-2"].answers[0, False]}
    )
    monkeypatch.setitem(STORED, child.id, same)
    found = exemplars.population([*DENSE, dense(2), child], DENSE[0], 80, True, read)
    assert found.dense == ("dense-1-2",), "only those that a network here was made from"
    assert not found.forgotten(rule).any()
    assert len(found.twins) == 1, "the third is not stored"


def test_where_no_network_was_fine_tuned_there_is_no_population():
    assert exemplars.population([*DENSE, *PRUNED], DENSE[0], 50, True, read) is None
    assert exemplars.population(DENSE, DENSE[0], 80, True, read) is None
    assert exemplars.population([*DENSE, *PRUNED], DENSE[0], 82, True, read) is None  # not stored
    assert exemplars.population([*DENSE, *PRUNED], DENSE[0], 80, True, lambda entry: None) is None


def test_shares_are_counted_by_group_and_adjusted_for_lesions():
    random = np.random.default_rng(3)
    forgotten = random.random(IMAGES) < 0.2
    side = pd.Categorical(np.where(np.arange(IMAGES) % 4 < 2, "left", "right"), ["right", "left", "nobody"])
    members = pd.DataFrame({"side": side})
    table = exemplars.shares(forgotten, members).set_index("group")
    assert table.index.tolist() == ["right", "left"]
    for name, row in table.iterrows():
        mine = np.asarray(side) == name
        assert (row["images"], row["forgotten"]) == (mine.sum(), (mine & forgotten).sum())
        np.testing.assert_allclose(row[["share", "low", "high"]].astype(float), wilson(row["forgotten"], row["images"]))
    paired = exemplars.shares(np.repeat(forgotten[::2], 2), members, np.arange(IMAGES) // 2).set_index("group")
    assert (paired["lesions"] == paired["images"] / 2).all()
    for name, row in paired.iterrows():  # both images of a lesion alike: as many lesions, half the information
        mine = (np.asarray(side) == name)[::2]
        _, low, high = wilson((mine & forgotten[::2]).sum(), mine.sum())
        np.testing.assert_allclose(row[["low", "high"]].astype(float), [low, high], atol=0.01)


def test_the_gap_in_confidence_is_a_difference_of_means():
    random = np.random.default_rng(4)
    confidence, forgotten = random.random(IMAGES), random.random(IMAGES) < 0.3
    gap = exemplars.confidence_gap(confidence, forgotten)
    assert gap.estimate == pytest.approx(confidence[forgotten].mean() - confidence[~forgotten].mean())
    error = np.sqrt(sum(confidence[side].var() / side.sum() for side in (forgotten, ~forgotten)))
    assert gap.high - gap.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert gap.low < gap.estimate < gap.high
    assert exemplars.confidence_gap(confidence, np.zeros(IMAGES, bool)).low is None
    few = np.arange(IMAGES) < exemplars.LEAST - 1
    alone = exemplars.confidence_gap(confidence, few)
    assert alone.estimate == pytest.approx(confidence[few].mean() - confidence[~few].mean())
    assert alone.low is None
    assert "fewer than 10" in alone.method
    assert exemplars.confidence_gap(confidence, np.arange(IMAGES) < 12, np.arange(IMAGES) // 2).low is None, "6 lesions"
    bands = exemplars.confidence_bands(np.array([0.2, 0.5, 0.599, 0.95, 1.0]))
    assert list(bands) == ["below 50%", "50% to 60%", "50% to 60%", "90% to 100%", "90% to 100%"]


def cohort(groups=None, **columns) -> Cohort:
    table = pd.DataFrame(columns)
    n = len(table)
    return Cohort("drawn", "test", "d", ("a", "b"), np.zeros(n, int), np.arange(n).astype(str), groups, table)


def test_groups_of_patients_by_hand():
    found = subgroups.of(
        cohort(
            groups=np.array(["x", "y", "y", "z", "w"]),
            age=[29.0, 30.0, 60.0, 85.0, None],
            sex=["male", "female", "unknown", "male", None],
            localization=["back", "ear", "back", None, "back"],
            fitzpatrick=[1, 2, 2, 6, 6],
        )
    )
    assert found["age"].tolist() == ["under 30", "30 to 44", "60 to 74", "75 and older", "unknown"]
    assert found["sex"].tolist() == ["male", "female", "unknown", "male", "unknown"]
    assert found["site"].cat.categories.tolist() == ["back", "ear", "unknown"]
    assert found["skin"].tolist() == ["I", "II", "II", "VI", "VI"]
    assert found["pictures"].tolist() == ["one", "several", "several", "one", "one"]
    assert set(found) <= set(subgroups.TITLES)


def test_what_is_left_blank_is_not_known():
    found = subgroups.of(cohort(age=[-1.0, 20.0, 80.0], sex=["", "male", "female"]))
    assert found["age"].tolist() == ["unknown", "under 30", "75 and older"]
    assert found["sex"].tolist() == ["unknown", "male", "female"]


def test_a_network_without_batch_norm_is_no_reason_to_fail(monkeypatch):
    for entry in (*DENSE, *PRUNED):
        own = STORED[entry.id]
        answers = {(percent, False): own.answers[percent, False] for percent in own.percents(False)}
        monkeypatch.setitem(STORED, entry.id, replace(own, recalibrated_on=0, answers=answers))
    for percent in (80, 85):
        found = exemplars.population([*DENSE, *PRUNED, *OTHERS], DENSE[0], percent, True, read)
        assert len(found.pruned) == len(PRUNED)


def test_a_dense_network_that_lacks_answers_of_a_kind_is_no_twin(monkeypatch):
    """After pruning without fine-tuning, networks are compared with batch norm re-estimated: this one was only asked as it is."""
    own = STORED["dense-1-2"]
    monkeypatch.setitem(STORED, "dense-1-2", replace(own, answers={(0, False): own.answers[0, False]}))
    found = exemplars.population([*DENSE, *PRUNED], DENSE[0], 85, True, read)
    assert found.dense == ("dense-0-2",)
    assert set(found.seeds) == {0}
    assert len(found.twins) == 0


def test_metadata_that_tell_nobody_apart_are_no_groups():
    assert subgroups.of(cohort(sex=["male", "male"], colour=["red", "blue"])).empty
    assert subgroups.of(cohort(groups=np.array(["a", "b"]), age=[None, None])).empty
