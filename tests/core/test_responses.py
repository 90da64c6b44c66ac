from dataclasses import replace

import numpy as np
import pytest

from core import checkpoints, data, evaluation, paths, recipes, responses, runs, whatif
from core.cohort import Cohort
from core.errors import Cancelled, CheckpointNotFound, DataDamaged, DataNotFound, InvalidSparsity, UnknownName
from core.pruning import CRITERIA, Criterion
from core.recipes import Recipe

STUDY = "colours-32/vgg16"


@pytest.fixture
def study(tiny, colours, monkeypatch):
    """A tiny dense network and the same pruned to 50% and 80%, on drawn pictures."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    changes = {"epochs": 1, "batch": 6, "augment": "none", "balance": 0.0}
    dense = recipes.dense(STUDY, **changes)
    runs.run(dense)
    for sparsity in (0.5, 0.8):
        runs.run(recipes.pruned(dense, "one_shot", sparsity))
    return paths.of(STUDY)


@pytest.fixture
def sets(study):
    return [data.load("colours", split, size=32) for split in ("test", "train")]


def test_a_path_rises_and_starts_from_the_checkpoint_below(study):
    path = study["one_shot"]
    assert path.sparsities == (0.0, 0.5, 0.8)
    assert [path.start(s).card.sparsity for s in (0.0, 0.49, 0.5, 0.79, 0.8, 0.99)] == [0, 0, 0.5, 0.5, 0.8, 0.8]
    assert [path.is_checkpoint(s) for s in (0.0, 0.3, 0.5, 0.8, 0.81)] == [True, False, True, True, False]
    assert study[paths.PRUNE_ONLY].sparsities == (0.0,)
    with pytest.raises(InvalidSparsity):
        path.start(1.0)


def test_networks_that_cannot_be_moved_along_are_on_no_path(study, monkeypatch):
    dense = study["one_shot"].dense
    # Between checkpoints the smallest weights go: what another criterion pruned would change its order on the way.
    monkeypatch.setitem(CRITERIA, "largest", Criterion("largest", "", "", lambda name, weight, seed: -weight.abs()))
    for name in ("random", "largest"):
        runs.run(recipes.pruned(Recipe.from_dict(dense.card.recipe), "one_shot", 0.8, criterion=name))
        assert any(entry.card.method == f"one_shot-{name}" for entry in checkpoints.list())
    assert list(paths.of(STUDY)) == ["prune_only", "one_shot"]
    sparser = study["one_shot"].entries[-1]
    checkpoints.write_card(sparser.path, sparser.card, sparser.size_bytes)
    sparser.path.unlink()
    path = paths.of(STUDY)["one_shot"]
    assert path.sparsities == (0.0, 0.5)
    assert [entry.id for entry in path.results] == [sparser.id]
    assert path.trained == (0.5, 0.8)
    assert [path.result(s) and path.result(s).id for s in (0.5, 0.79, 0.8)] == [None, None, sparser.id]
    assert [path.start(s).card.sparsity for s in (0.8, 0.9)] == [0.5, 0.5]
    # Its answers stand for it where they are stored, and nowhere else.
    assert path.standing(0.8, lambda entry: True).id == sparser.id
    assert path.standing(0.8, lambda entry: False).card.sparsity == 0.5
    assert path.standing(0.79, lambda entry: True).card.sparsity == 0.5
    assert path.standing(0.2, lambda entry: False) == path.dense
    with pytest.raises(InvalidSparsity):
        path.standing(1.0, lambda entry: True)
    # Where the dense network's weights are not here either, results are all there is to look at.
    checkpoints.write_card(dense.path, dense.card, dense.size_bytes)
    dense.path.unlink()
    assert paths.of(STUDY)["one_shot"].sparsities == (0.0, 0.5, 0.8)
    assert paths.of(STUDY)["one_shot"].results == ()


def test_studies_that_are_not_there_are_named(study, tmp_path):
    with pytest.raises(UnknownName, match="colours-32/vgg16"):
        paths.of("colour-32/vgg16")
    with pytest.raises(CheckpointNotFound, match="python -m core train"):
        paths.of(STUDY, tmp_path / "empty")


def test_a_stored_answer_is_that_of_the_network(study, sets):
    entry = study["one_shot"].start(0.5)
    responses.make(entry, *sets, percents=[0, 50, 70])
    stored = responses.read(entry)
    assert sorted(stored.answers) == [(50, False), (50, True), (70, False), (70, True)]  # none below its own sparsity
    from core.whatif import Bench, Subject

    subject = Subject(runs.find(recipes.Recipe.from_dict(entry.card.recipe)))
    bench = Bench(subject, *sets)
    for percent, recalibrated in stored.answers:
        live = bench.answers(subject, percent / 100, recalibrated)
        seen = stored.at(percent / 100, recalibrated)
        np.testing.assert_allclose(seen, live, atol=1e-3)
        np.testing.assert_allclose(seen.sum(1), 1, atol=1e-6)
        np.testing.assert_array_equal(seen.argmax(1)[live.max(1) > 0.6], live.argmax(1)[live.max(1) > 0.6])
    raw = evaluation.predict(subject.at(0.7), sets[0])
    np.testing.assert_allclose(stored.at(0.7, False), raw, atol=1e-3)
    assert stored.at(0.55, False) is None
    assert stored.at(0.505, False) is None


def test_a_cancelled_response_keeps_what_is_done_and_goes_on(study, sets):
    entry = study[paths.PRUNE_ONLY].dense
    asked = []

    def stop(progress):
        asked.append(progress.done)
        if progress.done == 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        responses.make(entry, *sets, percents=[0, 3, 10, 25, 50], report=stop)
    # Coarse steps first: 0, 10 and 50 are multiples of ten.
    assert sorted(responses.read(entry).answers) == [(0, False), (0, True), (10, False)]
    reports = []
    responses.make(entry, *sets, percents=[0, 3, 10, 25, 50], report=reports.append)
    assert reports[-1].total == 7
    assert len(responses.read(entry).answers) == 10


def test_a_response_of_an_earlier_checkpoint_does_not_count(study, sets):
    one, other = (study["one_shot"].start(s) for s in (0.5, 0.8))
    responses.make(one, *sets, percents=[90])
    responses.path_of(one).rename(responses.path_of(other))
    assert responses.read(other) is None
    assert responses.read(one) is None


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", b"x" * 1000])
def test_a_damaged_response_is_named_and_made_anew(study, sets, content):
    entry = study["one_shot"].start(0.8)
    responses.path_of(entry).write_bytes(content)
    with pytest.raises(DataDamaged, match="python -m core respond"):
        responses.read(entry)
    responses.make(entry, *sets, percents=[80])
    assert responses.read(entry).at(0.8, False) is not None


@pytest.mark.parametrize("content", [None, b"no parquet"])
def test_a_lost_list_of_test_images_is_not_blamed_on_the_answers_and_written_anew(study, sets, monkeypatch, content):
    monkeypatch.setattr(responses, "MANY", 2)  # three classes are many: their answers need the labels
    entry = study["one_shot"].start(0.8)
    made = responses.make(entry, *sets, percents=[80])
    listed = responses.cohort_path(entry)
    listed.unlink() if content is None else listed.write_bytes(content)
    with pytest.raises((DataNotFound, DataDamaged), match=listed.name):
        responses.read(entry)
    computed = []
    given = whatif.Bench.answers
    monkeypatch.setattr(whatif.Bench, "answers", lambda *words: computed.append(words[2]) or given(*words))
    responses.make(entry, *sets, percents=[80, 95])
    assert set(computed) == {0.95}  # what was answered before is kept
    np.testing.assert_array_equal(responses.read(entry).at(0.8, False), made.at(0.8, False))


def test_an_estimate_compares_with_the_dense_network_treated_alike(study, sets):
    dense, own = study["one_shot"].dense, study["one_shot"].start(0.8)
    for entry in (dense, own):
        responses.make(entry, *sets, percents=[0, 80, 90])
    stored = [responses.read(entry) for entry in (dense, own)]
    for recalibrated in (False, True):
        estimate = responses.estimate(*stored, 0.9, recalibrated)
        np.testing.assert_array_equal(estimate.dense, stored[0].at(0.0, recalibrated))
        np.testing.assert_array_equal(estimate.pruned, stored[1].at(0.9, recalibrated))
        assert estimate.final
        assert estimate.recalibrated_on == (36 if recalibrated else 0)
    assert responses.estimate(*stored, 0.85, False) is None
    assert responses.estimate(None, stored[1], 0.9, False) is None


def test_a_cohort_comes_back_as_it_was(sets, tmp_path):
    cohort = Cohort.of(sets[0])
    cohort.save(tmp_path / "test.parquet")
    again = Cohort.load(tmp_path / "test.parquet")
    assert (again.name, again.split, again.digest, again.class_names) == (
        "colours",
        "test",
        sets[0].digest,
        sets[0].class_names,
    )
    np.testing.assert_array_equal(again.labels, sets[0].labels)
    np.testing.assert_array_equal(again.ids, sets[0].ids)
    assert again.groups is None
    (tmp_path / "test.parquet").write_bytes(b"no parquet")
    with pytest.raises(DataDamaged, match=r"What to do: delete it; make it with `python -m core respond`"):
        Cohort.load(tmp_path / "test.parquet")


def test_metadata_of_several_kinds_are_kept_as_text(sets, tmp_path):
    cohort = Cohort.of(sets[0])
    mixed = np.array([1, "two", None, 4.5], object)[np.arange(len(cohort)) % 4]
    replace(cohort, table=cohort.table.assign(odd=mixed)).save(tmp_path / "c.parquet")
    found = Cohort.load(tmp_path / "c.parquet").table["odd"]
    assert found.fillna("not known").tolist()[:4] == ["1", "two", "not known", "4.5"]
