"""Compaction against the pruned network itself, run by torch: small networks in float64, where nothing hides behind rounding."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torchvision.models import DenseNet

from core.errors import InvalidValue
from core.models import layers, prunable, set_normalisation
from core.pruning import Masks, bind, channel_states, compact, magnitude
from tests.core.tiny import Tiny

EXACT = 1e-10


class Stock(nn.Module):
    """torchvision's VGG in small: its adaptive pool repeats, its head has three layers and dropout."""

    def __init__(self, norm=True, pool=3):
        super().__init__()
        norms = [nn.BatchNorm2d(6), nn.BatchNorm2d(5)] if norm else []
        convs = [nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 5, 3, padding=1)]
        parts = []
        for index, conv in enumerate(convs):
            parts += [conv, *norms[index : index + 1], nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        self.features = nn.Sequential(*parts)
        self.avgpool = nn.AdaptiveAvgPool2d(pool)
        self.classifier = nn.Sequential(
            nn.Linear(5 * pool * pool, 7), nn.ReLU(True), nn.Dropout(), nn.Linear(7, 6), nn.ReLU(True), nn.Linear(6, 4)
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def small_densenet():
    return DenseNet(growth_rate=4, block_config=(3, 2, 2), num_init_features=6, bn_size=2, num_classes=4)


NETWORKS = {
    "vgg": lambda: Tiny(4),
    "vgg without norm": lambda: Stock(norm=False),
    "vgg, stock head": Stock,
    "densenet": small_densenet,
}


def network(name, seed=0):
    """In float64, with biases and batch norms in which nothing is 0 or 1, and an input that every layer still sees."""
    torch.manual_seed(seed)
    model = NETWORKS[name]().double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.3, 0.3)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, -1.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.7)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, 0, (2 / module.weight[0].numel()) ** 0.5)
            if module.bias is not None:
                nn.init.uniform_(module.bias, -0.5, 0.7)
    return model


def random_masks(model, seed, single, outputs, inputs):
    """Masks that prune shares of single weights, of whole outputs and of whole inputs of each layer."""
    generator = torch.Generator().manual_seed(seed)
    masks = {}
    for name, weight in prunable(model).items():
        flat = weight.reshape(*weight.shape[:2], -1)
        keep = torch.rand(flat.shape, generator=generator) >= single
        keep &= torch.rand(flat.shape[0], 1, 1, generator=generator) >= outputs
        keep &= torch.rand(1, flat.shape[1], 1, generator=generator) >= inputs
        masks[name] = keep.view(weight.shape)
    return Masks(masks)


def pictures(count=3, height=17, width=22, seed=1):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def error(model, masks, small, images):
    with torch.inference_mode():
        expected, got = bind(model, Masks(masks))(images), small(images)
    return ((got - expected).abs().max() / expected.abs().max()).item()


def weights_in(model):
    return sum(weight.numel() for weight in prunable(model).values())


shares = st.sampled_from([0.0, 0.3, 0.6, 0.9, 0.98])


@pytest.mark.parametrize("name", NETWORKS)
@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10**6), single=shares, outputs=shares, inputs=shares, height=st.integers(16, 25))
def test_same_outputs_whatever_is_pruned(name, seed, single, outputs, inputs, height):
    model = network(name, seed % 7)
    masks = random_masks(model, seed, single, outputs, inputs)
    small = compact(model, masks)
    assert error(model, masks, small, pictures(height=height)) <= EXACT
    # Carriers are the only channels that may come on top.
    assert weights_in(small) <= weights_in(model) + sum(layer.weight[:, 0].numel() for layer in layers(model).values())


def same_and_silent(pruned, images):
    """Layer -> which channels are the same for all images at all positions, and which change no logit, by running the network."""
    modules, seen = dict(pruned.named_modules()), {}
    names = list(modules)
    for module in modules.values():
        if hasattr(module, "inplace"):
            module.inplace = False

    def keep(layer):
        def hook(module, inputs, output):
            output.retain_grad()
            seen[layer] = output

        return hook

    for layer in layers(pruned):
        after = names[min(names.index(layer) + 1, len(names) - 1)]
        beside = after.rpartition(".")[0] == layer.rpartition(".")[0]
        place = after if beside and isinstance(modules[after], nn.BatchNorm2d) else layer
        modules[place].register_forward_hook(keep(layer))
    values, gradients = {}, {}
    for batch in images:
        answers = pruned(batch)
        (answers * torch.randn(answers.shape, generator=torch.Generator().manual_seed(3))).sum().backward()
        for layer, output in seen.items():
            for store, tensor in ((values, output.detach()), (gradients, output.grad)):
                store[layer] = torch.cat(
                    [store.get(layer, tensor.new_empty(tensor.shape[1], 0)), tensor.transpose(0, 1).flatten(1)], 1
                )
    same = {layer: ((value - value[:, :1]).abs() <= 1e-12).all(1).numpy() for layer, value in values.items()}
    return {layer: (same[layer], (gradients[layer] == 0).all(1).numpy()) for layer in values}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_states_are_what_images_and_gradients_show(name, seed, monkeypatch):
    model = network(name, seed)
    masks = random_masks(model, seed, 0.3, 0.25, 0.15)
    states = channel_states(model, masks)
    assert list(states) == list(layers(model))
    assert {"alive", "constant", "unread"} == {str(text) for state in states.values() for text in state}
    # Of two sizes: a channel that reads only padded constants differs from place to place, and with the size.
    images = [pictures(6), pictures(4, 32, 27)]
    for layer, (same, silent) in same_and_silent(bind(model, masks), images).items():
        assert same[states[layer] == "constant"].all(), layer
        assert silent[states[layer] == "unread"].all(), layer
    # Nothing is kept without need: where no ReLU can hide a connection, all that is alive varies and has an effect.
    monkeypatch.setattr(nn.functional, "relu", lambda x, inplace=False: nn.functional.leaky_relu(x, 0.1))
    for layer, (same, silent) in same_and_silent(bind(model, masks), images).items():
        assert not same[states[layer] == "alive"].any(), layer
        assert not silent[states[layer] == "alive"].any(), layer


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


@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_dead_leaves_all_weights_and_everything_dead_answers_still(name):
    model = network(name)
    masks = Masks.dense(prunable(model))
    small = compact(model, masks)
    assert {n: w.shape for n, w in prunable(small).items()} == {n: w.shape for n, w in prunable(model).items()}
    assert error(model, masks, small, pictures()) <= EXACT
    gone = Masks({layer: torch.zeros_like(mask) for layer, mask in masks.items()})
    empty = compact(model, gone)
    assert error(model, gone, empty, pictures()) <= EXACT
    assert weights_in(empty) < weights_in(model) / 4


@pytest.mark.parametrize("sparsity", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("name", NETWORKS)
def test_whole_channel_pruning_always_shrinks(name, sparsity):
    model = network(name)
    masks = magnitude(prunable(model), sparsity, scope="channel")
    small = compact(model, masks)
    assert weights_in(small) < (1 - masks.sparsity) * weights_in(model)
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


def test_the_original_is_untouched_and_the_result_is_its_own():
    model = set_normalisation(network("densenet"), (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)).train()
    before = copy.deepcopy(model.state_dict())
    random = torch.random.get_rng_state()
    small = compact(model, random_masks(model, 0, 0.5, 0.5, 0))
    assert torch.equal(random, torch.random.get_rng_state())
    assert model.training
    assert not any(module.training for module in small.modules())
    assert small.mean.tolist() == model.mean.tolist()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    shared = {p.data_ptr() for p in model.state_dict().values() if p.numel()}
    assert not shared & {p.data_ptr() for p in small.parameters()}


def test_networks_and_layers_that_it_does_not_know_are_refused(net):
    with pytest.raises(InvalidValue, match="kind of network"):
        compact(net, Masks.dense(prunable(net)))
    grouped = Tiny(3)
    grouped.features[4] = nn.Conv2d(8, 16, 3, padding=1, groups=2)
    with pytest.raises(InvalidValue, match=r"does not know the layer features\.4"):
        compact(grouped, Masks.dense(prunable(grouped)))
    free = Tiny(3)
    free.features[1] = nn.BatchNorm2d(8, track_running_stats=False)
    with pytest.raises(InvalidValue, match="without running statistics"):
        compact(free, Masks.dense(prunable(free)))
    with pytest.raises(InvalidValue, match="belong to other weights"):
        compact(Tiny(3), Masks.dense(prunable(grouped)))
