"""One scale of colours for all the maps that are looked at side by side."""

import numpy as np

SHARE = 0.995


def reach(maps, share: float = SHARE) -> float:
    """The magnitude that the brightest colour stands for.

    Args:
        maps: arrays of any shape, all that are shown together.
        share: of all pixels that stay below it, so that one bright pixel does not leave all others dark.

    Returns:
        A positive number; 1 if the maps are zero everywhere.
    """
    values = np.abs(np.concatenate([np.ravel(one) for one in maps]))
    found = float(np.quantile(values, share))
    return found if found > 0 else float(values.max()) or 1.0
