"""Compaction of networks in training mode, for sizes that cannot be, and of networks that it cannot read."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import InvalidValue
from core.models import build, prunable
from core.pruning import Masks, channel_states, compact, magnitude
from tests.core.pruning.conftest import EXACT, Stock, error, network, pictures, random_masks


class LooseNorm(nn.Module):
    """A batch norm that stays one, because it does not follow a convolution, before a pool that repeats."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(4), nn.MaxPool2d(2), nn.Conv2d(4, 4, 1)
        )
        self.avgpool = nn.AdaptiveAvgPool2d(7)
        self.classifier = nn.Linear(4 * 49, 3)

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def vgg_like(*features, classifier=None):
    model = Stock()
    model.features, model.avgpool = nn.Sequential(*features), nn.Identity()
    model.classifier = classifier or nn.Linear(12, 2)
    return model


@pytest.mark.parametrize("size", [None, 2, 8])
@pytest.mark.parametrize("make", [LooseNorm, lambda: network("vgg, stock head")], ids=["loose norm", "stock"])
def test_training_mode_changes_neither_the_answer_nor_the_model(make, size):
    size = size if size is None or make is LooseNorm else 2 * size
    torch.manual_seed(0)
    model = make().double().train()
    masks = random_masks(model, 1, 0.3, 0.2, 0.0)
    before = copy.deepcopy(model.state_dict())
    small = compact(model, masks, size=size)
    assert model.training
    assert all(module.training for module in model.modules())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert not any(module.training for module in small.modules())
    side = size or 12
    assert error(model.eval(), masks, small, pictures(height=side, width=side)) <= EXACT


@pytest.mark.parametrize("size", [0, -1, 1.5, 64.0, "64", b"64", True, float("nan"), 10**30, [64]])
@pytest.mark.parametrize("name", ["vgg, stock head", "densenet"])
def test_a_size_that_is_no_number_of_pixels_is_refused(name, size):
    model = network(name)
    with pytest.raises(InvalidValue, match=r"cannot be of this size.*whole number"):
        compact(model, Masks.dense(prunable(model)), size=size)


def test_images_that_are_too_small_are_refused():
    model = build("vgg16", 3)
    masks = Masks.dense(prunable(model))
    for size in (1, 8, 31):
        with pytest.raises(InvalidValue, match=f"do not get through.*{size}×{size} pixels"):
            compact(model, masks, size=size)


def test_large_images_cost_nothing_because_nothing_is_computed():
    model = network("vgg, stock head")
    small = compact(model, Masks.dense(prunable(model)), size=np.int64(100_000))
    assert isinstance(small.avgpool, nn.AdaptiveAvgPool2d)  # it does not repeat, so it stays


def test_networks_that_cannot_be_read_are_refused():
    flat = vgg_like(nn.Flatten(1))
    for work in (compact, channel_states):
        with pytest.raises(InvalidValue, match="without convolutions"):
            work(flat, magnitude(prunable(flat), 0.5))
    crooked = vgg_like(nn.Conv2d(3, 4, 1), nn.Conv2d(5, 4, 1))
    with pytest.raises(InvalidValue, match=r"features\.1 does not read what comes before it.*5 inputs, after 4"):
        compact(crooked, Masks.dense(prunable(crooked)))
    uneven = vgg_like(nn.Conv2d(3, 5, 1), classifier=nn.Linear(12, 2))
    with pytest.raises(InvalidValue, match="classifier does not read"):
        compact(uneven, Masks.dense(prunable(uneven)))
    led = vgg_like(nn.Identity(), nn.Conv2d(3, 4, 2), nn.Flatten(1), classifier=nn.Linear(4, 2)).double().eval()
    led.avgpool = nn.AdaptiveAvgPool2d(2)
    with pytest.raises(InvalidValue, match="do not get through"):  # the pool cannot read what is flat already
        compact(led, Masks.dense(prunable(led)), size=2)
