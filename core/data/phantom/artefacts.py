"""What lies between skin and camera: hairs, gel bubbles, a ruler, light, the rim of the dermatoscope, blur, grain."""

import numpy as np

from core.data.phantom.exact import Stream, circle, step
from core.data.phantom.parameters import Parameters
from core.data.phantom.plane import Plane
from core.data.phantom.skin import paint


def hairs(plane: Plane, colours: np.ndarray, p: Parameters) -> None:
    """Curved, tapering hairs, all of one colour and mostly combed one way."""
    stream = Stream(p.seed, p.view, "hair")
    number = int(np.ceil(p.hair * p.hair * 28)) if p.hair > 0 else 0
    colour = ((0.10, 0.07, 0.07), (0.20, 0.13, 0.10), (0.34, 0.24, 0.19), (0.55, 0.45, 0.38))[stream.integer(4)]
    width, combed, thick = stream.number(0.0028, 0.0065), stream.number(), stream.number(0.4, 1)
    if not number:
        return
    steps = int(1.2 / plane.pixel)
    t = (np.arange(steps, dtype=np.float32) * np.float32(1 / (steps - 1)))[None]
    length = stream.array(number, 1, low=0.12, high=0.95) * np.float32(thick)
    turn = combed + stream.array(number, 1, low=-0.5, high=0.5) * stream.array(number, 1)
    bend = stream.array(number, 1, low=-0.11, high=0.11)
    x0, y0 = stream.array(number, 1, low=-0.55, high=0.55), stream.array(number, 1, low=-0.55, high=0.55)
    cosine, sine = circle(turn)
    along, across = (t - 0.5) * length, bend * (4 * t * (1 - t)) * length * 2
    x, y = x0 + cosine * along - sine * across, y0 + sine * along + cosine * across
    radius = width * (0.35 + 0.65 * step(t, 1.0, 0.35)) * stream.array(number, 1, low=0.7, high=1.3)
    # A row of dots a pixel apart: short hairs need fewer of them.
    used = ((np.arange(steps) % np.maximum((1 / length).astype(int), 1)) == 0).reshape(-1)
    shade = plane.dots(x.reshape(-1)[used], y.reshape(-1)[used], radius.reshape(-1)[used])
    paint(colours, shade * 0.88, colour)


def bubbles(plane: Plane, colours: np.ndarray, p: Parameters) -> None:
    """Bubbles in the gel: a dark thin rim, a bright ring, a highlight."""
    stream = Stream(p.seed, p.view, "bubbles")
    number = int(np.ceil(p.bubbles * 7)) if p.bubbles > 0 else 0
    x, y = stream.array(number, low=-0.5, high=0.5), stream.array(number, low=-0.5, high=0.5)
    size = 0.012 + 0.055 * stream.array(number) * stream.array(number)
    if not number:
        return
    disc, inner = plane.dots(x, y, size, 0.008), plane.dots(x, y, size * 0.75, size * 0.35)
    paint(colours, np.maximum(disc - inner, 0) * 0.45, (0.97, 0.95, 0.95))
    paint(colours, inner * 0.07, (1.0, 0.97, 0.97))
    paint(colours, plane.dots(x - 0.35 * size, y - 0.35 * size, size * 0.22, size * 0.2) * 0.8, (1.0, 1.0, 1.0))


def ruler(plane: Plane, colours: np.ndarray, p: Parameters) -> None:
    """Marks of a millimetre scale along one side."""
    stream = Stream(p.seed, p.view, "ruler")
    side, spacing, start = stream.integer(4), stream.number(0.055, 0.085), stream.number()
    edge = stream.number(0.01, 0.05)
    if p.ruler <= 0:
        return
    along, across = (plane.columns, plane.rows) if side < 2 else (plane.rows, plane.columns)
    across = (across if side % 2 else -across) + (0.5 - edge)
    position = along * (1 / spacing) + start
    number = np.floor(position + 0.5)
    off = abs(position - number) * spacing
    length = np.where(number % 5 == 0, 0.085, 0.05).astype(np.float32)
    tick = step(off, 0.0032 + plane.pixel, 0.0032) * step(across, length + 0.01, length) * step(across, -0.01, 0.0)
    paint(colours, tick * (0.45 + 0.5 * p.ruler), (0.12, 0.11, 0.14))


def light(plane: Plane, colours: np.ndarray, p: Parameters) -> None:
    """Uneven light, white balance, darker corners; with a vignette above 0.7 the black rim of the dermatoscope."""
    stream = Stream(p.seed, p.view, "light")
    cosine, sine = circle(stream.number())
    brightness, bluish = stream.bell(0.92, 1.18), stream.bell(-0.22, 0.22)
    shift_x, shift_y, rim = stream.bell(-0.05, 0.05), stream.bell(-0.05, 0.05), stream.number(0.52, 0.62)
    slope = 1 + (0.32 * p.lighting) * (plane.columns * cosine + plane.rows * sine)
    x, y = plane.columns - shift_x, plane.rows - shift_y
    distance = x * x + y * y
    shine = brightness * slope * (1 - (0.55 * p.vignette) * distance)
    if p.vignette > 0.7:
        shine = shine * (0.03 + 0.97 * step(np.sqrt(distance), rim + 0.025, rim - 0.025))
    for channel, gain in zip(colours, (1 - 0.25 * bluish, 1 - 0.1 * bluish, 1 + 0.8 * bluish), strict=True):
        channel *= shine * gain


def grain(plane: Plane, colours: np.ndarray, p: Parameters) -> None:
    """Noise of the sensor, a little of it coloured."""
    stream = Stream(p.seed, p.view, "grain")
    amount = stream.number(0.003, 0.010)
    common = plane.noise(stream, 110)
    for channel in colours:
        channel += amount * (common + 0.5 * plane.noise(stream, 70))


def blur(colours: np.ndarray, amount: float, reach: int) -> None:
    """Mix ``colours`` [3, H, W], in place, with themselves blurred by a triangle of ``reach`` pixels to each side, twice."""
    for channel in colours:
        for _ in range(2):
            for axis in (0, 1):
                spread = _triangle(channel, axis, reach)
                spread -= channel
                spread *= amount
                channel += spread


def _triangle(channel: np.ndarray, axis: int, reach: int) -> np.ndarray:
    length = channel.shape[axis]
    padded = channel.take(np.clip(np.arange(-reach, length + reach), 0, length - 1), axis=axis)
    total = np.zeros_like(channel)
    for offset in range(-reach, reach + 1):
        window = slice(reach + offset, reach + offset + length)
        part = padded[window] if axis == 0 else padded[:, window]
        total += part * ((reach + 1 - abs(offset)) / (reach + 1) ** 2)
    return total
