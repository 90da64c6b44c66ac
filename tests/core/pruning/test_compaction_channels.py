"""Which channels compaction takes away, which constants it carries, and pools that it merges, one by one."""

import copy

import pytest
import torch

from core.errors import InvalidValue
from core.models import layers, prunable
from core.pruning import Masks, channel_states, compact
from tests.core.pruning.conftest import EXACT, error, network, pictures, random_masks


def test_a_constant_before_a_padded_convolution_is_exact_at_the_border():
    model = network("vgg without norm")
    first, second = model.features[0], model.features[3]
    with torch.no_grad():
        first.bias.copy_(torch.tensor([0.5, 1.5, -1.0, 0.2, 0.3, 0.4]))
    masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in prunable(model).items()}
    masks["features.0"][:3] = False  # emit 0.5, 1.5 and, after ReLU, nothing
    small = compact(model, masks)
    assert small.features[0].weight.shape == (4, 3, 3, 3)  # three alive and the carrier
    assert small.features[0].weight[3].eq(0).all()
    assert small.features[0].bias[3] == 1
    torch.testing.assert_close(small.features[3].weight[:, :3], second.weight[:, 3:], rtol=0, atol=0)
    kernel = 0.5 * second.weight[:, 0] + 1.5 * second.weight[:, 1]
    torch.testing.assert_close(small.features[3].weight[:, 3], kernel, rtol=1e-14, atol=0)
    assert error(model, masks, small, pictures()) <= EXACT
    # The obvious shortcut, the constants as a bias, is wrong there: the test can tell.
    wrong = copy.deepcopy(small)
    with torch.no_grad():
        wrong.features[3].bias += kernel.sum((1, 2))
        wrong.features[3].weight[:, 3] = 0
    assert error(model, masks, wrong, pictures()) > 1e-3


def test_no_carrier_where_constants_are_zero_or_nothing_is_padded():
    model = network("vgg without norm")
    with torch.no_grad():
        model.features[0].bias[:3] = -1.0  # zero after ReLU
    masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in prunable(model).items()}
    masks["features.0"][:3] = False
    masks["classifier.0"][:2] = False
    small = compact(model, masks)
    assert [len(layer.weight) for layer in layers(small).values()] == [3, 5, 5, 6, 4]
    assert error(model, masks, small, pictures()) <= EXACT


def test_channels_that_no_weight_reads_go_and_so_does_what_only_they_read():
    model = network("vgg")
    masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in prunable(model).items()}
    masks["classifier"][:, 4:] = False  # reads 4 of 16
    masks["features.4"][:4, 3:] = False  # which read 3 of 8
    small = compact(model, masks)
    assert [tuple(layer.weight.shape[:2]) for layer in layers(small).values()] == [(3, 3), (4, 3), (4, 4)]
    assert error(model, masks, small, pictures()) <= EXACT


def test_concatenations_lose_channels_that_are_dead_or_that_no_consumer_reads():
    model = network("densenet")
    masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in prunable(model).items()}
    block = "features.denseblock1.denselayer"
    masks[f"{block}1.conv2"][2:] = False  # two of four new features are dead
    for reader in (f"{block}2.conv1", f"{block}3.conv1", "features.transition1.conv"):
        masks[reader][:, 0] = False  # nobody but the first layer reads feature 0 of the stem
    masks[f"{block}1.conv1"][:, 0] = False
    for reader in (f"{block}3.conv1", "features.transition1.conv"):
        masks[reader][:, 10:14] = False  # nobody reads what the second layer adds
    small = compact(model, masks)
    shapes = {name: tuple(layer.weight.shape[:2]) for name, layer in layers(small).items()}
    assert shapes["features.conv0"] == (5, 3)
    assert shapes[f"{block}1.conv1"] == (8, 5)
    assert shapes[f"{block}1.conv2"] == (2, 8)
    assert f"{block}2.conv1" not in shapes
    assert shapes[f"{block}3.conv1"] == (8, 7)
    assert shapes["features.transition1.conv"] == (9, 11)
    assert small.features.denseblock1.denselayer3.norm1.num_features == 7
    assert error(model, masks, small, pictures()) <= EXACT


def test_one_consumer_is_enough_to_keep_a_feature_and_norms_are_its_own():
    model = network("densenet")
    masks = {name: torch.ones_like(weight, dtype=torch.bool) for name, weight in prunable(model).items()}
    block = "features.denseblock1.denselayer"
    for reader in (f"{block}2.conv1", f"{block}3.conv1", "features.transition1.conv"):
        masks[reader][:, 0] = False
    assert compact(model, masks).features.conv0.out_channels == 6
    with torch.no_grad():
        model.features.denseblock1.denselayer1.norm1.weight[0] = 0  # the last reader sees a constant
    small = compact(model, masks)
    assert small.features.conv0.out_channels == 5
    assert error(model, masks, small, pictures()) <= EXACT


@pytest.mark.parametrize(("side", "places"), [(4, 1), (7, 1), (8, 4), (11, 4), (12, 9), (20, 25)])
def test_a_pool_that_only_repeats_is_merged_into_the_head(side, places):
    model = network("vgg, stock head")
    masks = random_masks(model, 5, 0.2, 0.2, 0.2)
    small = compact(model, masks, size=side)
    kept = sum(state == "alive" for state in channel_states(model, masks)["features.4"])
    assert small.classifier[0].in_features == kept * min(places, 9)
    assert error(model, masks, small, pictures(height=side, width=side)) <= EXACT


def test_a_merged_pool_holds_callers_to_its_size():
    model = network("vgg, stock head")
    small = compact(model, Masks.dense(prunable(model)), size=4)
    with pytest.raises(InvalidValue, match="another image size"):
        small(pictures(height=8, width=8))
