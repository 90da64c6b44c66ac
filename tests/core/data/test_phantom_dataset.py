import numpy as np
import pytest

from core.data import load, locate, phantom, summary
from core.data.phantom import dataset
from core.errors import InvalidValue, UnknownName


@pytest.fixture(autouse=True)
def few(monkeypatch):
    """A set of 80 phantoms instead of thousands."""
    monkeypatch.setattr(dataset, "COUNT", 80)


def test_it_is_there_without_a_download():
    about = summary("phantom")
    assert about["present"]
    assert about["error"] is None
    assert (about["images"], about["masks"], about["split_by"], about["size"]) == (80, True, "lesion", 64)
    assert about["classes"][4]["title"] == "Melanoma"
    assert len(load("phantom", "train", size=32)) == sum(record["train"] for record in about["classes"])
    assert summary("phantom")["prepared"] is False  # at 64


def test_images_masks_and_signs_are_those_of_render():
    images = load("phantom", "all", size=48)
    assert images.images.shape == (80, 48, 48, 3)
    some = images.take([0, 9, 41, 79])
    parameters = phantom.parameters_of(some)
    drawn = phantom.render(parameters, 48)
    np.testing.assert_array_equal(some.images, drawn.images)
    np.testing.assert_array_equal(some.masks(), drawn.masks)
    signs = phantom.sign_masks(some)
    assert list(signs) == list(drawn.signs)
    for name, mask in signs.items():
        np.testing.assert_array_equal(mask, drawn.signs[name])
    assert [item.diagnosis for item in parameters] == [images.class_names[label] for label in some.labels]
    np.testing.assert_array_equal(phantom.parameters_of(some.table), parameters)
    assert some.table["fitzpatrick"].tolist() == [item.fitzpatrick for item in parameters]


def test_lesions_stay_in_one_split_unless_asked_otherwise():
    images = load("phantom", "all", size=32)
    splits = images.table.groupby("lesion_id")["split"].nunique()
    assert len(splits) < 75
    assert (splits == 1).all()
    np.testing.assert_array_equal(images.groups, images.table["lesion_id"])
    by_row = locate("phantom", split_by="row").table
    assert by_row.groupby("lesion_id")["split"].nunique().max() == 2
    with pytest.raises(UnknownName, match="split rule"):
        load("phantom", "train", split_by="patient")


def test_the_standard_set(monkeypatch):
    monkeypatch.setattr(dataset, "COUNT", 6000)
    listing = locate("phantom")
    table = listing.table
    assert table["id"].is_unique
    shares = table["split"].value_counts(normalize=True)
    np.testing.assert_allclose(shares[["train", "validation", "test"]], (0.7, 0.1, 0.2), atol=0.02)
    dx = table["dx"].value_counts(normalize=True)
    for name, share in phantom.RARITY.items():
        assert dx[name] == pytest.approx(share, abs=0.015)
    assert table.groupby("lesion_id")["dx"].nunique().max() == 1
    assert set(table["fitzpatrick"]) == {1, 2, 3, 4, 5, 6}


def test_reading_one_without_a_size():
    listing = locate("phantom")
    assert listing.read(listing.table["id"][3]).shape == (256, 256, 3)


def test_what_cannot_be_asked(tmp_path):
    for size in (16, 300):
        with pytest.raises(InvalidValue, match="not drawn at this size"):
            load("phantom", "test", size=size)
    from small_sets import picture, write_folder

    folder = write_folder(tmp_path / "own", {f"{name}/{k}.png": picture(k) for name in "ab" for k in range(6)})
    with pytest.raises(InvalidValue, match="no phantoms"):
        phantom.sign_masks(load(folder, "train", size=32))


def test_the_sheet():
    from core.data.phantom.sheet import sheet

    assert sheet(2, 32).size == (66, 7 * 47)
