"""The weights of a layer, those that stay and those that go."""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from core.errors import InvalidValue

BINS = 81
REACH = 0.999
"""Share of the weights that the bins span; the few beyond would squeeze all others into the middle."""


def histogram(weight: Tensor, keep: Tensor, *, bins: int = BINS) -> pd.DataFrame:
    """How many weights lie where, kept and removed.

    Args:
        weight: float, any shape: the layer before these weights were removed.
        keep: bool, of the same shape.
        bins: how many, odd so that one has zero in its middle.

    Returns:
        One row a bin, rising: low, high (its ends), kept, removed (counts). The outermost bins also hold all weights beyond
        them. Weights that were zero already are counted nowhere: they would outgrow all else.

    Raises:
        InvalidValue: shapes that differ, or an even number of bins.
    """
    if weight.shape != keep.shape or bins % 2 == 0:
        raise InvalidValue(
            "These cannot be made a histogram of",
            given=f"weights {list(weight.shape)}, mask {list(keep.shape)}, {bins} bins",
            expected="one shape and an odd number of bins",
        )
    values, kept = weight.detach().float().flatten().numpy(), keep.flatten().numpy()
    values, kept = values[values != 0], kept[values != 0]
    edge = float(np.quantile(np.abs(values), REACH)) if len(values) else 1.0
    edges = np.linspace(-edge, edge, bins + 1)
    inside = np.clip(values, -edge, edge)
    counts = [np.histogram(inside[which], edges)[0] for which in (kept, ~kept)]
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "kept": counts[0], "removed": counts[1]})


def cutoff(weight: Tensor, keep: Tensor) -> float | None:
    """The magnitude below which this layer's weights were removed and above which they stayed.

    Args:
        weight, keep: as for :func:`histogram`.

    Returns:
        The largest magnitude removed; None where nothing or everything was, or where smaller weights stayed than
        were removed, so that there is no one threshold: the mask was made by other weights, or not by magnitude.
    """
    size, keep = weight.detach().abs(), keep.bool()
    if keep.all() or not keep.any():
        return None
    highest, lowest = torch.amax(size[~keep]), torch.amin(size[keep])
    return float(highest) if highest <= lowest else None
