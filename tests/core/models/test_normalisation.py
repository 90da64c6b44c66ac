import numpy as np
import pytest
import torch

from core.errors import InvalidValue
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
