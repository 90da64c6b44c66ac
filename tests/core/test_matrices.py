import dataclasses
import json
import shutil
import zipfile
from contextlib import suppress

import numpy as np
import pytest
import torch

from core import checkpoints, data, evaluation, files, matrices, paths, pruning, recipes, replication, runs
from core.errors import Cancelled, CheckpointNotFound, DataDamaged, InvalidValue
from core.matrices import ALL, OTHERS, TYPICAL, WATCHED_ONLY, Key, Position, coding, making, positions, stored
from core.models import prunable
from core.similarity import Influence, Mean, cka_matrix, grams
from core.whatif import Bench, Subject
from tests.core.similarity.conftest import plain_features, reference_cka
from tests.core.tiny import image_set, registered

STUDY = "colours-32/vgg16"
CHANGES = {"epochs": 1, "batch": 6, "augment": "none", "balance": 0.0, "rate": 0.05}
PERCENTS = (0, 50, 90)


@pytest.fixture(scope="module")
def trained(colours, tmp_path_factory):
    """A folder with tiny networks trained on drawn pictures: dense, and pruned to 80% in three ways."""
    root = tmp_path_factory.mktemp("trained")
    dense = recipes.dense(STUDY, **CHANGES)
    with registered():
        runs.run(dense, root=root, data=colours)
        for method in ("one_shot", "layerwise", "iterative"):
            steps = {"steps": 2} if method == "iterative" else {}
            runs.run(recipes.pruned(dense, method, 0.8, **steps), root=root, data=colours)
    return root


@pytest.fixture
def study(tiny, colours, trained, monkeypatch):
    """These networks in the test's own folder. Of the pictures' classes, red is the one that is watched for."""
    shutil.copytree(trained, files.checkpoint_root())
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    monkeypatch.setattr(positions, "WATCHED", "red")
    return paths.of(STUDY)


@pytest.fixture
def sets(study):
    return [data.load("colours", split, size=32) for split in ("test", "train")]


def make(study, sets, **options):
    return matrices.make(paths.of(STUDY), checkpoints.list(), *sets, percents=PERCENTS, **options)


def kept(study):
    return matrices.read(matrices.path_of(study["one_shot"].dense), checkpoints.list())


def line():
    return replication.lines(STUDY, checkpoints.list())[0]


def test_samples_are_the_same_each_time_and_a_small_one_is_part_of_a_large_one(monkeypatch):
    monkeypatch.setattr(positions, "WATCHED", "red")
    test = image_set(20, split="test")
    whole, few = matrices.samples(test, 60), matrices.samples(test, 25)
    assert {name: len(rows) for name, rows in whole.items()} == {ALL: 60, WATCHED_ONLY: 20, OTHERS: 40}
    assert len(few[ALL]) == 25
    np.testing.assert_array_equal(few[ALL], whole[ALL][:25])
    np.testing.assert_array_equal(few[WATCHED_ONLY], whole[WATCHED_ONLY])  # all red ones, for they are fewer than 25
    assert set(test.labels[whole[WATCHED_ONLY]]) == {2}
    assert set(test.labels[few[OTHERS]]) == {0, 1}
    assert set(few[OTHERS]) < set(few[ALL])
    monkeypatch.setattr(positions, "WATCHED", "mel")
    assert list(matrices.samples(test)) == [ALL]


def pruned_to(study, sparsity: float, *methods: str) -> None:
    for method in methods:
        steps = {"steps": 2} if method == "iterative" else {}
        runs.run(recipes.pruned(recipes.dense(STUDY, **CHANGES), method, sparsity, **steps))


def compared(sparsity=None, usable=lambda _: True) -> dict[str, float]:
    return {name: entry.card.sparsity for name, entry in matrices.chosen(line(), sparsity, usable).items()}


def test_networks_are_compared_at_the_papers_sparsity_and_at_all_that_several_methods_have(study):
    three = {"dense": 0.0, "one_shot": 0.8, "layerwise": 0.8, "iterative": 0.8}
    assert compared() == three
    pruned_to(study, 0.5, "one_shot")
    assert matrices.sparsities(line()) == [0.8]
    assert compared() == three
    pruned_to(study, 0.5, "layerwise", "iterative")
    assert matrices.sparsities(line()) == [0.5, 0.8]
    assert compared(0.5) == {"dense": 0.0, "one_shot": 0.5, "layerwise": 0.5, "iterative": 0.5}

    # A network that is damaged, or of which only results are here, does not take the others to another sparsity.
    def is_here(entry) -> bool:
        return not entry.id.endswith("iterative-80")

    assert matrices.sparsities(line(), is_here) == [0.5, 0.8]
    assert compared(None, is_here) == {"dense": 0.0, "one_shot": 0.8, "layerwise": 0.8}
    assert compared(None, lambda entry: entry.id.endswith("one_shot-50")) == {"dense": 0.0, "one_shot": 0.5}
    assert compared(None, lambda _: False) == {"dense": 0.0}


def test_what_another_training_of_the_dense_network_gave_is_not_compared_with_this_one(study):
    entry = matrices.chosen(line())["iterative"]
    checkpoints.write_card(entry.path, dataclasses.replace(entry.card, parent_digest="another"), entry.size_bytes)
    entry.path.unlink()
    assert list(compared()) == ["dense", "one_shot", "layerwise"]


def test_networks_of_other_sparsities_are_compared_with_each_other_too(study, sets):
    pruned_to(study, 0.5, "one_shot", "iterative")
    known = make(study, sets)
    test = sets[0].take(matrices.samples(sets[0])[ALL])
    for sparsity in (0.5, 0.8):
        chosen = matrices.chosen(line(), sparsity)
        a, b = chosen["one_shot"], chosen["iterative"]
        expected = cka_matrix(*(checkpoints.load(entry.path).model() for entry in (a, b)), test)
        found = known.matrix(matrices.position(a), matrices.position(b))
        np.testing.assert_allclose(found.values, expected.values, atol=2e-4)
        assert found.mean_twins().low is not None


def test_a_stored_matrix_is_that_of_the_formula(study, sets):
    made = make(study, sets)
    test = sets[0].take(matrices.samples(sets[0])[ALL])
    networks = {name: checkpoints.load(entry.path).model() for name, entry in matrices.chosen(line()).items()}
    features = {name: plain_features(model, test.images) for name, model in networks.items()}
    again = kept(study)
    for a, b in (("dense", "dense"), ("dense", "layerwise"), ("one_shot", "iterative")):
        places = [matrices.position(matrices.chosen(line())[name]) for name in (a, b)]
        matrix = again.matrix(*places)
        expected = [[reference_cka(features[a][x], features[b][y]) for y in matrix.columns] for x in matrix.rows]
        np.testing.assert_allclose(matrix.values, expected, rtol=0, atol=1.1e-4)  # kept to 0.0001
        assert matrix.n == 18
        np.testing.assert_array_equal(made.matrix(*places).values, matrix.values)


def test_bands_and_intervals_come_back_as_they_were(study, sets):
    make(study, sets)
    test = sets[0].take(matrices.samples(sets[0])[ALL])
    chosen = matrices.chosen(line())
    own = {name: grams(checkpoints.load(entry.path).model(), test) for name, entry in chosen.items()}
    places = {name: matrices.position(entry) for name, entry in chosen.items()}
    live = {pair: cka_matrix(own[pair[0]], own[pair[1]]) for pair in (("dense", "dense"), ("dense", "iterative"))}
    seen = {pair: kept(study).matrix(*(places[name] for name in pair)) for pair in live}
    for pair, matrix in live.items():
        for name in ("low", "high"):
            np.testing.assert_allclose(getattr(seen[pair], name), getattr(matrix, name), atol=5e-3)
        np.testing.assert_array_equal(seen[pair].reasons == "", matrix.reasons == "")
        for name in ("mean_off_diagonal", "mean_twins"):
            was, now = getattr(matrix, name)(), getattr(seen[pair], name)()
            assert (now.estimate, now.low, now.high) == pytest.approx((was.estimate, was.low, was.high), abs=2e-3)
    was, now = (
        found["dense", "dense"].off_diagonal.minus(found["dense", "iterative"].off_diagonal) for found in (live, seen)
    )
    assert (now.estimate, now.low, now.high) == pytest.approx((was.estimate, was.low, was.high), abs=2e-3)


def test_the_other_way_round_is_the_transpose(study, sets):
    known, chosen = make(study, sets), matrices.chosen(line())
    a, b = (matrices.position(chosen[name]) for name in ("dense", "iterative"))
    there, back = known.matrix(a, b), known.matrix(b, a)
    np.testing.assert_array_equal(back.values, there.values.T)
    np.testing.assert_array_equal(back.low, there.low.T)
    assert known.matrix(a, Position("nobody", 0)) is None


def test_a_step_of_the_slider_is_the_network_pruned_on(study, sets):
    known = make(study, sets)
    dense, test = checkpoints.load(study["one_shot"].dense.path), sets[0].take(matrices.samples(sets[0])[ALL])
    calibration = Bench(Subject(dense), *sets).calibration
    pruned = pruning.bind(dense.model(), pruning.magnitude(prunable(dense.model()), 0.5))
    for recalibrated in (False, True):
        place = matrices.on_path(study["one_shot"], 50, recalibrated)
        assert place == Position(study["one_shot"].dense.id, 50, recalibrated)
        model = evaluation.recalibrate(pruned, calibration) if recalibrated else pruned
        expected = cka_matrix(dense.model(), model, test).twins()["cka"]
        twins = known.twins(matrices.position(study["one_shot"].dense), place)
        np.testing.assert_allclose(twins["cka"], expected, atol=2e-4)
        mean, live = (
            known.matrix(matrices.position(study["one_shot"].dense), place),
            cka_matrix(dense.model(), model, test),
        )
        assert mean.mean_twins().low == pytest.approx(live.mean_twins().low, abs=2e-4)
    at_80 = matrices.on_path(study["one_shot"], 80, True)
    assert at_80 == Position(f"{STUDY}/one_shot-80", 80, False)  # trained there: nothing to recalibrate
    assert known.percents(f"{STUDY}/one_shot-80", False) == [80, 90]


def test_a_class_is_compared_on_its_own_images(study, sets):
    known = make(study, sets)
    dense, place = (matrices.on_path(study["one_shot"], percent, False) for percent in (0, 90))
    models = [Subject(checkpoints.load(study["one_shot"].start(s).path)).at(s) for s in (0.0, 0.9)]
    for sample, rows in matrices.samples(sets[0]).items():
        expected = cka_matrix(*models, sets[0].take(rows)).twins()["cka"]
        twins = known.twins(dense, place, sample)
        np.testing.assert_allclose(twins["cka"], expected, atol=2e-4)
        assert set(twins["n"]) == {len(rows)}


def test_cancelled_it_goes_on_from_there_and_ends_alike(study, sets):
    told = []

    def stop(progress):
        told.append(progress.done)
        if progress.done == 3 and progress.unit == "steps":
            raise Cancelled

    with pytest.raises(Cancelled):
        make(study, sets, report=stop)
    part = len(kept(study).records)
    told.clear()
    whole = make(study, sets, report=lambda progress: told.append((progress.done, progress.total)))
    assert 0 < part < len(whole.records)
    rest = told[-1][1]
    told.clear()
    straight = make(study, sets, anew=True, report=lambda progress: told.append((progress.done, progress.total)))
    assert rest == told[-1][1] - 3
    assert straight.records.keys() == whole.records.keys()
    for key, record in straight.records.items():
        np.testing.assert_array_equal(record.cka, whole.records[key].cka)
        assert (record.shares is None) == (whole.records[key].shares is None)
    told.clear()
    make(study, sets, report=told.append)
    assert [(moment.done, moment.total) for moment in told] == [(0, 0)]  # nothing is missing


def test_what_was_made_of_an_earlier_checkpoint_does_not_count(study, sets):
    make(study, sets)
    checkpoints.delete(f"{STUDY}/one_shot-80")
    again = recipes.pruned(recipes.dense(STUDY, **CHANGES), "one_shot", 0.8, seed=7)
    runs.run(again)
    chosen = matrices.chosen(line())
    places = {name: matrices.position(entry) for name, entry in chosen.items()}
    known = kept(study)
    assert known.matrix(places["dense"], places["one_shot"]) is None
    assert known.matrix(places["dense"], places["iterative"]) is not None
    told = []
    made = make(study, sets, report=told.append)
    assert made.matrix(places["dense"], places["one_shot"]) is not None
    assert told[-1].total == 3  # every network with the new one; its own 80%; 90% of its slider


def test_networks_whose_weights_are_not_here_keep_what_is_stored(study, sets):
    made = make(study, sets)
    entry = matrices.chosen(line())["iterative"]
    checkpoints.write_card(entry.path, entry.card, entry.size_bytes)
    entry.path.unlink()
    assert kept(study).records.keys() == made.records.keys()
    anew = make(study, sets, anew=True)
    assert not any(entry.id in (key.a.network, key.b.network) for key in anew.records)
    dense = study["one_shot"].dense
    checkpoints.write_card(dense.path, dense.card, dense.size_bytes)
    dense.path.unlink()
    with pytest.raises(CheckpointNotFound, match="not its weights"):
        make(study, sets)


def test_two_dense_networks_of_different_seeds_are_compared(study, sets):
    runs.run(recipes.dense(STUDY, seed=1, **CHANGES))
    family = replication.lines(STUDY, checkpoints.list())
    assert [line.seed for line in family] == [0, 1]
    known = make(study, sets)
    matrix = known.matrix(*(matrices.position(line.dense) for line in family))
    test = sets[0].take(matrices.samples(sets[0])[ALL])
    models = [checkpoints.load(line.dense.path).model() for line in family]
    np.testing.assert_allclose(matrix.values, cka_matrix(*models, test).values, atol=2e-4)
    assert matrix.mean_twins().low is not None


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and then nothing", b"x" * 1000])
def test_a_damaged_file_is_named_and_made_anew(study, sets, content):
    path = matrices.path_of(study["one_shot"].dense)
    path.write_bytes(content)
    with pytest.raises(DataDamaged, match="python -m core similarity"):
        kept(study)
    assert make(study, sets).records
    assert kept(study).records


def test_changed_bytes_are_named_too(study, sets):
    make(study, sets)
    path = matrices.path_of(study["one_shot"].dense)
    whole, random = path.read_bytes(), np.random.default_rng(0)
    for place in random.integers(0, len(whole), 40):
        path.write_bytes(whole[:place] + bytes(random.integers(0, 256, 8, np.uint8)) + whole[place + 8 :])
        with suppress(DataDamaged):  # whatever zlib and zipfile make of it
            kept(study)
    path.write_bytes(whole)


def test_a_file_that_lies_about_itself_is_refused(study, sets, monkeypatch):
    make(study, sets)
    path = matrices.path_of(study["one_shot"].dense)
    with np.load(path) as arrays:
        parts = dict(arrays)
    index = json.loads(parts["index"].tobytes())
    index["records"][0][4]["form"] = "everything"
    lies = parts | {"index": np.frombuffer(json.dumps(index).encode(), np.uint8)}
    for changed in (lies, parts | {"cka": parts["cka"][:, :5]}, {"index": parts["index"]}):
        np.savez(path, **changed)
        with pytest.raises(DataDamaged):
            kept(study)
    np.savez(path, **parts)
    monkeypatch.setattr(stored, "_MOST", 1000)
    with pytest.raises(DataDamaged, match="would take"):
        kept(study)
    with zipfile.ZipFile(path) as file:
        assert not [name for name in file.namelist() if not name.endswith(".npy")]


def test_other_test_images_make_it_anew(study, sets):
    make(study, sets)
    fewer = [sets[0].take(np.arange(12)), sets[1]]
    assert {images.n for images in make(study, fewer).images.values()} <= {4, 8, 12}


def test_dead_layers_and_open_cells_keep_their_reasons(study, sets):
    test = sets[0]
    model = checkpoints.load(study["one_shot"].dense.path).model()
    dead = checkpoints.load(study["one_shot"].dense.path).model()
    with torch.no_grad():
        dead.features[4].weight.zero_()
    matrix = cka_matrix(model, dead, test)
    for form in (coding.FULL, coding.TWINS):
        back = coding.decode(coding.encode(matrix, form, True), matrix.rows, matrix.images)
        assert back.row_reasons == matrix.row_reasons
        assert back.column_reasons == matrix.column_reasons
        cells = np.ones_like(matrix.values, bool) if form == coding.FULL else np.eye(len(matrix.rows), dtype=bool)
        np.testing.assert_array_equal(np.isnan(back.values[cells]), np.isnan(matrix.values[cells]))
        np.testing.assert_array_equal(back.reasons[cells] == "", matrix.reasons[cells] == "")
        assert back.n == matrix.n
    assert "dead layer" in matrix.column_reasons[1]
    none = dataclasses.replace(matrix, twins_mean=Mean(np.nan, np.nan, np.full(18, np.nan), 0, matrix.images))
    again = coding.encode(none, coding.FULL, True)
    assert json.loads(json.dumps(again.facts(), allow_nan=False))["means"][1] == [None, None, 0]


def test_live_is_what_is_stored_and_keeps_the_dense_network(study, sets):
    known = make(study, sets)
    subjects = {entry.id: Subject(checkpoints.load(entry.path)) for entry in study["one_shot"].entries}
    dense = subjects[study["one_shot"].dense.id]
    live = matrices.Live(Bench(dense, *sets), ALL, matrices.N, "standard")
    told = []
    for percent, recalibrated in ((50, True), (90, False), (90, True)):
        a, b = matrices.position(study["one_shot"].dense), matrices.on_path(study["one_shot"], percent, recalibrated)
        told.clear()
        found = live.matrix((dense, a), (subjects[b.network], b), told.append)
        np.testing.assert_allclose(found.values, known.matrix(a, b).values, atol=2e-4)
    assert sum(moment.stage == "Comparing features" for moment in told) == 3  # the pruned one only
    with pytest.raises(InvalidValue, match="no such images"):
        matrices.Live(Bench(dense, *sets), "blue ones", 10, "standard")


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


def test_the_file_is_small(study, sets):
    make(study, sets)
    assert matrices.path_of(study["one_shot"].dense).stat().st_size < 40_000
    assert Key(*(matrices.position(study["one_shot"].dense),) * 2) in kept(study)


def test_looking_for_outliers_can_be_cancelled_too(study, sets):
    def stop(progress):
        assert (progress.unit, progress.total) == ("networks", 4)
        raise Cancelled

    with pytest.raises(Cancelled):
        make(study, sets, report=stop)
    assert kept(study) is None
