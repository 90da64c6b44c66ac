import copy

import numpy as np
import pytest
import torch

from core.models import set_normalisation
from tests.core.tiny import Tiny


def centre(k: np.ndarray) -> np.ndarray:
    h = np.eye(len(k)) - 1 / len(k)
    return h @ k @ h


def reference_hsic(x, y, debiased=True) -> float:
    """Straight from the papers, in float64."""
    x, y = (np.asarray(values, np.float64).reshape(len(values), -1) for values in (x, y))
    k, l = x @ x.T, y @ y.T  # noqa: E741
    n = len(k)
    if not debiased:
        return float(np.trace(centre(k) @ centre(l))) / n**2
    np.fill_diagonal(k, 0)
    np.fill_diagonal(l, 0)
    one = np.ones(n)
    total = (
        np.trace(k @ l) + (one @ k @ one) * (one @ l @ one) / ((n - 1) * (n - 2)) - 2 / (n - 2) * (one @ k @ l @ one)
    )
    return float(total) / (n * (n - 3))


def reference_cka(x, y, debiased=True) -> float:
    both = reference_hsic(x, y, debiased)
    return both / (reference_hsic(x, x, debiased) * reference_hsic(y, y, debiased)) ** 0.5


def tiny_network(seed: int = 0, mean=(0.5, 0.45, 0.4), std=(0.25, 0.2, 0.3)) -> torch.nn.Module:
    """Batch norm has met images, so that no layer is faint."""
    torch.manual_seed(seed)
    model = set_normalisation(Tiny(3), mean, std)
    with torch.no_grad():
        model.train()(torch.randn(32, 3, 32, 32))
        model.classifier.weight.mul_(5)
    return model.eval()


def plain_features(model, images: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of all modules in float32, one image at a time, every ReLU out of place."""
    twin, rows = copy.deepcopy(model).eval(), {}
    for module in twin.modules():
        if isinstance(module, torch.nn.ReLU):
            module.inplace = False
    mean, std = (getattr(model, name).numpy() for name in ("mean", "std"))
    for name, module in twin.named_modules():
        module.register_forward_hook(
            lambda _m, _i, out, name=name: rows.setdefault(name, []).append(out[0].double().numpy().ravel())
        )
    with torch.no_grad():
        for image in images:
            x = (image / 255.0 - mean) / std
            twin(torch.from_numpy(x.transpose(2, 0, 1)[None]).float())
    return {name: np.stack(outputs) for name, outputs in rows.items()}


@pytest.fixture(scope="session")
def noise():
    """Images of different colour and grain: uint8 [n, 32, 32, 3]."""

    def draw(n: int, seed: int = 0, size: int = 32) -> np.ndarray:
        random = np.random.default_rng(seed)
        base = random.normal(120, 40, (n, 1, 1, 3))
        grain = random.normal(0, 1, (n, size, size, 3)) * random.uniform(5, 60, (n, 1, 1, 1))
        ramp = np.linspace(-1, 1, size)[:, None, None] * random.normal(0, 50, (n, 1, 1, 1))
        return (base + grain + ramp).clip(0, 255).astype(np.uint8)

    return draw


NAMES = ("features.0", "features.4", "classifier")


@pytest.fixture(scope="session")
def pair():
    return tiny_network(0), tiny_network(1, mean=(0.2, 0.5, 0.7), std=(0.3, 0.3, 0.2))
