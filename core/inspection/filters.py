"""The filters of a layer: how strong each is, and whether it still does anything."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from torch import Tensor

from core.errors import InvalidValue


def filters(weight: Tensor, keep: Tensor, states: np.ndarray) -> pd.DataFrame:
    """One row for each output channel of a layer.

    Args:
        weight: float [channels, ...]; zero where pruned, or not yet.
        keep: bool, of its shape.
        states: of the layer, from :func:`core.pruning.channel_states`.

    Returns:
        channel, norm (Euclidean, of the weights that are kept), kept, weights (counts), sparsity (share removed), state.

    Raises:
        InvalidValue: shapes that differ.
    """
    if weight.shape != keep.shape or len(states) != len(weight):
        raise InvalidValue(
            "These are of different layers",
            given=f"weights {list(weight.shape)}, mask {list(keep.shape)}, {len(states)} states",
            expected="one shape, a state for each channel",
        )
    kept = keep.flatten(1).sum(1).numpy()
    norms = (weight.detach().float() * keep).flatten(1).norm(dim=1).numpy()
    size = weight[0].numel()
    return pd.DataFrame(
        {
            "channel": np.arange(len(weight)),
            "norm": norms,
            "kept": kept,
            "weights": size,
            "sparsity": 1 - kept / size,
            "state": states.astype(object),
        }
    )


def tally(states: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """How many channels of each layer are alive, constant and unread.

    Args:
        states: from :func:`core.pruning.channel_states`.

    Returns:
        One row a layer, in order: layer, channels, alive, constant, unread.
    """
    rows = [
        {"layer": layer, "channels": len(state)}
        | {kind: int((state == kind).sum()) for kind in ("alive", "constant", "unread")}
        for layer, state in states.items()
    ]
    return pd.DataFrame(rows)
