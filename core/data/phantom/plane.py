"""A rectangle of pixels with coordinates, and what is spread over it: smooth noise, cells, dots and strokes.

Lengths are in widths of the whole image, so that a structure looks the same at any size.
"""

from functools import cached_property

import numpy as np

from core.data.phantom.exact import Stream

_TABLE = 64  # cells repeat after so many, more than fit in an image


class Plane:
    """Pixels at the crossings of two axes.

    Args:
        y, x: float32 [H] and [W], evenly spaced coordinates of rows and columns; they may fall.
        reach: the largest coordinate that there can be, of whatever size the plane is: noise is drawn for so much.
    """

    def __init__(self, y: np.ndarray, x: np.ndarray, reach: float):
        self.y, self.x, self.reach = y, x, reach
        self.shape = (len(y), len(x))
        self.pixel = abs(float(x[1]) - float(x[0]))
        self._taps: dict[int, list] = {}

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
        if cells not in self._taps:
            self._taps[cells] = [self._spline(axis, cells) for axis in (self.y, self.x)]
        y_taps, x_taps = self._taps[cells]
        side = int(2 * self.reach * cells) + 3
        values = stream.array(side, side, low=-3.15, high=3.15)
        return _joined(np.ascontiguousarray(_joined(values, x_taps).T), y_taps)

    def octaves(self, stream: Stream, cells: int, number: int = 3, gain: float = 0.6) -> np.ndarray:
        """Noise of ``cells``, twice as many, and so on, each ``gain`` as strong as the one before; deviation about 1."""
        total, weight, power = 0.0, 1.0, 0.0
        for octave in range(number):
            total = total + weight * self.noise(stream, cells << octave)
            power += weight * weight
            weight *= gain
        return total * (1 / float(np.sqrt(power)))

    def cells(
        self, stream: Stream, scale: float, jitter: float, warp: float, warp_cells: int = 6
    ) -> tuple[np.ndarray, ...]:
        """An irregular honeycomb (Worley 1996).

        Args:
            stream: source of randomness.
            scale: cells a unit.
            jitter: 0 for regular hexagons to 0.5.
            warp: how far the whole is pulled about, in cells.
            warp_cells: how fine the pull is.

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
        row = np.floor(y)
        y = y - row - 0.5
        row = row.astype(np.intp)
        near = np.full(self.shape, 9, np.float32)
        second, which = near, np.zeros(self.shape, np.intp)
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
                which = np.where(distance < near, place, which)
                second = np.minimum(second, np.maximum(near, distance))
                near = np.minimum(near, distance)
        return np.sqrt(near), np.sqrt(second), stream.array(_TABLE * _TABLE).take(which)

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
        largest = float((radius + soft).max()) * (1.6 if wobble is not None else 1.0)
        reach = int(largest / self.pixel) + 1
        span = np.arange(-reach, reach + 1)
        rows = np.rint((y - self.y[0]) * (1 / (self.y[1] - self.y[0]))).astype(np.intp)[:, None, None] + span[:, None]
        columns = np.rint((x - self.x[0]) * (1 / (self.x[1] - self.x[0]))).astype(np.intp)[:, None, None] + span
        inside = (rows >= 0) & (rows < self.shape[0]) & (columns >= 0) & (columns < self.shape[1])
        which, down, right = np.nonzero(inside)
        down, right = rows[which, down, 0], columns[which, 0, right]
        dx, dy = self.x[right] - x[which], self.y[down] - y[which]
        place = down * self.shape[1] + right
        size = radius[which] if wobble is None else radius[which] * (1 + wobble.reshape(-1)[place])
        value = np.clip((size - np.sqrt(dx * dx + dy * dy)) * (1 / soft)[which] + 0.5, 0, 1)
        drawn = value > 0
        np.maximum.at(cover.reshape(-1), place[drawn], value[drawn])
        return cover

    def _spline(self, axis: np.ndarray, cells: int) -> list[tuple[np.ndarray, np.ndarray]]:
        place = (axis + self.reach) * cells
        first = np.floor(place)
        t = (place - first)[:, None]
        index = first.astype(np.intp)
        return [(index, 0.5 * (1 - t) * (1 - t)), (index + 1, 0.5 + t * (1 - t)), (index + 2, 0.5 * t * t)]


def _joined(values: np.ndarray, taps: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    # Along the first axis, so that whole rows are copied.
    (i, a), (j, b), (k, c) = taps
    total = values.take(i, axis=0)
    total *= a
    for index, weight in ((j, b), (k, c)):
        part = values.take(index, axis=0)
        part *= weight
        total += part
    return total
