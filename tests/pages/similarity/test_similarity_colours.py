"""The colours of matrices."""

import numpy as np
import pytest

from pages.components import similarity_claims_charts, similarity_colours


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


# Machado, Oliveira & Fernandes (2009), severity 1: what the colour-blind see, of linear sRGB.
BLIND = {
    "no green": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "no red": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}


@pytest.mark.parametrize("kind", BLIND)
def test_lines_of_layers_stay_apart_for_the_colour_blind(kind):
    known = np.array([[int(text[at : at + 2], 16) for at in (1, 3, 5)] for text in similarity_colours.DEPTH]) / 255
    stops = np.linspace(0, 1, len(known))
    lines = np.stack([np.interp(np.linspace(0, 1, 14), stops, channel) for channel in known.T], axis=-1)
    linear = np.where(lines <= 0.04045, lines / 12.92, ((lines + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.transpose(BLIND[kind])).clip(0, 1)
    tristimulus = seen @ np.transpose([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0177, 0.1095, 0.8730]])
    x, y, z = np.cbrt(tristimulus).T  # none is so dark that CIELAB has another formula
    lab = np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=-1)
    assert apart[np.triu_indices(14, 2)].min() > 6, "of lines that are not neighbours"
    assert (np.diff(apart[0]) > 0).all(), "the further from the first, the more unlike it"


def test_differences_are_told_apart_by_marks_as_well():
    series = (("minus dense", "#111111", "circle"), ("minus iterative", "#222222", "diamond"))
    layers = similarity_claims_charts.by_sparsity(series, (0.8, 0.9), "#000000")["layer"]
    (shapes,) = [layer["encoding"]["shape"]["scale"] for layer in layers if "shape" in layer["encoding"]]
    assert shapes["range"] == ["circle", "diamond"]
