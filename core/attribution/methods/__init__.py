"""The attribution methods by name, in the order in which screens list them. A new one is a file here and a line below."""

from core.attribution.methods.base import BASELINES, Method
from core.attribution.methods.contributions import DEEPLIFT, INTEGRATED_GRADIENTS
from core.attribution.methods.grad_cam import GRAD_CAM
from core.attribution.methods.gradients import GUIDED_BACKPROP, SALIENCY, SMOOTHGRAD
from core.attribution.methods.occlusion import OCCLUSION

METHODS: dict[str, Method] = {
    method.name: method
    for method in (GRAD_CAM, SALIENCY, SMOOTHGRAD, INTEGRATED_GRADIENTS, DEEPLIFT, OCCLUSION, GUIDED_BACKPROP)
}

__all__ = ["BASELINES", "METHODS", "Method"]
