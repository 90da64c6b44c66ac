"""Batch norm folded into the convolution before it: the same function in fewer passes over memory, for inference only."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from core.pruning import private


def folded(model: nn.Module) -> nn.Module:
    """A private copy of ``model`` for inference, with every batch norm that directly follows a convolution folded away.

    In VGG16 that is all of them. In DenseNet169 the first norm of each layer reads the concatenation before it and stays;
    the second, and the stem's, are folded.

    Args:
        model: from :func:`core.models.build` or a copy of one; untouched. Its batch-norm statistics are used as they are.

    Returns:
        A module in evaluation mode with the same outputs up to rounding.
    """
    copy = private(model).eval()
    for parent in list(copy.modules()):
        children = list(parent.named_children())
        for (_, module), (next_name, following) in pairwise(children):
            if isinstance(module, nn.Conv2d) and isinstance(following, nn.BatchNorm2d):
                # torchvision registers children in the order in which they run, DenseNet's layers included
                # (norm1, relu1, conv1, norm2, …): a norm registered after a convolution reads that convolution.
                with torch.no_grad():
                    _fold(module, following)
                setattr(parent, next_name, nn.Identity())
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
