"""Which cells are supported, why others are not, and how wide their bands are."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import InvalidValue
from core.similarity import cka_matrix
from tests.core.tiny import image_set


def test_a_dead_layer_has_a_reason(pair, noise):
    model = copy.deepcopy(pair[1])
    with torch.no_grad():
        model.features[4].weight.zero_()  # what follows is dead too
    matrix = cka_matrix(pair[0], model, noise(64))
    assert np.isnan(matrix.values[:, 1:]).all()
    assert np.isfinite(matrix.values[:, 0]).all()
    assert all("features.4: it gives the same features" in reason for reason in matrix.reasons[:, 1])
    assert matrix.supported[:, 0].any()
    assert not matrix.supported[:, 1:].any()
    cell = matrix.cell("features.0", "features.4")
    assert not cell.defined
    assert "dead layer" in cell.method
    assert matrix.mean_off_diagonal().defined  # of the rest
    assert cka_matrix(model, model, noise(64)).supported.sum() == 1
    assert not cka_matrix(model, model, noise(64)).mean_off_diagonal().defined


def test_one_dead_layer_among_many_takes_no_mean_away(pair, noise):
    """Sums over most of the cells read all of them, and of those that are not meant some are NaN."""
    model, images = copy.deepcopy(pair[1]), noise(64)
    with torch.no_grad():
        model.classifier.weight.zero_()
    whole = cka_matrix(pair[0], model, images, layers="all", precision="float32")
    living = [name for name in whole.columns if name != "classifier"]
    without = cka_matrix(pair[0], model, images, layers=living, precision="float32")
    # The dead column is left out, the row of the other's classifier stays.
    assert np.isnan(whole.values[:, -1]).all()
    assert np.isfinite([whole.mean_off_diagonal().low, whole.mean_off_diagonal().high]).all()
    twins, expected = whole.mean_twins(), without.mean_twins()
    assert (twins.estimate, twins.low, twins.high) == pytest.approx((expected.estimate, expected.low, expected.high))


def test_a_layer_of_nan_has_a_reason(pair, noise):
    model = copy.deepcopy(pair[1])
    with torch.no_grad():
        model.classifier.bias[0] = torch.nan
    matrix = cka_matrix(pair[0], model, noise(64))
    assert "classifier: it gives NaN" in matrix.reasons[0, 2]
    assert np.isfinite(matrix.values[:, :2]).all()


def test_an_image_that_outweighs_all_others_is_no_evidence(pair, noise):
    images = np.full((12, 32, 32, 3), 128, np.uint8) + noise(12, seed=3) % 3
    images[0] = noise(1, seed=9)[0]
    matrix = cka_matrix(pair[0], pair[0], images)
    assert (~matrix.supported).any()
    assert all("images" in reason for reason in matrix.reasons[~matrix.supported])
    assert np.isfinite(matrix.values).all()  # greyed, not taken away


def test_few_images(pair, noise):
    for count, says in ((0, "no images"), (3, "3 images.*at least 4")):
        with pytest.raises(InvalidValue, match=says):
            cka_matrix(*pair, noise(count))
    with pytest.raises(InvalidValue, match="no images"):
        cka_matrix(*pair)
    four = cka_matrix(*pair, noise(4))
    assert np.isfinite(four.values).all()
    assert np.isnan(four.low).all()
    assert (four.needed == 0).all()
    assert all("5 are the least" in reason for reason in four.reasons.ravel())
    assert not four.mean_off_diagonal().defined
    assert np.isfinite(cka_matrix(*pair, noise(5)).low).all()
    assert np.isfinite(cka_matrix(*pair, noise(2), debiased=False).values).all()


def test_more_images_narrow_the_band_about_as_foretold(pair, noise):
    images = noise(256, seed=5)
    small, large = (cka_matrix(*pair, images[:n], precision="float32") for n in (64, 256))
    width = lambda matrix: (matrix.high - matrix.low).mean()  # noqa: E731
    assert 1.5 < width(small) / width(large) < 2.7
    assert (large.low < large.values).all()
    assert (large.values < large.high).all()
    half = (large.high - large.low) / 2
    np.testing.assert_array_equal(large.needed, np.maximum(5, np.ceil(256 * (half / 0.05) ** 2)))
    # Where the band has no width, such as of a layer with itself, as many as a band takes at all.
    assert np.diagonal(cka_matrix(pair[0], pair[0], images).needed).tolist() == [5] * 3


def test_lesions_are_left_out_together(pair, noise):
    images = np.repeat(noise(20), 2, axis=0)  # each lesion twice: half of the images are news
    lesions = np.repeat([f"HAM_{number}" for number in range(20)], 2)
    apart, together = (cka_matrix(*pair, images, groups=groups) for groups in (None, lesions))
    np.testing.assert_array_equal(apart.values, together.values)
    assert "lesion" in together.method
    assert "image" in apart.method
    assert ((together.high - together.low) > 1.2 * (apart.high - apart.low)).all()
    unknown = cka_matrix(*pair, images, groups=[None] * 40)
    np.testing.assert_allclose(unknown.low, apart.low)
    one = cka_matrix(*pair, images, groups=["a"] * 40)
    assert not one.supported.any()
    with pytest.raises(InvalidValue, match="groups"):
        cka_matrix(*pair, images, groups=lesions[:-1])


def test_an_image_set_brings_its_lesions_and_a_class_is_a_subset(pair):
    images = replace(image_set(8), groups=np.repeat(np.arange(12), 2).astype(str))
    whole = cka_matrix(*pair, images)
    assert whole.n == 24
    assert "lesion" in whole.method
    one = images.take(images.labels == 1)
    np.testing.assert_array_equal(cka_matrix(*pair, one).values, cka_matrix(*pair, one.images).values)
    assert cka_matrix(*pair, one).n == 8
