import copy
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import device as devices
from core.errors import InvalidValue, UnknownName
from core.models import build, prunable, set_normalisation
from core.pruning import bind, magnitude
from core.similarity import cka, cka_matrix, compare_means, grams, grams_of_samples, layer_names, precision
from tests.core.similarity.conftest import plain_features, reference_cka, tiny_network
from tests.core.tiny import image_set

NAMES = ("features.0", "features.4", "classifier")


@pytest.fixture(scope="module")
def pair():
    return tiny_network(0), tiny_network(1, mean=(0.2, 0.5, 0.7), std=(0.3, 0.3, 0.2))


@pytest.mark.parametrize("debiased", [True, False])
def test_agrees_with_the_formula_in_float64(pair, noise, debiased):
    images = noise(24)
    matrix = cka_matrix(*pair, images, precision="float32", debiased=debiased)
    rows, columns = (plain_features(model, images) for model in pair)
    expected = [[reference_cka(rows[a], columns[b], debiased) for b in NAMES] for a in NAMES]
    assert matrix.rows == matrix.columns == NAMES
    assert matrix.n == 24
    np.testing.assert_allclose(matrix.values, expected, rtol=0, atol=1e-5)
    assert np.ptp(matrix.values) > 0.2


def test_a_model_with_itself(pair, noise):
    model, images = pair[0], noise(20)
    matrix = cka_matrix(model, model, images, layers="all")
    np.testing.assert_allclose(np.diagonal(matrix.values), 1, rtol=0, atol=1e-5)
    np.testing.assert_allclose(matrix.values, matrix.values.T, rtol=0, atol=1e-6)
    np.testing.assert_allclose(
        matrix.values, cka_matrix(model, copy.deepcopy(model), images, layers="all").values, atol=1e-6
    )
    assert matrix.cell("features.4", "features.4").low == pytest.approx(1, abs=1e-5)


def test_a_model_with_itself_runs_once(pair, noise):
    told = []
    cka_matrix(pair[0], pair[0], noise(6), report=told.append)
    assert len(told) == 3


def test_two_architectures(noise):
    torch.manual_seed(0)
    images = noise(8)
    matrix = cka_matrix(build("vgg16", 3), build("densenet169", 5), images, layers="blocks")
    assert matrix.values.shape == (6, 9) == (len(matrix.rows), len(matrix.columns))
    assert np.isfinite(matrix.values[:-1, :-1]).all()


def test_grams_are_reusable(pair, noise):
    images = noise(16)
    dense = grams(pair[0], images)
    assert dense.nbytes == 4 * 3 * 16 * 16
    kept = dense.values.clone()
    for sparsity in (0.0, 0.5):
        pruned = bind(pair[0], magnitude(prunable(pair[0]), sparsity))
        matrix = cka_matrix(dense, pruned, images)
        np.testing.assert_array_equal(matrix.values, cka_matrix(pair[0], pruned, images).values)
        if not sparsity:
            np.testing.assert_allclose(matrix.twins()["cka"], 1, atol=1e-5)
    assert torch.equal(dense.values, kept)
    assert cka_matrix(dense, dense).n == 16


def test_many_images_are_kept_in_half_precision_which_moves_nothing(pair, noise, monkeypatch):
    images = noise(257)
    half = cka_matrix(grams(pair[0], images), grams(pair[1], images))
    assert grams(pair[0], images).nbytes == 2 * 3 * 257 * 257
    monkeypatch.setattr(sys.modules["core.similarity.grams"], "FULL", 300)
    monkeypatch.setattr(sys.modules["core.similarity.jackknife"], "_AT_ONCE", 10_000)
    full = cka_matrix(*pair, images)
    for kind in ("values", "low", "high"):
        np.testing.assert_allclose(getattr(half, kind), getattr(full, kind), rtol=0, atol=1e-5)


def test_shuffled_images_cannot_misalign_two_models(pair, noise):
    images = noise(16)
    shuffled = images[np.random.default_rng(0).permutation(16)]
    flipped = images[:, :, ::-1]
    # The matrix of all images, in whatever order, is the same ...
    np.testing.assert_allclose(cka_matrix(*pair, shuffled).values, cka_matrix(*pair, images).values, atol=1e-5)
    # ... and one model cannot be compared on one order and the other on another.
    for other in (shuffled, flipped, images[:12], noise(16, size=40)):
        with pytest.raises(InvalidValue, match="different images"):
            cka_matrix(grams(pair[0], images), grams(pair[1], other))
        with pytest.raises(InvalidValue, match="different images"):
            cka_matrix(grams(pair[0], images), pair[1], other)


def test_one_hsic_for_both(pair, noise):
    with pytest.raises(InvalidValue, match="biased"):
        cka_matrix(grams(pair[0], noise(8)), grams(pair[1], noise(8), debiased=False))


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


def test_too_many_images_are_refused_before_work_begins(pair):
    images = np.broadcast_to(np.zeros((1, 1, 1, 3), np.uint8), (40_000, 1, 1, 3))
    with pytest.raises(InvalidValue, match=r"40,000 images, 3 layers.*26,754 images or fewer"):
        grams(pair[0], images)


def test_unknown_names(pair, noise):
    with pytest.raises(UnknownName, match="did you mean classifier"):
        cka_matrix(*pair, noise(5), layers=["classifer"])
    with pytest.raises(UnknownName, match="precision"):
        cka_matrix(*pair, noise(5), precision="half")


def test_more_images_narrow_the_band_about_as_foretold(pair, noise):
    images = noise(256, seed=5)
    small, large = (cka_matrix(*pair, images[:n], precision="float32") for n in (64, 256))
    width = lambda matrix: (matrix.high - matrix.low).mean()  # noqa: E731
    assert 1.5 < width(small) / width(large) < 2.7
    assert (large.low < large.values).all()
    assert (large.values < large.high).all()
    half = (large.high - large.low) / 2
    np.testing.assert_array_equal(large.needed, np.maximum(5, np.ceil(256 * (half / 0.05) ** 2)))


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


def test_tables(pair, noise):
    matrix = cka_matrix(*pair, noise(12))
    table = matrix.table()
    assert list(table.columns) == ["row", "column", "cka", "low", "high", "needed", "reason", "n"]
    assert len(table) == 9
    at = table[(table["row"] == "features.0") & (table["column"] == "classifier")].iloc[0]
    assert at["cka"] == matrix.values[0, 2] == matrix.cell("features.0", "classifier").estimate
    assert list(matrix.twins()["row"]) == list(NAMES)
    np.testing.assert_array_equal(matrix.twins()["cka"], np.diagonal(matrix.values))


def test_means_are_compared_on_the_same_images(pair, noise):
    images = noise(48)
    first, second = (cka_matrix(model, model, images) for model in pair)
    expected = first.values[~np.eye(3, dtype=bool)].mean()
    mean = first.mean_off_diagonal()
    assert mean.estimate == pytest.approx(expected)
    assert mean.low < mean.estimate < mean.high
    difference = compare_means(first, second)
    assert difference.estimate == pytest.approx(mean.estimate - second.mean_off_diagonal().estimate)
    assert difference.low < difference.estimate < difference.high
    same = compare_means(first, first)
    assert same.low == same.high == same.estimate == 0
    with pytest.raises(InvalidValue, match="paired"):
        compare_means(first, cka_matrix(pair[0], pair[0], images[:40]))


def test_users_at_the_same_time_get_what_they_get_alone(noise):
    model, images = tiny_network(4), noise(12)
    levels = ["all", "convolutions", "blocks", ["features.4"]]
    alone = [cka_matrix(model, model, images, layers=level) for level in levels]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda level: cka_matrix(model, model, images, layers=level), levels * 5))
    for index, got in enumerate(together):
        np.testing.assert_array_equal(got.values, alone[index % 4].values)
        np.testing.assert_array_equal(got.low, alone[index % 4].low)
    assert not any(module._forward_hooks for module in model.modules())


@pytest.fixture
def fast_half(monkeypatch):
    """A processor that is fast in bfloat16, and nothing tried on it yet."""
    monkeypatch.setattr(devices, "bfloat16_is_fast", lambda kind="cpu": True)
    monkeypatch.setattr(precision, "_MOVED", {})
    return monkeypatch


def test_half_precision_is_tried_once_and_moves_little(pair, noise, fast_half):
    images, tried, trial = noise(48), [], precision.moved
    fast_half.setattr(precision, "moved", lambda *given: tried.append(trial(*given)) or tried[-1])
    half = [cka_matrix(*pair, images) for _ in range(2)]
    assert half[0].precision == ("bfloat16", "bfloat16")
    assert len(tried) == 1
    assert 0 < tried[0] < 0.01
    exact = cka_matrix(*pair, images, precision="float32")
    assert 0 < np.abs(half[0].values - exact.values).max() < 0.01


def test_half_precision_is_left_where_it_moves_too_much(pair, noise, fast_half):
    fast_half.setattr(precision, "moved", lambda *given: 0.05)
    assert grams(pair[0], noise(48)).precision == "float32"
    assert grams(pair[0], noise(48), precision="bfloat16").precision == "bfloat16"
    assert grams(pair[0], noise(32)).precision == "float32"  # few images: not worth a trial


def test_a_faint_layer_is_computed_in_float32(pair, noise, fast_half):
    model = copy.deepcopy(pair[0])
    with torch.no_grad():
        model.classifier.bias += 3000  # between images it then differs by less than bfloat16 can tell
    found = grams(model, noise(48))
    assert found.precision == "float32"
    assert found.reasons == ("", "", "")
    forced = grams(model, noise(48), precision="bfloat16")
    assert "same features" in forced.reasons[2]


def test_the_promised_names(pair, noise):
    import core

    x = np.random.default_rng(0).normal(size=(9, 4))
    assert core.similarity.cka(x, x) == pytest.approx(cka(x, x)) == pytest.approx(1)
    matrix = core.similarity.cka_matrix(*pair, noise(5))
    assert matrix.values.shape == (len(matrix.rows), len(matrix.columns)) == (3, 3)
    assert matrix.n == 5
    assert layer_names(tiny_network()) == list(NAMES)


def test_a_class_far_from_all_others_loses_no_digits():
    """Its images differ by a five-hundredth of how far it lies from the mean of all, so products from there would round it away."""
    torch.manual_seed(3)
    models = [torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 5)) for _ in range(2)]
    random = np.random.default_rng(0)
    images = np.zeros((40, 8, 8, 3), np.uint8)
    images[20:] = 250
    images[:, 0] += random.integers(0, 4, (40, 8, 3)).astype(np.uint8)
    for model in models:
        set_normalisation(model, (0.0,) * 3, (1e-3,) * 3)
    samples = {"all": None, "far": np.arange(20, 40)[::-1]}
    for memory in (None, 60_000):  # at once, and in passes
        found = [grams_of_samples(model, images, samples, layers=["1"], memory=memory) for model in models]
        for name, rows in samples.items():
            x, y = (plain_features(model, images[slice(None) if rows is None else rows])["1"] for model in models)
            value = cka_matrix(*(own[name] for own in found)).values.item()
            assert value == pytest.approx(reference_cka(x, y), abs=2e-4), name
