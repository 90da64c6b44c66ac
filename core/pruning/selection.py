"""Keeping all but the k lowest values of a flat tensor, exactly k whatever the ties.

On the CPU this is NumPy: its sort, partition and comparison use the processor's vector units (14.7 million float32 on
one core: sort 70 ms against 1300 ms for torch's, partition 35 against 140, comparison 3 against 15; `bench/masks.py`).
On a GPU it is torch, and the values stay there.
"""

import numpy as np
import torch
from torch import Tensor


def ordered(values: Tensor) -> Tensor:
    """``values`` [n] in rising order, a copy on the same device."""
    if _on_host(values):
        return torch.from_numpy(np.sort(values.numpy()))
    return values.sort().values


def keep_above(values: Tensor, threshold: float, out: Tensor) -> None:
    """Write ``values >= threshold`` into the boolean ``out``; both [n]."""
    if _on_host(values):
        np.greater_equal(values.numpy(), values.numpy().dtype.type(threshold), out=out.numpy())
    else:
        torch.ge(values, threshold, out=out)


def keep_all_but(k: int, values: Tensor, out: Tensor, *, rising: Tensor | None = None) -> None:
    """Write into ``out`` False for the ``k`` lowest of ``values`` and True for the rest; of equal values the first go first.

    Args:
        k: how many, from 0 to n.
        values: float32 or float64 [n] without NaN.
        out: bool [n] on the same device, overwritten.
        rising: ``ordered(values)`` where there is one; without it the k-th value is searched for, which costs about
            half a sort.
    """
    if k <= 0 or k >= len(values):
        out.fill_(k <= 0)
        return
    threshold = float(_kth(values, k) if rising is None else rising[k])
    keep_above(values, threshold, out)
    # The comparison keeps every value that equals the threshold; the first of them belong to the k lowest.
    spare = k - (len(values) - count_true(out))
    if spare:
        out[_first_equal(values, threshold, spare)] = False


def count_true(flags: Tensor) -> int:
    """How many of ``flags`` (bool, any shape) are True."""
    return int(np.count_nonzero(flags.numpy()) if _on_host(flags) else torch.count_nonzero(flags))


def _on_host(values: Tensor) -> bool:
    return values.device.type == "cpu"


def _kth(values: Tensor, k: int) -> float:
    if _on_host(values):
        return np.partition(values.numpy(), k)[k]
    return values.kthvalue(k + 1).values


def _first_equal(values: Tensor, threshold: float, count: int) -> Tensor:
    if _on_host(values):
        return torch.from_numpy(np.flatnonzero(values.numpy() == values.numpy().dtype.type(threshold))[:count])
    return torch.nonzero(values == threshold).flatten()[:count]
