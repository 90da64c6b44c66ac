"""Stored and live matrices against the formula, and against matrices computed here."""

import dataclasses
import json

import numpy as np
import pytest
import torch

from core import checkpoints, evaluation, matrices, pruning
from core.errors import InvalidValue
from core.matrices import ALL, Position, coding
from core.models import prunable
from core.similarity import Mean, cka_matrix, grams
from core.whatif import Bench, Subject
from tests.core.matrices.conftest import STUDY, kept, line, make
from tests.core.similarity.conftest import plain_features, reference_cka


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


def test_bands_and_intervals_come_back_as_they_were(known, sets):
    test = sets[0].take(matrices.samples(sets[0])[ALL])
    chosen = matrices.chosen(line())
    own = {name: grams(checkpoints.load(entry.path).model(), test) for name, entry in chosen.items()}
    places = {name: matrices.position(entry) for name, entry in chosen.items()}
    live = {pair: cka_matrix(own[pair[0]], own[pair[1]]) for pair in (("dense", "dense"), ("dense", "iterative"))}
    seen = {pair: known.matrix(*(places[name] for name in pair)) for pair in live}
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


def test_the_other_way_round_is_the_transpose(known):
    chosen = matrices.chosen(line())
    a, b = (matrices.position(chosen[name]) for name in ("dense", "iterative"))
    there, back = known.matrix(a, b), known.matrix(b, a)
    np.testing.assert_array_equal(back.values, there.values.T)
    np.testing.assert_array_equal(back.low, there.low.T)
    assert known.matrix(a, Position("nobody", 0)) is None


def test_a_step_of_the_slider_is_the_network_pruned_on(study, sets, known):
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


def test_a_class_is_compared_on_its_own_images(study, sets, known):
    dense, place = (matrices.on_path(study["one_shot"], percent, False) for percent in (0, 90))
    models = [Subject(checkpoints.load(study["one_shot"].start(s).path)).at(s) for s in (0.0, 0.9)]
    for sample, rows in matrices.samples(sets[0]).items():
        expected = cka_matrix(*models, sets[0].take(rows)).twins()["cka"]
        twins = known.twins(dense, place, sample)
        np.testing.assert_allclose(twins["cka"], expected, atol=2e-4)
        assert set(twins["n"]) == {len(rows)}


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


def test_live_is_what_is_stored_and_keeps_the_dense_network(study, sets, known):
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
