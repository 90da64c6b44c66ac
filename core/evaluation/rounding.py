"""Whether bfloat16 is good enough for a network to answer in, found out by trying it against float32."""

import math
from collections.abc import Callable, Hashable

import torch
from torch import Tensor

TOLERANCE = 0.05  # most that a probability may move; networks that ship move by 0.018 at most, over 494 real images
# Most that the logits of nine images in ten may move, 0.095 for networks that ship on HAM10000. Where answers are sure, probabilities
# hide what an image near the border would lose: half of it, at most.
LOGITS = 0.2
TRIED_ON = 32  # images
_ROOM = 1.5  # times the spread of logits that was tried

_GOOD: dict[Hashable, tuple[int, float]] = {}  # on how many images it was good, and how far the logits of these spread


def moved(rounded: Tensor, exact: Tensor) -> tuple[float, float]:
    """The most that any probability differs, and the most that logits differ for nine images in ten; where only one is NaN, infinity.

    Args:
        rounded, exact: logits, float [N, classes], of the same images.
    """
    apart = []
    for one, other in ((rounded.softmax(1), exact.softmax(1)), (_centred(rounded), _centred(exact))):
        gap = (one - other).abs()
        gap[one.isnan() & other.isnan()] = 0
        apart.append(gap.nan_to_num(nan=float("inf")).amax(1))
    return float(apart[0].max()), _quantile(apart[1])


def is_good(kind: Hashable, rounded: Tensor, exact: Callable[[Tensor], Tensor]) -> bool:
    """Whether a network of ``kind`` that gave these logits in bfloat16 may go on in it.

    Tried are the first :data:`TRIED_ON` images of a kind in a process, over as many calls as it takes: a study's networks, dense
    and pruned, are one kind. Rounding grows with the logits, so a network whose logits spread further than those tried is tried anew.
    A network that fails says nothing of others.

    Args:
        kind: the architecture, image size and device.
        rounded: logits in bfloat16, float [N, classes].
        exact: given rows int64 [n], the float32 logits of these images, float [n, classes].

    Returns:
        True where no probability moved by more than :data:`TOLERANCE`, and logits of nine images in ten by no more than :data:`LOGITS`.
    """
    tried, reach = _GOOD.get(kind, (0, 0.0))
    spread = _quantile(_centred(rounded).abs().amax(1).nan_to_num(nan=float("inf")))
    if tried >= TRIED_ON and spread <= _ROOM * reach:
        return True
    rows = torch.linspace(0, len(rounded) - 1, min(len(rounded), TRIED_ON), device=rounded.device).long()
    probabilities, logits = moved(rounded[rows], exact(rows))
    if probabilities > TOLERANCE or logits > LOGITS:
        return False
    _GOOD[kind] = tried + len(rows), max(reach, spread)
    return True


def _centred(logits: Tensor) -> Tensor:
    """What softmax looks at: a number that all classes get alike changes nothing."""
    return logits - logits.mean(dim=1, keepdim=True)


def _quantile(values: Tensor) -> float:
    """The least that nine in ten of float [N] do not exceed: one of the values, as nothing lies between infinities."""
    return float(values.sort().values[math.ceil(len(values) * 9 / 10) - 1])
