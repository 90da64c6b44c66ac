"""Compaction of networks that are no VGG and no DenseNet of ours: the same answers, or a refusal by name."""

import pytest
import torch
from torch import nn

from core.errors import InvalidValue
from core.models import prunable
from core.pruning import Masks, bind, channel_states, compact, magnitude
from tests.core.pruning.conftest import Stock


def test_one_relu_in_two_places_is_two_steps():
    """``named_children`` leaves the second out: channels that are constant there were taken for what they are before it."""
    torch.manual_seed(0)
    relu, model = nn.ReLU(), Stock().eval()
    model.features = nn.Sequential(
        nn.Conv2d(3, 12, 3, padding=1), relu, nn.Conv2d(12, 5, 3, padding=1), relu, nn.MaxPool2d(2)
    )
    masks = magnitude(prunable(model), 0.0)
    kept = {name: masks[name].clone() for name in prunable(model)}
    kept["features.2"][:3] = False
    with torch.no_grad():
        model.features[2].bias[:3] = -1
    x = torch.randn(2, 3, 16, 16)
    assert (compact(model, Masks(kept))(x) - bind(model, Masks(kept))(x)).abs().max() < 1e-5


class Scaled(Stock):
    """Laid out like VGG, but its forward does more."""

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(2 * self.features(x)), 1))


class Twice(nn.Conv2d):
    """A layer that computes something else than the class that it inherits from."""

    def forward(self, x):
        return 2 * super().forward(x)


def one_layer_twice():
    model, layer = Stock(), nn.Conv2d(3, 3, 3, padding=1)
    model.features = nn.Sequential(layer, nn.ReLU(), layer, nn.Conv2d(3, 5, 3))
    return model


def with_layer(layer):
    model = Stock()
    model.features = nn.Sequential(nn.Conv2d(3, 12, 3), layer, nn.Conv2d(12, 5, 3))
    return model


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (Scaled, "does something else than its features"),
        (one_layer_twice, "uses one layer twice.*features.0 and features.2"),
        (lambda: with_layer(Twice(12, 12, 1)), "does not know the layer features.1"),
        (lambda: with_layer(nn.AvgPool2d(2, divisor_override=3)), "does not know the layer features.1"),
    ],
)
def test_what_would_give_other_answers_is_refused(make, words):
    model = make()
    for work in (compact, channel_states):
        with pytest.raises(InvalidValue, match=words):
            work(model, magnitude(prunable(model), 0.5))
