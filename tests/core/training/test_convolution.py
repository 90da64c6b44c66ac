"""Convolutions as matrix products give what torch's own give."""

import copy

import pytest
import torch
from torch import nn

from core.models import build
from core.training.convolution import quick


def gradients(module: nn.Module, x: torch.Tensor, kind: torch.dtype | None) -> list[torch.Tensor]:
    """Output, then gradients of input and parameters, of a weighted sum of outputs."""
    x = x.clone().requires_grad_()
    with torch.autocast("cpu", kind, enabled=kind is not None):
        out = module(x)
    weights = torch.randn(out.shape, generator=torch.Generator().manual_seed(1))
    (out.float() * weights).sum().backward()
    found = [out.detach().float(), x.grad, *(p.grad for p in module.parameters())]
    module.zero_grad(set_to_none=True)
    return found


@pytest.mark.parametrize("shape", [(3, 5, 4, 4), (2, 7, 1, 3), (4, 3, 1, 1), (1, 2, 2, 8)])
@pytest.mark.parametrize("side", [1, 3])
@pytest.mark.parametrize("bias", [True, False])
def test_a_product_gives_the_convolution_and_its_gradients(shape, side, bias):
    torch.manual_seed(0)
    module = nn.Conv2d(shape[1], 6, side, padding=side // 2, bias=bias).to(memory_format=torch.channels_last)
    x = torch.randn(shape).bfloat16().float()
    with torch.no_grad():
        module.weight.copy_(module.weight.bfloat16())
    exact = gradients(copy.deepcopy(module).double(), x.double(), None)
    with quick(module):
        found = gradients(module, x, torch.bfloat16)
    for mine, theirs in zip(found, exact, strict=True):
        assert mine.shape == theirs.shape
        # bfloat16 has eight bits; what is rounded is the result and the gradient that comes in.
        assert (mine.double() - theirs).abs().max() <= 0.012 * theirs.abs().max()


@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_a_network_learns_the_same(name):
    torch.manual_seed(0)
    model = build(name, 5).to(memory_format=torch.channels_last).train()
    x = torch.randn(16, 3, 64, 64).contiguous(memory_format=torch.channels_last)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    exact = gradients(copy.deepcopy(model), x, None)
    usual = gradients(copy.deepcopy(model), x, torch.bfloat16)
    with quick(model):
        found = gradients(model, x, torch.bfloat16)

    def misses(values):
        return torch.tensor([((a - b).norm() / b.norm()).item() for a, b in zip(values, exact, strict=True)])

    assert misses(found).median() < 1.1 * misses(usual).median()
    assert misses(found)[0] < 1.3 * misses(usual)[0] + 1e-3


def test_it_leaves_nothing_behind_and_takes_only_what_it_knows():
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1), nn.Conv2d(4, 4, 3, stride=2, padding=1), nn.Conv2d(4, 4, 3, padding=1, groups=2)
    )
    before = [dict(module.__dict__) for module in model]
    with quick(model):
        assert "_conv_forward" in model[0].__dict__
        assert not any("_conv_forward" in module.__dict__ for module in model[1:])
    assert [module.__dict__.keys() for module in model] == [known.keys() for known in before]
    with pytest.raises(RuntimeError, match="stop"), quick(model):
        raise RuntimeError("stop")
    assert "_conv_forward" not in model[0].__dict__


def test_float32_is_left_to_torch():
    module = nn.Conv2d(3, 4, 3, padding=1).to(memory_format=torch.channels_last)
    x = torch.randn(2, 3, 4, 4)
    with quick(module):
        found = module(x)
    assert torch.equal(found, module(x))
