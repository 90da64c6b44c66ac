"""Which weights of a network are pruned, in which order, and in which groups."""

import re

from torch import Tensor, nn

from core.errors import InvalidValue

PRUNABLE = (nn.Conv2d, nn.Linear)
_DENSENET_BLOCK = re.compile(r"^(features\.denseblock\d+)\.")


def layers(model: nn.Module) -> dict[str, nn.Module]:
    """Convolution and linear modules by name, in execution order.

    torchvision registers the modules of VGG16 and DenseNet169 in the order in which they run; a test holds it to that.
    """
    return {name: module for name, module in model.named_modules() if isinstance(module, PRUNABLE)}


def prunable(model: nn.Module) -> dict[str, Tensor]:
    """The weights that pruning may zero: layer name -> weight, in execution order.

    The tensors share the model's storage and are detached. Biases and batch norm are never pruned (as in the paper).

    Raises:
        InvalidValue: the model has no convolution and no linear layer.
    """
    found = {name: module.weight.detach() for name, module in layers(model).items()}
    if not found:
        raise InvalidValue(
            "This model has nothing to prune", given=type(model).__name__, expected="Conv2d or Linear layers"
        )
    return found


def units(model: nn.Module) -> list[list[str]]:
    """What layerwise pruning takes one after the other, as the paper does.

    VGG16: each layer. DenseNet169: the first convolution, each dense block, each transition, the classifier.
    """
    groups: dict[str, list[str]] = {}
    for name in layers(model):
        block = _DENSENET_BLOCK.match(name)
        groups.setdefault(block.group(1) if block else name, []).append(name)
    return list(groups.values())
