"""Images that decide alone: looked for, left out of a sample of its own, stored."""

import numpy as np
import pytest

from core import checkpoints, matrices, paths, recipes, replication, runs
from core.errors import Cancelled
from core.matrices import ALL, OTHERS, TYPICAL, WATCHED_ONLY, making, stored
from core.similarity import Influence, cka_matrix
from core.whatif import Bench, Subject
from tests.core.matrices.conftest import CHANGES, STUDY, kept, line, make


@pytest.fixture
def outliers(monkeypatch):
    """Two of the test images decide alone: as found where networks are looked at, which is counted."""
    asked = []

    def influential(networks):
        asked.append(list(networks))
        return [Influence(row, "dense", "features.4", 0.4 - 0.1 * row) for row in (0, 1)] if networks else []

    monkeypatch.setattr(making, "influential", influential)
    return asked


def test_images_that_decide_alone_are_left_out_of_a_sample_of_its_own(study, sets, outliers):
    known = make(study, sets)
    assert len(outliers) == 3  # for each sample all four networks are asked at once
    assert outliers[0] == ["dense", "one_shot", "layerwise", "iterative"]
    drawn = matrices.samples(sets[0])
    without = {name: drawn[name][2:] for name in drawn}
    expected = {ALL: drawn[ALL], TYPICAL: without[ALL]} | {name: without[name] for name in (WATCHED_ONLY, OTHERS)}
    assert {name: rows.tolist() for name, rows in known.rows.items()} == {
        name: rows.tolist() for name, rows in expected.items()
    }
    assert [item.row for item in known.influential[ALL]] == drawn[ALL][:2].tolist()
    assert known.usual == TYPICAL
    again = kept(study)
    assert again.influential == known.influential
    assert again.usual == TYPICAL
    entries = matrices.chosen(line())
    a, b = (matrices.position(entries[name]) for name in ("dense", "iterative"))
    test = sets[0].take(without[ALL])
    models = [checkpoints.load(entries[name].path).model() for name in ("dense", "iterative")]
    np.testing.assert_allclose(again.matrix(a, b, TYPICAL).values, cka_matrix(*models, test).values, atol=2e-4)
    moved = matrices.on_path(study["one_shot"], 90, False)
    assert again.matrix(a, moved, TYPICAL) is not None  # the slider moves the usual sample
    assert again.matrix(a, moved, ALL) is None
    make(study, sets)
    assert len(outliers) == 3  # stored: they are not looked for again
    live = matrices.Live(
        Bench(Subject(checkpoints.load(entries["dense"].path)), *sets),
        TYPICAL,
        matrices.N,
        "standard",
        without=[item.row for item in again.influential[ALL]],
    )
    subject = Subject(checkpoints.load(entries["dense"].path))
    assert live.matrix((subject, a), (subject, a)).digest == again.images[TYPICAL].digest


def test_networks_of_another_seed_are_asked_too_once_they_are_there(study, sets, outliers):
    make(study, sets)
    second = recipes.dense(STUDY, seed=1, **CHANGES)
    runs.run(second)
    make(study, sets)
    assert outliers[-1] == ["dense", "one_shot", "layerwise", "iterative", "dense_seed_1"]
    runs.run(recipes.pruned(second, "one_shot", 0.8))
    made = make(study, sets)
    assert outliers[-1] == ["dense", "one_shot", "layerwise", "iterative", "dense_seed_1", "one_shot_seed_1"]
    count = len(outliers)
    make(study, sets)
    assert len(outliers) == count
    family = replication.lines(STUDY, checkpoints.list())
    assert made.matrix(*(matrices.position(own.dense) for own in family), TYPICAL) is not None


def test_files_from_before_outliers_were_looked_for_keep_what_still_counts(study, sets, outliers, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(making, "influential", lambda networks: [])
        known = make(study, sets)
    known.influential = None
    stored.write(matrices.path_of(study["one_shot"].dense), known)
    assert kept(study).influential is None
    assert kept(study).usual == ALL
    made = make(study, sets)
    assert made.usual == TYPICAL
    same = [key for key in known.records if key.sample == ALL]
    assert all(made.records[key].cka.tolist() == known.records[key].cka.tolist() for key in same)
    assert made.images[OTHERS].n == known.images[OTHERS].n - 2
    assert {len(made.rows[key.sample]) for key in made.records if key.sample == OTHERS} == {made.images[OTHERS].n}


def test_looking_for_outliers_can_be_cancelled_too(study, sets):
    def stop(progress):
        assert (progress.unit, progress.total) == ("networks", 4)
        raise Cancelled

    with pytest.raises(Cancelled):
        make(study, sets, report=stop)
    assert kept(study) is None


def test_what_cannot_be_compared_again_stays_when_a_network_joins(study, sets, outliers):
    """Another choice of images would take along the comparisons of networks that ship without weights."""
    before, count = make(study, sets), len(outliers)
    gone = matrices.chosen(line())["iterative"]
    checkpoints.write_card(gone.path, gone.card, gone.size_bytes)
    gone.path.unlink()
    runs.run(recipes.dense(STUDY, seed=1, **CHANGES))
    made = make(paths.of(STUDY), sets)
    assert len(outliers) == count, "the images stay those of before"
    places = matrices.position(study["one_shot"].dense), matrices.position(gone)
    assert np.array_equal(made.matrix(*places, TYPICAL).values, before.matrix(*places, TYPICAL).values)
    family = replication.lines(STUDY, checkpoints.list())
    assert made.matrix(*(matrices.position(own.dense) for own in family), TYPICAL) is not None
