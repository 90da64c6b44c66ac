"""Names of folders, classes and files, however they are written."""

import os
import unicodedata

import numpy as np
import pytest
from small_sets import class_folders, picture, write_folder, write_zip

from core.data import load, summary
from core.data.folder import named, slug
from core.errors import DataDamaged, InvalidValue, UnknownName

ALL = ("train", "validation", "test")


def test_a_class_may_be_called_train(tmp_path):
    place = write_folder(tmp_path / "vehicles", class_folders(30, classes=("train", "car"), splits=("",)))
    assert load(place, "all", size=16).class_names == ("car", "train")


def test_names_that_look_like_numbers_or_gaps_stay_text(tmp_path):
    members = class_folders(30, classes=("007", "nan"), splits=("",))
    own = load(write_folder(tmp_path / "set", members), "all", size=16)
    assert own.class_names == ("007", "nan")
    assert set(own.table["class"]) == {"007", "nan"}
    again = load(tmp_path / "set", "all", size=16)
    assert again.table.equals(own.table)


def test_the_bare_name_of_a_folder_in_the_data_root(tmp_path):
    write_folder(tmp_path / "data" / "pets", class_folders(splits=ALL))
    write_zip(tmp_path / "data" / "moles.zip", class_folders(splits=ALL))
    assert load("pets", "test", size=16).name == "pets"
    assert load("moles", "test", size=16).name == "moles"
    with pytest.raises(UnknownName, match="split rule"):
        load("pets", "test", split_by="lesion")


def test_slug(tmp_path):
    assert slug(tmp_path / "My Data (2).zip") == "my-data-2"
    assert slug(tmp_path / "v1.2") == "v1-2"
    assert slug(tmp_path / "数据") == "images"


def test_a_folder_goes_by_the_name_that_its_studies_have(tmp_path):
    write_folder(tmp_path / "data" / "My Pets (2)", class_folders(splits=ALL))
    assert load("my-pets-2", "test", size=16).name == "my-pets-2"
    with pytest.raises(UnknownName, match="my-pets-2"):  # what there is instead
        load("my-pets", "test", size=16)


def test_a_name_that_several_folders_go_by_means_none_of_them_but_the_one_of_exactly_this_name(tmp_path):
    for name in ("My pets", "my+pets"):
        write_folder(tmp_path / "data" / name, class_folders(splits=ALL))
    with pytest.raises(InvalidValue, match="My pets, my\\+pets"):
        load("my-pets", "test", size=16)
    write_zip(tmp_path / "data" / "my-pets.zip", class_folders(splits=ALL, classes=("cat", "dog", "newt")))
    assert load("my-pets", "test", size=16).class_names == ("cat", "dog", "newt")
    assert named(tmp_path / "data") == {"my-pets": [tmp_path / "data" / "my-pets.zip"]}
    assert named(tmp_path / "nowhere") == {}


def test_names_that_are_not_utf_8_are_left_out_and_named_readably(tmp_path):
    place = write_folder(tmp_path / "set", class_folders(splits=ALL))
    for name in (b"train/cat/m\xfcller.png", b"na\xefve.txt"):
        (place / os.fsdecode(name)).write_bytes(picture(1))
    own = load(place, "all", size=16)
    assert len(own) == 24
    assert own.notes == (
        "Left out, as their names are not UTF-8 (rename them to have them in): 1 file such as train/cat/m\\xfcller.png",
    )
    assert summary(place)["notes"] == list(own.notes)


def test_a_folder_or_a_class_whose_name_is_not_utf_8(tmp_path):
    place = tmp_path / os.fsdecode(b"m\xfcll")
    write_folder(place, class_folders(splits=ALL))
    assert len(load(place, "all", size=16)) == 24
    about = summary(place)
    assert about["present"]
    assert about["where"].endswith("m\\xfcll")
    assert summary(place / "none")["error"].encode()
    other = write_folder(tmp_path / "set", class_folders(classes=("cat", os.fsdecode(b"h\xfcnd")), splits=("",)))
    with pytest.raises(DataDamaged, match=r"fewer than two classes.*one class folder, cat; .*h\\xfcnd/000.png"):
        load(other, "all")


@pytest.mark.parametrize("name", ["a\rb", "a\nb", 'a"b', "a,b", " a ", "a\r\nb", "\ra"])
def test_any_name_of_a_class_or_file_comes_back_from_the_cache(tmp_path, name):
    members = class_folders(5, classes=(name, "plain"), splits=ALL) | {f"train/plain/{name}.png": picture(77)}
    place = write_folder(tmp_path / "set", members)
    for _ in range(2):
        own = load(place, "all", size=16)
        assert len(own.images) == len(own.table) == 31
        assert sorted(own.ids) == sorted(members)
        assert set(own.table["class"]) == {name, "plain"} == set(own.class_names)


def test_a_class_is_one_in_both_ways_of_writing_an_accent(tmp_path):
    nfc, nfd = (unicodedata.normalize(form, "mélanome") for form in ("NFC", "NFD"))
    members = {
        name.replace("cat", nfd if name.startswith("train") else nfc): data
        for name, data in class_folders(splits=ALL).items()
    }
    own = load(write_zip(tmp_path / "set.zip", members), "all", size=16)
    assert own.class_names == ("dog", nfc)
    assert set(own.ids) == set(members)
    assert np.bincount(own.labels).tolist() == [12, 12]
