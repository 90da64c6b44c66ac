"""The colours of attribution maps: even steps to the eye, the same on light and dark, readable for the colour-blind.

Maps without a sign go from dark blue to yellow (viridis, the scale of the other pages). Maps with a sign are dark where there is
nothing, and brighten to yellow for what speaks for the target and to blue for what speaks against it: the two hues that every
common kind of colour blindness leaves apart. Skin is neither.
"""

from functools import cache
from itertools import pairwise

import numpy as np

from pages.components.similarity_colours import VIRIDIS

STEPS = 256
# Lightness, and green-red and blue-yellow, of Ottosson's Oklab (2020): against, nothing, for.
_AGAINST = ((0.86, -0.05, -0.09), (0.62, -0.04, -0.15))
_NOTHING = (0.24, 0.0, -0.01)
_FOR = ((0.62, 0.03, 0.12), (0.90, -0.02, 0.16))


@cache
def table(signed: bool) -> np.ndarray:
    """The colours of the scale from its low to its high end: uint8 [256, 3], not to be changed."""
    if signed:
        path = np.array([*_AGAINST, _NOTHING, *_FOR])
        halves = [_even(path[:3], STEPS // 2), _even(path[2:], STEPS // 2)]
        colours = from_oklab(np.concatenate(halves))
    else:
        known = np.array([[int(text[place : place + 2], 16) for place in (1, 3, 5)] for text in VIRIDIS], float)
        stops = np.linspace(0, 1, len(known))
        colours = np.stack([np.interp(np.linspace(0, 1, STEPS), stops, channel) for channel in known.T], axis=-1)
    found = colours.round().clip(0, 255).astype(np.uint8)
    found.flags.writeable = False
    return found


def paint(values: np.ndarray, reach: float, signed: bool) -> np.ndarray:
    """A map in its colours.

    Args:
        values: float [H, W].
        reach: the magnitude of the brightest colour.
        signed: whether values below zero have colours of their own; if not, they count as zero.

    Returns:
        uint8 [H, W, 3].
    """
    place = np.clip(values / reach, -1 if signed else 0, 1)
    place = (place + 1) / 2 if signed else place
    return table(signed)[np.round(place * (STEPS - 1)).astype(int)]


def overlay(image: np.ndarray, values: np.ndarray, reach: float, signed: bool, opacity: float) -> np.ndarray:
    """A map over its picture: clear where it says nothing, and at ``opacity`` where it is strong.

    Args:
        image: uint8 [H, W, 3].
        values: float [H, W].
        reach, signed: as for :func:`paint`.
        opacity: in [0, 1].

    Returns:
        uint8 [H, W, 3].
    """
    strength = np.clip(np.abs(values if signed else values.clip(min=0)) / reach, 0, 1)
    # The root lets half of the strength have more than half of the opacity: on skin, faint colours are not seen.
    cover = opacity * np.sqrt(strength)[..., None]
    return (image * (1 - cover) + paint(values, reach, signed) * cover).round().astype(np.uint8)


def gradient(signed: bool) -> str:
    """The scale as a CSS gradient from left to right."""
    stops = table(signed)[np.linspace(0, STEPS - 1, 17).round().astype(int)]
    return "linear-gradient(to right, " + ", ".join(f"rgb({r} {g} {b})" for r, g, b in stops) + ")"


def _even(path: np.ndarray, count: int) -> np.ndarray:
    """``count`` points at even distances along a path of points."""
    fine = np.concatenate([np.linspace(a, b, 500) for a, b in pairwise(path)])
    along = np.concatenate([[0], np.linalg.norm(np.diff(fine, axis=0), axis=1).cumsum()])
    return np.stack([np.interp(np.linspace(0, along[-1], count), along, column) for column in fine.T], axis=-1)


def from_oklab(colours: np.ndarray) -> np.ndarray:
    """Oklab [N, 3] as sRGB in [0, 255], float [N, 3]; colours that no screen has are cut."""
    to_cones = np.array(
        [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
    )
    to_light = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )  # fmt: skip
    light = ((colours @ to_cones.T) ** 3 @ to_light.T).clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
