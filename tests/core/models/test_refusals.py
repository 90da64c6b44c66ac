"""What torch says of sizes and precisions that a network cannot take comes as a named error, wherever images run through one."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import InvalidValue
from core.evaluation import predict, recalibrate
from core.models import build, set_normalisation
from core.models.refusals import refusals_named
from core.similarity import grams

MEAN, STD = (0.5, 0.5, 0.5), (0.25, 0.25, 0.25)


def own() -> nn.Module:
    """A network of somebody's, for images of 32 pixels and no others."""
    return set_normalisation(
        nn.Sequential(
            nn.Conv2d(3, 4, 5), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 4, 5, 2), nn.Flatten(), nn.Linear(576, 3)
        ),
        MEAN,
        STD,
    )


class WithScale(nn.Module):
    """Its scale stays in float32 where only layers are converted, and the next convolution then meets two kinds of number."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3)
        self.scale, self.head = nn.Parameter(torch.ones(())), nn.Linear(4, 3)

    def forward(self, x):
        x = self.second(self.first(x) * self.scale.reshape(1, 1, 1, 1).expand(1, 4, 1, 1))
        return self.head(x.mean((2, 3)))


RUNS = {"predict": predict, "recalibrate": recalibrate, "grams": grams}


def images(size: int, count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("run", RUNS)
def test_a_size_that_a_network_cannot_take_is_named(run):
    assert RUNS[run](own(), images(32)) is not None
    with pytest.raises(InvalidValue, match=r"too small.*8×8.*that it was trained on"):
        RUNS[run](own(), images(8))
    with pytest.raises(InvalidValue, match=r"size.*48×48.*that it was trained on"):
        RUNS[run](own(), images(48))
    with pytest.raises(InvalidValue, match=r"too small.*16×16.*32×32 or larger"):
        RUNS[run](build("vgg16", 2), images(16))


@pytest.mark.parametrize("layer", [nn.PReLU(4), nn.LocalResponseNorm(2), None])
@pytest.mark.parametrize("run", ["predict", "grams"])
def test_a_network_without_bfloat16_runs_in_float32_and_says_so_where_bfloat16_was_asked_for(run, layer, monkeypatch):
    monkeypatch.setattr("core.device.bfloat16_is_fast", lambda kind="cpu": True)
    model = WithScale() if layer is None else nn.Sequential(nn.Conv2d(3, 4, 3), layer, nn.Conv2d(4, 4, 3))
    if layer is not None:
        model.extend([nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)])
    set_normalisation(model.eval(), MEAN, STD)
    found, exact = RUNS[run](model, images(16)), RUNS[run](model, images(16), precision="float32")
    if run == "predict":
        np.testing.assert_allclose(found, exact, atol=0.02)
    else:
        assert found.precision in ("float32", "bfloat16")
    words = "bfloat16 float32"  # of one that has it after all
    try:
        RUNS[run](model, images(16), precision="bfloat16")
    except InvalidValue as error:
        words = str(error)
    assert "bfloat16" in words
    assert "float32" in words


def test_other_errors_pass():
    with pytest.raises(RuntimeError, match="something else"), refusals_named(own(), torch.zeros(1, 3, 8, 8)):
        raise RuntimeError("something else")
