"""Methods that divide the answer among the pixels: their maps sum to the score less that of a baseline (completeness)."""

from torch import Tensor

from core.attribution.explainer import Explainer, captum
from core.attribution.methods import base
from core.attribution.methods.base import Method
from core.errors import InvalidValue


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
    try:
        found = method.attribute(x.detach().requires_grad_(), base.baseline(explainer, x, baseline), target)
    except RuntimeError as error:
        if "used more than" not in str(error):
            raise
        raise InvalidValue(
            "DeepLift cannot explain a network that calls one ReLU more than once",
            given=type(explainer.network).__name__,
            expected="a ReLU of its own for each call, as VGG and DenseNet have",
            remedy="take another method of attribution, such as integrated_gradients",
        ) from error
    return base.summed(found)


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
