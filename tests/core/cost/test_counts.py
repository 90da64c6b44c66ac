import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from core import checkpoints, cost, models
from core.cost import counts
from core.errors import InvalidValue
from core.models import layers
from core.pruning import compact
from tests.core.pruning.conftest import Stock, small_densenet
from tests.core.tiny import Tiny


@pytest.mark.parametrize("make", [Stock, small_densenet, lambda: Tiny(3)], ids=["vgg", "densenet", "tiny"])
def test_flops_are_those_of_torchs_own_counter(make):
    model = make().eval()
    with FlopCounterMode(display=False) as theirs, torch.no_grad():
        model(torch.randn(2, 3, 33, 33))
    assert cost.flops(model, 33, images=2) == theirs.get_total_flops() > 0


def test_flops_are_two_for_each_multiply_add_and_nothing_is_computed_or_changed():
    model = nn.Sequential(nn.Conv2d(3, 5, 3, padding=1), nn.Flatten(), nn.Linear(5 * 64, 7))
    weight = model[0].weight
    assert cost.flops(model, 8) == 2 * (3 * 9 * 5 * 64 + 5 * 64 * 7)
    assert model[0].weight is weight
    assert weight.device.type == "cpu"


def test_flops_of_a_whole_network_agree_with_the_literature():
    # torchvision's own documentation gives VGG16 15.47 billion multiply-adds at 224 pixels.
    with torch.device("meta"):
        model = torchvision.models.vgg16()
    assert cost.flops(model, 224) == pytest.approx(2 * 15.47e9, rel=1e-3)


def test_counts_are_those_of_the_network_and_what_compaction_leaves(entry):
    found = cost.cost_of(entry)
    checkpoint = checkpoints.load(entry.path)
    model, small = checkpoint.model(), compact(checkpoint.model(), checkpoint.masks)
    assert found.weights == sum(layer.weight.numel() for layer in layers(model).values()) == 1416
    assert found.zeros == sum(int((layer.weight == 0).sum()) for layer in layers(model).values())
    assert found.nominal == entry.card.actual_sparsity
    assert found.weights_left == sum(layer.weight.numel() for layer in layers(small).values())
    assert found.effective == 1 - found.weights_left / found.weights
    assert found.parameters == sum(parameter.numel() for parameter in model.parameters())
    assert found.parameters_left == sum(parameter.numel() for parameter in small.parameters())
    assert found.channels == 8 + 16 + 3
    assert found.constant == 4
    assert found.unread == 6
    assert found.flops == cost.flops(model, 32)
    assert found.flops_left == cost.flops(small, 32) < found.flops


def test_counts_are_kept_and_damaged_ones_are_made_anew(entry, monkeypatch):
    first = cost.cost_of(entry)
    place = counts._place(entry)
    assert place.exists()
    monkeypatch.setattr(counts, "count", lambda checkpoint: pytest.fail("counted twice"))
    assert cost.cost_of(entry) == first
    monkeypatch.undo()
    for text in ("", "[1]", '{"weights": 1}', place.read_text().replace('"weights"', '"heavy"')):
        place.write_text(text)
        assert cost.cost_of(entry) == first
    assert cost.cost_of(entry) == first


def test_a_carrier_never_makes_effective_sparsity_negative():
    bytes = {}
    one = cost.Cost(100, 1, 103, 110, 112, 9, 10, 1, 0, 1000, 1030, 32, bytes)
    assert one.effective == 0
    assert one.nominal == 0.01


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_flops_are_the_same_in_any_precision(dtype):
    assert cost.flops(Tiny(3).to(dtype), 32) == cost.flops(Tiny(3), 32)


@pytest.mark.parametrize("size", [0, -1, 1.5, "64", True, 10**30])
def test_a_size_that_is_no_number_of_pixels_is_refused(size):
    with pytest.raises(InvalidValue, match="whole number"):
        cost.flops(Tiny(3), size)
    with pytest.raises(InvalidValue, match="so many images"):
        cost.flops(Tiny(3), 32, images=size)


def test_networks_and_images_that_do_not_fit_are_refused():
    with pytest.raises(InvalidValue, match=r"do not get through.*16×16"):
        cost.flops(models.build("vgg16", 3), 16)
    with pytest.raises(InvalidValue, match="no weights yet"):
        cost.flops(nn.Sequential(nn.LazyConv2d(4, 3)), 32)
