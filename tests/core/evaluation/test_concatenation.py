"""Dense layers without copies: the same function, whatever their norms hold."""

import copy
import sys

import numpy as np
import pytest
import torch
from torch import nn

from core.evaluation import Predictor, predict
from core.evaluation.concatenation import merge
from core.evaluation.folding import folded
from core.models import build, prunable
from core.pruning import bind, compact
from core.similarity import layer_names
from core.similarity.taps import Tapped


def network(seed: int = 0) -> nn.Module:
    """DenseNet169 with norms as training leaves them, and as it should not."""
    torch.manual_seed(seed)
    model = build("densenet169", 5).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.2, 1.2)
            nn.init.normal_(module.bias, 0, 0.4)
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.3, 2)
    return model


def differ(model: nn.Module, other: nn.Module, x: torch.Tensor) -> float:
    with torch.inference_mode():
        wanted = model(x)
        return float((other(x) - wanted).abs().max() / wanted.abs().max())


X = torch.randn(3, 3, 64, 64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("fold", [True, False])
def test_the_function_is_the_same(fold):
    model = network()
    merged = folded(model) if fold else copy.deepcopy(model)
    assert differ(model, merge(merged, torch.float32), X) < 2e-5
    assert not any(name.endswith("norm1") for name, _ in merged.named_modules())


def spoil_scales(norm: nn.BatchNorm2d, generator: torch.Generator) -> None:
    chosen = torch.randint(0, 6, norm.weight.shape, generator=generator)
    with torch.no_grad():
        norm.weight[chosen == 0] *= -1
        norm.weight[chosen == 1] = 0.0
        norm.weight[chosen == 2] *= 1e-9
        norm.weight[chosen == 3] *= -1e-30


def test_negative_zero_and_vanishing_scales():
    model, generator = network(1), torch.Generator().manual_seed(1)
    for name, module in model.named_modules():
        if name.endswith("norm1"):
            spoil_scales(module, generator)
    assert differ(model, merge(folded(model), torch.float32), X) < 2e-5


def test_a_channel_below_its_bound_gives_nothing_in_bfloat16():
    """Rounding of the bound and the weights must not leave a remainder where ReLU gives 0."""
    model = network(2)
    layer = model.features.denseblock1.denselayer1
    with torch.no_grad():
        layer.norm1.bias.copy_(-1000.0 - torch.rand(64))  # nothing gets through
        layer.norm2.running_mean.zero_()
    merged = merge(copy.deepcopy(model), torch.bfloat16).features.denseblock1.denselayer1
    x, first = torch.randn(2, 64, 8, 8).bfloat16(), merged.conv1.float()
    with torch.no_grad():
        # In float32, so that only the rounded weights and bounds count; the norm gives back what the bias lost.
        inner = first(torch.maximum(x.float(), merged.low.float())) - merged.norm2.running_mean[:, None, None]
    assert inner.abs().max() < 1e-6 * 1000 * first.weight.abs().sum((1, 2, 3)).max()


def test_bfloat16_is_as_near_to_float32_as_without(monkeypatch):
    """On the whole: rounding falls out by a third better or worse from network to network, and otherwise on each processor."""
    module, ratios = sys.modules["core.evaluation.predict"], []
    ways = (merge, lambda network, dtype: network)
    for seed in (4, 5, 6, 7):
        model = network(seed)
        for side in (32, 64):
            images = torch.randint(0, 256, (24, side, side, 3), dtype=torch.uint8)
            exact, found = predict(model, images, precision="float32", device="cpu"), []
            for way in ways:
                monkeypatch.setattr(module, "merge", way)
                found.append(abs(predict(model, images, precision="bfloat16", device="cpu") - exact).mean())
            ratios.append(found[0] / found[1])
    assert np.exp(np.log(ratios).mean()) < 1.3, ratios


def test_what_must_stay_stays():
    model = network()
    name = "features.denseblock2.denselayer3.relu1"
    merged = merge(copy.deepcopy(model), torch.float32, keep=[name])
    kept = dict(merged.named_modules())
    assert name in kept
    assert "features.denseblock2.denselayer1.norm1" in kept
    assert "features.denseblock1.denselayer1.norm1" not in kept
    assert differ(model, merged, X) < 2e-5


def test_features_are_those_of_the_network_itself():
    """A convolution's output is compared before its norm: merging must not change what is listened to."""
    model = network(5)
    names = layer_names(model, "convolutions")
    images = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    found: list[dict[str, torch.Tensor]] = []
    for keep in ([], [name.replace("conv1", "norm1") for name in names if name.endswith(".conv1")]):
        tapped = Tapped(model, names, torch.float32, torch.device("cpu"))
        merge(tapped.network, torch.float32, keep=keep)
        seen: dict[str, torch.Tensor] = {}
        with torch.inference_mode(), tapped.listening(lambda name, out, seen=seen: seen.update({name: out.clone()})):
            tapped(images)
        found.append(seen)
    merged, plain = found
    assert list(merged) == list(plain) == names
    for name in names:
        assert (merged[name] - plain[name]).abs().max() <= 1e-4 * plain[name].abs().max(), name


def test_with_the_second_norm_merged_features_differ_by_shifts_and_signs_only():
    model = network(6)
    for name, module in model.named_modules():
        if name.endswith("denselayer2.norm2"):
            spoil_scales(module, torch.Generator().manual_seed(0))  # a channel that is cut off nowhere: stays
        elif name.endswith("norm2"):
            with torch.no_grad():
                module.weight[::3] *= -1
    names = layer_names(model, "convolutions")
    merged = merge(copy.deepcopy(model), torch.float32, up_to_shifts=True)
    found = []
    for one in (model, merged):
        tapped = Tapped(model, names, torch.float32, torch.device("cpu"))
        tapped.network = one
        seen: dict[str, torch.Tensor] = {}
        with torch.inference_mode(), tapped.listening(lambda name, out, seen=seen: seen.update({name: out.clone()})):
            one(X.repeat(3, 1, 1, 1)[:8])
        found.append(seen)
    kept = [name for name, module in merged.named_modules() if isinstance(module, nn.BatchNorm2d) and "norm2" in name]
    assert kept == [f"features.denseblock{block}.denselayer2.norm2" for block in (1, 2, 3, 4)]
    shifted = 0
    for name in names:
        plain, ours = (features[name] for features in found)
        difference = torch.minimum((ours - plain).std(0).abs(), (ours + plain).std(0).abs())
        assert difference.max() <= 2e-4 * plain.abs().max(), name
        shifted += bool((ours - plain).abs().max() > 0.01 * plain.abs().max())
        assert name.endswith("conv1") or (ours - plain).abs().max() <= 2e-4 * plain.abs().max(), name
    assert shifted >= 70


def test_vgg_is_left_alone_and_so_is_the_exact_path():
    model = build("vgg16", 5)
    assert [type(m) for m in merge(copy.deepcopy(model), torch.bfloat16).modules()] == [
        type(m) for m in model.modules()
    ]
    exact = Predictor(network(), device="cpu", precision="float32").network
    assert sum(name.endswith("norm1") for name, _ in exact.named_modules()) == 82


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("blocks", [(3,), (1, 2, 3, 4)])
def test_a_block_that_compaction_emptied(blocks, precision):
    model = network()
    dead = tuple(f"denseblock{number}." for number in blocks)
    masks = {
        name: torch.full(weight.shape, not (name.endswith("conv2") and any(part in name for part in dead)))
        for name, weight in prunable(model).items()
    }
    small = compact(model, masks)
    assert all(not len(small.get_submodule(f"features.{part[:-1]}")) for part in dead)
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    wanted = predict(bind(model, masks), images, precision="float32")
    assert np.abs(predict(small, images, precision=precision) - wanted).max() < (
        1e-5 if precision == "float32" else 0.03
    )
