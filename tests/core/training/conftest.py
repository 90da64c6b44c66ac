"""The tiny network, and images that it is trained on in a moment."""

import pytest
import torch
from torch import nn

from core.models import set_normalisation
from core.training import Settings
from tests.core.tiny import Tiny, image_set

SETTINGS = Settings(epochs=3, rate=0.05, warmup=0.5, batch=8, augment="dermoscopy", balance=0.5)
STEPS = round(36 / 8)  # an epoch of 36 images


@pytest.fixture(scope="session")
def sets():
    return image_set(12, 0), image_set(4, 1, "validation")


def network(seed=0):
    torch.manual_seed(seed)
    return set_normalisation(Tiny(3), (0.5,) * 3, (0.25,) * 3).eval()


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))
