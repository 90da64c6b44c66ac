"""Floating-point operations of a network, counted as torch.utils.flop_counter counts: two for each multiply-add."""

import copy

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from core.errors import InvalidValue, check_whole
from core.models import check_shapes

MOST = 100_000
"""Pixels of height and width, and images; more are a slip."""

UNIT = "floating-point operations, two for each multiply-add"


class _Counter(TorchDispatchMode):
    """Adds up torch's own formulas. ``FlopCounterMode`` does too, but hooks the modules of all threads while it counts."""

    def __init__(self):
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        formula = flop_registry.get(func.overloadpacket)
        if formula is not None:
            self.total += formula(*args, **(kwargs or {}), out_val=result)
        return result


def flops(model: nn.Module, size: int, *, images: int = 1) -> int:
    """Operations for ``images`` of ``size``×``size`` pixels: convolutions and matrix products, as they dominate all else.

    Zeros count like any other number, because they are computed like any other number.

    Args:
        model: takes float [N, 3, H, W]; untouched. Nothing is computed: torch follows the shapes only.
        size: height and width in pixels.
        images: how many.

    Raises:
        InvalidValue: ``size`` or ``images`` is not a whole number that makes sense, images of this size do not get through the
            network, or it has a layer without weights.
    """
    size = check_whole(size, "Images cannot be of this size", 1, MOST)
    images = check_whole(images, "There cannot be so many images", 1, MOST)
    check_shapes(model.named_parameters())
    with torch.inference_mode(False), torch.no_grad():
        # Operations are as many in any precision, and images come in this one.
        shapes = copy.deepcopy(model).eval().to("meta", torch.float32)
        with _Counter() as counter:
            try:
                shapes(torch.empty(images, 3, size, size, device="meta"))
            except RuntimeError as error:
                raise InvalidValue(
                    "Images of this size do not get through this network",
                    given=f"{size}×{size} pixels ({str(error).partition(chr(10))[0][:200]})",
                    expected="a network for colour images, and images that survive its halvings",
                ) from error
    return counter.total
