import itertools

import numpy as np
import pytest
import torch

from core.errors import InvalidValue
from core.similarity import cka, hsic
from core.similarity.hsic import centred, gram
from tests.core.similarity.conftest import reference_cka, reference_hsic


def related(n=40, p=30, q=20, seed=0, kind=np.float64):
    random = np.random.default_rng(seed)
    x = random.normal(size=(n, p))
    return x.astype(kind), (x @ random.normal(size=(p, q)) + 4 * random.normal(size=(n, q))).astype(kind)


@pytest.mark.parametrize("debiased", [True, False])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16])
def test_agrees_with_the_formula_in_float64(debiased, kind):
    x, y = related(kind=kind)
    assert cka(x, y, debiased=debiased) == pytest.approx(reference_cka(x, y, debiased), abs=1e-5)
    assert hsic(x, y, debiased=debiased) == pytest.approx(reference_hsic(x, y, debiased), rel=1e-5)


def test_many_features_far_from_zero_keep_their_precision_in_float32():
    random = np.random.default_rng(1)
    common = random.normal(size=(48, 3))
    x, y = ((common @ random.normal(size=(3, 9001)) + random.normal(size=(48, 9001)) + 30) for _ in range(2))
    x, y = x.astype(np.float32), y.astype(np.float32)
    assert 0.3 < reference_cka(x, y) < 1
    assert cka(x, y) == pytest.approx(reference_cka(x, y), abs=1e-5)


def test_products_in_bfloat16_add_almost_nothing_to_its_rounding():
    random = np.random.default_rng(2)
    common = torch.from_numpy(random.normal(size=(64, 4)))
    x, y = (
        torch.relu(
            common @ torch.from_numpy(random.normal(size=(4, 9001))) + torch.from_numpy(random.normal(size=(64, 9001)))
        )
        for _ in range(2)
    )
    x, y = x.bfloat16(), y.bfloat16()
    k, l = (centred(gram(values).products) for values in (x, y))  # noqa: E741
    got = float((k * l).sum() / (k.norm() * l.norm()))
    assert got == pytest.approx(reference_cka(x.double(), y.double()), abs=1e-4)


@pytest.mark.parametrize(("n", "p"), [(127, 20), (131, 20), (258, 40_000)])
def test_the_matrix_of_many_images_is_put_together_from_stripes(n, p):
    torch.manual_seed(0)
    x = torch.randn(n, p) + 5
    found, exact = gram(x).products.double(), x.double()
    assert torch.equal(found, found.T)
    # Taken from near the mean: the same up to what centring removes.
    wanted = centred(exact @ exact.T)
    assert (centred(found) - wanted).abs().max() < 1e-4 * wanted.abs().max()


def test_tensors_in_any_memory_format_and_maps():
    torch.manual_seed(0)
    x, y = torch.randn(12, 4, 5, 6), torch.randn(12, 3, 2, 2)
    expected = reference_cka(x, y)
    assert cka(x, y) == pytest.approx(expected, abs=1e-5)
    assert cka(x.contiguous(memory_format=torch.channels_last), y.flatten(1).requires_grad_()) == pytest.approx(
        expected, abs=1e-5
    )


@pytest.mark.parametrize("debiased", [True, False])
def test_rotation_scale_and_shift_change_nothing(debiased):
    x, y = related(kind=np.float32)
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(30, 30)))[0].astype(np.float32)
    before = cka(x, y, debiased=debiased)
    assert cka(7 * x @ rotation, y, debiased=debiased) == pytest.approx(before, abs=1e-5)
    assert cka(x + 5, 1e-3 * y, debiased=debiased) == pytest.approx(before, abs=1e-5)
    assert cka(x, 0.3 * x @ rotation, debiased=debiased) == pytest.approx(1, abs=1e-5)
    # Only rotations: a map that stretches changes which images look alike.
    assert abs(cka(x * np.linspace(0.01, 3, 30, dtype=np.float32), y, debiased=debiased) - before) > 0.01


def test_independent_features_give_about_zero_unbiased_and_much_biased():
    random = np.random.default_rng(4)
    pairs = [(random.normal(size=(32, 500)), random.normal(size=(32, 500))) for _ in range(30)]
    unbiased = [cka(x, y) for x, y in pairs]
    assert abs(np.mean(unbiased)) < 0.02
    assert min(unbiased) < 0 < max(unbiased)  # it scatters around 0 and is not clipped
    assert min(cka(x, y, debiased=False) for x, y in pairs) > 0.8


def test_the_unbiased_hsic_is_the_mean_over_all_smaller_sets():
    x, y = related(n=7, p=3, q=2)
    whole = hsic(x, y)
    parts = [hsic(x[list(rows)], y[list(rows)]) for rows in itertools.combinations(range(7), 5)]
    assert np.mean(parts) == pytest.approx(whole, rel=1e-9)  # what makes it a U-statistic


@pytest.mark.parametrize(
    ("x", "y", "says"),
    [
        (np.ones((0, 2)), np.ones((0, 2)), "no images"),
        (np.eye(3), np.eye(3), "too few images.*3 images.*at least 4"),
        (np.eye(5), np.eye(4), "5 and 4 rows"),
        (np.ones((6, 3)), np.eye(6), "first features.*same features for every image"),
        (np.eye(6), np.full((6, 3), 0.1, np.float32), "second features"),
        (np.full((6, 3), np.nan), np.eye(6), "not finite"),
        (np.column_stack([np.full(6, np.inf), np.eye(6)]), np.eye(6), "not finite"),
        (np.arange(6.0), np.eye(6), r"\[6\]"),
        (np.ones((6, 0)), np.eye(6), r"\[6, 0\]"),
        (np.array([["a"]] * 6), np.eye(6), "not features"),
        (np.eye(6) * 1j, np.eye(6), "complex"),
    ],
)
def test_what_has_no_cka_is_named(x, y, says):
    with pytest.raises(InvalidValue, match=says):
        cka(x, y)


def test_the_biased_one_needs_two_images():
    assert cka(np.array([[0.0], [1.0]]), np.array([[2.0], [5.0]]), debiased=False) == pytest.approx(1)
    with pytest.raises(InvalidValue, match=r"1 image.*at least 2"):
        cka(np.ones((1, 2)), np.ones((1, 2)), debiased=False)


@pytest.mark.parametrize(
    ("kind", "scale"),
    [(np.float32, 10.0**power) for power in (-30, -25, -22, -13, 9, 18, 25, 30)]
    + [(np.float64, 10.0**power) for power in (-300, -160, -150, 150, 300)],
)
def test_features_of_any_size_have_the_cka_of_ordinary_ones(kind, scale):
    x, y = related(kind=kind)
    assert cka(x * kind(scale), y) == pytest.approx(reference_cka(x, y), abs=1e-5)
    assert cka(x * kind(scale), y * kind(scale)) == pytest.approx(reference_cka(x, y), abs=1e-5)


def test_hsic_grows_with_the_square_of_the_scale():
    x, y = related(kind=np.float32)
    assert hsic(x * np.float32(1e-12), y) == pytest.approx(1e-24 * reference_hsic(x, y), rel=1e-5)
    assert hsic(x.astype(float) * 1e200, y.astype(float) * 1e200) == np.inf


def test_parts_of_features_of_very_different_size_add_up():
    x, _ = related(p=60, kind=np.float32)
    x[:, 30:] *= np.float32(1e-8)
    whole, parts = gram(torch.from_numpy(x)), [gram(torch.from_numpy(x[:, own])) for own in (slice(30), slice(30, 60))]
    assert parts[1].exponent < 0
    both = parts[0] + parts[1]
    np.testing.assert_allclose(both.products * 4.0**both.exponent, whole.products, rtol=1e-5, atol=1e-3)
    np.testing.assert_allclose(centred(both.products) * 4.0**both.exponent, centred(whole.products), atol=1e-3)


@pytest.mark.parametrize(("n", "p"), [(4, 1), (5, 100), (64, 3)])
def test_one_image_that_differs_has_no_unbiased_cka(n, p):
    """As a unit that fires once: U(K) is 0, and what rounding leaves of it must not be divided by itself."""
    random = np.random.default_rng(n)
    x, y = np.zeros((n, p), np.float32) + 0.3, random.normal(size=(n, 20))
    x[1] = random.normal(size=p)
    for pair, says in (((x, y), "first"), ((y, x), "second")):
        with pytest.raises(InvalidValue, match=f"{says} features.*one image"):
            cka(*pair)
    assert -1 <= cka(x, y, debiased=False) <= 1


def test_a_large_feature_that_never_changes_is_left_out():
    x, y = related(kind=np.float32)
    with_constant = np.hstack([x, np.full((len(x), 1), 1e7, np.float32)])
    assert cka(with_constant, y) == pytest.approx(reference_cka(x, y), abs=1e-5)


@pytest.mark.parametrize(("images", "features", "far"), [(5, 20000, 1e3), (4, 300, 1e4), (200, 20000, 1e4)])
def test_an_image_far_from_the_others_does_not_drown_them(images, features, far):
    """In float32 the sums that cancel when the matrix is centred were all that was left."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(images, features)).astype(np.float32)
    x[0] *= far
    y = rng.normal(size=(images, 7)).astype(np.float32)
    for other in (y, x[:, :7]):
        assert cka(x, other) == pytest.approx(cka(x.astype(float), other.astype(float)), abs=1e-9)


@pytest.mark.parametrize("values", [torch.eye(5).to_sparse(), torch.empty(5, 3, device="meta")])
def test_tensors_without_plain_numbers_are_named(values):
    with pytest.raises(InvalidValue, match="not features"):
        cka(values, values)
