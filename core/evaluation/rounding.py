"""Whether bfloat16 is good enough for a network to answer in, found out by trying it against float32."""

from collections.abc import Callable, Hashable

from torch import Tensor

TOLERANCE = 0.05  # most that a probability may move; networks that ship move by 0.02 at most, over 494 real images
TRIED_ON = 32  # images

_GOOD: dict[Hashable, int] = {}  # how many images it was good on


def moved(rounded: Tensor, exact: Tensor) -> float:
    """The most that any probability differs; where only one is NaN, infinity.

    Args:
        rounded, exact: float [N, classes], of the same images.
    """
    apart = (rounded - exact).abs()
    apart[rounded.isnan() & exact.isnan()] = 0
    return float(apart.nan_to_num(nan=float("inf")).max())


def is_good(kind: Hashable, count: int, rounded: Callable[[], Tensor], exact: Callable[[], Tensor]) -> bool:
    """Whether networks of ``kind`` may answer in bfloat16.

    Tried are the first :data:`TRIED_ON` images of a kind in a process, over as many calls as it takes: a study's networks, dense
    and pruned, are one kind, and what rounding does to them depends on their depth far more than on which weights are zero.
    A network that fails says nothing of others of its kind, whose weights may be of another size: these are tried anew.

    Args:
        kind: the architecture, image size and device.
        count: images that ``rounded`` and ``exact`` answer, each when called.

    Returns:
        True where no probability moved by more than :data:`TOLERANCE`.
    """
    tried = _GOOD.get(kind, 0)
    if tried < TRIED_ON:
        if moved(rounded(), exact()) > TOLERANCE:
            return False
        _GOOD[kind] = tried + count
    return True
