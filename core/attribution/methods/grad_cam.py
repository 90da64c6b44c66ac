"""Grad-CAM: which places of a layer's feature maps speak for the target."""

import torch
from torch import Tensor

from core.attribution.explainer import Explainer, captum
from core.attribution.methods.base import Method
from core.attribution.skeleton import cam_layer


def _grad_cam(explainer: Explainer, x: Tensor, target: Tensor, *, layer: str | None) -> Tensor:
    module = cam_layer(explainer.network, x.shape[-1], layer)
    method = captum().LayerGradCam(explainer.forward, module)
    found = method.attribute(x.detach().requires_grad_(), target, relu_attributions=True).detach()
    return torch.nn.functional.interpolate(found, x.shape[-2:], mode="bilinear")[:, 0]


GRAD_CAM = Method(
    name="grad_cam",
    title="Grad-CAM",
    sentence="Bright where the feature maps of a deep layer speak for the target. Coarse, but steady.",
    source="Selvaraju et al. 2017, arXiv:1610.02391",
    signed=False,
    complete=False,
    maps=_grad_cam,
    passes=lambda _options, _size: 1,
    options={"layer": None},
)
