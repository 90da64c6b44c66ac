"""Which layers are compared: four levels of detail, or a list of names."""

from collections.abc import Iterable, Sequence

from torch import nn
from torchvision.models.densenet import _DenseBlock, _Transition

from core.errors import InvalidValue, UnknownName
from core.models import check_network
from core.models import layers as prunable_layers

LEVELS = ("blocks", "standard", "convolutions", "all")
_COMPUTING = (nn.modules.conv._ConvNd, nn.Linear)
_LEAVES = (
    *_COMPUTING,
    nn.modules.batchnorm._BatchNorm,
    nn.ReLU,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
)


def layer_names(model: nn.Module, layers: str | Sequence[str] | None = None) -> list[str]:
    """The names of the layers to compare, in execution order.

    ========================  ============================================================  =========  =============
    level                     layers                                                        VGG16      DenseNet169
    ========================  ============================================================  =========  =============
    ``"blocks"``              outputs of VGG16's five stages; of DenseNet's stem, dense     6          9
                              blocks and transitions; of the classifier
    ``"standard"`` (default)  as "convolutions", but of DenseNet169 the first convolution,  14         43
                              the new features of every second dense layer, the classifier
    ``"convolutions"``        every convolution and linear layer: what pruning prunes       14         169
    ``"all"``                 those, every norm, ReLU and pool                              46         510
    ========================  ============================================================  =========  =============

    (VGG16 with the compact head and batch norm.) A convolution's output is what it computes, before norm and ReLU.

    Args:
        model: any module.
        layers: a level, or names of modules of the model (of any kind, in any order), or None for "standard".

    Raises:
        UnknownName: no such level, or no module of this name; near names are suggested.
        InvalidValue: a list without names, or with one twice; or a network without layers of the level.
    """
    check_network(model)
    modules = dict(model.named_modules())
    if layers is None or isinstance(layers, str):
        level = layers or "standard"
        if level not in LEVELS:
            raise UnknownName("level of detail", level, LEVELS)
        if found := _LEVEL[level](modules):
            return found
        raise InvalidValue(
            "This network has no layer to compare",
            given=type(model).__name__,
            expected="convolutions or linear layers",
            remedy="name the modules whose outputs are to be compared",
        )
    if not isinstance(layers, Iterable):
        raise InvalidValue(
            "These are no layers",
            given=repr(layers)[:200],
            expected=f"names of modules, or a level of detail: {', '.join(LEVELS)}",
        )
    wanted = list(layers)
    for name in wanted:
        if not isinstance(name, str) or not name or name not in modules:
            raise UnknownName("layer", name, [known for known in modules if known])
    if not wanted or len(set(wanted)) < len(wanted):
        raise InvalidValue(
            "These layers cannot be compared",
            given=f"{len(wanted)} names, {len(set(wanted))} of them different",
            expected="at least one name, each once",
        )
    chosen = set(wanted)
    return [name for name in modules if name in chosen]


def _convolutions(modules: dict[str, nn.Module]) -> list[str]:
    return list(prunable_layers(modules[""]))


def _standard(modules: dict[str, nn.Module]) -> list[str]:
    names = _convolutions(modules)
    if not any(isinstance(module, _DenseBlock) for module in modules.values()):
        return names
    # What a dense layer adds to the features is its second convolution; the first only narrows its input.
    added = [name for name in names if name.endswith(".conv2")]
    kept = {names[0], names[-1], *added[1::2]}
    return [name for name in names if name in kept]


def _blocks(modules: dict[str, nn.Module]) -> list[str]:
    def is_end(name: str, module: nn.Module) -> bool:
        # DenseNet's stem ends in a pool, or in what stands in its place for small images.
        return isinstance(module, _DenseBlock | _Transition | nn.MaxPool2d) or name in ("features.pool0", "classifier")

    return [name for name, module in modules.items() if is_end(name, module)] or _convolutions(modules)


def _all(modules: dict[str, nn.Module]) -> list[str]:
    return [name for name, module in modules.items() if isinstance(module, _LEAVES)]


_LEVEL = {"blocks": _blocks, "standard": _standard, "convolutions": _convolutions, "all": _all}
