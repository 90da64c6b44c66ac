"""What makes no sense is refused by name, and what NumPy counts with is taken like Python's own numbers."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch

from core.attribution import (
    METHODS,
    Explainer,
    arguments,
    attribute,
    attribute_all,
    average_precision,
    check,
    completeness_error,
    examine,
    infidelity,
    pointing_game,
    random_maps,
    randomised,
    reach,
    sensitivity,
    share_inside,
    top_overlap,
)
from core.errors import InvalidValue
from tests.core.attribution.conftest import pictures, tiny

STEPS = {"method": "integrated_gradients"}
SAMPLES = {"method": "smoothgrad"}
WINDOW = {"method": "occlusion"}
NO_SEEDS = ("a", 1.5, None, True, -1, 2**32, 2**70)


@pytest.mark.parametrize(
    ("method", "name", "values"),
    [
        ("integrated_gradients", "steps", (None, True, 0, 1001, 4.0, "4", np.float32(4), np.int64(0), np.True_)),
        ("smoothgrad", "samples", (None, False, -1, 2.5, [4])),
        ("smoothgrad", "seed", NO_SEEDS),
        ("smoothgrad", "noise", (None, True, 0, 1.1, "a", float("nan"), float("inf"), 10**400, np.float32(0))),
        ("occlusion", "window", (0, True, "a", 1001)),
        ("occlusion", "stride", (0, True, 1.5)),
    ],
)
def test_options_that_are_no_such_numbers_are_refused(method, name, values, image):
    for value in values:
        with pytest.raises(InvalidValue, match=f"option {name} is out of range"):
            attribute(tiny(), image, method=method, target=0, **{name: value})


@pytest.mark.parametrize(
    ("options", "plain"),
    [
        (STEPS | {"steps": np.int64(4)}, STEPS | {"steps": 4}),
        (SAMPLES | {"samples": np.uint8(3), "seed": np.int32(5)}, SAMPLES | {"samples": 3, "seed": 5}),
        (SAMPLES | {"samples": 2, "noise": np.float64(0.1)}, SAMPLES | {"samples": 2, "noise": 0.1}),
        (SAMPLES | {"samples": 2, "noise": np.float32(0.25)}, SAMPLES | {"samples": 2, "noise": 0.25}),
        (SAMPLES | {"samples": 2, "noise": Fraction(1, 4)}, SAMPLES | {"samples": 2, "noise": 0.25}),
        (WINDOW | {"window": np.int64(8), "stride": np.int16(8)}, WINDOW | {"window": 8, "stride": 8}),
        (WINDOW | {"window": None, "stride": None}, WINDOW),
    ],
)
def test_numbers_of_numpy_are_numbers(options, plain, image):
    model = tiny()
    found, expected = (attribute(model, image, target=1, **given) for given in (options, plain))
    np.testing.assert_array_equal(found, expected)


def test_ragged_lists_and_tensors_that_numpy_cannot_read_are_refused(image):
    model = tiny()
    ragged = [image, pictures(1, 40)[0]]
    for work in (
        lambda: attribute_all(model, ragged, method="saliency", targets=0),
        lambda: attribute(model, [[[1, 2, 3]], [[1]]], method="saliency", target=0),
        lambda: infidelity(Explainer(model), [[1], [2, 3]], np.zeros((32, 32)), target=0),
    ):
        with pytest.raises(InvalidValue, match=r"image.*unequal shapes.*uint8"):
            work()
    with pytest.raises(InvalidValue, match=r"target is not a class.*unequal shapes"):
        attribute_all(model, image[None], method="saliency", targets=[[1], [1, 2]])
    with pytest.raises(InvalidValue, match=r"Tensor \(.*requires grad"):
        attribute(model, torch.ones(32, 32, 3, requires_grad=True), method="saliency", target=0)


@pytest.mark.parametrize("share", [float("nan"), float("inf"), -float("inf"), None, "a", True, 10**400, [0.1]])
def test_a_share_that_is_no_number_is_refused(share):
    maps = np.random.default_rng(0).normal(size=(2, 8, 8))
    with pytest.raises(InvalidValue, match=r"share of pixels.*between 0 and 1"):
        top_overlap(maps, maps, share)
    with pytest.raises(InvalidValue, match=r"share of pixels.*above 0"):
        reach(maps, share)


def test_a_share_of_numpy_is_a_share():
    a, b = np.random.default_rng(0).normal(size=(2, 3, 8, 8))
    np.testing.assert_array_equal(top_overlap(a, b, np.float32(0.25)), top_overlap(a, b, 0.25))


@pytest.mark.parametrize("measure", [share_inside, pointing_game, average_precision])
def test_masks_hold_only_inside_and_outside(measure):
    random = np.random.default_rng(0)
    maps, masks = random.normal(size=(3, 8, 8)), random.random((3, 8, 8)) < 0.3
    for kind in (np.uint8, np.int64, np.float32):
        np.testing.assert_array_equal(measure(maps, masks.astype(kind)), measure(maps, masks))
    for wrong in (masks * np.uint8(255), masks * 0.5, np.where(masks, np.nan, 0), masks * -1):
        with pytest.raises(InvalidValue, match=r"not masks.*bool.*masks > 127"):
            measure(maps, wrong)
    with pytest.raises(InvalidValue, match="do not fit together"):
        measure(maps, masks.astype(str))


@pytest.mark.parametrize("shape", [(0, 8, 8), (2, 0, 8), (2, 8, 0)])
@pytest.mark.parametrize("measure", [top_overlap, share_inside, pointing_game, average_precision])
def test_no_maps_and_no_pixels_are_refused(measure, shape):
    with pytest.raises(InvalidValue, match="not empty"):
        measure(np.zeros(shape), np.zeros(shape, bool))


def test_nothing_has_no_scale():
    for nothing in ([], [np.zeros((0, 4))], np.zeros((2, 0, 4))):
        with pytest.raises(InvalidValue, match="nothing to scale"):
            reach(nothing)
    assert reach([np.zeros((0, 4)), np.full((2, 2), 3.0)]) == 3


@pytest.mark.parametrize("shape", [(1, 32), (32, 1), (16, 32), (1, 32, 32), (1024,), ()])
def test_a_map_of_another_shape_is_no_map_of_the_image(shape, image):
    model = tiny()
    explainer, wrong = Explainer(model), np.ones(shape)
    for work in (
        lambda: infidelity(explainer, image, wrong, target=1),
        lambda: completeness_error(explainer, image, wrong, target=1),
        lambda: examine(model, image, wrong, method="saliency", target=1),
    ):
        with pytest.raises(InvalidValue, match=r"not a map of the image.*\[32, 32\]"):
            work()


def test_maps_that_numpy_shows_backwards_or_closes_are_maps(image):
    explainer = Explainer(tiny())
    own = attribute(explainer, image, method="deeplift", target=1)
    closed = own.copy()
    closed.flags.writeable = False
    expected = infidelity(explainer, image, own, target=1, samples=8)
    for same in (own[::-1].copy()[::-1], closed, torch.from_numpy(own), own.tolist()):
        assert infidelity(explainer, image, same, target=1, samples=np.int64(8)) == expected


@pytest.mark.parametrize("samples", [0, -1, True, None, 2.0, "a", 10_001])
def test_checks_need_a_number_of_samples(samples, image):
    explainer = Explainer(tiny())
    with pytest.raises(InvalidValue, match=r"number of squares.*1 to 10,000"):
        infidelity(explainer, image, np.ones((32, 32)), target=1, samples=samples)
    with pytest.raises(InvalidValue, match=r"number of changed images.*1 to 10,000"):
        sensitivity(explainer, image, method="saliency", target=1, samples=samples)


@pytest.mark.parametrize("seed", NO_SEEDS)
def test_checks_need_a_seed(seed, image):
    model = tiny()
    explainer = Explainer(model)
    for work in (
        lambda: infidelity(explainer, image, np.ones((32, 32)), target=1, seed=seed),
        lambda: sensitivity(explainer, image, method="saliency", target=1, seed=seed),
        lambda: check(model, image, method="saliency", target=1, seed=seed),
        lambda: randomised(model, ["classifier"], seed=seed),
    ):
        with pytest.raises(InvalidValue, match=r"The seed is out of range.*0 to 4,294,967,295"):
            work()


def test_the_largest_seed_is_one(image):
    model = tiny()
    randomised(model, ["classifier"], seed=arguments.SEEDS)
    attribute(model, image, method="smoothgrad", target=1, samples=1, seed=arguments.SEEDS)
    explainer = Explainer(model)
    assert infidelity(explainer, image, np.ones((32, 32)), target=1, samples=2, seed=arguments.SEEDS) <= 1
    assert sensitivity(explainer, image, method="saliency", target=1, samples=1, seed=arguments.SEEDS) > 0


@pytest.mark.parametrize("radius", ["a", None, True, 0, -0.1, 1.5, float("nan"), float("inf")])
def test_sensitivity_needs_a_radius(radius, image):
    with pytest.raises(InvalidValue, match=r"radius is out of range.*above 0"):
        sensitivity(Explainer(tiny()), image, method="saliency", target=1, radius=radius)


@pytest.mark.parametrize("networks", [0, -1, 1.5, None, True])
def test_randomisation_needs_a_number_of_networks(networks, image):
    with pytest.raises(InvalidValue, match="number of networks"):
        random_maps(tiny(), image[None], method="saliency", targets=1, networks=networks)
    with pytest.raises(InvalidValue, match="number of networks"):
        examine(tiny(), image, np.ones((32, 32)), method="saliency", target=1, networks=networks)


def test_images_of_many_passes_go_in_smaller_batches(monkeypatch):
    """Each image takes as much memory as it has passes at once."""
    explainer, sizes = Explainer(tiny()), []
    monkeypatch.setattr(Explainer, "batch", lambda self, x: 8)
    method = METHODS["integrated_gradients"]
    spy = lambda explainer, x, *given, **options: sizes.append(len(x)) or method.maps(explainer, x, *given, **options)  # noqa: E731
    monkeypatch.setitem(METHODS, "integrated_gradients", replace(method, maps=spy))
    attribute_all(explainer, pictures(8), method="integrated_gradients", targets=0, steps=4)
    assert sizes == [2, 2, 2, 2]
