import itertools

import pytest
import torch
from torch import nn

from core.errors import InvalidValue
from core.models import build, layers, prunable, units

NETWORKS = {
    "vgg16": ("vgg16", {}),
    "vgg16 without norm": ("vgg16", {"norm": False}),
    "vgg16 stock": ("vgg16", {"head": "stock"}),
    "densenet169": ("densenet169", {}),
    "densenet169 small": ("densenet169", {"stem": "small"}),
}


@pytest.mark.parametrize("network", NETWORKS)
def test_prunable_weights_come_in_the_order_in_which_they_run(network):
    name, options = NETWORKS[network]
    model = build(name, 3, **options)
    ran = []
    for path, module in model.named_modules():
        if hasattr(module, "weight") and module.weight.ndim > 1:
            module.register_forward_hook(lambda *_, path=path: ran.append(path))
    with torch.inference_mode():
        model(torch.zeros(1, 3, 32, 32))
    assert list(prunable(model)) == ran
    assert [name for unit in units(model) for name in unit] == ran


def test_vgg16_is_taken_layer_by_layer():
    assert [len(unit) for unit in units(build("vgg16", 7))] == [1] * 14


def test_stock_vgg16_has_the_papers_sixteen_layers():
    model = build("vgg16", 10, head="stock")
    assert [len(unit) for unit in units(model)] == [1] * 16
    assert units(model)[-1] == ["classifier.6"]


def test_densenet169_is_taken_in_the_papers_nine_units():
    groups = units(build("densenet169", 7))
    heads = [group[0].rpartition(".denselayer")[0] or group[0] for group in groups]
    assert heads == [
        "features.conv0",
        "features.denseblock1",
        "features.transition1.conv",
        "features.denseblock2",
        "features.transition2.conv",
        "features.denseblock3",
        "features.transition3.conv",
        "features.denseblock4",
        "classifier",
    ]
    # 6, 12, 32 and 32 layers (Huang et al. 2017, table 1), two convolutions each: 169 with norms left out.
    assert [len(group) for group in groups] == [1, 12, 1, 24, 1, 64, 1, 64, 1]


def test_weights_counted_by_hand():
    widths = [3, 64, 64, 128, 128, 256, 256, 256, *[512] * 6]
    convolutions = sum(9 * a * b for a, b in itertools.pairwise(widths))
    model = build("vgg16", 7)
    assert sum(weight.numel() for weight in prunable(model).values()) == convolutions + 512 * 7
    assert sum(weight.numel() for weight in prunable(model).values()) == pytest.approx(14.7e6, rel=0.01)


def test_prunable_weights_share_storage_and_carry_no_gradient():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    weights = prunable(model)
    assert list(weights) == ["0", "3"]
    assert weights["0"].data_ptr() == model[0].weight.data_ptr()
    assert not any(weight.requires_grad for weight in weights.values())
    assert layers(model) == {"0": model[0], "3": model[3]}


def test_a_model_without_layers_is_named():
    with pytest.raises(InvalidValue, match="nothing to prune"):
        prunable(nn.Sequential(nn.ReLU()))


@pytest.mark.parametrize("prefix", ["module", "_orig_mod", "net.module"])
def test_a_wrapped_densenet_keeps_its_units(prefix):
    model = build("densenet169", 3)
    wrapped = model
    for name in reversed(prefix.split(".")):
        wrapped = nn.ModuleDict({name: wrapped})
    assert units(wrapped) == [[f"{prefix}.{name}" for name in unit] for unit in units(model)]


def test_a_block_of_another_name_is_no_dense_block():
    model = nn.ModuleDict(
        {"myfeatures": nn.ModuleDict({"denseblock1": nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))})}
    )
    assert [len(unit) for unit in units(model)] == [1, 1]


def test_tied_weights_are_refused_with_the_way_out():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    model[2].weight = model[0].weight
    with pytest.raises(InvalidValue, match=r"share one weight.*0 and 2.*clone"):
        prunable(model)
    model[2].weight = nn.Parameter(model[2].weight.detach().clone())
    assert list(prunable(model)) == ["0", "2"]


class Scaled(nn.Module):
    """A layer whose weight the module around it reads too."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.scale = self.layer.weight


@pytest.mark.parametrize("what", ["embedding", "scale"])
def test_a_weight_that_something_else_reads_is_refused_too(what):
    if what == "scale":
        model = Scaled()
    else:
        model = nn.ModuleDict({"embedding": nn.Embedding(4, 4), "layer": nn.Linear(4, 4)})
        model["embedding"].weight = model["layer"].weight
    with pytest.raises(InvalidValue, match=f"share one weight.*layer and {what}"):
        prunable(model)


def test_a_layer_that_stands_in_two_places_has_one_mask():
    layer = nn.Linear(4, 4)
    assert list(prunable(nn.Sequential(layer, nn.ReLU(), layer))) == ["0"]
    assert list(prunable(layer)) == [""]


def test_a_lazy_layer_is_refused_until_it_has_weights():
    model = nn.Sequential(nn.LazyLinear(3))
    with pytest.raises(InvalidValue, match=r"no weights yet.*one batch"):
        prunable(model)
    model(torch.zeros(1, 5))
    assert prunable(model)["0"].shape == (3, 5)
