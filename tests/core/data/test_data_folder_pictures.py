"""The pictures in a folder: of other kinds, turned, transparent, or damaged."""

import numpy as np
import pytest
from PIL import Image
from small_sets import class_folders, encoded, picture, pixels, write_folder

from core.data import load
from core.errors import DataDamaged, DataNotFound

ALL = ("train", "validation", "test")


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ("train/dog/", "There is no training image of dog. Given: .*dog has 4 images for validation and 4 for test"),
        ("test/", "There are too few images: none is left for test"),
        ("validation/", "There are too few images: none is left for validation"),
    ],
)
def test_what_is_left_after_decoding_is_checked_again(tmp_path, lost, said):
    members = {name: b"junk" if name.startswith(lost) else data for name, data in class_folders(splits=ALL).items()}
    with pytest.raises(DataDamaged, match=said + r".*images could not be read and were left out: .*What to do"):
        load(write_folder(tmp_path / "set", members), "train", size=16)


def test_a_class_whose_test_images_are_all_damaged_is_a_note(tmp_path):
    members = class_folders(splits=ALL)
    members |= {name: b"junk" for name in members if name.startswith("test/dog")}
    own = load(write_folder(tmp_path / "set", members), "test", size=16)
    assert own.notes[-1] == "No test image of: dog"
    assert len(own) == 4


def test_pictures_of_other_kinds_are_counted_and_jfif_is_a_jpeg(tmp_path):
    members = class_folders(splits=ALL) | {
        "train/cat/new.jfif": picture(300, kind="JPEG"),
        "train/cat/old.JPE": picture(301, kind="JPEG"),
        "train/cat/photo.heic": b"x",
        "train/dog/scan.DCM": b"x",
        "train/dog/readme.txt": b"x",
    }
    own = load(write_folder(tmp_path / "set", members), "all", size=16)
    assert {"train/cat/new.jfif", "train/cat/old.JPE"} < set(own.ids)
    assert len(own) == 26
    (note,) = own.notes
    assert "2 files such as train/cat/photo.heic" in note
    assert "dcm, heic" in note
    with pytest.raises(DataNotFound, match=r"no image in this place.*2 files such as a/1.gif"):
        load(write_folder(tmp_path / "gifs", {"a/1.gif": b"x", "b/1.gif": b"x"}), "all")


def test_pictures_are_turned_and_laid_on_white_as_uploads_are(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    array = pixels(5, 16, 16)
    Image.fromarray(array).save(tmp_path / "turned.png", exif=exif)
    members = class_folders(splits=ALL) | {
        "train/cat/clear.png": encoded(np.zeros((16, 16, 4), np.uint8)),
        "train/cat/turned.png": (tmp_path / "turned.png").read_bytes(),
    }
    own = load(write_folder(tmp_path / "set", members), "train", size=16)
    images = dict(zip(own.ids, own.images, strict=True))
    assert (images["train/cat/clear.png"] == 255).all()
    np.testing.assert_array_equal(images["train/cat/turned.png"], np.rot90(array, -1))
