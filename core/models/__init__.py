"""The two architectures of the paper and what of them is pruned.

``build`` makes a network, ``prunable`` names its convolution and linear weights in execution order, and ``units``
groups them as layerwise pruning takes them one after the other.
"""

from core.models.architectures import ARCHITECTURES, HEADS, MAX_CLASSES, STEMS, build, check_kind, imagenet_weights
from core.models.layers import check_network, check_shapes, layers, prunable, units
from core.models.normalisation import normalisation, normalise, set_normalisation
from core.models.outputs import check_logits

__all__ = [
    "ARCHITECTURES",
    "HEADS",
    "MAX_CLASSES",
    "STEMS",
    "build",
    "check_kind",
    "check_logits",
    "check_network",
    "check_shapes",
    "imagenet_weights",
    "layers",
    "normalisation",
    "normalise",
    "prunable",
    "set_normalisation",
    "units",
]
