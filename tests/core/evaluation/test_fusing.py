"""Convolution and ReLU in one pass: the same bits as one after the other, and nothing else of the network touched."""

import pytest
import torch
from torch import nn

from core import device
from core.evaluation import Predictor, fusing
from core.evaluation.folding import folded
from core.evaluation.fusing import _QuickReLU, fuse, quicken
from core.models import build, prunable
from core.pruning import bind, magnitude

pytestmark = pytest.mark.skipif(not device.bfloat16_is_fast(), reason="this processor has no arithmetic in bfloat16")
BUILDS = [
    ("vgg16", {}),
    ("vgg16", {"head": "stock"}),
    ("vgg16", {"norm": False}),
    ("densenet169", {}),
    ("densenet169", {"stem": "small"}),
]


def ready(model: nn.Module) -> nn.Module:
    return folded(model).to("cpu", torch.bfloat16, memory_format=torch.channels_last)


@pytest.mark.parametrize(("name", "options"), BUILDS, ids=lambda value: str(value))
def test_the_bits_are_those_of_one_after_the_other(name, options, monkeypatch):
    monkeypatch.setattr(fusing, "SMALL", 0)  # maps as products: the next test
    torch.manual_seed(1)
    model = build(name, 7, **options)
    model = bind(model, magnitude(prunable(model), 0.8))
    plain, fused = ready(model), quicken(fuse(ready(model)))
    for number in (1, 5):
        x = torch.randn(number, 3, 32, 32).bfloat16().to(memory_format=torch.channels_last)
        with torch.inference_mode():
            assert torch.equal(plain(x), fused(x))


@pytest.mark.parametrize(("name", "options"), BUILDS, ids=lambda value: str(value))
def test_products_on_small_maps_are_as_near_to_the_exact_answer(name, options):
    torch.manual_seed(1)
    model = build(name, 7, **options)
    exact = folded(model)
    plain, fused = ready(model), quicken(fuse(ready(model)))
    x = torch.randn(16, 3, 32, 32).bfloat16().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        wanted = exact(x.float())
        usual, found = ((network(x).float() - wanted).norm() / wanted.norm() for network in (plain, fused))
    assert found < 1.25 * usual + 1e-4


@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_every_convolution_is_fused_and_the_model_left_alone(name):
    model = build(name, 7).eval()
    before = [type(module) for module in model.modules()]
    network = Predictor(model, device="cpu", precision="bfloat16").network
    assert not any(type(module) is nn.Conv2d for module in network.modules())
    assert not any(type(module) is nn.ReLU for module in network.modules())
    # A ReLU that reads a concatenation follows no convolution; those of DenseNet's layers are merged otherwise.
    assert sum(type(module) is _QuickReLU for module in network.modules()) == {"vgg16": 0, "densenet169": 3}[name]
    assert [type(module) for module in model.modules()] == before


def test_the_exact_path_is_not_fused():
    network = Predictor(build("vgg16", 7).eval(), device="cpu", precision="float32").network
    assert any(type(module) is nn.Conv2d for module in network.modules())


def test_without_the_operation_the_network_stays_as_it_was(monkeypatch):
    monkeypatch.setattr(torch.ops, "mkldnn", object())
    network = fuse(ready(build("vgg16", 7)))
    assert any(type(module) is nn.Conv2d for module in network.modules())


def test_weights_that_are_not_finite_keep_their_relu_and_are_not_hidden():
    model = build("densenet169", 7)
    with torch.no_grad():
        model.features.denseblock1.denselayer1.norm1.weight[0] = -torch.nan
    images = torch.randint(0, 256, (2, 32, 32, 3), dtype=torch.uint8)
    predictor = Predictor(model.eval(), device="cpu", precision="bfloat16")
    assert any(type(module) is nn.ReLU for module in predictor.network.modules())
    assert predictor(images).isnan().all()


@pytest.mark.parametrize("given", [{"dilation": 2}, {"ceil_mode": True}, {"stride": 1}, {"padding": 1}])
def test_another_pool_after_a_relu_stays_what_it_is(given):
    torch.manual_seed(1)
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, **given), nn.AdaptiveAvgPool2d(3), nn.Flatten()
    )
    plain, fused = ready(model), fuse(ready(model))
    x = torch.randn(2, 3, 17, 17).bfloat16().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        torch.testing.assert_close(fused(x).float(), plain(x).float(), rtol=0.02, atol=0.01)


@pytest.mark.parametrize("size", [32, 46])  # 46: maps of odd height on the way
def test_a_pool_after_a_relu_is_quick_and_gives_the_same_bits(size):
    torch.manual_seed(1)
    model = build("vgg16", 7)
    plain, fused = ready(model), fuse(ready(model))
    pools = [number for number, module in enumerate(plain.features) if type(module) is nn.MaxPool2d]
    assert len(pools) == 5
    assert all(type(fused.features[number]) is fusing._QuickMaxPool for number in pools)
    maps = torch.randn(2, 24, size, size).relu().bfloat16().to(memory_format=torch.channels_last)
    for shown in (maps, maps[:, :, 1:], maps.contiguous(), maps[:, 3:11]):
        assert torch.equal(fused.features[pools[0]](shown), plain.features[pools[0]](shown))
    x = torch.randn(2, 3, size, size).bfloat16().to(memory_format=torch.channels_last)
    with torch.inference_mode():
        assert fused(x).shape == plain(x).shape == (2, 7)


def test_a_pool_that_no_relu_precedes_is_left_alone():
    between = nn.Sequential(nn.Conv2d(3, 8, 1), nn.MaxPool2d(2), nn.Conv2d(8, 8, 1), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
    assert [type(module) for module in fuse(between.bfloat16())][1::3] == [nn.MaxPool2d] * 2
