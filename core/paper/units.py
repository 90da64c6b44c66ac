"""What the units of the layerwise method are called, so that the paper's networks and ours meet in one chart."""

import re
from collections.abc import Sequence

_VGG = re.compile(r"features\.(\d+)")
_BRIEF = (("features.denseblock", "block"), ("denselayer", "layer"), ("features.transition", "transition"))
_DENSENET = re.compile(r"features\.(denseblock|transition)(\d+)\b")


def unit_names(last_layers: Sequence[str]) -> list[str]:
    """Names for readers of a network's units in execution order.

    Args:
        last_layers: the last layer of each unit, such as ``"features.0"`` or
            ``"features.denseblock1.denselayer6.conv2"`` (the paper writes ``"features.denseblock1"``).

    Returns:
        As many names: ``"conv 1"``, ``"conv 2"``, … for single convolutions, ``"block 1"`` and ``"transition 1"`` for
        DenseNet's, ``"hidden 1"``, … for linear layers before the last, and ``"output"`` for the last.
    """
    linear = [layer for layer in last_layers if layer.startswith("classifier")]
    names, convolutions = [], 0
    for layer in last_layers:
        if part := _DENSENET.match(layer):
            names.append(f"{'block' if part[1] == 'denseblock' else 'transition'} {part[2]}")
        elif layer in linear:
            names.append("output" if layer == linear[-1] else f"hidden {linear.index(layer) + 1}")
        else:
            convolutions += 1
            names.append(f"conv {convolutions}")
    return names


def layer_name(layer: str, layers: Sequence[str]) -> str:
    """The name for readers of one layer of a network, in the words of :func:`unit_names`.

    Args:
        layer: its name in the code, such as ``"features.14"``, or that of a dense block or transition as a whole.
        layers: such names of that network, up to its last at least: what ``"features.14"`` is depends on whether there is batch norm.

    Returns:
        ``"conv 5"``, ``"norm 5"``, ``"ReLU 5"``, ``"pool 2"``, ``"hidden 1"``, ``"output"`` for VGG16's; ``"block 4"``,
        ``"block4.layer11.conv1"``, ``"conv 1"`` (the first), ``"output"`` for DenseNet's. Names of other networks as they are.
    """
    linear = [name for name in layers if name in _LINEAR]
    if found := _VGG.fullmatch(layer):
        last = max(int(name[1]) for name in map(_VGG.fullmatch, [layer, *layers]) if name)
        return next((names[int(found[1])] for names in _VGG16 if last in _ends(names)), layer)
    if layer in linear:
        return unit_names(linear)[linear.index(layer)] if len(layers) > 1 else layer
    if found := _DENSENET.fullmatch(layer):
        return unit_names([layer])[0]
    if layer == "features.conv0":
        return "conv 1"
    for long, brief in _BRIEF:
        layer = layer.replace(long, brief)
    return layer


def _vgg16(parts: tuple[str, ...]) -> list[str]:
    """Names of the modules of VGG16's features in order; its convolutions come in blocks, with a pool after each."""
    names, convolutions = [], 0
    for block, many in enumerate((2, 2, 3, 3, 3), 1):
        for number in range(convolutions + 1, convolutions + many + 1):
            names += [f"{part} {number}" for part in parts]
        convolutions += many
        names.append(f"pool {block}")
    return names


def _ends(names: list[str]) -> tuple[int, int]:
    """Numbers of the last convolution and of the last pool: one of them ends every list of this network's layers."""
    return len(names) - 1, max(place for place, name in enumerate(names) if name.startswith("conv"))


_LINEAR = ("classifier", "classifier.0", "classifier.3", "classifier.6")
_VGG16 = (_vgg16(("conv", "norm", "ReLU")), _vgg16(("conv", "ReLU")))
