import copy

import pytest
import torch
from torch import nn

from core.evaluation.folding import folded
from core.models import build


def network(name, **options):
    torch.manual_seed(2)
    model = build(name, 5, **options)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            # Far from the start of training, where mean 0, variance 1, scale 1 would hide a mistake.
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.7, 1.3)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    return model


@pytest.mark.parametrize(
    ("name", "options", "left"),
    [
        ("vgg16", {}, 0),
        # Each of the 82 layers keeps the norm that reads the concatenation, as do three transitions and the end.
        ("densenet169", {}, 82 + 3 + 1),
        ("densenet169", {"stem": "small"}, 82 + 3 + 1),
    ],
)
def test_is_the_same_function_with_fewer_norms(name, options, left):
    model = network(name, **options)
    before = copy.deepcopy(model.state_dict())
    light = folded(model)
    assert sum(isinstance(module, nn.BatchNorm2d) for module in light.modules()) == left
    images = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected, got = model(images), light(images)
    assert (got - expected).abs().max() <= 1e-4 * expected.abs().max()
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_a_network_without_norms_comes_back_as_it_is():
    model = build("vgg16", 3, norm=False)
    light = folded(model)
    assert light is not model
    assert light.features[0].weight.data_ptr() == model.features[0].weight.data_ptr()


def test_a_network_in_training_comes_back_in_evaluation_and_stays_in_training():
    model = network("densenet169").train()
    assert not folded(model).training
    assert model.training
