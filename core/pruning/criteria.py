"""Criteria: a score for every weight; the lowest are pruned first.

To add one, write a function here that scores a single layer and give it a name, a title and a sentence. Screens, the command line
and sweeps take it from here; only on the slider of *What if*, which goes on with the smallest weights, its networks are not:

    @criterion("gradient", title="...", description="...")
    def _gradient(name: str, weight: Tensor, seed: int) -> Tensor:
        return ...
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from core.pruning.layout import check_weights

LayerScore = Callable[[str, Tensor, int], Tensor]


@dataclass(frozen=True)
class Criterion:
    """A way to say how much each weight matters. Called with weights, it scores them.

    Attributes:
        name: what code and cards call it.
        title, description: what people read, a few words and one sentence.
        score: scores one layer: (name, detached weight, seed) -> tensor of its shape.
        manner: how a method works by it, such as "at random"; without it, people read the title behind the method's name.
        control: it is there to be compared with, not to be used.
    """

    name: str
    title: str
    description: str
    score: LayerScore
    manner: str = ""
    control: bool = False

    @property
    def beside(self) -> str:
        """What people read behind the name of a method that works by it: ``" at random"``, ``", smallest weights first"``."""
        if self.manner:
            return f" {self.manner}"
        # "L1 norm" keeps its capital within a sentence.
        return f", {self.title[:1].lower() if self.title[1:2].islower() else self.title[:1]}{self.title[1:]}"

    def __call__(self, weights: Mapping[str, Tensor], *, seed: int = 0) -> dict[str, Tensor]:
        """Scores: layer name -> float32 tensor (float64 of float64 weights) of the weight's shape and on its device; the lowest are
        pruned first.

        Args:
            weights: layer name -> floating-point tensor, as from :func:`core.models.prunable`.
            seed: for criteria that draw lots; the others do not look at it.

        Raises:
            InvalidValue: no weights, or something that is not a floating-point tensor.
        """
        check_weights(weights)
        scores = {name: self.score(name, weight.detach(), seed) for name, weight in weights.items()}
        return {name: score if score.dtype == torch.float64 else score.float() for name, score in scores.items()}


CRITERIA: dict[str, Criterion] = {}


def criterion(
    name: str, *, title: str, description: str, manner: str = "", control: bool = False
) -> Callable[[LayerScore], LayerScore]:
    """Register the decorated function, which scores one layer, in :data:`CRITERIA`; for the words see :class:`Criterion`."""

    def register(score: LayerScore) -> LayerScore:
        CRITERIA[name] = Criterion(name, title, description, score, manner, control)
        return score

    return register


@criterion(
    "magnitude",
    title="Smallest weights first",
    description="Removes the weights closest to zero, which contribute least to what the network computes.",
)
def _magnitude(name: str, weight: Tensor, seed: int) -> Tensor:
    """|w|, the L1 criterion of Han et al. (2015) and of the paper."""
    return weight.abs()


@criterion(
    "random",
    title="Random weights",
    description="Removes weights at random: a control that shows how much a good choice of weights is worth.",
    manner="at random",
    control=True,
)
def _random(name: str, weight: Tensor, seed: int) -> Tensor:
    """Uniform in [0, 1). Drawn on the CPU from seed and layer name, so it is the same on any device, in any layer order."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    generator = torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
    return torch.rand(weight.shape, generator=generator).to(weight.device)
