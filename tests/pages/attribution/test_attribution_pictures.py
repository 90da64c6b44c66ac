"""What the page Attribution draws, pixel by pixel, and what it says of it."""

import io

import numpy as np
import pytest
from PIL import Image

from core.data.phantom import CLASSES
from pages.components import attribution_colours, attribution_pictures
from pages.components.attribution_pictures import SIDE, Style

STYLE = Style("overlay", 1.0, 1.0, False, (0.0, 0.0, 1.0), False)


def test_the_figure_to_take_along_is_a_picture_without_metadata():
    image = np.full((32, 32, 3), 90, np.uint8)
    panel = attribution_pictures.drawn(image, np.eye(32), STYLE)
    page = attribution_pictures.figure(
        "What counts", [(panel, "Dense\nAnswer"), (panel, "Pruned")], "0", "1", False, "foot"
    )
    content = attribution_pictures.png(page)
    reread = Image.open(io.BytesIO(content))
    assert reread.info == {}
    assert reread.width >= 2 * SIDE
    assert len(np.unique(np.asarray(reread).reshape(-1, 3), axis=0)) > 100


def test_the_caption_names_network_method_sparsity_and_target():
    from pages.components import attribution_words
    from pages.components.attribution_controls import Question
    from pages.components.attribution_networks import Network
    from pages.components.attribution_sources import Picture

    question = Question("grad_cam", (("layer", "stage 4"),), 4, "chosen")
    network = Network(("iterative",), None, matrices_position(80), True)
    words = attribution_words.caption(network, np.array([0.7, 0, 0, 0, 0.3, 0, 0]), CLASSES, question)
    assert words.startswith("Iterative, 80%\n")
    assert "Melanoma: 30%" in words
    heading = attribution_words.heading(question, CLASSES)
    assert "Melanoma" in heading
    assert "Grad-CAM (stage 4)" in heading
    picture = Picture("k", "test", "Test image ISIC_1", np.zeros((2, 2, 3), np.uint8), credit="HAM10000")
    foot = attribution_words.foot("HAM10000 (64 px) · VGG16", question, picture, "Selvaraju")
    for part in ("VGG16", "Grad-CAM (stage 4)", "ISIC_1", "HAM10000", "Not for diagnosis"):
        assert part in foot


def matrices_position(percent: int):
    from core.matrices import Position

    return Position("x", percent)


def lightness(colours: np.ndarray) -> np.ndarray:
    """CIE L* of sRGB uint8 [N, 3]: an independent measure of what the eye calls bright."""
    linear = colours / 255
    linear = np.where(linear <= 0.04045, linear / 12.92, ((linear + 0.055) / 1.055) ** 2.4)
    y = linear @ [0.2126, 0.7152, 0.0722]
    return np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)


def deuteranope(colours: np.ndarray) -> np.ndarray:
    """How a person without green cones sees sRGB uint8 [N, 3] (Machado et al. 2009), as uint8."""
    matrix = np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    )
    linear = (colours / 255) ** 2.2
    return (255 * (linear @ matrix.T).clip(0, 1) ** (1 / 2.2)).round()


@pytest.mark.parametrize("see", [lambda colours: colours, deuteranope])
def test_the_scales_rise_evenly_and_keep_for_and_against_apart(see):
    plain = see(attribution_colours.table(False))
    steps = np.diff(lightness(plain))
    assert (steps > -0.5).all()
    assert lightness(plain)[-1] - lightness(plain)[0] > 60
    signed = see(attribution_colours.table(True))
    against, rise = lightness(signed[:128])[::-1], lightness(signed[128:])
    assert (np.diff(rise) > -0.5).all()
    assert (np.diff(against) > -0.5).all()
    np.testing.assert_allclose(rise[::16], against[::16], atol=14)  # as bright for as against
    # Yellow and blue: apart by far more than any two neighbours.
    assert np.abs(signed[-1].astype(float) - signed[0]).max() > 60


def test_nothing_on_the_map_leaves_the_picture_as_it_is():
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype(np.uint8)
    np.testing.assert_array_equal(attribution_colours.overlay(image, np.zeros((8, 8)), 1.0, False, 1.0), image)
    np.testing.assert_array_equal(attribution_colours.overlay(image, np.full((8, 8), -1.0), 1.0, False, 1.0), image)
    full = attribution_colours.overlay(image, np.ones((8, 8)), 1.0, True, 1.0)
    assert (full == attribution_colours.table(True)[-1]).all()
    np.testing.assert_array_equal(attribution_colours.overlay(image, np.ones((8, 8)), 1.0, True, 0.0), image)


def test_zoom_cuts_out_and_swipe_splits():
    image = np.zeros((32, 32, 3), np.uint8)
    image[:16, :16] = 200
    style = Style("overlay", 1.0, 1.0, False, (0.0, 0.0, 0.5), False)
    assert (np.asarray(attribution_pictures.original(image, style)) == 200).all()
    a, b = (Image.new("RGB", (SIDE, SIDE), colour) for colour in ("red", "blue"))
    half = np.asarray(attribution_pictures.split(a, b, 0.5))
    assert (half[:, :150] == (255, 0, 0)).all()
    assert (half[:, 170:] == (0, 0, 255)).all()
    assert (np.asarray(attribution_pictures.split(a, b, 0.0)) == (0, 0, 255)).all()


def test_the_outline_is_the_edge_of_the_lesion():
    image, mask = np.zeros((32, 32, 3), np.uint8), np.zeros((32, 32), bool)
    mask[8:24, 8:24] = True
    style = Style("overlay", 1.0, 1.0, False, (0.0, 0.0, 1.0), True)
    found = np.asarray(attribution_pictures.original(image, style, mask))[..., 0] == 255
    assert found[81, 160]
    assert not found[160, 160]
    assert not found[10, 10]
    assert found.sum() == 160**2 - 156**2
