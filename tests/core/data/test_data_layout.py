"""Layouts that are one level too deep, or whose splits are called by longer names: taken as they are meant, or told."""

import pytest
from small_sets import class_folders, picture, write_folder, write_zip

from core.data import locate
from core.data.layout import levels, loosely
from core.errors import DataDamaged, DataNotFound

ALL = {"train": 8, "validation": 8, "test": 8}


def counted(listing) -> dict[str, int]:
    return {split: sum(record[split] for record in listing.counts) for split in ALL}


@pytest.mark.parametrize(
    "splits",
    [
        ("Train_Set", "Val_Set", "Test_Set"),
        ("trn", "dev", "tst"),
        ("train-data", "valid data", "test-data"),
        ("training images", "validation images", "test images"),
        ("TrainSet", "ValSet", "TestSet"),
        ("train", "val", "Test_Set"),
    ],
)
@pytest.mark.parametrize("top", ["", "my set", "test_data"])
def test_splits_may_be_called_by_longer_names(tmp_path, splits, top):
    listing = locate(write_folder(tmp_path / "set", dict.fromkeys(class_folders(splits=splits, top=top), b"")))
    assert listing.class_names == ("cat", "dog")
    assert counted(listing) == ALL
    assert listing.notes == ()


@pytest.mark.parametrize("names", [("train", "val", "test"), ("Train_Set", "Val_Set", "Test_Set")])
def test_splits_inside_the_class_folders_are_kept(tmp_path, names):
    members = [f"{label}/{split}/{n}.png" for label in ("cat", "dog") for split in names for n in range(4)]
    listing = locate(write_zip(tmp_path / "set.zip", dict.fromkeys(members, b"")))
    assert listing.class_names == ("cat", "dog")
    assert counted(listing) == ALL
    assert set(listing.table.loc[listing.table["id"].str.contains("/[Tt]est"), "split"]) == {"test"}
    assert listing.notes == ()


@pytest.mark.parametrize(
    ("members", "classes"),
    [
        # One of the folders is a class, so the other one is no split.
        (class_folders(10, splits=("Test_Set", "Other")), ("Other", "Test_Set")),
        # Splits in one class folder and none in the other.
        ([f"cat/{s}/{n}.png" for s in ("train", "test") for n in range(9)] + [f"dog/{n}.png" for n in range(9)], None),
        # Trains are a class.
        ([f"{name}/{n}.png" for name in ("train", "plane") for n in range(9)], ("plane", "train")),
    ],
)
def test_where_it_may_mean_something_else_it_is_taken_as_classes(tmp_path, members, classes):
    listing = locate(write_folder(tmp_path / "set", dict.fromkeys(members, b"")))
    assert listing.class_names == (classes or ("cat", "dog"))
    assert listing.notes[-1].startswith("Split by us") or "few images" in listing.notes[-1]


@pytest.mark.parametrize("names", [("train", "test"), ("Train_Set", "Test_Set", "Val_Set")])
def test_splits_without_classes_are_told(tmp_path, names):
    members = [f"{name}/{n}.png" for name in names for n in range(9)]
    with pytest.raises(DataDamaged, match=r"folders of splits, and no class folders.*inside the folder of its split"):
        locate(write_folder(tmp_path / "set", dict.fromkeys(members, b"")))


def test_folders_inside_class_folders_are_told(tmp_path):
    members = [f"{name}/patient {n // 5}/{n}.png" for name in ("cat", "dog") for n in range(20)]
    listing = locate(write_folder(tmp_path / "set", dict.fromkeys(members, b"")))
    assert listing.class_names == ("cat", "dog")
    said = "Folders inside the class folders are not told apart: 40 files such as cat/patient 0/0.png count as cat"
    assert said in listing.notes


@pytest.mark.parametrize("top", ["", "archive/"])
@pytest.mark.parametrize("name", ["HAM10000_images_part_", "ham10000_images_part_"])
def test_ham10000_from_kaggle_is_told_where_it_belongs(tmp_path, name, top):
    members = {f"{top}{name}{part}/ISIC_{n}.jpg": picture(n) for part in (1, 2) for n in range(9)}
    place = write_zip(tmp_path / "archive.zip", members | {f"{top}HAM10000_metadata.csv": b"image_id"})
    with pytest.raises(
        DataDamaged, match=r"files of HAM10000.*folder ham10000 of the data root.*HAM10000_metadata\.csv"
    ):
        locate(place)


def test_pictures_of_kinds_that_are_not_read_are_to_be_saved_as_others(tmp_path):
    members = dict.fromkeys((f"{name}/{n}.gif" for name in ("cat", "dog") for n in range(3)), b"GIF")
    with pytest.raises(DataNotFound, match=r"6 files such as cat/0\.gif\. .*What to do: save them as JPEG or PNG"):
        locate(write_folder(tmp_path / "set", members))


@pytest.mark.parametrize(
    "name", ["data", "set", "images", "", "_", "train_test", "train 1", "training_input", "contest"]
)
def test_what_names_no_split(name):
    assert loosely(name) is None


def test_no_image_at_all_has_no_splits():
    assert levels([]).split is None
    assert levels(["1.png"]).placed("1.png") is False
