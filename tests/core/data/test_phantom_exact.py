import numpy as np
import pytest

from core.data.phantom.exact import Stream, circle, fade, step, wave
from core.data.phantom.plane import Plane


def test_random_numbers_are_those_of_splitmix64():
    stream = Stream("any")
    stream.state = 1234567
    known = (6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431)  # Vigna's splitmix64.c
    np.testing.assert_array_equal(stream.doubles(4), [(value >> 11) * 2.0**-53 for value in known])


def test_one_by_one_or_all_at_once():
    together, single = Stream(3, "a"), Stream(3, "a")
    np.testing.assert_array_equal(together.doubles(50), [single.number() for _ in range(50)])
    assert together.number() == single.number()
    assert Stream(3, "a").number() != Stream(3, "b").number()
    values = Stream(1).array(200, 100, low=-1, high=1)
    assert values.dtype == np.float32
    assert values.min() >= -1
    assert values.max() < 1
    assert abs(values.mean()) < 0.02
    assert values.var() == pytest.approx(1 / 3, rel=0.02)


def test_a_part_is_cut_out_of_the_whole():
    whole, stream = Stream(6), Stream(6)
    expected = whole.array(31, 31, low=-2, high=3)[4:9, 20:31]
    np.testing.assert_array_equal(stream.part(31, slice(4, 9), slice(20, 31), low=-2, high=3), expected)
    assert stream.number() == whole.number()


def test_fading_waves_and_steps_against_their_formulas():
    x = np.linspace(0, 3, 200, dtype=np.float32)
    np.testing.assert_allclose(fade(x), np.exp(-x), atol=0.01)
    assert fade(np.zeros(1, np.float32))[0] == 1
    turns = np.linspace(-2, 2, 501)
    np.testing.assert_allclose(wave(turns), np.sin(2 * np.pi * turns), atol=0.0015)
    cosine, sine = circle(turns)
    np.testing.assert_allclose(cosine**2 + sine**2, 1, atol=0.003)
    np.testing.assert_array_equal(step(np.array([0, 1, 2, 3, 4.0]), 1, 3), [0, 0, 0.5, 1, 1])
    np.testing.assert_array_equal(step(np.array([0, 1, 2, 3, 4.0]), 3, 1), [1, 1, 0.5, 0, 0])


def plane(size):
    axis = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    return Plane(axis, axis, reach=0.5)


def test_noise_has_unit_deviation_and_does_not_depend_on_the_size():
    fine, coarse = (plane(size).noise(Stream(1), 12) for size in (192, 64))
    assert fine.std() == pytest.approx(1, abs=0.12)
    np.testing.assert_allclose(fine[1::3, 1::3], coarse, atol=1e-4)


def test_a_window_of_a_plane_has_the_noise_of_the_whole():
    axis = plane(64).x
    window = slice(40, 52), slice(3, 30)
    whole, kept = plane(64).noise(Stream(1), 12), {}
    for memory in (None, kept, kept):
        stream, usual = Stream(1), Stream(1)
        plane(64).noise(usual, 12)
        part = Plane(axis, axis, 0.5, window, memory).noise(stream, 12)
        np.testing.assert_array_equal(part, whole[window])
        assert stream.state == usual.state
    assert len(kept) == 1
    # Axes that fall are the same noise backwards.
    np.testing.assert_array_equal(Plane(axis[::-1], axis, 0.5).noise(Stream(1), 12), whole[::-1])


def test_cells_are_distances_to_points():
    near, second, which = plane(96).cells(Stream(2), 9, 0.3, 0.2, 6, np.ones((96, 96), bool))
    assert (near <= second).all()
    assert near.max() < 1.2
    assert 60 < len(np.unique(which)) < 200
    where = plane(96).columns > 0.1
    for part, whole in zip(plane(96).cells(Stream(2), 9, 0.3, 0.2, 6, where), (near, second, which), strict=True):
        np.testing.assert_array_equal(part, np.where(where, whole, 0))


def test_dots_against_distances():
    field = plane(64)
    x, y, radius = (np.array(v, np.float32) for v in ([0.1, -0.3, 0.49], [-0.2, 0.3, 0.49], [0.1, 0.05, 0.2]))
    cover = field.dots(x, y, radius)
    distance = np.hypot(field.columns[..., None] - x, field.rows[..., None] - y)
    expected = np.clip((radius - distance) / field.pixel + 0.5, 0, 1).max(-1)
    np.testing.assert_allclose(cover, expected, atol=1e-4)
    assert not field.dots(x[:0], y[:0], radius[:0]).any()


def test_many_dots_of_all_sizes_against_distances():
    """Soft, wobbling, overlapping, on and beyond the edge; twice as large a number as is drawn at once."""
    field, random = plane(80), np.random.default_rng(2)
    x, y = random.uniform(-0.6, 0.6, (2, 300)).astype(np.float32)
    radius = (10 ** random.uniform(-2.6, -0.7, 300)).astype(np.float32)
    soft = (10 ** random.uniform(-3, -1, 300)).astype(np.float32)
    wobble = random.uniform(-0.5, 0.5, (80, 80)).astype(np.float32)
    distance = np.hypot(field.columns[..., None].astype(float) - x, field.rows[..., None].astype(float) - y)
    for rough in (None, wobble):
        size = radius if rough is None else radius * (1 + rough[..., None])
        expected = np.clip((size - distance) / np.maximum(soft, field.pixel) + 0.5, 0, 1).max(-1)
        np.testing.assert_allclose(field.dots(x, y, radius, soft, rough), expected, atol=2e-4)
