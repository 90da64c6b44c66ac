"""How far two maps of one image agree, and how much of a map lies where it should.

All functions take stacks of maps [N, H, W] and return one number an image, float64 [N], NaN where it is not defined, as of a map
with NaN or infinity in it.
Values count as they are: larger speaks more for the target.
"""

import numpy as np
from scipy.stats import rankdata

from core.attribution.arguments import maps_and_masks, number, sound, two_stacks
from core.errors import InvalidValue

TOP = 0.1


def rank_correlation(a, b) -> np.ndarray:
    """Spearman's rank correlation of the pixels of two maps, in [-1, 1]; ties share their mean rank.

    Near 0 for maps that have nothing in common. NaN where one of them is the same everywhere.

    Args:
        a, b: float [N, H, W].

    Raises:
        InvalidValue: not two stacks of the same shape, or no pixel.
    """
    a, b = (np.where(sound(values)[:, None], values, np.nan) for values in two_stacks(a, b))
    ranks = [rankdata(values, axis=1) - (values.shape[1] + 1) / 2 for values in (a, b)]
    return _ratio(
        (ranks[0] * ranks[1]).sum(axis=1), np.sqrt(np.prod([(rank**2).sum(axis=1) for rank in ranks], axis=0))
    )


def top_overlap(a, b, share: float = TOP) -> np.ndarray:
    """Which part of the ``share`` of pixels with the largest values two maps have in common, in [0, 1].

    Maps that have nothing in common reach ``share`` by chance. Where pixels tie for the last places, it is the mean over all
    ways to choose among them.

    Args:
        a, b: float [N, H, W].
        share: of the pixels, in (0, 1).

    Raises:
        InvalidValue: not two stacks of the same shape, no pixel, or a share out of range.
    """
    a, b = two_stacks(a, b)
    part = number(share)
    count = round(part * a.shape[1]) if 0 < part < 1 else 0
    if not count:
        raise InvalidValue(
            "The share of pixels is out of range", given=repr(share), expected="between 0 and 1, such as 0.1"
        )
    known, shared = sound(a, b), np.full(len(a), np.nan)
    shared[known] = (_membership(a[known], count) * _membership(b[known], count)).sum(axis=1) / count
    return shared


def share_inside(maps, masks) -> np.ndarray:
    """How much of all that speaks for the target lies inside the mask, in [0, 1]; compare it with the mask's own area.

    NaN where nothing speaks for the target.

    Args:
        maps: float [N, H, W]; values below zero are left out.
        masks: bool [N, H, W], or numbers 0 and 1.

    Raises:
        InvalidValue: not two stacks of the same shape, no pixel, or masks that are none, such as of 0 and 255.
    """
    maps, masks = maps_and_masks(maps, masks)
    positive = np.where(sound(maps)[:, None], maps, np.nan).clip(min=0)
    return _ratio((positive * masks).sum(axis=1), positive.sum(axis=1))


def _membership(values: np.ndarray, count: int) -> np.ndarray:
    """The chance of each pixel to be among the ``count`` largest when ties are broken at random, float64 [N, pixels]."""
    last = np.partition(values, -count, axis=1)[:, -count, None]
    above, tied = values > last, values == last
    left = count - above.sum(axis=1, keepdims=True)
    return above + tied * (left / tied.sum(axis=1, keepdims=True))


def _ratio(upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    return np.divide(upper, lower, out=np.full(len(upper), np.nan), where=lower > 0)
