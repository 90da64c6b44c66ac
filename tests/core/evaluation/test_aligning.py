"""Channels rounded up: the same function, round numbers of channels, and dense networks left alone."""

import pytest
import torch
from torch import nn

from core.evaluation.aligning import align, rounded
from core.evaluation.folding import folded
from core.models import build, prunable
from core.pruning import compact, magnitude


def convolutions(network: nn.Module) -> list[nn.Conv2d]:
    return [module for module in network.modules() if type(module) is nn.Conv2d]


@pytest.fixture(params=["vgg16", "densenet169"])
def small(request) -> nn.Module:
    """A compacted network with as odd numbers of channels as masks leave."""
    torch.manual_seed(2)
    model = build(request.param, 7).eval()
    model = compact(model, magnitude(prunable(model), 0.37, scope="channel"), size=32)
    return folded(model)


def test_the_function_is_the_same(small):
    x = torch.randn(3, 3, 32, 32)
    with torch.inference_mode():
        wanted = small(x)
        odd = [layer.out_channels for layer in convolutions(small)]
        found = align(small)(x)
    assert any(rounded(channels) != channels for channels in odd)
    assert [layer.out_channels for layer in convolutions(small)] != odd
    assert torch.allclose(found, wanted, rtol=1e-5, atol=1e-6 * wanted.abs().max().item())


def test_what_one_layer_hands_to_the_next_is_a_round_number_of_channels():
    torch.manual_seed(2)
    model = build("vgg16", 7).eval()
    small = align(folded(compact(model, magnitude(prunable(model), 0.37, scope="channel"), size=32)))
    layers = convolutions(small)
    assert all(layer.out_channels == rounded(layer.out_channels) for layer in layers)
    assert all(layer.weight.shape[:2] == (layer.out_channels, layer.in_channels) for layer in layers)
    assert small.classifier.in_features == small.classifier.weight.shape[1] == layers[-1].out_channels


@pytest.mark.parametrize(("channels", "wanted"), [(1, 8), (8, 8), (121, 128), (128, 128), (129, 160), (512, 512)])
def test_narrow_layers_are_rounded_to_eight_and_wide_ones_to_thirty_two(channels, wanted):
    assert rounded(channels) == wanted


def test_dense_networks_keep_their_weights():
    network = folded(build("densenet169", 7).eval())
    before = [layer.weight for layer in convolutions(network)]
    align(network)
    assert all(layer.weight is weight for layer, weight in zip(convolutions(network), before, strict=True))


def test_nothing_is_added_where_something_in_between_would_make_more_of_a_zero():
    between = nn.Sequential(nn.Conv2d(3, 5, 1), nn.Sigmoid(), nn.Conv2d(5, 8, 1))
    assert align(between)[0].out_channels == 5


class Flip(nn.Identity):
    """An identity by name alone."""

    def forward(self, x):
        return x.flip(1)


def test_what_inherits_from_an_identity_is_none():
    model = nn.Sequential(nn.Conv2d(3, 5, 3), Flip(), nn.Conv2d(5, 4, 3))
    x = torch.randn(2, 3, 16, 16)
    with torch.inference_mode():
        wanted = model(x)
        assert torch.equal(align(model)(x), wanted)
