"""Ranking whole output channels (filters) instead of single weights: structured pruning, after Li et al. (2017)."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.errors import InvalidValue
from core.pruning.layout import flatten


def channel_ranks(scores: Mapping[str, Tensor], classes: str | None = None) -> tuple[Tensor, np.ndarray]:
    """Give every weight the rank of its channel among all channels that may go.

    A channel is the weights ``w[i]`` of one output. Its score is the mean score of its weights, which for magnitude is
    its filter's L1 norm divided by its size: the plain norm of Li et al. would compare small filters with large ones.
    Channels of all layers are ranked together, equal ones by position. The layer whose channels are the classes takes no
    part; and the best channel of each layer stays, so that no layer falls silent.

    Args:
        scores: layer name -> float32 [channels, ...] in execution order; ``-inf`` where a weight is pruned already
            (it counts as zero in its channel's mean).
        classes: the layer that takes no part, whether or not it is among ``scores``; by default the last of them.

    Returns:
        Ranks, float32 [size] on the scores' device: 0 is the channel to go first, ``inf`` never goes, ``-inf`` is gone.
        And zeros, int64 [candidates + 1]: how many weights are zero once that many channels are gone.

    Raises:
        InvalidValue: a layer's scores have no dimension, and so no channels.
    """
    for name, score in scores.items():
        if not score.ndim:
            raise InvalidValue(f"The weight of {name} has no channels", given="one number", expected="[channels, ...]")
    layers = {name: score.reshape(len(score), -1) for name, score in scores.items()}
    means = [layer.where(layer > -torch.inf, 0).mean(1, dtype=torch.float64).cpu().numpy() for layer in layers.values()]
    left = [(layer > -torch.inf).sum(1).cpu().numpy() for layer in layers.values()]

    may_go = [np.ones(len(mean), dtype=bool) for mean in means]
    classes = list(layers)[-1] if classes is None else classes
    for name, mean, flags in zip(layers, means, may_go, strict=True):
        # Of several best ones the last stays, because the earlier position goes first.
        flags[len(mean) - 1 - np.argmax(mean[::-1])] = False
        flags[:] &= name != classes

    candidates = np.flatnonzero(np.concatenate(may_go))
    order = candidates[np.argsort(np.concatenate(means)[candidates], kind="stable")]
    ranks = np.full(sum(map(len, means)), np.inf, dtype=np.float32)
    ranks[order] = np.arange(len(order))
    gone = sum(layer.numel() for layer in layers.values()) - sum(int(count.sum()) for count in left)
    zeros = gone + np.concatenate([[0], np.cumsum(np.concatenate(left)[order])])

    parts = torch.from_numpy(ranks).split([len(mean) for mean in means])
    spread = {
        name: layer.where(layer == -torch.inf, part.to(layer.device)[:, None])
        for (name, layer), part in zip(layers.items(), parts, strict=True)
    }
    return flatten(spread, torch.float32), zeros


def channels_for(zeros: np.ndarray, target: int) -> int:
    """How many channels to remove so that the zeros come nearest to ``target``; of two equally near, the fewer."""
    above = int(np.searchsorted(zeros, target))
    if above in (0, len(zeros)):
        return min(above, len(zeros) - 1)
    return above if zeros[above] - target < target - zeros[above - 1] else above - 1
