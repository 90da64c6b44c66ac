"""What the units of the layerwise method are called, so that the paper's networks and ours meet in one chart."""

import re
from collections.abc import Sequence

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
