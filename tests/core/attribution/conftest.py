from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from core.models import build, set_normalisation
from tests.core.tiny import Tiny


@pytest.fixture
def image() -> np.ndarray:
    """A picture with shapes in it, uint8 [32, 32, 3]."""
    return pictures(1)[0]


def pictures(number: int, size: int = 32, seed: int = 0) -> np.ndarray:
    """Soft clouds, uint8 [number, size, size, 3]."""
    torch.manual_seed(seed)
    clouds = nn.functional.interpolate(torch.randn(number, 3, 5, 5), size, mode="bicubic")
    return (128 + 60 * clouds).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()


def tiny(seed: int = 0) -> nn.Module:
    """The tiny network with batch norm that has seen something, in evaluation mode."""
    torch.manual_seed(seed)
    model = Tiny(3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.5, 2)
    return set_normalisation(model, (0.6, 0.5, 0.4), (0.2, 0.25, 0.3)).eval()


@cache
def stock(name: str) -> nn.Module:
    """VGG16 or DenseNet169 with random weights whose batch norm has met images; made once, and not to be changed."""
    torch.manual_seed(0)
    model = build(name, 7)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(8, 3, 32, 32))
    return model.eval()


def normalised(model: nn.Module, images: np.ndarray) -> torch.Tensor:
    """By hand: float32 [N, 3, H, W]."""
    x = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    return (x - model.mean.view(1, 3, 1, 1)) / model.std.view(1, 3, 1, 1)
