import copy

import numpy as np
import pytest
import torch

from core.errors import InvalidValue
from core.evaluation import predict
from core.models import build, normalisation, normalise, set_normalisation

MEAN, STD = (0.7, 0.5, 0.4), (0.2, 0.3, 0.1)


@pytest.fixture(scope="module")
def model():
    return set_normalisation(build("vgg16", 2), MEAN, STD)


def test_equals_the_formula_in_double_precision(model):
    images = np.random.default_rng(0).integers(0, 256, (3, 5, 7, 3), dtype=np.uint8)
    expected = ((images.astype(np.float64) / 255 - MEAN) / STD).transpose(0, 3, 1, 2)
    got = normalise(model, torch.from_numpy(images))
    assert got.dtype == torch.float32
    assert got.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=2e-6)


def test_leaves_the_images_alone(model):
    images = torch.randint(0, 256, (2, 4, 4, 3), dtype=torch.uint8)
    before = images.clone()
    normalise(model, images)
    assert torch.equal(images, before)


def test_stays_out_of_the_state_dict(model):
    names = model.state_dict().keys()
    assert not {"mean", "std"} & names
    assert names == build("vgg16", 2).state_dict().keys()
    assert normalisation(model) == (pytest.approx(MEAN), pytest.approx(STD))


@pytest.mark.parametrize(
    "images",
    [torch.zeros(2, 4, 4, 3), torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(4, 4, 3, dtype=torch.uint8)],
)
def test_other_tensors_are_named(model, images):
    with pytest.raises(InvalidValue, match="not images"):
        normalise(model, images)


@pytest.mark.parametrize(
    ("mean", "std", "says"),
    [((0, 0), STD, "mean"), (MEAN, (1, 1, 0), "std"), (MEAN, (1, 1, -1), "std"), ((0, 0, float("nan")), STD, "mean")],
)
def test_numbers_that_normalise_nothing_are_named(mean, std, says):
    with pytest.raises(InvalidValue, match=says):
        set_normalisation(torch.nn.Identity(), mean, std)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_networks_in_other_precisions_get_float32(dtype):
    model = set_normalisation(torch.nn.Identity(), MEAN, STD).to(dtype)
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    mean, std = (np.array(values) for values in normalisation(model))
    got = normalise(model, torch.from_numpy(images))
    assert got.dtype == torch.float32
    expected = ((images / 255 - mean) / std).transpose(0, 3, 1, 2)
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("attributes", [{}, {"mean": torch.zeros(3)}, {"mean": torch.zeros(3), "std": torch.ones(2)}])
def test_a_model_without_mean_and_std_is_told_what_it_lacks(attributes):
    model = torch.nn.Identity()
    for name, value in attributes.items():
        model.register_buffer(name, value, persistent=False)
    says = "Identity without std.*set_normalisation" if attributes else "Identity without mean and std"
    with pytest.raises(InvalidValue, match=says):
        normalise(model, torch.zeros(1, 4, 4, 3, dtype=torch.uint8))
    with pytest.raises(InvalidValue, match=says):
        normalisation(model)


@pytest.mark.parametrize("values", [None, "grey", [[0.5], [0.5, 0.5]], [0.5, None, 0.5], (0.5, 0.5), (0.5, 0.5, 0.0)])
def test_what_is_no_deviation_is_named_and_changes_nothing(model, values):
    before = [part.clone() for part in (model.mean, model.std)]
    with pytest.raises(InvalidValue, match="std of a model is wrong"):
        set_normalisation(model, (0.9, 0.9, 0.9), values)
    for now, was in zip((model.mean, model.std), before, strict=True):
        assert torch.equal(now, was)


def test_predicting_with_a_model_that_has_none_says_so(model):
    model = copy.deepcopy(model)
    del model.mean
    with pytest.raises(InvalidValue, match="set_normalisation"):
        predict(model, np.zeros((2, 32, 32, 3), np.uint8), device="cpu")
