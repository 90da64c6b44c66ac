"""How the networks are connected: from a module to the steps that compaction reasons about.

Written out for each kind of network, not traced: torch.fx traces by replacing methods of ``nn.Module`` for the whole
process, which would reach a forward pass in another thread.
"""

from collections.abc import Iterable

import torch
from torch import nn
from torchvision.models import VGG, DenseNet
from torchvision.models.densenet import _DenseBlock, _DenseLayer

from core.errors import InvalidValue
from core.models.architectures import CompactVGG16
from core.pruning.binding import private
from core.pruning.compaction.building import FixedSize
from core.pruning.compaction.operations import Channelwise, Concatenation, Image, Norm, Operation, Weighted

_KEEP_CONSTANTS = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.Dropout, nn.Identity, nn.Flatten, FixedSize)
_PIXELS = (32, 64, 224, 8)
"""Heights and widths on which a network of another make is asked whether it runs its parts in a row; the first that it takes."""


def wire(model: nn.Module) -> list[Operation]:
    """The steps of ``model`` in the order in which they run; the last gives the logits.

    Raises:
        InvalidValue: a network that is neither a DenseNet nor, like VGG, ``features``, ``avgpool`` and ``classifier`` in a
            row; or one with a layer that compaction does not know, or that is used twice.
    """
    _check_used_once(model)
    if type(model).forward is DenseNet.forward and "forward" not in vars(model):
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
        _check_in_a_row(model)
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
        if type(module) is not _DenseBlock:
            raise _unknown(name, module)
        for layer, parts in _children(name, module):
            if type(parts) is not _DenseLayer:
                raise _unknown(layer, parts)
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
        if type(module) in (nn.Conv2d, nn.Linear):  # a class that inherits may compute something else
            _check(name, module, len(steps[-1].constants))
            norm = left.pop(0) if left and type(left[0][1]) is nn.BatchNorm2d else None
            steps.append(Weighted(name, steps[-1], module, norm))
        elif type(module) is nn.BatchNorm2d:
            steps.append(Norm(name, steps[-1], module))
        elif type(module) is nn.ReLU:
            steps.append(Channelwise(name, steps[-1], module, torch.relu))
        elif type(module) in _KEEP_CONSTANTS and not _changes_constants(module):
            steps.append(Channelwise(name, steps[-1], module))
        else:
            raise _unknown(name, module)


def _changes_constants(pool: nn.Module) -> bool:
    """An average over a padded border, or divided by another number than there are, of equal values is another value."""
    return isinstance(pool, nn.AvgPool2d) and bool(pool.padding or pool.divisor_override)


def _children(name: str, module: nn.Module) -> list[tuple[str, nn.Module]]:
    # Not ``named_children``, which leaves out what was there before: one ReLU may stand in several places.
    return [(f"{name}.{child}", part) for child, part in module._modules.items() if part is not None]


def _check_used_once(model: nn.Module) -> None:
    """Raise InvalidValue where a layer with weights or statistics stands in two places: the smaller ones would have to differ."""
    seen: dict[int, str] = {}
    for name, module in model.named_modules(remove_duplicate=False):
        if id(module) in seen and (module._parameters or module._buffers):
            raise InvalidValue(
                "A network that uses one layer twice cannot be compacted",
                given=f"{seen[id(module)]} and {name} are one {type(module).__name__}",
                expected="each layer in one place",
                remedy="give each place a layer of its own, with copies of the weights",
            )
        seen.setdefault(id(module), name)


def _check_in_a_row(model: nn.Module) -> None:
    """Raise InvalidValue if a network of another make does more than to run features, avgpool and classifier: asked of noise."""
    if "forward" not in vars(model) and type(model).forward in (VGG.forward, CompactVGG16.forward):
        return
    if isinstance(model.avgpool, FixedSize):  # compacted before, and then asked
        return
    network = private(model).eval()
    weight = next(model.parameters())
    for side in _PIXELS:
        noise = torch.randn(2, _first_channels(model), side, side, generator=torch.Generator().manual_seed(0))
        noise = noise.to(weight.device, weight.dtype)
        try:
            with torch.inference_mode(False), torch.no_grad():
                given = network(noise)
                row = network.classifier(torch.flatten(network.avgpool(network.features(noise)), 1))
        except RuntimeError:  # too small for it, or too large for its head
            continue
        room = 100 * torch.finfo(row.dtype).eps * float(row.abs().nan_to_num().max())
        if getattr(given, "shape", None) == row.shape and torch.allclose(given, row, rtol=0, atol=room, equal_nan=True):
            return
        raise InvalidValue(
            "This kind of network cannot be compacted",
            given=f"{type(model).__name__}, which does something else than its features, avgpool and classifier in a row",
            expected="a VGG or a DenseNet, as core.models.build makes them",
        )


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
