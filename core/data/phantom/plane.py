"""A rectangle of pixels with coordinates, and what is spread over it: smooth noise, cells, dots and strokes.

Lengths are in widths of the whole image, so that a structure looks the same at any size.
"""

from functools import cached_property

import numpy as np

from core.data.phantom.exact import Stream

_TABLE = 64  # cells repeat after so many, more than fit in an image
_SOME = 4096  # values at once: so many stay in the processor's first cache
_NOWHERE = 1e3  # widths of the image


class Plane:
    """Pixels at the crossings of two axes, or those in a window of them.

    Args:
        y, x: float32, evenly spaced coordinates of rows and columns; they may fall.
        reach: the largest coordinate that there can be, of whatever size the plane is: noise is drawn for so much.
        window: which rows and columns the plane has; by default all.
        kept: noise over all rows and columns, for planes with the same axes to share: what one draws, the next finds.
    """

    def __init__(
        self,
        y: np.ndarray,
        x: np.ndarray,
        reach: float,
        window: tuple[slice, slice] = (slice(None), slice(None)),
        kept: dict | None = None,
    ):
        self.y, self.x, self.reach = y[window[0]], x[window[1]], reach
        self.shape = (len(self.y), len(self.x))
        self.pixel = abs(float(self.x[1]) - float(self.x[0]))
        self._axes = (self.y, self.x) if kept is None else (y, x)
        self._window, self._kept = window, kept
        self._taps: dict[int, tuple[_Taps, _Taps]] = {}

    @cached_property
    def rows(self) -> np.ndarray:
        """The y of each pixel, float32 [H, W]."""
        return np.ascontiguousarray(np.broadcast_to(self.y[:, None], self.shape))

    @cached_property
    def columns(self) -> np.ndarray:
        """The x of each pixel, float32 [H, W]."""
        return np.ascontiguousarray(np.broadcast_to(self.x, self.shape))

    def noise(self, stream: Stream, cells: int) -> np.ndarray:
        """Smooth noise with ``cells`` random values a unit, joined by quadratic B-splines: float32 [H, W], mean 0, deviation about 1."""
        if self._kept is None:
            return self._noise(stream, cells)
        key = stream.state, cells
        if key not in self._kept:
            self._kept[key] = self._noise(stream, cells), stream.state
        noise, stream.state = self._kept[key]
        return noise[self._window]

    def _noise(self, stream: Stream, cells: int) -> np.ndarray:
        if cells not in self._taps:
            self._taps[cells] = tuple(_Taps((axis + self.reach) * cells) for axis in self._axes)
        y, x = self._taps[cells]
        side = int(2 * self.reach * cells) + 3
        values = stream.part(side, x.used, y.used, low=-3.15, high=3.15)
        return y.joined(np.ascontiguousarray(x.joined(values).T))

    def octaves(self, stream: Stream, cells: int, number: int = 3, gain: float = 0.6) -> np.ndarray:
        """Noise of ``cells``, twice as many, and so on, each ``gain`` as strong as the one before; deviation about 1."""
        total, weight, power = np.zeros(self.shape, np.float32), 1.0, 0.0
        for octave in range(number):
            total += weight * self.noise(stream, cells << octave)
            power += weight * weight
            weight *= gain
        total *= 1 / float(np.sqrt(power))
        return total

    def cells(
        self, stream: Stream, scale: float, jitter: float, warp: float, warp_cells: int, where: np.ndarray
    ) -> tuple[np.ndarray, ...]:
        """An irregular honeycomb (Worley 1996).

        Args:
            stream: source of randomness.
            scale: cells a unit.
            jitter: 0 for regular hexagons to 0.5.
            warp: how far the whole is pulled about, in cells.
            warp_cells: how fine the pull is.
            where: bool [H, W], the pixels that matter; at all others everything is 0.

        Returns:
            ``near, second``: distances to the nearest and the second nearest centre in cells, float32 [H, W]; their
            difference is 0 on the walls. ``which``: a number in [0, 1) that each cell has for itself.
        """
        # A wide pull bends rows of cells, a fine one their walls.
        fine = int(scale)
        x = self.columns * scale + (warp * self.noise(stream, warp_cells) + 0.11 * self.noise(stream, fine)) + 1000
        y = self.rows * scale + (warp * self.noise(stream, warp_cells) + 0.11 * self.noise(stream, fine))
        y = y * (1 / 0.866) + 1000
        shift_x = stream.array(_TABLE * _TABLE, low=-jitter, high=jitter)
        shift_y = stream.array(_TABLE * _TABLE, low=-jitter, high=jitter)
        own = stream.array(_TABLE * _TABLE)
        pixels = np.flatnonzero(where)
        found = np.zeros((3, where.size), np.float32)
        for some in np.split(pixels, range(_SOME, len(pixels), _SOME)):
            near, second, which = _nearest(x.take(some), y.take(some), shift_x, shift_y)
            found[0, some], found[1, some], found[2, some] = near, second, own.take(which)
        return tuple(found.reshape(3, *self.shape))

    def dots(
        self,
        x: np.ndarray,
        y: np.ndarray,
        radius: np.ndarray,
        soft: float | np.ndarray = 0.0,
        wobble: np.ndarray | None = None,
    ) -> np.ndarray:
        """Discs, or strokes as rows of discs.

        Args:
            x, y, radius: float32 [n].
            soft: width of the edge, at least a pixel.
            wobble: float32 [H, W], by what share the radius is larger at each pixel, for outlines that are not round.

        Returns:
            float32 [H, W] in [0, 1]: the largest cover at each pixel.
        """
        cover = np.zeros(self.shape, np.float32)
        if not len(x):
            return cover
        soft = np.maximum(np.broadcast_to(np.float32(soft), radius.shape), np.float32(self.pixel))
        row, column = (
            np.rint((place - axis[0]) * (1 / (axis[1] - axis[0]))).astype(np.intp)
            for place, axis in ((y, self.y), (x, self.x))
        )
        largest = radius if wobble is None else radius * (1 + float(wobble.max()))
        # Farther than this from the middle pixel nothing is covered, whichever way the middle was rounded.
        reach = ((largest + 0.5 * soft) * (1 / self.pixel) + 0.51).astype(np.intp)
        for far in np.flatnonzero(np.bincount(np.maximum(reach, 0))):
            span = np.arange(-far, far + 1)
            alike = np.flatnonzero(reach == far)
            for some in np.split(alike, range(0, len(alike), max(1, _SOME // span.size**2))[1:]):
                rows, dy = _offsets(self.y, row[some], y[some], span)
                columns, dx = _offsets(self.x, column[some], x[some], span)
                place = (rows * self.shape[1])[:, :, None] + columns[:, None, :]
                size = radius[some][:, None, None]
                if wobble is not None:
                    size = size * (1 + wobble.reshape(-1).take(place))
                value = size - np.sqrt((dx * dx)[:, None, :] + (dy * dy)[:, :, None])
                value *= (1 / soft)[some][:, None, None]
                value += 0.5
                drawn = np.flatnonzero(value > 0)
                value = np.minimum(value.reshape(-1).take(drawn), 1)
                np.maximum.at(cover.reshape(-1), place.reshape(-1).take(drawn), value)
        return cover


class _Taps:
    """Which random values each pixel of an axis lies between, and how much of each it gets.

    Args:
        place: float32 [n], pixels in units of values.
    """

    def __init__(self, place: np.ndarray):
        first = np.floor(place)
        t = (place - first)[:, None]
        index = first.astype(np.intp)
        start, end = sorted((int(index[0]), int(index[-1])))
        self.used = slice(start, end + 3)
        self._index = index - start
        self._weights = 0.5 * (1 - t) * (1 - t), 0.5 + t * (1 - t), 0.5 * t * t

    def joined(self, values: np.ndarray) -> np.ndarray:
        """The values in ``used``, float32 [m, any], joined along their first axis: float32 [n, any]."""
        total = values.take(self._index, axis=0)
        total *= self._weights[0]
        for tap in (1, 2):
            part = values.take(self._index + tap, axis=0)
            part *= self._weights[tap]
            total += part
        return total


def _nearest(x: np.ndarray, y: np.ndarray, shift_x: np.ndarray, shift_y: np.ndarray) -> tuple[np.ndarray, ...]:
    """Of points in a plane of hexagons: distance to the nearest and second nearest shifted centre, and which one is near."""
    row = np.floor(y)
    y = y - row - 0.5
    row = row.astype(np.intp)
    near = np.full(len(x), 9, np.float32)
    second, which = near, np.zeros(len(x), np.intp)
    for up in (-1, 0, 1):
        odd = (row + up) & 1
        shifted = x - 0.5 * odd.astype(np.float32)
        column = np.floor(shifted)
        shifted = shifted - column - 0.5
        column = column.astype(np.intp)
        start = ((row + up) & (_TABLE - 1)) * _TABLE
        for right in (-1, 0, 1):
            place = start + ((column + right) & (_TABLE - 1))
            dx = shifted - right - shift_x.take(place)
            dy = (y - up - shift_y.take(place)) * 0.866
            distance = dx * dx + dy * dy
            np.copyto(which, place, where=distance < near)
            second = np.minimum(second, np.maximum(near, distance))
            near = np.minimum(near, distance)
    return np.sqrt(near), np.sqrt(second), which


def _offsets(
    axis: np.ndarray, middle: np.ndarray, centre: np.ndarray, span: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Pixels round each centre and how far they are from it, [n, span]; those that are not there count as far away."""
    pixels = middle[:, None] + span
    inside = np.clip(pixels, 0, len(axis) - 1)
    offset = axis.take(inside) - centre[:, None]
    offset[pixels != inside] = _NOWHERE
    return inside, offset
