"""Signs made of blood, keratin and scar: of carcinoma, keratoses, dermatofibroma and vascular lesions."""

import numpy as np

from core.data.phantom.exact import circle, step
from core.data.phantom.lesion import Lesion
from core.data.phantom.pigmented import seen
from core.data.phantom.skin import BLOOD, MELANIN, absorb, paint


def arborising_vessels(lesion: Lesion, strength: float) -> np.ndarray:
    """Bright red vessels in focus, with thick stems that branch into ever finer ones."""
    stream = lesion.stream("arborising_vessels")
    plane, radius = lesion.plane, lesion.outline.radius
    stems, steps = 2 + stream.integer(3), int(1.2 * 2 * radius / plane.pixel)
    turn = stream.array(stems)
    cosine, sine = circle(turn)
    reach = lesion.outline.at(cosine, sine) * stream.array(stems, low=0.75, high=1.0)
    points = []
    heading = turn + 0.5 + stream.array(stems, low=-0.10, high=0.10)
    x, y = cosine * reach, sine * reach
    width = stream.array(stems, low=0.0050, high=0.0078)
    length = stream.array(stems, low=0.8, high=1.5) * np.float32(radius)
    for branches in (5, 3, 0):
        wander = _wander(stream, len(x), steps)
        along = np.arange(steps, dtype=np.float32)[None] * np.float32(1 / steps)
        dx, dy = circle(heading[:, None] + wander)
        path_x = x[:, None] + np.cumsum(dx, axis=1) * (length[:, None] / steps)
        path_y = y[:, None] + np.cumsum(dy, axis=1) * (length[:, None] / steps)
        points.append((path_x, path_y, width[:, None] * (1 - 0.6 * along)))
        if branches:
            fork = (stream.array(len(x), branches, low=0.15, high=0.9) * np.float32(steps)).astype(np.intp)
            own = np.arange(len(x)).repeat(branches), fork.reshape(-1)
            side = np.where(stream.array(len(own[0])) < 0.5, -1, 1).astype(np.float32)
            heading = heading[own[0]] + wander[own] + side * stream.array(len(own[0]), low=0.07, high=0.17)
            x, y = path_x[own], path_y[own]
            length = length[own[0]] * stream.array(len(own[0]), low=0.30, high=0.60)
            width = width[own[0]] * 0.62
    x, y, size = (np.concatenate([item[part].reshape(-1) for item in points]) for part in range(3))
    cover = seen(plane.dots(x, y, size, 0.004) * step(lesion.depth, -0.08, 0.04) * strength)
    absorb(lesion.colours, cover, BLOOD, 1.7)
    paint(lesion.colours, cover * 0.25, (0.72, 0.20, 0.24))
    return cover > 0


def ulceration(lesion: Lesion, strength: float) -> np.ndarray:
    """An orange-red to dark-brown crust, glossy, without structure."""
    stream = lesion.stream("ulceration")
    plane, radius = lesion.plane, lesion.outline.radius
    number = 1 + stream.integer(3)
    x, y = lesion.scattered(stream, number, 0.5)
    size = stream.array(number, low=0.16, high=0.36) * np.float32(radius)
    wobble = np.clip(0.30 * plane.octaves(stream, 13, 3), -0.55, 0.55)
    cover = seen(plane.dots(x, y, size, 0.02, wobble) * lesion.within * strength)
    absorb(lesion.colours, cover, BLOOD, 1.15)
    absorb(lesion.colours, cover * step(plane.octaves(stream, 14, 3), 0.0, 1.4), MELANIN, 1.1)
    paint(lesion.colours, cover * 0.25, (0.62, 0.28, 0.14))
    paint(lesion.colours, cover * step(plane.noise(stream, 30), 1.5, 2.2) * 0.5, (1.0, 0.92, 0.84))
    return cover > 0


def milia_like_cysts(lesion: Lesion, strength: float) -> np.ndarray:
    """White to yellow round dots, some small and bright as stars, some larger and cloudy."""
    stream = lesion.stream("milia_like_cysts")
    number = 9 + stream.integer(22)
    x, y = lesion.scattered(stream, number, 0.88)
    size = 0.0055 + 0.013 * stream.array(number) * stream.array(number)
    cover = seen(lesion.plane.dots(x, y, size, size * 0.9) * lesion.within * strength)
    paint(lesion.colours, cover * 0.80, (0.97, 0.90, 0.78))
    return cover > 0


def strawberry_pattern(lesion: Lesion, strength: float) -> np.ndarray:
    """A red pseudonetwork round whitish-yellow follicles with a plug in the middle."""
    stream = lesion.stream("strawberry_pattern")
    plane = lesion.plane
    near, _, which = plane.cells(stream, stream.number(16, 23), 0.40, 0.40, 5, lesion.around)
    area = seen(step(lesion.depth, -0.02, 0.20) * np.clip(0.9 + 0.35 * plane.noise(stream, 4), 0.3, 1) * strength)
    size = 0.20 + 0.20 * which
    follicle = np.clip((size - near) * 5 + 0.2, 0, 1) * step(which, 0.12, 0.3)
    vessels = step(abs(plane.octaves(stream, 15, 2)), 0.5, 0.0) * (1 - follicle)
    absorb(lesion.colours, (1 - follicle) * area, BLOOD, 0.50)
    absorb(lesion.colours, vessels * area, BLOOD, 0.45)
    paint(lesion.colours, follicle * area * 0.62, (0.93, 0.78, 0.64))
    absorb(lesion.colours, step(near, 0.13, 0.03) * follicle * area, MELANIN, 0.55)
    return area > 0


def scale(lesion: Lesion, strength: float) -> np.ndarray:
    """White to yellow flakes of horn on the surface, ragged and matt."""
    stream = lesion.stream("scale")
    plane = lesion.plane
    where = 0.75 * plane.octaves(stream, 5, 2) + 0.65 * plane.noise(stream, 17) + 0.55 * plane.noise(stream, 33)
    cover = seen(step(where, 0.45, 1.35) * step(lesion.depth, 0.02, 0.2) * strength)
    paint(lesion.colours, cover * 0.70, (0.92, 0.85, 0.77))
    paint(lesion.colours, cover * step(plane.noise(stream, 36), 0.2, 1.6) * 0.5, (1.0, 0.98, 0.95))
    return cover > 0


def white_patch(lesion: Lesion, strength: float) -> np.ndarray:
    """A white scar in the centre with tongues into the periphery."""
    stream = lesion.stream("white_patch")
    reach = stream.number(0.40, 0.62)
    frayed = lesion.depth + 0.09 * lesion.plane.octaves(stream, 9, 3, 0.7)
    cover = seen(step(frayed, 0.85 - reach, 1.15 - 0.6 * reach) * lesion.within * strength)
    strands = 0.72 + 0.28 * step(abs(lesion.plane.noise(stream, 18)), 0.8, 0.1)
    paint(lesion.colours, cover * strands * 0.66, (0.93, 0.81, 0.79))
    return cover > 0


def lacunae(lesion: Lesion, strength: float) -> np.ndarray:
    """Round red to blue-purple pools of blood, parted by pale septa."""
    stream = lesion.stream("lacunae")
    plane = lesion.plane
    purple, scaling = stream.number(0, 1), stream.number(9, 16)
    near, second, which = plane.cells(stream, scaling, 0.40, 0.35, 4, lesion.around)
    rough = 0.10 * plane.noise(stream, 24)
    pool = step(second - near + rough, 0.0, 0.50) * step(near + rough, 0.72 - 0.2 * which, 0.26)
    area = seen(step(lesion.depth, -0.02, 0.08) * strength)
    absorb(lesion.colours, pool * (0.55 + 0.9 * which) * area, BLOOD, 1.20)
    absorb(lesion.colours, step(which, 1.1 - 0.8 * purple, 1.3 - 0.8 * purple) * pool * area, (1.0, 0.8, 0.30), 0.9)
    paint(lesion.colours, (1 - pool) * area * 0.10, (0.92, 0.68, 0.72))
    return area > 0


def _wander(stream, curves: int, steps: int) -> np.ndarray:
    """A heading that drifts along each curve, in turns: float32 [curves, steps], the same curve for any number of steps."""
    knots = np.cumsum(stream.array(curves, 10, low=-0.07, high=0.07), axis=1)
    place = np.arange(steps, dtype=np.float32) * np.float32(8.999 / steps)
    left = place.astype(np.intp)
    share = place - left.astype(np.float32)
    return knots[:, left] * (1 - share) + knots[:, left + 1] * share
