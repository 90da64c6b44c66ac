"""Which weights of a network are pruned, in which order, and in which groups."""

import re
from collections.abc import Iterable

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from core.errors import InvalidValue

PRUNABLE = (nn.Conv2d, nn.Linear)
_DENSENET_BLOCK = re.compile(r"^((?:.*\.)?features\.denseblock\d+)\.")
"""Whatever the network is wrapped in: ``nn.DataParallel`` calls it ``module``, ``torch.compile`` ``_orig_mod``."""


def check_network(model) -> None:
    """Raise :class:`InvalidValue` if ``model`` is none."""
    if not isinstance(model, nn.Module):
        expected = "an nn.Module, as from core.models.build"
        raise InvalidValue("This is no network", given=repr(model)[:80], expected=expected)


def layers(model: nn.Module) -> dict[str, nn.Module]:
    """Convolution and linear modules by name, in the order in which they are registered.

    torchvision registers the modules of VGG16 and DenseNet169 in the order in which they run; a test holds it to that. A network of
    another make that registers them in another order is pruned layer by layer, and ties are broken, in that one.

    Raises:
        InvalidValue: no network.
    """
    check_network(model)
    return {name: module for name, module in model.named_modules() if isinstance(module, PRUNABLE)}


def prunable(model: nn.Module) -> dict[str, Tensor]:
    """The weights that pruning may zero: layer name -> weight, in the order of :func:`layers`, which is that of execution.

    The tensors share the model's storage and are detached. Biases and batch norm are never pruned (as in the paper).

    Raises:
        InvalidValue: the model has no convolution and no linear layer; a layer has no weights before its first input; or two
            layers share one weight, or a layer and whatever else has parameters: masks by layer would prune one half of it.
    """
    weights = {name: module.weight for name, module in layers(model).items()}
    if not weights:
        raise InvalidValue(
            "This model has nothing to prune", given=type(model).__name__, expected="Conv2d or Linear layers"
        )
    check_shapes(weights.items())
    owners: dict[int, str] = {}
    for name, weight in weights.items():
        owners.setdefault(id(weight), name)
    for name, module in model.named_modules():  # each module once, also one that stands in two places
        for own, parameter in module._parameters.items():
            path, other = f"{name}.{own}".removeprefix("."), owners.get(id(parameter))
            if other is not None and (name, own) != (other, "weight"):
                raise InvalidValue(
                    "Two layers share one weight, so they cannot be pruned each by its own mask",
                    given=f"{other} and {path.removesuffix('.weight')}",
                    expected="a weight of its own for each layer",
                    remedy=f"part them: {path} = nn.Parameter({path}.detach().clone())",
                )
    return {name: weight.detach() for name, weight in weights.items()}


def check_shapes(parameters: Iterable[tuple[str, Tensor]]) -> None:
    """Raise :class:`InvalidValue` if one of these, by name, is a lazy layer's that has not seen an input yet."""
    for name, parameter in parameters:
        if is_lazy(parameter):
            raise InvalidValue(
                "A lazy layer of this model has no weights yet",
                given=name,
                expected="weights of a known shape",
                remedy="let the model see one batch first",
            )


def units(model: nn.Module) -> list[list[str]]:
    """What layerwise pruning takes one after the other, as the paper does.

    VGG16: each layer. DenseNet169: the first convolution, each dense block, each transition, the classifier.
    """
    groups: dict[str, list[str]] = {}
    for name in layers(model):
        block = _DENSENET_BLOCK.match(name)
        groups.setdefault(block.group(1) if block else name, []).append(name)
    return list(groups.values())
