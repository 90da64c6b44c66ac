"""How well a map finds what it should, where that is known: phantoms come with the mask of every sign."""

import numpy as np

from core.attribution.arguments import maps_and_masks, sound


def pointing_game(maps, masks) -> np.ndarray:
    """Whether the largest value of each map lies inside its mask: float64 [N], 1 or 0.

    Where several pixels share the largest value, the part of them inside. NaN for a map that is the same everywhere or holds NaN
    or infinity, and for an empty mask. By chance a map hits as often as the mask's share of the area.

    Zhang, J. et al. (2018). Top-down neural attention by excitation backprop. IJCV 126, 1084-1102; here without tolerance.

    Args:
        maps: float [N, H, W].
        masks: bool [N, H, W] or numbers 0 and 1, where the signs are.

    Raises:
        InvalidValue: not two stacks of the same shape, no pixel, or masks that are none.
    """
    values, inside = maps_and_masks(maps, masks)
    known = sound(values)
    values = np.where(known[:, None], values, 0)
    highest = values == values.max(axis=1, keepdims=True)
    hit = (highest & inside).sum(axis=1) / highest.sum(axis=1)
    return np.where(known & inside.any(axis=1) & ~highest.all(axis=1), hit, np.nan)


def average_precision(maps, masks) -> np.ndarray:
    """The area under the precision-recall curve of the pixels, float64 [N]: a map's order of pixels against the mask.

    By chance it is the mask's share of the area; 1 where every pixel inside stands before every one outside. It is the step
    function of scikit-learn's ``average_precision_score``, ties included; NaN for an empty mask and for a map that
    holds NaN or infinity.

    Args, Raises:
        as :func:`pointing_game`.
    """
    values, inside = maps_and_masks(maps, masks)
    stacks = zip(values, inside, sound(values), strict=True)
    return np.array([_one(value, mask) if known else np.nan for value, mask, known in stacks])


def _one(values: np.ndarray, inside: np.ndarray) -> float:
    if not inside.any():
        return float("nan")
    order = np.argsort(-values, kind="stable")
    # A threshold can only stand between two different values.
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    hits = inside[order].cumsum()[ends]
    recall = hits / hits[-1]
    return float(np.sum(np.diff(recall, prepend=0) * hits / (ends + 1)))
