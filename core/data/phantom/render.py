"""From parameters to pixels and masks."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby

import numpy as np

from core.data.phantom.artefacts import blur, bubbles, grain, hairs, light, ruler
from core.data.phantom.exact import Stream
from core.data.phantom.lesion import MARGIN, Lesion, Outline, pigment
from core.data.phantom.parameters import RANGES, SIGNS, Parameters, check_size
from core.data.phantom.plane import Plane
from core.data.phantom.signs import draw_signs
from core.data.phantom.skin import skin
from core.errors import InvalidValue

_FINEST = 128  # smaller images are drawn at this many pixels or a little more and averaged down
_FAR = 0.5 + RANGES["x"][1]  # of a pixel from the centre of a lesion, along an axis


@dataclass(frozen=True)
class Rendered:
    """Phantoms, drawn.

    Attributes:
        images: uint8 [N, size, size, 3], RGB.
        masks: bool [N, size, size], where the lesion is: at least half of the pixel.
        signs: name of each sign that one of them has -> bool [N, size, size]: all pixels it is part of, before the blur.
    """

    images: np.ndarray
    masks: np.ndarray
    signs: dict[str, np.ndarray]


def render(parameters: Parameters | Iterable[Parameters], size: int = 64) -> Rendered:
    """Draw phantoms. The same parameters give the same bytes on every machine (see :mod:`core.data.phantom.exact`).

    One after the other, since the arrays of one phantom stay in the processor's cache and those of many would not. Phantoms in
    a row that are one lesion in one photograph, with parameters changed, share their noise.

    Args:
        parameters: one or several.
        size: height and width in pixels, 32 to 256.

    Raises:
        InvalidValue: a size out of range, or something else than parameters.
    """
    size, chosen = check_size(size), _listed(parameters)
    images = np.empty((len(chosen), size, size, 3), np.uint8)
    masks = np.empty((len(chosen), size, size), bool)
    names = [name for name in SIGNS if any(getattr(item, name) > 0 for item in chosen)]
    signs = {name: np.zeros((len(chosen), size, size), bool) for name in names}
    row = 0
    for _, alike in groupby(chosen, _photograph):
        photographs = list(alike)
        kept = ({}, {}) if len(photographs) > 1 else (None, None)
        for item in photographs:
            images[row], masks[row], own = _one(item, size, *kept)
            for name, mask in own.items():
                signs[name][row] = mask
            row += 1
    return Rendered(images, masks, signs)


def lesion_masks(parameters: Parameters | Iterable[Parameters], size: int = 64) -> np.ndarray:
    """The masks of :func:`render` alone, which takes a tenth of the time: bool [N, size, size]. Errors as there."""
    size, chosen = check_size(size), _listed(parameters)
    masks = np.empty((len(chosen), size, size), bool)
    for row, item in enumerate(chosen):
        place = _Place(item, size)
        masks[row] = place.halved(Lesion(item, place.plane, place.outline).mask())
    return masks


def blur_reach(size: int) -> int:
    """How many pixels the blur may carry anything, at most, in images of ``size``."""
    factor, reach = _resolution(size)
    return -(-2 * reach // factor)


def _resolution(size: int) -> tuple[int, int]:
    """How many times finer the drawing is than the image, and the reach of one pass of the blur in its pixels."""
    factor = -(-_FINEST // size)
    return factor, round(size * factor / _FINEST)


class _Place:
    """Where a lesion lies in its image, and the piece of the image that it may reach.

    Another view shows the lesion mirrored or turned by right angles, so that its noise stays on straight axes.

    Args:
        p: parameters.
        size: of the image that is to come out.
        kept: noise of the lesion's plane that is shared, or None.
    """

    def __init__(self, p: Parameters, size: int, kept: dict | None = None):
        self.size = size
        self.factor, self.reach = _resolution(size)
        self.axis = _axis(size * self.factor)
        self.outline = Outline(p)
        turn = Stream(p.seed, p.view, "turn")
        axes = []
        for centre in (p.y, p.x):
            place = (self.axis - np.float32(centre)) * (1 - 2 * turn.integer(2))
            near = np.flatnonzero(abs(place) <= self.outline.farthest * MARGIN)
            axes.append((place, slice(int(near[0]), int(near[-1]) + 1)))
        self.rows, self.columns = (part for _, part in axes)
        self.swapped = turn.integer(2) == 1
        (y, rows), (x, columns) = axes[:: -1 if self.swapped else 1]
        self.plane = Plane(y, x, _FAR, (rows, columns), kept)

    def cut(self, colours: np.ndarray) -> np.ndarray:
        """The piece, as a copy: float32 [3, h, w]."""
        piece = colours[:, self.rows, self.columns]
        return np.array(piece.transpose(0, 2, 1) if self.swapped else piece, order="C")

    def put(self, colours: np.ndarray, piece: np.ndarray) -> None:
        """Put the piece back."""
        colours[:, self.rows, self.columns] = piece.transpose(0, 2, 1) if self.swapped else piece

    def halved(self, mask: np.ndarray) -> np.ndarray:
        """A mask of the piece as one of the image: pixels of which it covers at least half."""
        return self._blocks(mask).sum(axis=(1, 3), dtype=np.int32) * 2 >= self.factor**2

    def touched(self, mask: np.ndarray) -> np.ndarray:
        """A mask of the piece as one of the image: pixels of which it covers anything."""
        return self._blocks(mask).any(axis=(1, 3))

    def _blocks(self, mask: np.ndarray) -> np.ndarray:
        image = np.zeros((len(self.axis), len(self.axis)), bool)
        image[self.rows, self.columns] = mask.T if self.swapped else mask
        return image.reshape(self.size, self.factor, self.size, self.factor)


def _photograph(p: Parameters) -> tuple:
    """What phantoms have to have in common to have their noise in common."""
    return p.seed, p.view, p.x, p.y


def _one(
    p: Parameters, size: int, kept_of_lesion: dict | None, kept: dict | None
) -> tuple[np.ndarray, np.ndarray, dict]:
    place = _Place(p, size, kept_of_lesion)
    whole = _whole(len(place.axis)) if kept is None else Plane(place.axis, place.axis, reach=0.5, kept=kept)
    colours = skin(whole, p)
    lesion = Lesion(p, place.plane, place.outline, place.cut(colours))
    pigment(lesion)
    signs = draw_signs(lesion)
    place.put(colours, lesion.colours)
    for draw in (hairs, bubbles, ruler, light):
        draw(whole, colours, p)
    blur(colours, 0.25 + 0.75 * p.blur, place.reach)
    grain(whole, colours, p)
    colours = np.clip(_averaged(colours, place.factor), 0, 1)
    image = (colours * 255 + 0.5).astype(np.uint8).transpose(1, 2, 0)
    return image, place.halved(lesion.mask()), {name: place.touched(mask) for name, mask in signs.items()}


@cache
def _axis(fine: int) -> np.ndarray:
    return ((np.arange(fine) + 0.5) / fine - 0.5).astype(np.float32)


@cache
def _whole(fine: int) -> Plane:
    return Plane(_axis(fine), _axis(fine), reach=0.5)


def _listed(parameters: Parameters | Iterable[Parameters]) -> list[Parameters]:
    several = isinstance(parameters, Iterable)
    chosen = list(parameters) if several and not isinstance(parameters, Parameters) else [parameters]
    for item in chosen:
        if not isinstance(item, Parameters):
            raise InvalidValue("This is no phantom", given=repr(item)[:200], expected="core.data.phantom.Parameters")
    return chosen


def _averaged(colours: np.ndarray, factor: int) -> np.ndarray:
    # Added up by hand: how NumPy adds up along an axis depends on the processor.
    total = 0.0
    for row in range(factor):
        for column in range(factor):
            total = total + colours[:, row::factor, column::factor]
    return total * (1 / (factor * factor))
