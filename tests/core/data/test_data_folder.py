"""A folder or zip of images: which layouts are taken, how they are split, and what is left out."""

import os

import numpy as np
import pytest
from PIL import Image
from small_sets import class_folders, picture, write_folder, write_zip

from core.data import load, locate
from core.data.pictures import decode
from core.data.splits import hashed_names
from core.errors import DataDamaged, DataNotFound

ALL = ("train", "validation", "test")


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("top", ["", "mydata", "a/b"])
@pytest.mark.parametrize("validation", ["validation", "val", "Valid"])
def test_splits_that_are_there_are_kept(tmp_path, zipped, top, validation):
    members = class_folders(splits=("train", validation, "test"), top=top)
    place = write_zip(tmp_path / "Skin 2.zip", members) if zipped else write_folder(tmp_path / "Skin 2", members)
    for split in ALL:
        own = load(place, split, size=16)
        assert own.name == "skin-2"
        assert own.class_names == ("cat", "dog")
        folder = validation if split == "validation" else split
        assert own.ids.tolist() == [f"{folder}/{name}/{k:03d}.png" for name in ("cat", "dog") for k in range(4)]
        assert own.labels.tolist() == [0] * 4 + [1] * 4
        assert own.notes == ()
        assert own.table.columns.tolist() == ["id", "label", "class", "split"]
        for k, name in enumerate(own.ids):
            np.testing.assert_array_equal(own.images[k], decode(members[f"{top}/{name}" if top else name], 16))


def test_folder_and_zip_split_alike(tmp_path):
    members = class_folders(30, splits=("",))
    sets = [
        load(place, "all", size=16)
        for place in (
            write_folder(tmp_path / "a", members),
            write_zip(tmp_path / "b.zip", class_folders(30, splits=("",), top="mydata")),
            str(tmp_path / "a"),
        )
    ]
    assert len({own.digest for own in sets}) == 1
    assert len({tuple(own.table["split"]) for own in sets}) == 1
    assert sets[0].notes[0].startswith("Split by us, as it comes without splits: 70% train, 10% validation, 20% test")
    shares = sets[0].table["split"].value_counts(normalize=True)
    np.testing.assert_allclose([shares[split] for split in ALL], [0.7, 0.1, 0.2], atol=0.15)


@pytest.mark.parametrize(
    ("splits", "note"),
    [
        (("train", "test"), "There is no validation folder: 10% of the training images"),
        (("train", "val"), "There is no test folder: 20% of the training images"),
        (("train",), "Split by us, as only the folder train is there"),
        (("test",), "Split by us, as only the folder test is there"),
    ],
)
def test_splits_that_are_missing_are_made_and_told(tmp_path, splits, note):
    place = write_folder(tmp_path / "set", class_folders(30, splits=splits))
    own = {split: load(place, split, size=16) for split in ALL}
    assert sum(map(len, own.values())) == 60 * len(splits)
    assert all(len(part) for part in own.values())
    assert own["train"].notes[0].startswith(note)
    if splits == ("train", "test"):
        assert len(own["test"]) == 60
        assert all(name.startswith("train/") for name in own["validation"].ids)


def test_strays_and_empty_class_folders_are_named(tmp_path):
    members = class_folders(splits=ALL) | {
        "preview.png": picture(1),
        "train/loose.png": picture(2),
        "docs/x/1.png": picture(3),
    }
    place = write_folder(tmp_path / "set", members)
    (place / "train" / "fox").mkdir()
    write_folder(place, {"test/owl/readme.txt": b"none yet"})
    own = load(place, "all", size=16)
    assert len(own) == 24
    assert own.notes == (
        "Left out, as they lie outside the class folders: 3 files such as preview.png",
        "Class folders without an image: test/owl, train/fox",
    )


def test_the_same_is_seen_in_a_zip(tmp_path):
    members = class_folders(splits=ALL, top="my") | {
        "my/preview.png": picture(1),
        "my/train/fox/": b"",
        "../x.png": b"",
    }
    own = load(write_zip(tmp_path / "set.zip", members), "all", size=16)
    assert own.notes == (
        "Left out, as their names point out of the archive: 1 file such as ../x.png",
        "Left out, as they lie outside the class folders: 1 file such as preview.png",
        "Class folders without an image: train/fox",
    )


def test_a_class_without_test_images_is_a_note(tmp_path):
    members = {n: d for n, d in class_folders(splits=ALL).items() if not n.startswith("test/dog")}
    assert load(write_folder(tmp_path / "set", members), "test", size=16).notes == ("No test image of: dog",)


@pytest.mark.parametrize("split", ["test", "validation"])
def test_a_class_that_is_not_trained_is_an_error(tmp_path, split):
    members = class_folders(splits=ALL) | {f"{split}/fox/1.png": picture(99)}
    with pytest.raises(DataDamaged, match=r"no training image of fox\. Given: .*set: fox has \d images"):
        load(write_folder(tmp_path / "set", members), "train")


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (class_folders(classes=("cat",)), "fewer than two classes. Given: .*set: one class folder, cat"),
        (
            {"1.png": picture(1), "2.png": picture(2)},
            "fewer than two classes. Given: .*set: images, but none in a class",
        ),
        (class_folders(1, splits=("",)), "no training image of|too few images"),
        ({"cat/1.png": picture(1), "cat/2.png": picture(2), "dog/1.png": picture(3)}, "too few images: none is left"),
        (class_folders(splits=("validation", "test")), "no training image of cat, dog"),
    ],
)
def test_layouts_that_cannot_be_used(tmp_path, members, said):
    with pytest.raises(DataDamaged, match=f"{said}.*Expected.*What to do"):
        load(write_folder(tmp_path / "set", members), "train")


def test_no_image_at_all(tmp_path):
    (tmp_path / "set").mkdir()
    for place in (tmp_path / "set", write_zip(tmp_path / "set.zip", {"readme.txt": b"x"})):
        with pytest.raises(DataNotFound, match=r"no image in this place\. Given: .*set.*train/<class>"):
            load(place, "train")


def test_a_file_that_is_no_zip(tmp_path):
    (tmp_path / "photo.png").write_bytes(picture(0))
    with pytest.raises(DataDamaged, match=r"photo.png is not a zip"):
        load(tmp_path / "photo.png", "train")


def test_two_folders_of_one_name_whose_files_agree_in_all_but_their_pixels(tmp_path):
    for root, value in (("a", 10), ("b", 200)):
        for name in ("cat", "dog"):
            for number in range(6):
                path = tmp_path / root / "pets" / name / f"{number}.bmp"
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.new("RGB", (20, 20), (value, 0, number)).save(path)
                os.utime(path, ns=(10**18, 10**18))
    first, second = (load("pets", "all", size=16, root=tmp_path / root) for root in ("a", "b"))
    assert set(first.images[..., 0].ravel()) == {10}
    assert set(second.images[..., 0].ravel()) == {200}
    # And one of them replaced in place by a program that sets the time back.
    place = tmp_path / "a" / "pets" / "cat" / "0.bmp"
    Image.new("RGB", (20, 20), (90, 0, 0)).save(place)
    os.utime(place, ns=(10**18, 10**18))
    assert 90 in load("pets", "all", size=16, root=tmp_path / "a").images[..., 0]


def test_new_images_are_seen(tmp_path):
    place = write_folder(tmp_path / "set", class_folders(splits=ALL))
    assert len(load(place, "train", size=16)) == 8
    write_folder(place, {"train/cat/new.png": picture(500)})
    assert len(load(place, "train", size=16)) == 9


@pytest.mark.parametrize("splits", [("",), ("train",), ("train", "test"), ("train", "validation")])
@pytest.mark.parametrize("per_class", [3, 4, 5, 10])
@pytest.mark.parametrize("classes", [("a", "b"), ("nv", "mel"), ("x", "y", "z"), ("0", "1")])
def test_a_handful_of_images_a_class_is_enough(tmp_path, splits, per_class, classes):
    members = dict.fromkeys(class_folders(per_class, classes=classes, splits=splits), b"")
    listing = locate(write_folder(tmp_path / "set", members))
    assert all(record["train"] for record in listing.counts)
    assert all(any(record[split] for record in listing.counts) for split in ALL)
    assert listing.counts == locate(write_zip(tmp_path / "set.zip", dict(reversed(members.items())))).counts


def test_that_images_moved_is_told_and_without_need_none_does(tmp_path):
    few = locate(write_folder(tmp_path / "few", dict.fromkeys(class_folders(3, splits=("",)), b"")))
    assert any(note.startswith("As there are few images, ") for note in few.notes)
    many = locate(write_folder(tmp_path / "many", dict.fromkeys(class_folders(100, splits=("",)), b"")))
    assert not any("few images" in note for note in many.notes)
    assert many.table["split"].tolist() == hashed_names(many.table["id"])
