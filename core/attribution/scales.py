"""One scale of colours for all the maps that are looked at side by side."""

import numpy as np

from core.attribution.arguments import NUMBERS, array, part
from core.errors import InvalidValue

SHARE = 0.995


def reach(maps, share: float = SHARE) -> float:
    """The magnitude that the brightest colour stands for.

    Args:
        maps: arrays of any shape, all that are shown together.
        share: of all pixels that stay below it, so that one bright pixel does not leave all others dark.

    Returns:
        A positive number; 1 if the maps are zero everywhere.

    Raises:
        InvalidValue: no map, or no pixel in any; pixels that are no numbers, NaN or infinity; or a share outside (0, 1].
    """
    problem, expected = "There is nothing to scale", "maps with at least one pixel"
    try:
        flat = [np.ravel(array(problem, one, expected)) for one in maps]
    except TypeError as error:
        raise InvalidValue(problem, given=repr(maps)[:80], expected=expected) from error
    if not sum(map(len, flat)):
        raise InvalidValue(problem, given=f"{len(flat)} maps without a pixel", expected=expected)
    if not all(one.dtype.kind in NUMBERS and np.isfinite(one).all() for one in flat):
        raise InvalidValue(
            "A map holds what no colour can stand for", given="NaN, infinity or no numbers", expected="finite numbers"
        )
    values = np.abs(np.concatenate(flat).astype(np.float64))
    found = float(np.quantile(values, part("The share of pixels", share)))
    return found if found > 0 else float(values.max()) or 1.0
