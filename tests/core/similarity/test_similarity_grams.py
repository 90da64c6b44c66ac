"""Grams: kept, used again, in half precision, and without losing digits."""

import copy
import sys

import numpy as np
import pytest
import torch

from core import device as devices
from core.errors import InvalidValue
from core.models import prunable, set_normalisation
from core.pruning import bind, magnitude
from core.similarity import cka_matrix, grams, grams_of_samples, precision
from tests.core.similarity.conftest import plain_features, reference_cka


def test_grams_are_reusable(pair, noise):
    images = noise(16)
    dense = grams(pair[0], images)
    assert dense.nbytes == 4 * 3 * 16 * 16
    kept = dense.values.clone()
    for sparsity in (0.0, 0.5):
        pruned = bind(pair[0], magnitude(prunable(pair[0]), sparsity))
        matrix = cka_matrix(dense, pruned, images)
        np.testing.assert_array_equal(matrix.values, cka_matrix(pair[0], pruned, images).values)
        if not sparsity:
            np.testing.assert_allclose(matrix.twins()["cka"], 1, atol=1e-5)
    assert torch.equal(dense.values, kept)
    assert cka_matrix(dense, dense).n == 16


def test_many_images_are_kept_in_half_precision_which_moves_nothing(pair, noise, monkeypatch):
    images = noise(257)
    half = cka_matrix(grams(pair[0], images), grams(pair[1], images))
    assert grams(pair[0], images).nbytes == 2 * 3 * 257 * 257
    monkeypatch.setattr(sys.modules["core.similarity.grams"], "FULL", 300)
    monkeypatch.setattr(sys.modules["core.similarity.jackknife"], "_AT_ONCE", 10_000)
    full = cka_matrix(*pair, images)
    for kind in ("values", "low", "high"):
        np.testing.assert_allclose(getattr(half, kind), getattr(full, kind), rtol=0, atol=1e-5)


def test_too_many_images_are_refused_before_work_begins(pair):
    images = np.broadcast_to(np.zeros((1, 1, 1, 3), np.uint8), (40_000, 1, 1, 3))
    with pytest.raises(InvalidValue, match=r"40,000 images, 3 layers.*26,754 images or fewer"):
        grams(pair[0], images)


@pytest.fixture
def fast_half(monkeypatch):
    """A processor that is fast in bfloat16, and nothing tried on it yet."""
    monkeypatch.setattr(devices, "bfloat16_is_fast", lambda kind="cpu": True)
    monkeypatch.setattr(precision, "_MOVED", {})
    return monkeypatch


def test_half_precision_is_tried_once_and_moves_little(pair, noise, fast_half):
    images, tried, trial = noise(48), [], precision.moved
    fast_half.setattr(precision, "moved", lambda *given: tried.append(trial(*given)) or tried[-1])
    half = [cka_matrix(*pair, images) for _ in range(2)]
    assert half[0].precision == ("bfloat16", "bfloat16")
    assert len(tried) == 1
    assert 0 < tried[0] < 0.01
    exact = cka_matrix(*pair, images, precision="float32")
    assert 0 < np.abs(half[0].values - exact.values).max() < 0.01


def test_half_precision_is_left_where_it_moves_too_much(pair, noise, fast_half):
    fast_half.setattr(precision, "moved", lambda *given: 0.05)
    assert grams(pair[0], noise(48)).precision == "float32"
    assert grams(pair[0], noise(48), precision="bfloat16").precision == "bfloat16"
    assert grams(pair[0], noise(32)).precision == "float32"  # few images: not worth a trial


def test_a_faint_layer_is_computed_in_float32(pair, noise, fast_half):
    model = copy.deepcopy(pair[0])
    with torch.no_grad():
        model.classifier.bias += 3000  # between images it then differs by less than bfloat16 can tell
    found = grams(model, noise(48))
    assert found.precision == "float32"
    assert found.reasons == ("", "", "")
    forced = grams(model, noise(48), precision="bfloat16")
    assert "same features" in forced.reasons[2]


def test_a_class_far_from_all_others_loses_no_digits():
    """Its images differ by a five-hundredth of how far it lies from the mean of all, so products from there would round it away."""
    torch.manual_seed(3)
    models = [torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 5)) for _ in range(2)]
    random = np.random.default_rng(0)
    images = np.zeros((40, 8, 8, 3), np.uint8)
    images[20:] = 250
    images[:, 0] += random.integers(0, 4, (40, 8, 3)).astype(np.uint8)
    for model in models:
        set_normalisation(model, (0.0,) * 3, (1e-3,) * 3)
    samples = {"all": None, "far": np.arange(20, 40)[::-1]}
    for memory in (None, 60_000):  # at once, and in passes
        found = [grams_of_samples(model, images, samples, layers=["1"], memory=memory) for model in models]
        for name, rows in samples.items():
            x, y = (plain_features(model, images[slice(None) if rows is None else rows])["1"] for model in models)
            value = cka_matrix(*(own[name] for own in found)).values.item()
            assert value == pytest.approx(reference_cka(x, y), abs=2e-4), name
