"""Compaction against the pruned network itself, run by torch: small networks in float64, where nothing hides behind rounding."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from core.errors import InvalidValue
from core.models import layers, prunable, set_normalisation
from core.pruning import Masks, bind, channel_states, compact, magnitude
from tests.core.pruning.conftest import EXACT, NETWORKS, error, network, pictures, random_masks, weights_in
from tests.core.tiny import Tiny

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
