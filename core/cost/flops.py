"""Floating-point operations of a network, counted as torch.utils.flop_counter counts: two for each multiply-add."""

import copy

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

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
    """
    with torch.inference_mode(False), torch.no_grad():
        shapes = copy.deepcopy(model).eval().to("meta")
        with _Counter() as counter:
            shapes(torch.empty(images, 3, size, size, device="meta"))
    return counter.total
