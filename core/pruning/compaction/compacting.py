"""A pruned network without its dead channels."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import check_whole
from core.pruning.binding import bind
from core.pruning.compaction.building import merged_pool, small_layer, small_norm
from core.pruning.compaction.operations import Norm, Operation, Weighted
from core.pruning.compaction.wiring import wire

MOST_PIXELS = 100_000
"""Height and width; more are a slip."""


def compact(model: nn.Module, masks: Mapping[str, Tensor], *, size: int | None = None) -> nn.Module:
    """``model`` pruned by ``masks``, without the channels that this leaves dead; the same outputs up to rounding.

    Left out are the channels that are the same for every image, because all their weights are zero or read only such
    channels, and those that no later weight reads. What constant channels still emit (a bias or a batch norm, through
    ReLU) is carried exactly into what follows, zero-padded borders included (:mod:`core.pruning.compaction.operations`
    tells how). Batch norm is folded into the convolution before it; those that read DenseNet's concatenations stay, with
    the channels that are left. Channels of the concatenations go where no consumer reads them, and whole dense layers
    where all their channels go. A channel whose weights read only the padded border of constants varies over the image and stays.

    Args:
        model: a VGG or DenseNet in any mode; untouched.
        masks: layer name -> bool, for exactly the layers of ``core.models.prunable(model)``, True keeps.
        size: height and width of the images in pixels. Given it, an average pool that only repeats what it gets is merged
            into the linear layer after it: torchvision's VGG16 head at 32 pixels repeats each feature 49 times. The result
            then takes images of this size only.

    Returns:
        A network of the same class in evaluation mode, with the layer names of ``model`` and its ``mean`` and ``std``.
        Its weights are its own.

    Raises:
        InvalidValue: masks of other layers or shapes, a network that compaction does not know, or a ``size`` that is no
            number of pixels or too small for the average pool before the linear layers.
    """
    if size is not None:
        size = check_whole(size, "Images cannot be of this size", 1, MOST_PIXELS)
    small = bind(model, masks).eval()
    with torch.inference_mode(False), torch.no_grad():
        steps = _surveyed(small)
        spread = None
        if size is not None and (merged := merged_pool(small, size, channels=len(steps[0].constants))):
            spread, small.avgpool = merged
        emptied = set()
        for step in steps:
            if isinstance(step, Weighted | Norm) and not step.stays:
                emptied.add(step.name.rpartition(".")[0])
            elif isinstance(step, Norm):
                small.set_submodule(step.name, small_norm(step))
            elif isinstance(step, Weighted):
                flattened = isinstance(step.module, nn.Linear) and step.taps.shape[2] > 1
                small.set_submodule(step.name, small_layer(step, spread if flattened else None))
                if step.norm_name is not None:
                    small.set_submodule(step.norm_name, nn.Identity())
        for name in emptied:  # dense layers of which nothing is read
            block, _, layer = name.rpartition(".")
            del small.get_submodule(block)[layer]
    return small.eval()


def channel_states(model: nn.Module, masks: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
    """What becomes of each output channel of each prunable layer.

    Args:
        model, masks: as for :func:`compact`.

    Returns:
        Layer name -> array of text [outputs], in execution order: ``"alive"``; ``"constant"``, the same for every image; or
        ``"unread"``, by any weight that is left. Those that :func:`compact` keeps are the alive ones, and one dead one where it
        must keep a tensor.

    Raises:
        InvalidValue: as :func:`compact`.
    """
    found = {}
    for step in _surveyed(bind(model, masks)):
        if isinstance(step, Weighted):
            state = np.where(step.needed.numpy() & (not step.blank), "alive", "unread")
            found[step.name] = np.where(step.varying.numpy(), state, "constant")
    return found


def _surveyed(model: nn.Module) -> list[Operation]:
    """The steps of a pruned network, with everything known of their channels."""
    with torch.inference_mode(False), torch.no_grad():
        steps = wire(model)
        steps[-1].needed[:] = True  # every class is answered, even one that is the same for every image
        for step in reversed(steps):
            step.demand()
    return steps
