"""A warning for images unlike the training images: the distance by hand, the threshold, and what it finds."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from core import checkpoints, data, familiarity, files
from core.checkpoints import Architecture, Card, DataInfo, Entry
from core.errors import DataDamaged, InvalidValue
from core.familiarity import BEYOND, Familiarity, features, fit
from tests.core.attribution.conftest import normalised, pictures, tiny


def soft(number: int, seed: int) -> np.ndarray:
    """Reddish clouds on a light ground: a kind of picture that a network could have learned from."""
    return (pictures(number, seed=seed) // 4 + np.array([150, 90, 80])).clip(0, 255).astype(np.uint8)


def test_features_are_channel_means_behind_the_last_relu_of_the_first_stages():
    model, images = tiny(), pictures(3)
    with torch.no_grad():
        x = normalised(model, images)
        first = model.features[:3](x)
        second = model.features[3:7](first)
    expected = np.concatenate([stage.mean(dim=(2, 3)).numpy() for stage in (first, second)], axis=1)
    found = features(model, images)
    assert found.shape == (3, 24)
    np.testing.assert_allclose(found, expected, atol=2e-2 * expected.max())  # in bfloat16 where that is fast


def test_the_distance_is_that_of_the_gaussian_it_says():
    """Against the inverse of the whole covariance matrix, in float64."""
    random = np.random.default_rng(0)
    axes = np.linalg.qr(random.normal(size=(6, 6)))[0][:2].astype(np.float32)
    known = Familiarity(
        random.normal(size=6).astype(np.float32),
        axes,
        np.array([5.0, 2.0], np.float32),
        0.3,
        np.arange(20, dtype=np.float32),
        100,
    )
    covariance = axes.T @ np.diag([5.0, 2.0]) @ axes + 0.3 * (np.eye(6) - axes.T @ axes)
    values = random.normal(size=(4, 6))
    off = values - known.mean
    expected = np.einsum("ni,ij,nj->n", off, np.linalg.inv(covariance), off)
    np.testing.assert_allclose(known._distances(values), expected, rtol=1e-5)
    with pytest.raises(InvalidValue, match="another network"):
        known._distances(values[:, :5])


def test_one_in_twenty_ordinary_images_is_warned_of_and_most_others_are():
    model = tiny()
    known = fit(model, soft(300, 0), soft(200, 1))
    assert known.training == 300
    ordinary = known.judge(model, soft(200, 2))
    assert np.mean([item.unlike for item in ordinary]) < 0.12
    assert all(item.n == 200 for item in ordinary)
    random = np.random.default_rng(3)
    noise = random.integers(0, 256, (40, 32, 32, 3), dtype=np.uint8)
    assert np.mean([item.unlike for item in known.judge(model, noise)]) > 0.9
    assert np.mean([item.unlike for item in known.judge(model, 255 - soft(40, 4))]) > 0.9
    flat = np.broadcast_to(random.integers(0, 100, (40, 1, 1, 3)), (40, 32, 32, 3)).astype(np.uint8)
    assert np.mean([item.unlike for item in known.judge(model, flat)]) > 0.9


def test_the_share_beyond_is_that_of_validation_images_that_are_nearer():
    model = tiny()
    validation = soft(100, 1)
    known = fit(model, soft(300, 0), validation)
    shares = [item.beyond for item in known.judge(model, validation)]
    assert sorted(shares) == pytest.approx(np.arange(100) / 100, abs=0.03)
    assert np.mean([item.unlike for item in known.judge(model, validation)]) == pytest.approx(1 - BEYOND, abs=0.03)


def test_too_few_images_are_refused():
    with pytest.raises(InvalidValue, match="Too few"):
        fit(tiny(), soft(5, 0), soft(50, 1))
    with pytest.raises(InvalidValue, match="Too few"):
        fit(tiny(), soft(50, 0), soft(5, 1))


@pytest.fixture
def entry(tmp_path) -> Entry:
    path = tmp_path / "colours-32/vgg16/dense.safetensors"
    path.parent.mkdir(parents=True)
    card = Card(
        study="colours-32/vgg16",
        data=DataInfo("colours", 32, ("a", "b")),
        architecture=Architecture("vgg16", 2),
        method="dense",
    )
    return Entry("colours-32/vgg16/dense", path, 1, dataclasses.replace(card, digest="d1"))


def test_what_is_stored_judges_the_same(entry):
    assert familiarity.read(entry) is None
    known = fit(tiny(), soft(60, 0), soft(40, 1))
    familiarity.write(entry, known)
    stored = familiarity.read(entry)
    images = pictures(5)
    assert stored.judge(tiny(), images) == known.judge(tiny(), images)
    assert stored.training == 60
    newer = dataclasses.replace(entry, card=dataclasses.replace(entry.card, digest="d2"))
    assert familiarity.read(newer) is None


@pytest.mark.parametrize("content", [b"", b"nonsense", b"\x08\0\0\0\0\0\0\0{}      "])
def test_a_damaged_file_is_named(entry, content):
    familiarity.path_of(entry).write_bytes(content)
    with pytest.raises(DataDamaged, match=r"dense\.familiarity"):
        familiarity.read(entry)


@pytest.mark.real
def test_on_skin_lesions_photographs_of_other_things_noise_and_flat_colour_are_found(real_cache, monkeypatch):
    """What a user could send by mistake. At most one false alarm in ten of the lesions that the network never saw."""
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(real_cache))
    entry = next(
        item for item in checkpoints.list(files.PROJECT / "checkpoints") if item.id == "ham10000-64/vgg16/dense"
    )
    known = familiarity.read(entry)
    if known is None:
        pytest.skip("not made yet: python -m core attribution ham10000-64/vgg16")
    model = checkpoints.load(entry.path).model()
    random = np.random.default_rng(0)

    def warned(images) -> float:
        return float(np.mean([item.unlike for item in known.judge(model, images)]))

    lesions = data.load("ham10000", "test", size=64).images[::20]
    assert warned(lesions) < 0.10
    things = data.load("cifar100", "test", size=32).images[:100]
    things = np.stack([np.asarray(Image.fromarray(image).resize((64, 64))) for image in things])
    assert warned(things) > 0.85
    assert warned(random.integers(0, 256, (30, 64, 64, 3), dtype=np.uint8)) == 1
    assert warned(np.broadcast_to(random.integers(0, 256, (30, 1, 1, 3)), (30, 64, 64, 3)).astype(np.uint8)) > 0.9
    assert warned(255 - lesions[:30]) > 0.9
