"""Breaking points and what is stored along a path, against plain loops over drawn answers."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from core import breaking
from core.answers import shorten
from core.errors import InvalidValue
from core.paths import Path
from core.responses import Response, estimate

CLASSES, IMAGES = 4, 60


@dataclass(frozen=True)
class Card:
    sparsity: float


@dataclass(frozen=True)
class Entry:
    id: str
    card: Card


DENSE, PRUNED = Entry("dense", Card(0.0)), Entry("pruned", Card(0.5))
PATH = Path("study", "one_shot", (DENSE, PRUNED))
LABELS = np.random.default_rng(1).integers(0, CLASSES, IMAGES)


def response(name: str, percents, seed: int, cohort: str = "c", short: bool = False) -> Response:
    """Answers that drift away from a common start as sparsity rises."""
    start = np.random.default_rng(0).dirichlet(np.ones(CLASSES), IMAGES)
    random, answers = np.random.default_rng(seed), {}
    for percent in percents:
        for mode in (False, True):
            share = percent / 120
            given = (1 - share) * start + share * random.dirichlet(np.ones(CLASSES), IMAGES)
            answers[percent, mode] = shorten(given, LABELS) if short else given.astype(np.float16)
    return Response(name, cohort, 36, answers, CLASSES, LABELS if short else None)


@pytest.fixture
def kept():
    return {"dense": response("dense", [0, 10, 20, 40, 60], 1), "pruned": response("pruned", [50, 70, 95], 2)}


def test_the_steps_are_what_is_stored_and_checkpoints_are_never_recalibrated(kept):
    steps = breaking.stored_steps(PATH, lambda entry: kept[entry.id], True)
    # 60% of the dense network is stored but belongs to the checkpoint at 50% on this path.
    assert [step.percent for step in steps] == [0, 10, 20, 40, 50, 70, 95]
    assert [step.trained for step in steps] == [True, False, False, False, True, False, False]
    assert [step.recalibrated for step in steps] == [False, True, True, True, False, True, True]
    assert not any(step.recalibrated for step in breaking.stored_steps(PATH, lambda entry: kept[entry.id], False))


@pytest.mark.parametrize(("sparsity", "first"), [(0.333, 34), (0.666, 67), (0.875, 88), (0.5, 50)])
def test_a_network_between_two_percents_begins_at_the_next_one(sparsity, first):
    path = Path("study", "one_shot", (DENSE, Entry("pruned", Card(sparsity))))
    kept = {"dense": response("dense", range(0, 100), 1), "pruned": response("pruned", range(0, 100), 2)}
    steps = breaking.stored_steps(path, lambda entry: kept[entry.id], True)
    assert min(step.percent for step in steps if step.pruned.digest == "pruned") == first
    assert max(step.percent for step in steps if step.pruned.digest == "dense") == first - 1


@pytest.mark.parametrize("lost", ["pruned", "dense"])
def test_what_is_not_stored_is_a_gap(kept, lost):
    kept = kept | {lost: None}
    steps = breaking.stored_steps(PATH, lambda entry: kept[entry.id], False)
    assert [step.percent for step in steps] == ([0, 10, 20, 40] if lost == "pruned" else [])
    other = kept | {"dense": response("dense", [0], 1), "pruned": response("pruned", [50], 2, cohort="others")}
    assert [step.percent for step in breaking.stored_steps(PATH, lambda entry: other[entry.id], False)] == [0]
    with pytest.raises(InvalidValue, match="Nothing is stored"):
        breaking.breaking_points([])


def test_a_network_without_weights_takes_part_if_its_answers_reach_to_the_next(kept):
    lone = Entry("lone", Card(0.8))
    path = Path("study", "one_shot", (DENSE, PRUNED), (lone,))

    def steps(percents, mode):
        known = kept | {"lone": response("lone", percents, 3)}
        return [(step.percent, step.trained) for step in breaking.stored_steps(path, lambda e: known[e.id], mode)]

    without = [(50, True), (70, False), (95, False)]
    assert steps([80], True)[4:] == without
    assert steps(range(80, 99), True)[4:] == without  # 99% is not stored
    whole = steps(range(80, 100), True)[4:]
    assert whole == [(50, True), (70, False), (80, True), *((percent, False) for percent in range(81, 100))]
    known = kept | {"lone": None}
    assert [step.percent for step in breaking.stored_steps(path, lambda e: known[e.id], True)][4:] == [50, 70, 95]


def by_hand(steps):
    """The definition, image by image: go down from the last step as long as the answer is another."""
    for image in range(IMAGES):
        breaks, holds = np.nan, np.nan
        for step in reversed(steps):
            before = step.dense.at(0.0, step.recalibrated)[image].argmax()
            if step.pruned.at(step.percent / 100, step.recalibrated)[image].argmax() == before:
                holds = step.percent if not np.isnan(breaks) else np.nan
                break
            breaks = step.percent
        yield breaks, holds


@pytest.mark.parametrize("recalibrated", [False, True])
def test_breaking_points_are_those_of_the_definition(kept, recalibrated):
    steps = breaking.stored_steps(PATH, lambda entry: kept[entry.id], recalibrated)
    table = breaking.breaking_points(steps)
    np.testing.assert_array_equal(table[["breaks", "holds"]], list(by_hand(steps)))
    assert 0 < table["breaks"].notna().sum() < IMAGES
    changed = [
        [
            step.pruned.at(step.percent / 100, step.recalibrated)[image].argmax()
            != step.dense.at(0.0, step.recalibrated)[image].argmax()
            for step in steps
        ]
        for image in range(IMAGES)
    ]
    np.testing.assert_allclose(table["steps_changed"], np.mean(changed, axis=1))


def test_short_answers_break_where_full_ones_do(kept):
    short = {"dense": response("dense", [0, 10, 20, 40, 60], 1, short=True)}
    short["pruned"] = response("pruned", [50, 70, 95], 2, short=True)
    tables = [
        breaking.breaking_points(breaking.stored_steps(PATH, lambda entry, source=source: source[entry.id], True))
        for source in (kept, short)
    ]
    # Two probabilities that half precision makes equal may change places.
    assert (tables[0]["breaks"].fillna(-1) == tables[1]["breaks"].fillna(-1)).mean() > 0.95


def test_survival_counts_what_has_not_broken(kept):
    steps = breaking.stored_steps(PATH, lambda entry: kept[entry.id], True)
    breaks = breaking.breaking_points(steps)["breaks"].to_numpy()
    percents = [step.percent for step in steps]
    groups = np.arange(IMAGES) // 2
    table = breaking.survival(breaks, LABELS, CLASSES, percents, groups).set_index(["class", "percent"])
    for index in (-1, *range(CLASSES)):
        mine = np.ones(IMAGES, bool) if index < 0 else index == LABELS
        for percent in percents:
            row = table.loc[(index, percent)]
            assert row["images"] == mine.sum()
            assert row["unbroken"] == pytest.approx(np.mean([not b <= percent for b in breaks[mine]]))
            assert row["low"] <= row["unbroken"] <= row["high"]
    # A class that no image has is no row of zeros.
    assert set(breaking.survival(breaks, LABELS, CLASSES + 1, percents).reset_index()["class"]) == set(
        range(-1, CLASSES)
    )


def test_along_the_path_stand_the_stored_probabilities(kept):
    steps = breaking.stored_steps(PATH, lambda entry: kept[entry.id], True)
    table = breaking.along(steps, 7, most=2)
    assert table["class"].nunique() <= 2
    for row in table.itertuples():
        step = next(step for step in steps if step.percent == row.percent)
        assert row.pruned == step.pruned.answers[row.percent, step.recalibrated][7, row[3]]
        assert row.dense == step.dense.answers[0, step.recalibrated][7, row[3]]
    rare = next(index for index in range(CLASSES) if index not in set(table["class"]))
    assert breaking.along(steps, 7, truth=rare, most=1)["class"].unique().tolist() == [rare, table["class"].iloc[0]]
    short = {"dense": response("dense", [0], 1, short=True), "pruned": response("pruned", [50], 2, short=True)}
    table = breaking.along(breaking.stored_steps(PATH, lambda entry: short[entry.id], True), 7)
    assert table["pruned"].notna().any()
    with pytest.raises(InvalidValue, match="no such image"):
        breaking.along(steps, IMAGES)


def test_a_network_without_batch_norm_has_one_mode_whatever_the_switch_says(kept):
    kept = {name: replace(own, recalibrated_on=0) for name, own in kept.items()}
    for own in kept.values():
        for percent in own.percents(False):
            del own.answers[percent, True]
    steps = {mode: breaking.stored_steps(PATH, lambda entry: kept[entry.id], mode) for mode in (False, True)}
    assert [step.percent for step in steps[True]] == [0, 10, 20, 40, 50, 70, 95]
    assert not any(step.recalibrated for step in steps[True])
    np.testing.assert_array_equal(breaking.changed(steps[True]), breaking.changed(steps[False]))
    assert kept["pruned"].percents(True) == [50, 70, 95]
    np.testing.assert_array_equal(kept["pruned"].at(0.7, True), kept["pruned"].at(0.7, False))
    assert estimate(kept["dense"], kept["pruned"], 0.7, True).recalibrated_on == 0


def test_between_two_steps_of_the_slider_a_network_is_pruned_on_to_the_next():
    kept = {"dense": response("dense", [0, 10], 1), "odd": response("odd", [88, 90], 2)}
    path = Path("study", "one_shot", (DENSE, Entry("odd", Card(0.875))))
    steps = breaking.stored_steps(path, lambda entry: kept[entry.id], True)
    assert [(step.percent, step.trained, step.recalibrated) for step in steps] == [
        (0, True, False),
        (10, False, True),
        (88, False, True),
        (90, False, True),
    ]
