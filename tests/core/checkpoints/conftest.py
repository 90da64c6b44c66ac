"""A network small enough that every byte of its checkpoint can be broken in turn."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from core.checkpoints import Architecture, Card, DataInfo, save
from core.models import ARCHITECTURES, build, prunable, set_normalisation


def _toy(classes: int, head: str, stem: str, norm: bool) -> nn.Module:
    layers = [nn.Conv2d(3, 4, 3, padding=1)]
    if norm:
        layers.append(nn.BatchNorm2d(4))
    layers += [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, classes)]
    if head == "stock":
        layers.append(nn.Linear(classes, classes))
    return nn.Sequential(*layers)


@pytest.fixture(autouse=True)
def _toy_architecture(monkeypatch):
    monkeypatch.setitem(ARCHITECTURES, "toy", _toy)


@pytest.fixture
def toy():
    """A toy network with non-trivial batch norm statistics and a normalisation of its own."""

    def make(seed=0, classes=3, **kwargs):
        torch.manual_seed(seed)
        model = build("toy", classes, **kwargs)
        model.train()(torch.randn(8, 3, 6, 6))
        return set_normalisation(model, (0.7, 0.5, 0.4), (0.2, 0.3, 0.1)).eval()

    return make


@pytest.fixture
def pruned(toy):
    """A toy network with about half of its weights zero, and its masks."""

    def make(seed=0):
        model = toy(seed)
        generator = torch.Generator().manual_seed(seed)
        masks = {name: torch.rand(weight.shape, generator=generator) > 0.5 for name, weight in prunable(model).items()}
        for name, weight in prunable(model).items():
            weight.mul_(masks[name])
        return model, masks

    return make


CARD = {
    "study": "phantom-6/toy",
    "method": "one_shot",
    "sparsity": 0.5,
    "criterion": "magnitude",
    "parent": "phantom-6/toy/dense",
    "seed": 3,
    "recipe": {"learning_rate": 0.1, "phases": [{"epochs": 2}]},
    "epochs": 2,
    "history": [{"epoch": 0, "loss": 1.5}, {"epoch": 1, "loss": 0.25}],
    "metrics": {"accuracy": {"estimate": 0.75, "low": 0.7, "high": 0.8, "n": 100, "method": "wilson"}},
    "notes": ["drawn by formula – größer"],
    "versions": {"torch": "0"},
    "created": "2026-01-02T03:04:05+00:00",
}


@pytest.fixture
def card():
    data = DataInfo("phantom", 6, ("nv", "mel", "bkl"), "lesion", "abc")
    return lambda **changes: replace(Card(data=data, architecture=Architecture("toy", 3), **CARD), **changes)


@pytest.fixture
def saved(pruned, card, tmp_path):
    """A pruned toy, saved below ``tmp_path``."""
    model, masks = pruned()
    return save(model, card(), masks=masks, root=tmp_path)
