"""The table of signs: how each is drawn, in the order in which they lie over each other."""

from collections.abc import Callable

import numpy as np

from core.data.phantom import pigmented, unpigmented
from core.data.phantom.lesion import Lesion
from core.data.phantom.parameters import SIGNS

# A sign gets the lesion and its strength (above 0), draws on the colours, and returns where it is, bool [H, W]. Outside of that
# it must not change one bit.
Draw = Callable[[Lesion, float], np.ndarray]
DRAW: dict[str, Draw] = {name: getattr(pigmented, name, None) or getattr(unpigmented, name) for name in SIGNS}


def draw_signs(lesion: Lesion) -> dict[str, np.ndarray]:
    """Draw all signs that ``lesion`` has and return the mask of each, bool [H, W]."""
    strengths = lesion.parameters.signs
    return {name: draw(lesion, strengths[name]) for name, draw in DRAW.items() if name in strengths}
