"""What torch says of images that a network cannot take, said so that one can go on from it."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torchvision.models import VGG, DenseNet

from core.errors import InvalidValue
from core.models.architectures import CompactVGG16

_POOLED_AWAY = ("size is too small", "Output size", "Kernel size can't be greater")
_OTHER_SIZE = ("shapes cannot be multiplied",)  # of the features that reach a linear layer


@contextmanager
def refusals_named(network: nn.Module, images: Tensor, dtype: torch.dtype = torch.float32) -> Iterator[None]:
    """Turn what torch says of a size or a precision that ``network`` cannot compute in into :class:`InvalidValue`.

    Args:
        network: what runs within.
        images: uint8 [N, H, W, 3] or float [N, 3, H, W], what it is given.
        dtype: what it computes in.
    """
    try:
        yield
    except RuntimeError as error:
        text, first = str(error), str(error).strip().partition("\n")[0][:160]
        height, width = images.shape[1:3] if images.dtype == torch.uint8 else images.shape[2:4]
        if any(words in text for words in _POOLED_AWAY):
            ours = isinstance(network, CompactVGG16 | VGG | DenseNet)
            raise InvalidValue(
                "These images are too small for the network",
                given=f"{height}×{width}",
                expected="32×32 or larger" if ours else "images of the size that it was trained on, or larger ones",
            ) from error
        if any(words in text for words in _OTHER_SIZE):
            raise InvalidValue(
                "The network cannot take images of this size",
                given=f"{height}×{width}: {first}",
                expected="images of the size that it was trained on",
            ) from error
        if dtype == torch.bfloat16 and "bfloat16" in text.lower():
            raise InvalidValue(
                "The network cannot compute in bfloat16",
                given=f"{type(network).__name__}: {first}",
                expected='precision="auto" or precision="float32"',
            ) from error
        raise
