"""Whether bfloat16 is good enough for a network, found out by trying."""

import torch
from torch import Tensor, nn

from core import device as devices
from core.errors import InvalidValue
from core.models.structure import structure
from core.similarity.hsic import Gram, centred
from core.similarity.taps import Tapped, measure

TOLERANCE = 0.01  # most that a value may move: values are shown with two decimals
CHECKED_ON = 32  # images; with no more than these, float32 costs little and is taken at once
# Layers whose features differ between images by less than this, times bfloat16's spacing, drown in its rounding. Tried on a
# VGG16 pruned to 90% without recalibration: a layer with a relief of 0.046 moved by 0.001, one with 0.002 by 0.07.
FAINT = 8


def faint(matrix: Gram) -> bool:
    """Whether a layer's differences between images are near the rounding of its format."""
    return matrix.relief < FAINT * matrix.eps


def moved(model: nn.Module, images: Tensor, names: list[str], device: torch.device) -> float:
    """The most that any CKA between two of these layers changes if the network computes in bfloat16.

    Layers that are constant or drown in rounding are left out: :func:`faint` finds those in every run.

    Args:
        model: any network of ours.
        images: uint8 [n, H, W, 3]; 32 are enough to see it.
        names: of its layers.
        device: a torch device.
    """
    runs: tuple[dict[str, Gram], dict[str, Gram]] = ({}, {})
    for found, dtype in zip(runs, (torch.float32, torch.bfloat16), strict=True):
        measure(Tapped(model, names, dtype, device), images, found.__setitem__)
    usable = [name for name in names if not faint(runs[1][name]) and runs[0][name].finite]
    values = []
    for grams in runs:
        if not usable:
            return 0.0
        flat = torch.stack([centred(grams[name].products).flatten() for name in usable])
        flat = flat / flat.norm(dim=1, keepdim=True)
        values.append(flat @ flat.T)
    return float((values[0] - values[1]).abs().nan_to_num().max())  # NaN: one image alone differs


_MOVED: dict[tuple, float] = {}


def choose(name: str, model: nn.Module, images: Tensor, names: list[str], device: torch.device) -> torch.dtype:
    """The dtype of the forward pass: as named; for "auto", bfloat16 where the device is fast in it and trying it went well.

    The trial (:func:`moved`) runs once in a process for each architecture, choice of layers and image size, on 32 of the
    images. It asks how rounding adds up over the depth of a network; what depends on the weights is asked of every run by
    :func:`faint`. Rounding scatters, so what it does to a CKA averages out over images at least as fast as 1/√n (measured
    on DenseNet169 with random weights: 0.0155, 0.0083 and 0.0035 for 32, 64 and 256 images), and is scaled so to n.

    Raises:
        UnknownName: no such precision.
    """
    wanted = devices.precision(name, device)
    if name != "auto" or wanted == torch.float32:
        return wanted
    n = len(images)
    if n <= CHECKED_ON:
        return torch.float32
    kind = (structure(model), tuple(names), tuple(images.shape[1:]), str(device))
    if kind not in _MOVED:
        some = images[torch.linspace(0, n - 1, CHECKED_ON).long()]
        try:
            _MOVED[kind] = moved(model, some, names, device)
        except (RuntimeError, InvalidValue) as error:
            if devices.is_memory_full(error):
                raise
            # Not every operation has bfloat16, or takes it beside float32; what float32 cannot do either is told by what follows.
            return torch.float32
    return torch.bfloat16 if _MOVED[kind] * (CHECKED_ON / n) ** 0.5 <= TOLERANCE else torch.float32
