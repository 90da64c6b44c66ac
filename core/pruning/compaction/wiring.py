"""How the networks are connected: from a module to the steps that compaction reasons about.

Written out for each kind of network, not traced: torch.fx traces by replacing methods of ``nn.Module`` for the whole
process, which would reach a forward pass in another thread.
"""

from collections.abc import Iterable

import torch
from torch import nn
from torchvision.models import DenseNet

from core.errors import InvalidValue
from core.pruning.compaction.building import FixedSize
from core.pruning.compaction.operations import Channelwise, Concatenation, Image, Norm, Operation, Weighted

_KEEP_CONSTANTS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Dropout, nn.Identity, nn.Flatten, FixedSize)


def wire(model: nn.Module) -> list[Operation]:
    """The steps of ``model`` in the order in which they run; the last gives the logits.

    Raises:
        InvalidValue: a network that is neither a DenseNet nor, like VGG, ``features``, ``avgpool`` and ``classifier`` in a
            row; or one with a layer that compaction does not know.
    """
    if isinstance(model, DenseNet):
        return _densenet(model)
    parts = [getattr(model, name, None) for name in ("features", "avgpool", "classifier")]
    if isinstance(parts[0], nn.Sequential) and all(isinstance(part, nn.Module) for part in parts):
        modules = [
            *_children("features", parts[0]),
            ("avgpool", parts[1]),
            *(_children("classifier", parts[2]) if isinstance(parts[2], nn.Sequential) else [("classifier", parts[2])]),
        ]
        steps: list[Operation] = [Image(_first_channels(model))]
        _chain(steps, modules)
        return steps
    raise InvalidValue(
        "This kind of network cannot be compacted",
        given=type(model).__name__,
        expected="a VGG or a DenseNet, as core.models.build makes them",
    )


def _densenet(model: DenseNet) -> list[Operation]:
    """Every layer of a block reads the concatenation of all before it, through a norm of its own."""
    steps: list[Operation] = [Image(_first_channels(model))]
    pending: list[tuple[str, nn.Module]] = []
    for name, module in _children("features", model.features):
        if not isinstance(module, nn.ModuleDict):
            pending += _children(name, module) if isinstance(module, nn.Sequential) else [(name, module)]
            continue
        _chain(steps, pending)
        pending = []
        pieces = [steps[-1]]
        for layer, parts in _children(name, module):
            steps.append(Concatenation(layer, *pieces))
            _chain(steps, _children(layer, parts))
            pieces.append(steps[-1])
        steps.append(Concatenation(name, *pieces))
    _chain(
        steps, [*pending, ("relu", nn.ReLU()), ("avgpool", nn.AdaptiveAvgPool2d(1)), ("classifier", model.classifier)]
    )
    return steps


def _chain(steps: list[Operation], modules: Iterable[tuple[str, nn.Module]]) -> None:
    """Append modules that run one after the other, each batch norm right after a convolution as a part of it."""
    left = list(modules)
    while left:
        name, module = left.pop(0)
        if isinstance(module, nn.Conv2d | nn.Linear):
            _check(name, module, len(steps[-1].constants))
            norm = left.pop(0) if left and isinstance(left[0][1], nn.BatchNorm2d) else None
            steps.append(Weighted(name, steps[-1], module, norm))
        elif isinstance(module, nn.BatchNorm2d):
            steps.append(Norm(name, steps[-1], module))
        elif isinstance(module, nn.ReLU):
            steps.append(Channelwise(name, steps[-1], module, torch.relu))
        elif isinstance(module, _KEEP_CONSTANTS) and not (isinstance(module, nn.AvgPool2d) and module.padding):
            steps.append(Channelwise(name, steps[-1], module))
        else:
            raise _unknown(name, module)


def _children(name: str, module: nn.Module) -> list[tuple[str, nn.Module]]:
    return [(f"{name}.{child}", part) for child, part in module.named_children()]


def _first_channels(model: nn.Module) -> int:
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            return module.in_channels
    raise InvalidValue(
        "A network without convolutions cannot be compacted",
        given=type(model).__name__,
        expected="a VGG or a DenseNet, as core.models.build makes them",
    )


def _check(name: str, module: nn.Conv2d | nn.Linear, inputs: int) -> None:
    if isinstance(module, nn.Conv2d) and (module.groups != 1 or module.padding_mode != "zeros"):
        raise _unknown(name, module)
    # A linear layer may read several positions of each channel.
    reads = module.weight.shape[1]
    if reads != inputs if isinstance(module, nn.Conv2d) else reads % inputs:
        raise InvalidValue(
            f"The layer {name} does not read what comes before it",
            given=f"{reads} inputs, after {inputs} channels",
            expected="layers that run one after the other as they are listed",
        )


def _unknown(name: str, module: nn.Module) -> InvalidValue:
    return InvalidValue(
        f"Compaction does not know the layer {name}",
        given=str(module),
        expected="Conv2d without groups and padded with zeros, Linear, BatchNorm2d, ReLU, pooling, Dropout",
    )
