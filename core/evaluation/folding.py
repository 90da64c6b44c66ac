"""Batch norm folded into the convolution before it: the same function in fewer passes over memory, for inference only."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from core.evaluation.order import chains
from core.pruning import private


def folded(model: nn.Module) -> nn.Module:
    """A private copy of ``model`` for inference, with every batch norm that directly follows a convolution folded away.

    In VGG16 that is all of them. In DenseNet169 the first norm of each layer reads the concatenation before it and stays;
    the second, and the stem's, are folded. In a network of another make nothing is (:mod:`core.evaluation.order`).

    Args:
        model: untouched. Its batch-norm statistics are used as they are.

    Returns:
        A module in evaluation mode with the same outputs up to rounding.
    """
    copy = private(model).eval()
    for parent, chain in chains(copy):
        for (_, module), (name, following) in pairwise(chain):
            # A norm that keeps no statistics takes them from each batch.
            if type(module) is nn.Conv2d and type(following) is nn.BatchNorm2d and following.running_mean is not None:
                with torch.no_grad():
                    _fold(module, following)
                setattr(parent, name, nn.Identity())
    return copy


def _fold(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    """Into the convolution itself: torch's ``fuse_conv_bn_eval`` copies it first, with all its weights."""
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        convolution.weight,
        convolution.bias,
        norm.running_mean,
        norm.running_var,
        norm.eps,
        norm.weight,
        norm.bias,
    )
