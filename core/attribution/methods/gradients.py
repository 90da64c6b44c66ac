"""Methods that read the gradient: how much the answer would change if a pixel did."""

import torch
from torch import Tensor

from core.attribution.explainer import Explainer, captum
from core.attribution.methods.base import Method, largest


def _saliency(explainer: Explainer, x: Tensor, target: Tensor) -> Tensor:
    return largest(_gradient(explainer, x, target))


def _smoothgrad(explainer: Explainer, x: Tensor, target: Tensor, *, samples: int, noise: float, seed: int) -> Tensor:
    # Captum's NoiseTunnel draws from torch's global state: two users at once would get each other's noise.
    random = torch.Generator().manual_seed(seed)
    spread = noise * (x.amax(dim=(1, 2, 3), keepdim=True) - x.amin(dim=(1, 2, 3), keepdim=True))
    total, batch, done = torch.zeros_like(x), max(1, explainer.batch(x) // len(x)), 0
    while done < samples:
        count = min(batch, samples - done)
        # The same noise for each image: its map is the same whichever images go with it.
        drawn = torch.randn(count, *x.shape[1:], generator=random).to(x.device)
        noisy = (x[None] + spread[None] * drawn[:, None]).flatten(0, 1)
        total += _gradient(explainer, noisy, target.repeat(count)).view(count, *x.shape).sum(dim=0)
        done += count
    return largest(total / samples)


def _guided(explainer: Explainer, x: Tensor, target: Tensor) -> Tensor:
    method = captum().GuidedBackprop(explainer.network)
    method.gradient_func = explainer.gradient
    return largest(method.attribute(x.detach().requires_grad_(), target))


def _gradient(explainer: Explainer, x: Tensor, target: Tensor) -> Tensor:
    method = captum().Saliency(explainer.network)
    method.gradient_func = explainer.gradient
    return method.attribute(x.detach().requires_grad_(), target, abs=False).detach()


SALIENCY = Method(
    name="saliency",
    title="Saliency",
    sentence="Bright where a small change of the pixel would change the score of the target most.",
    source="Simonyan, Vedaldi & Zisserman 2014, arXiv:1312.6034",
    signed=False,
    complete=False,
    maps=_saliency,
    passes=lambda _options, _size: 1,
)
SMOOTHGRAD = Method(
    name="smoothgrad",
    title="SmoothGrad",
    sentence="Saliency, averaged over copies of the image with a little noise, so that chance speckle averages out.",
    source="Smilkov et al. 2017, arXiv:1706.03825",
    signed=False,
    complete=False,
    maps=_smoothgrad,
    passes=lambda options, _size: options["samples"],
    options={"samples": 16, "noise": 0.15, "seed": 0},
)
GUIDED_BACKPROP = Method(
    name="guided_backprop",
    title="Guided backpropagation",
    sentence="The gradient with all that speaks against the target left out on its way back. Sharp, but it shows edges of the "
    "picture more than reasons of the network.",
    source="Springenberg et al. 2015, arXiv:1412.6806",
    signed=False,
    complete=False,
    maps=_guided,
    passes=lambda _options, _size: 1,
)
