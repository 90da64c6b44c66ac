"""Methods that divide the answer among the pixels: their maps sum to the score less that of a baseline (completeness)."""

import torch
from torch import Tensor

from core.attribution.explainer import Explainer, captum
from core.attribution.methods import base
from core.attribution.methods.base import Method
from core.attribution.skeleton import has_modules_only
from core.errors import InvalidValue

_MISSED = (
    0.01  # of all that is handed out; rounding misses 1e-4 at most, a nonlinearity that no rule knows some percent
)
_LEAST = 1e-12


def _integrated_gradients(explainer: Explainer, x: Tensor, target: Tensor, *, steps: int, baseline: str) -> Tensor:
    method = captum().IntegratedGradients(explainer.network)
    method.gradient_func = explainer.gradient
    found = method.attribute(
        x,
        base.baseline(explainer, x, baseline),
        target,
        n_steps=steps,
        internal_batch_size=max(len(x), explainer.batch(x)),
    )
    return base.summed(found)


def _deeplift(explainer: Explainer, x: Tensor, target: Tensor, *, baseline: str) -> Tensor:
    method = captum().DeepLift(explainer.apart)
    method.gradient_func = explainer.gradient
    start = base.baseline(explainer, x, baseline)
    try:
        found = method.attribute(x.detach().requires_grad_(), start, target)
    except RuntimeError as error:
        if "used more than" not in str(error):
            raise
        raise InvalidValue(
            "DeepLift cannot explain a network that calls one ReLU more than once",
            given=type(explainer.network).__name__,
            expected="a ReLU of its own for each call, as VGG and DenseNet have",
            remedy="take another method of attribution, such as integrated_gradients",
        ) from error
    if not has_modules_only(explainer.network):
        _check_sum(explainer, x, start, target, found)
    return base.summed(found)


def _check_sum(explainer: Explainer, x: Tensor, start: Tensor, target: Tensor, found: Tensor) -> None:
    """Raise :class:`InvalidValue` where what DeepLift handed out is not what there was: it missed a step of the network."""
    with torch.no_grad():
        wanted = explainer.scores(x, target) - explainer.scores(start.contiguous(), target)
        missed = (found.flatten(1).sum(1) - wanted).abs() / found.flatten(1).abs().sum(1).clamp_min(_LEAST)
    if not bool((missed <= _MISSED).all()):
        raise InvalidValue(
            "DeepLift cannot follow all that this network does, so its map would not sum to the answer",
            given=f"{type(explainer.network).__name__}, of whose maps {float(missed.max()):.0%} is missing or too much",
            expected="every nonlinearity a module of torch that DeepLift has a rule for, such as nn.ReLU; none as a function",
            remedy="make modules of its functions, or take another method of attribution, such as integrated_gradients",
        )


INTEGRATED_GRADIENTS = Method(
    name="integrated_gradients",
    title="Integrated Gradients",
    sentence="Divides the score among the pixels: the gradient is added up on the way from a plain image to this one.",
    source="Sundararajan, Taly & Yan 2017, arXiv:1703.01365",
    signed=True,
    complete=True,
    maps=_integrated_gradients,
    passes=lambda options, _size: options["steps"],
    options={"steps": 16, "baseline": "mean"},
)
DEEPLIFT = Method(
    name="deeplift",
    title="DeepLift",
    sentence="Divides the score among the pixels by comparing every neuron with its state for a plain image.",
    source="Shrikumar, Greenside & Kundaje 2017, arXiv:1704.02685 (rescale rule)",
    signed=True,
    complete=True,
    maps=_deeplift,
    passes=lambda _options, _size: 1,
    options={"baseline": "mean"},
)
