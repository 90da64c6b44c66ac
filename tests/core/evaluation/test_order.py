"""Networks that run otherwise than their modules are registered: predictions must be theirs, in every precision."""

from types import MethodType

import numpy as np
import pytest
import torch
import torchvision
from torch import nn
from torchvision.models.vgg import cfgs, make_layers

from core.evaluation import Predictor, predict
from core.evaluation.order import chains
from core.models import build, normalise, set_normalisation

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


def lived(model: nn.Module) -> nn.Module:
    """With norms as after training, where mean 0 and variance 1 would hide a mistake."""
    torch.manual_seed(3)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            if module.running_mean is not None:
                nn.init.uniform_(module.running_mean, -0.5, 0.5)
                nn.init.uniform_(module.running_var, 0.5, 2)
            if module.affine:
                nn.init.uniform_(module.weight, 0.7, 1.3)
                nn.init.uniform_(module.bias, -0.3, 0.3)
    return set_normalisation(model, (0.5,) * 3, (0.25,) * 3).eval()


class NormBefore(nn.Module):
    """Registers a norm after the convolution that it runs before, and sends one convolution's output through two norms."""

    def __init__(self):
        super().__init__()
        self.conv, self.bn, self.twice = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(3), nn.Conv2d(8, 8, 3, padding=1)
        self.first, self.second, self.head = nn.BatchNorm2d(8), nn.BatchNorm2d(8), nn.Linear(8, 4)

    def forward(self, x):
        x = self.conv(torch.relu(self.bn(x)))
        return self.head(self.second(self.twice(self.first(self.twice(x)))).mean((2, 3)))


class Tapped(nn.Module):
    """Reads what is between the modules of its ``features``."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.head = nn.Linear(24, 4)

    def forward(self, x):
        seen = []
        for module in self.features:
            seen.append(x := module(x))
        return self.head(torch.cat(seen, 1).mean((2, 3)))


class Doubled(torchvision.models.VGG):
    """Inherits from a known network and does more."""

    def forward(self, x):
        return 3 * super().forward(x)


def shared(what: nn.Module) -> nn.Module:
    """A row of modules with ``what`` in it twice."""
    layers = [nn.Conv2d(3, 12, 3, padding=1), what, nn.Conv2d(12, 12, 3, padding=1), what, nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4))


def without_its_norm() -> nn.Module:
    """A row of modules whose own ``forward``, set on this one object, leaves the norm out."""
    model = nn.Sequential(
        nn.Conv2d(3, 12, 3), nn.BatchNorm2d(12), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)
    )
    model.forward = MethodType(lambda self, x: self[4](self[3](self[2](self[0](x)))), model)
    return model


NETWORKS = {
    "a forward of its own": without_its_norm,
    "resnet": lambda: torchvision.models.resnet18(num_classes=4),
    "norm before": NormBefore,
    "tapped": Tapped,
    "inherits": lambda: Doubled(make_layers(cfgs["A"], True), 4),
    "one ReLU twice": lambda: shared(nn.ReLU()),
    # Between a convolution and a norm, where the ReLU's second place must end the chain.
    "one ReLU twice, before a norm": lambda: nn.Sequential(
        nn.Conv2d(3, 8, 3),
        relu := nn.ReLU(),
        nn.Conv2d(8, 12, 3),
        relu,
        nn.BatchNorm2d(12),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 4),
    ),
    "one norm twice": lambda: shared(nn.BatchNorm2d(12)),
    "one convolution twice": lambda: shared(nn.Conv2d(12, 12, 3, padding=1)),
    "without statistics": lambda: shared(nn.BatchNorm2d(12, track_running_stats=False)),
    "without scales": lambda: nn.Sequential(
        nn.Conv2d(3, 12, 3), nn.BatchNorm2d(12, affine=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4)
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_predictions_are_those_of_the_network(name):
    model = lived(NETWORKS[name]())
    with torch.inference_mode():
        expected = torch.softmax(model(normalise(model, torch.from_numpy(PIXELS))), 1).numpy()
    assert np.abs(predict(model, PIXELS, precision="float32") - expected).max() < 1e-5
    assert np.abs(predict(model, PIXELS, precision="bfloat16") - expected).max() < 0.01


@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_our_own_networks_are_known(name):
    model = build(name, 4)
    inside = sum(isinstance(module, nn.Conv2d) for _, chain in chains(model) for _, module in chain)
    assert inside == sum(isinstance(module, nn.Conv2d) for module in model.modules())


def test_what_a_network_is_wrapped_in_changes_nothing():
    model = lived(build("vgg16", 4))
    expected = predict(model, PIXELS)
    assert np.array_equal(predict(torch.compile(model), PIXELS), expected)
    assert np.array_equal(predict(nn.DataParallel(model), PIXELS), expected)


def test_norms_of_other_networks_keep_their_statistics_between_layers_of_half_the_precision():
    model = lived(NormBefore())
    norm = next(module for module in model.modules() if isinstance(module, nn.BatchNorm2d))
    norm.running_mean.add_(1000.3)
    made = Predictor(model, precision="bfloat16").network
    kept = next(module for module in made.modules() if isinstance(module, nn.BatchNorm2d))
    assert kept.running_mean.dtype == torch.float32
    assert torch.equal(kept.running_mean, norm.running_mean)
    assert next(module for module in made.modules() if isinstance(module, nn.Conv2d)).weight.dtype == torch.bfloat16
