"""The lesion before its signs: outline by asymmetry, border and diameter; pigment by colour and depth."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.data.phantom.exact import Stream, circle, step
from core.data.phantom.parameters import Parameters
from core.data.phantom.plane import Plane
from core.data.phantom.skin import BLOOD, MELANIN, SLATE, absorb

_OCHRE, _SEPIA = (0.26, 0.74, 1.20), (0.56, 0.84, 0.92)  # as MELANIN
_WAVES = 14  # of the outline, round the lesion
MARGIN = 1.25  # a lesion and what belongs to it ends within so many radii


class Outline:
    """Radius of a lesion by direction: a circle with waves, whose even ones keep it symmetric and whose fast ones are ragged.

    Args:
        parameters: of the phantom.

    Attributes:
        radius: mean radius in widths of the image.
        farthest: largest one.
    """

    def __init__(self, parameters: Parameters):
        stream = Stream(parameters.seed, "outline")
        asymmetry, border = parameters.asymmetry, parameters.border
        self.radius = parameters.diameter / 2
        self._waves = []
        for k in range(1, _WAVES + 1):
            if k <= 3:
                height = (0.30 * asymmetry, 0.10 + 0.12 * asymmetry, 0.02 + 0.20 * asymmetry)[k - 1]
            else:
                height = (0.01 + 0.03 * asymmetry + 0.085 * border) * 4 / k
            size, (cosine, sine) = height * stream.bell(0.1, 1.3), circle(stream.number())
            self._waves.append((size * cosine, size * sine))
        around = np.arange(96, dtype=np.float32) * np.float32(1 / 96)
        self.farthest = float(self.at(*circle(around)).max())

    def at(self, cosine: np.ndarray, sine: np.ndarray) -> np.ndarray:
        """Radius in the directions of these unit vectors."""
        total = 1.0
        c, s = cosine, sine
        for wave, (a, b) in enumerate(self._waves):
            if wave:
                c, s = c * cosine - s * sine, s * cosine + c * sine
            total = total + (a * c + b * s)
        return np.maximum(total, 0.35) * self.radius


@dataclass
class Lesion:
    """A lesion on its own piece of the image, centred at (0, 0).

    Attributes:
        parameters: of the phantom.
        plane: pixels of the piece.
        outline: its outline.
        colours: float32 [3, H, W] in 0 … 1, drawn on in place; None where only the mask is wanted.
        depth: float32 [H, W], 0 on the border, 1 at the centre, negative outside: in radii.
        inside: float32 [H, W], 0 outside to 1 inside, as soft as the border.
    """

    parameters: Parameters
    plane: Plane
    outline: Outline
    colours: np.ndarray | None = None

    def __post_init__(self):
        x, y = self.plane.columns, self.plane.rows
        distance = np.sqrt(x * x + y * y) + np.float32(1e-6)
        self.cosine, self.sine = x / distance, y / distance
        depth = 1 - distance / self.outline.at(self.cosine, self.sine)
        stream = self.stream("border")
        ragged = 0.035 + 0.08 * self.parameters.border
        rough = self.plane.noise(stream, 9) + 0.6 * self.plane.noise(stream, 22)
        # Not at the centre, where a radius is short, nor at the edge of the piece, where the lesion must have ended.
        self.depth = depth + ragged * np.clip(rough, -2, 2) * step(abs(depth), 0.6, 0.0)
        softness = 1 - self.parameters.sharpness
        self.inside = step(self.depth, -0.03 - 0.10 * softness, 0.05 + 0.42 * softness)

    def stream(self, name: str) -> Stream:
        """Randomness of one part of this lesion."""
        return Stream(self.parameters.seed, name)

    @cached_property
    def within(self) -> np.ndarray:
        """0 outside to 1 a little way in, float32 [H, W], whatever the sharpness: where signs may be."""
        return step(self.depth, -0.01, 0.12)

    @cached_property
    def around(self) -> np.ndarray:
        """The lesion and all that is so near that a network of lines may reach it, bool [H, W]."""
        return self.depth > -0.06

    def mask(self) -> np.ndarray:
        """Where the lesion is, bool [H, W]."""
        return self.depth > 0

    def scattered(self, stream: Stream, number: int, reach: float) -> tuple[np.ndarray, np.ndarray]:
        """``number`` places evenly over the lesion out to ``reach`` radii: x and y, float32."""
        share = np.sqrt(stream.array(number)) * np.float32(reach)
        cosine, sine = circle(stream.array(number))
        radius = self.outline.at(cosine, sine) * share
        return cosine * radius, sine * radius


def pigment(lesion: Lesion) -> None:
    """Colour the lesion with melanin and blood, uneven by asymmetry, in patches by colour."""
    p, plane, stream = lesion.parameters, lesion.plane, lesion.stream("pigment")
    cosine, sine = circle(stream.number())
    radius = lesion.outline.radius
    tilt = (plane.columns * cosine + plane.rows * sine) * (1 / radius)
    dome = step(lesion.depth, -0.1, stream.number(0.45, 1.1))
    clouds = plane.octaves(stream, 4, 5, 0.82)
    uneven = 0.20 + 0.22 * p.colour + 0.08 * p.border
    body = stream.number(0.35, 0.8)
    melanin = (body + (1 - body) * dome) * (1 + uneven * clouds) + (0.55 * p.asymmetry) * tilt
    melanin = np.maximum(melanin, 0.05) * lesion.inside
    # Each lesion has its own brown, from ochre to sepia, and looks the bluer the deeper its melanin lies.
    hue = stream.number(-1, 1)
    other = _SEPIA if hue > 0 else _OCHRE
    brown = tuple(value + abs(hue) * (far - value) for value, far in zip(MELANIN, other, strict=True))
    absorb(lesion.colours, melanin, brown, p.pigment)
    core = step(lesion.depth + 0.12 * clouds, 0.35, 0.95) * lesion.inside
    absorb(lesion.colours, core, SLATE, p.pigment * max(0.0, stream.number(-0.25, 0.40)))
    blood = np.maximum(1 + 0.35 * plane.octaves(stream, 6, 3, 0.7) + 0.3 * p.asymmetry * tilt, 0) * lesion.inside
    absorb(lesion.colours, blood, BLOOD, p.redness)
    for colour, amount in ((MELANIN, 1.5), (BLOOD, 0.9), (SLATE, 0.9)):
        # Three further colours in patches, the more and the larger the more colourful the lesion is.
        patch = step(plane.octaves(stream, 4, 3, 0.6), 1.9 - 1.5 * p.colour, 3.0 - 1.5 * p.colour)
        absorb(lesion.colours, patch * lesion.inside, colour, amount * p.colour * min(1.0, 0.4 + p.pigment))
