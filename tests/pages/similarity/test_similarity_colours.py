"""The colours of matrices."""

import numpy as np

from pages.components import similarity_colours


def test_colours_of_pictures_are_those_of_the_scale():
    values = np.array([[0.0, 0.1, 1.0], [0.05, np.nan, 2.0]])
    pixels = similarity_colours.rgb(values, np.array([[True, True, True], [True, True, False]]))
    first, second, grey = (
        [int(text[place : place + 2], 16) for place in (1, 3, 5)]
        for text in (*similarity_colours.VIRIDIS[:2], similarity_colours.UNSUPPORTED)
    )
    np.testing.assert_array_equal(pixels[0, 0], first)
    np.testing.assert_array_equal(pixels[0, 1], second)
    np.testing.assert_allclose(pixels[1, 0], (np.array(first) + second) / 2, atol=1)
    np.testing.assert_array_equal(pixels[1, 1], grey)
    np.testing.assert_array_equal(pixels[1, 2], grey)


def test_lightness_rises_evenly_along_the_scale():
    """CIE L* of a colour from sRGB: what an eye, also a colour-blind one, takes for light and dark."""

    def lightness(text: str) -> float:
        linear = [int(text[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in linear]
        y = np.dot(linear, (0.2126, 0.7152, 0.0722))
        return 116 * y ** (1 / 3) - 16 if y > 0.008856 else 903.3 * y

    steps = np.diff([lightness(text) for text in similarity_colours.VIRIDIS])
    assert (steps > 4).all()
    assert steps.max() < 2 * steps.min()
    ends = [lightness(text) for text in similarity_colours.DIVERGING]
    assert np.argmax(ends) == 5
    assert abs(ends[0] - ends[-1]) < 12
