"""Phantoms: dermoscopic images drawn by formula, of which it is known what they show and where.

>>> lesions = sample(100, seed=1)                       # as rare as in HAM10000
>>> drawn = render(lesions, 64)                         # .images, .masks, .signs
>>> render(preset("mel").but(streaks=0), 128).images    # a slider
>>> load("phantom", "train")                            # from core.data: the data set; sign_masks(…) of it
"""

from core.data.phantom.dataset import parameters_of, sign_masks
from core.data.phantom.parameters import CLASSES, RANGES, SIGNS, SIGNS_OF, Parameters
from core.data.phantom.render import Rendered, lesion_masks, render
from core.data.phantom.sampling import RARITY, preset, sample

__all__ = [
    "CLASSES",
    "RANGES",
    "RARITY",
    "SIGNS",
    "SIGNS_OF",
    "Parameters",
    "Rendered",
    "lesion_masks",
    "parameters_of",
    "preset",
    "render",
    "sample",
    "sign_masks",
]
