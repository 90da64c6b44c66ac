"""Healthy skin under a dermatoscope: tone, mottling of the blood, fine furrows, pores."""

import numpy as np

from core.data.phantom.exact import Stream, fade, step
from core.data.phantom.parameters import Parameters
from core.data.phantom.plane import Plane

# How much of red, green and blue a unit of each pigment takes away (natural logarithm), fitted by eye to dermoscopic images.
MELANIN = (0.40, 0.86, 1.06)
BLOOD = (0.13, 0.66, 0.46)
SLATE = (0.80, 0.62, 0.40)  # melanin deep in the dermis: what it scatters looks blue
# Red, green and blue of Fitzpatrick's types I to VI under polarised light, in 0 … 1.
_TONES = np.array(
    [
        (0.905, 0.745, 0.725),
        (0.875, 0.690, 0.655),
        (0.820, 0.630, 0.575),
        (0.710, 0.520, 0.445),
        (0.580, 0.405, 0.335),
        (0.445, 0.305, 0.255),
    ],
    np.float32,
)


def absorb(colours: np.ndarray, amount: np.ndarray, pigment: tuple[float, float, float], times: float = 1.0) -> None:
    """Darken ``colours`` (float32 [3, H, W], in place) by ``amount`` (float32 [H, W], 0 and more) of a pigment."""
    for channel, strength in zip(colours, pigment, strict=True):
        channel *= fade(amount * (strength * times))


def paint(colours: np.ndarray, cover: np.ndarray, colour: tuple[float, float, float] | np.ndarray) -> None:
    """Lay ``colour`` (three numbers, or float32 [3, H, W]) over ``colours`` (in place) where ``cover`` says, 0 to 1."""
    for channel, value in zip(colours, colour, strict=True):
        channel += cover * (value - channel)


def tone(parameters: Parameters) -> tuple[float, float, float]:
    """Mean colour of the skin in 0 … 1: that of its Fitzpatrick type, and how pink or yellow this person's is."""
    stream = Stream(parameters.seed, "tone")
    lower = min(int(parameters.skin), 5)
    share = parameters.skin - lower
    red, green, blue = (_TONES[lower - 1] * (1 - share) + _TONES[lower] * share).tolist()
    pink, light = stream.bell(-0.11, 0.11), stream.bell(0.90, 1.10)
    return red * light * (1 + 0.2 * pink), green * light * (1 - pink), blue * light * (1 - 0.5 * pink)


def skin(plane: Plane, parameters: Parameters) -> np.ndarray:
    """Skin without a lesion, float32 [3, H, W] in 0 … 1, for a plane that covers the image."""
    stream = Stream(parameters.seed, parameters.view, "skin")
    colours = np.empty((3, *plane.shape), np.float32)
    colours[:] = np.array(tone(parameters), np.float32)[:, None, None]
    mottle, blotch, furrow = stream.number(0.02, 0.10), stream.number(0.01, 0.07), stream.number(0.0, 0.07)
    blood = 1.5 + plane.octaves(stream, 4, 4, 0.9)
    absorb(colours, np.maximum(blood, 0), BLOOD, mottle)
    absorb(colours, np.maximum(1.5 + plane.octaves(stream, 3, 4, 0.85), 0), MELANIN, blotch)
    fine = plane.noise(stream, 34)
    # Furrows run where a noise crosses zero, and cross each other: two of them.
    lines = np.maximum(step(abs(plane.noise(stream, 20)), 0.35, 0.0), step(abs(fine), 0.30, 0.0))
    absorb(colours, lines * np.maximum(plane.noise(stream, 4) * 0.5 + 0.8, 0), (0.6, 0.8, 0.8), furrow)
    paint(colours, step(fine, 1.7, 2.6) * (furrow * 3), (0.95, 0.88, 0.86))
    return colours
