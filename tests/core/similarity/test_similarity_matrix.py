"""The matrix of two networks against the formula, its tables and means."""

import copy
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from core.errors import InvalidValue, UnknownName
from core.models import build
from core.similarity import cka, cka_matrix, grams, layer_names
from tests.core.similarity.conftest import NAMES, plain_features, reference_cka, tiny_network


@pytest.mark.parametrize("debiased", [True, False])
def test_agrees_with_the_formula_in_float64(pair, noise, debiased):
    images = noise(24)
    matrix = cka_matrix(*pair, images, precision="float32", debiased=debiased)
    rows, columns = (plain_features(model, images) for model in pair)
    expected = [[reference_cka(rows[a], columns[b], debiased) for b in NAMES] for a in NAMES]
    assert matrix.rows == matrix.columns == NAMES
    assert matrix.n == 24
    np.testing.assert_allclose(matrix.values, expected, rtol=0, atol=1e-5)
    assert np.ptp(matrix.values) > 0.2


def test_a_model_with_itself(pair, noise):
    model, images = pair[0], noise(20)
    matrix = cka_matrix(model, model, images, layers="all")
    np.testing.assert_allclose(np.diagonal(matrix.values), 1, rtol=0, atol=1e-5)
    np.testing.assert_allclose(matrix.values, matrix.values.T, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        matrix.values, cka_matrix(model, copy.deepcopy(model), images, layers="all").values, atol=1e-6
    )
    assert matrix.cell("features.4", "features.4").low == pytest.approx(1, abs=1e-5)


def test_a_model_with_itself_runs_once(pair, noise):
    told = []
    cka_matrix(pair[0], pair[0], noise(6), report=told.append)
    assert len(told) == 3


def test_two_architectures(noise):
    torch.manual_seed(0)
    images = noise(8)
    matrix = cka_matrix(build("vgg16", 3), build("densenet169", 5), images, layers="blocks")
    assert matrix.values.shape == (6, 9) == (len(matrix.rows), len(matrix.columns))
    assert np.isfinite(matrix.values[:-1, :-1]).all()


def test_shuffled_images_cannot_misalign_two_models(pair, noise):
    images = noise(16)
    shuffled = images[np.random.default_rng(0).permutation(16)]
    flipped = images[:, :, ::-1]
    # The matrix of all images, in whatever order, is the same ...
    np.testing.assert_allclose(cka_matrix(*pair, shuffled).values, cka_matrix(*pair, images).values, atol=1e-5)
    # ... and one model cannot be compared on one order and the other on another.
    for other in (shuffled, flipped, images[:12], noise(16, size=40)):
        with pytest.raises(InvalidValue, match="different images"):
            cka_matrix(grams(pair[0], images), grams(pair[1], other))
        with pytest.raises(InvalidValue, match="different images"):
            cka_matrix(grams(pair[0], images), pair[1], other)


def test_one_hsic_for_both(pair, noise):
    with pytest.raises(InvalidValue, match="biased"):
        cka_matrix(grams(pair[0], noise(8)), grams(pair[1], noise(8), debiased=False))


def test_unknown_names(pair, noise):
    with pytest.raises(UnknownName, match="did you mean classifier"):
        cka_matrix(*pair, noise(5), layers=["classifer"])
    with pytest.raises(UnknownName, match="precision"):
        cka_matrix(*pair, noise(5), precision="half")


def test_tables(pair, noise):
    matrix = cka_matrix(*pair, noise(12))
    table = matrix.table()
    assert list(table.columns) == ["row", "column", "cka", "low", "high", "needed", "reason", "n"]
    assert len(table) == 9
    at = table[(table["row"] == "features.0") & (table["column"] == "classifier")].iloc[0]
    assert at["cka"] == matrix.values[0, 2] == matrix.cell("features.0", "classifier").estimate
    assert list(matrix.twins()["row"]) == list(NAMES)
    np.testing.assert_array_equal(matrix.twins()["cka"], np.diagonal(matrix.values))


def test_means_are_compared_on_the_same_images(pair, noise):
    images = noise(48)
    first, second = (cka_matrix(model, model, images) for model in pair)
    expected = first.values[~np.eye(3, dtype=bool)].mean()
    mean = first.mean_off_diagonal()
    assert mean.estimate == pytest.approx(expected)
    assert mean.low < mean.estimate < mean.high
    difference = first.off_diagonal.minus(second.off_diagonal)
    assert difference.estimate == pytest.approx(mean.estimate - second.mean_off_diagonal().estimate)
    assert difference.low < difference.estimate < difference.high
    same = first.off_diagonal.minus(first.off_diagonal)
    assert same.low == same.high == same.estimate == 0
    with pytest.raises(InvalidValue, match="paired"):
        first.off_diagonal.minus(cka_matrix(pair[0], pair[0], images[:40]).off_diagonal)


def test_users_at_the_same_time_get_what_they_get_alone(noise):
    model, images = tiny_network(4), noise(12)
    levels = ["all", "convolutions", "blocks", ["features.4"]]
    alone = [cka_matrix(model, model, images, layers=level) for level in levels]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda level: cka_matrix(model, model, images, layers=level), levels * 5))
    for index, got in enumerate(together):
        np.testing.assert_array_equal(got.values, alone[index % 4].values)
        np.testing.assert_array_equal(got.low, alone[index % 4].low)
    assert not any(module._forward_hooks for module in model.modules())


def test_the_promised_names(pair, noise):
    import core

    x = np.random.default_rng(0).normal(size=(9, 4))
    assert core.similarity.cka(x, x) == pytest.approx(cka(x, x)) == pytest.approx(1)
    matrix = core.similarity.cka_matrix(*pair, noise(5))
    assert matrix.values.shape == (len(matrix.rows), len(matrix.columns)) == (3, 3)
    assert matrix.n == 5
    assert layer_names(tiny_network()) == list(NAMES)
