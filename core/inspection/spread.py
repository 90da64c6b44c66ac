"""Sparsity by layer, with each layer's place among all weights."""

import pandas as pd

from core.pruning import Masks


def spread(masks: Masks) -> pd.DataFrame:
    """One row for each layer, from input to output.

    Returns:
        layer, weights, zeros (counts), sparsity (share), share (of all weights of the network), start and stop (the layer's
        place in [0, 1] when all weights stand side by side).
    """
    frame = masks.per_layer()
    frame["share"] = frame["weights"] / masks.size
    frame["stop"] = frame["share"].cumsum()
    frame["start"] = frame["stop"] - frame["share"]
    return frame
