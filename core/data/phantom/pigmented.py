"""Signs made of melanin, brown near the surface and blue in the depth: of naevus, melanoma, and some of others."""

import numpy as np

from core.data.phantom.exact import circle, step
from core.data.phantom.lesion import Lesion
from core.data.phantom.skin import MELANIN, SLATE, absorb, paint

_SEEN = 0.04  # cover under which a sign counts as absent, and then is


def seen(cover: np.ndarray) -> np.ndarray:
    """``cover`` with its faint outskirts cut off, so that a sign is exactly nothing outside of its mask."""
    return np.maximum(cover - _SEEN, 0) * (1 / (1 - _SEEN))


def pigment_network(lesion: Lesion, strength: float) -> np.ndarray:
    """Regular brown lines around paler holes, thinning out at the border."""
    stream = lesion.stream("pigment_network")
    near, second, _ = lesion.plane.cells(stream, stream.number(24, 31), 0.30, 0.45, 4, lesion.around)
    patchy = 0.85 + 0.3 * lesion.plane.noise(stream, 4)
    area = seen(lesion.within * np.clip(patchy, 0.25, 1) * step(lesion.depth, 0.0, 0.22) * strength)
    line = step(second - near, 0.34, 0.06)
    hole = step(near, 0.42, 0.12)
    absorb(lesion.colours, line * area, MELANIN, 0.68)
    paint(lesion.colours, hole * area * 0.14, (0.80, 0.62, 0.50))
    return area > 0


def delicate_network(lesion: Lesion, strength: float) -> np.ndarray:
    """Thin light-brown lines in a ring at the periphery."""
    stream = lesion.stream("delicate_network")
    near, second, _ = lesion.plane.cells(stream, stream.number(22, 28), 0.18, 0.4, 5, lesion.around)
    ring = step(lesion.depth, -0.05, 0.10) * step(lesion.depth, 0.62, 0.34)
    area = seen(ring * strength)
    absorb(lesion.colours, step(second - near, 0.26, 0.04) * area, MELANIN, 0.52)
    return area > 0


def atypical_network(lesion: Lesion, strength: float) -> np.ndarray:
    """Dark, broad, smudged lines of uneven width with holes of uneven size, in part of the lesion, ending abruptly."""
    stream = lesion.stream("atypical_network")
    near, second, which = lesion.plane.cells(stream, stream.number(14, 19), 0.46, 0.55, 4, lesion.around)
    width = np.clip(0.36 + 0.20 * lesion.plane.noise(stream, 9), 0.10, 0.9)
    line = np.clip((width - (second - near)) * (1 / width) * 1.2, 0, 1)
    part = step(lesion.plane.octaves(stream, 3, 2), -0.9, 0.1)
    area = seen(part * step(lesion.depth, -0.03, 0.05) * strength)
    absorb(lesion.colours, line * (0.6 + 0.8 * which) * area, MELANIN, 1.0)
    absorb(lesion.colours, line * area, SLATE, 0.30)
    paint(lesion.colours, step(near, 0.35, 0.1) * area * 0.18, (0.74, 0.58, 0.50))
    return area > 0


def globules(lesion: Lesion, strength: float) -> np.ndarray:
    """Round to oval brown clods."""
    stream = lesion.stream("globules")
    number = 30 + stream.integer(60)
    x, y = lesion.scattered(stream, number, stream.number(0.75, 0.97))
    radius = stream.array(number, low=0.007, high=0.0165)
    wobble = np.clip(0.25 * lesion.plane.noise(stream, 26), -0.5, 0.5)
    cover = seen(lesion.plane.dots(x, y, radius, 0.008, wobble) * step(lesion.depth, -0.02, 0.06) * strength)
    absorb(lesion.colours, cover, MELANIN, 0.95)
    return cover > 0


def streaks(lesion: Lesion, strength: float) -> np.ndarray:
    """Radial lines with bulbs at their ends (pseudopods), at part of the border."""
    stream = lesion.stream("streaks")
    sectors = 1 + stream.integer(3)
    number = 9 + stream.integer(9)
    middle = stream.array(sectors, 1)
    turn = (middle + stream.array(sectors, number, low=-0.11, high=0.11)).reshape(-1, 1)
    cosine, sine = circle(turn)
    edge = lesion.outline.at(cosine, sine)
    size = len(turn)
    start = edge * stream.array(size, 1, low=0.72, high=0.88)
    end = edge * 0.96 + np.minimum(edge * 0.12, 0.030) * stream.array(size, 1)
    steps = int(0.24 / lesion.plane.pixel)
    t = np.arange(steps, dtype=np.float32)[None] * np.float32(1 / (steps - 1))
    reach = start + (end - start) * t
    sway = stream.array(size, 1, low=-0.02, high=0.02) * t * t
    x, y = reach * cosine - sway * sine, reach * sine + sway * cosine
    thin = stream.array(size, 1, low=0.0045, high=0.0085)
    radius = thin * (0.75 + 0.25 * t + 0.9 * step(t, 0.78, 0.95))
    cover = lesion.plane.dots(x.reshape(-1), y.reshape(-1), radius.reshape(-1), 0.006)
    cover = seen(cover * step(lesion.depth, -0.22, -0.15) * strength)
    absorb(lesion.colours, cover, MELANIN, 1.0 + 0.5 * lesion.parameters.pigment)
    return cover > 0


def blue_white_veil(lesion: Lesion, strength: float) -> np.ndarray:
    """A confluent blue veil with a ground-glass haze over part of the lesion."""
    stream = lesion.stream("blue_white_veil")
    shape = _patch(lesion, stream, stream.number(0.45, 0.75))
    cover = seen(shape * np.minimum(1, 0.35 + 0.6 * strength) * step(np.array([strength], np.float32), 0.0, 0.15))
    blue = 0.86 + 0.16 * lesion.plane.octaves(stream, 7, 3)
    colour = lesion.colours * 0.42 + np.array((0.26, 0.29, 0.38), np.float32)[:, None, None] * blue
    paint(lesion.colours, cover * 0.85, colour)
    paint(lesion.colours, step(lesion.plane.octaves(stream, 6, 2), 0.4, 2.2) * cover * 0.35, (0.66, 0.67, 0.74))
    return cover > 0


def regression(lesion: Lesion, strength: float) -> np.ndarray:
    """A white scar-like area with blue-grey pepper."""
    stream = lesion.stream("regression")
    shape = _patch(lesion, stream, stream.number(0.35, 0.60))
    cover = seen(shape * strength)
    paint(lesion.colours, cover * 0.72, (0.86, 0.76, 0.76))
    number = 110
    x, y = lesion.scattered(stream, number, 0.9)
    pepper = lesion.plane.dots(x, y, stream.array(number, low=0.003, high=0.0065), 0.004)
    absorb(lesion.colours, pepper * cover, SLATE, 0.75)
    return cover > 0


def ovoid_nests(lesion: Lesion, strength: float) -> np.ndarray:
    """Confluent or single blue-grey ovals, larger than globules."""
    stream = lesion.stream("ovoid_nests")
    number = 3 + stream.integer(7)
    x, y = lesion.scattered(stream, number, 0.85)
    scale = min(1.0, lesion.parameters.diameter / 0.4)
    radius = stream.array(number, low=0.016, high=0.058) * np.float32(scale)
    # An oval is a short row of discs.
    cosine, sine = circle(stream.array(number, 1))
    row = np.arange(-3, 4, dtype=np.float32)[None] * np.float32(1 / 3) * (radius * 0.7)[:, None]
    x, y = (x[:, None] + row * cosine).reshape(-1), (y[:, None] + row * sine).reshape(-1)
    wobble = np.clip(0.22 * lesion.plane.octaves(stream, 12, 2), -0.5, 0.5)
    cover = lesion.plane.dots(x, y, radius.repeat(7), radius.repeat(7) * 0.8, wobble)
    cover = seen(cover * step(lesion.depth, -0.02, 0.10) * strength)
    absorb(lesion.colours, cover, SLATE, 1.0)
    paint(lesion.colours, cover * 0.30, (0.36, 0.38, 0.48))
    return cover > 0


def comedo_like_openings(lesion: Lesion, strength: float) -> np.ndarray:
    """Dark round plugs, sharply bounded, of uneven size."""
    stream = lesion.stream("comedo_like_openings")
    number = 8 + stream.integer(16)
    x, y = lesion.scattered(stream, number, 0.85)
    radius = 0.008 + 0.017 * stream.array(number) * stream.array(number)
    wobble = np.clip(0.20 * lesion.plane.noise(stream, 22), -0.4, 0.4)
    cover = seen(lesion.plane.dots(x, y, radius, 0.005, wobble) * lesion.within * strength)
    absorb(lesion.colours, cover, MELANIN, 1.35)
    paint(lesion.colours, lesion.plane.dots(x, y, radius * 0.4, radius * 0.5) * cover * 0.25, (0.50, 0.36, 0.24))
    return cover > 0


def fissures(lesion: Lesion, strength: float) -> np.ndarray:
    """Winding dark clefts between broad ridges, as on a brain."""
    stream = lesion.stream("fissures")
    winding = lesion.plane.octaves(stream, 7, 2, 0.5)
    cleft = step(abs(winding), 0.26, 0.05)
    cover = seen(cleft * lesion.within * step(lesion.plane.noise(stream, 4), -1.2, 0.0) * strength)
    absorb(lesion.colours, cover, MELANIN, 0.80)
    return cover > 0


def _patch(lesion: Lesion, stream, size: float) -> np.ndarray:
    """A confluent area of ``size`` radii somewhere off the centre, with a frayed edge: 0 to 1."""
    cosine, sine = circle(stream.number())
    away = stream.number(0.1, 0.5) * lesion.outline.radius
    x, y = lesion.plane.columns - cosine * away, lesion.plane.rows - sine * away
    distance = np.sqrt(x * x + y * y) * (1 / (lesion.outline.radius * size))
    return step(distance + 0.22 * lesion.plane.octaves(stream, 6, 3, 0.65), 1.15, 0.55) * step(lesion.depth, 0.02, 0.22)
