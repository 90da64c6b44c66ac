import json
import shutil

import pandas as pd
import pytest
from small_sets import class_folders, picture, write_folder, write_zip

from core.data import DATASETS, load, locate, summary
from core.data.sources import find
from core.errors import DataDamaged, DataNotFound, PruneScopeError, UnknownName

FILES = [name for name in DATASETS if name != "phantom"]  # phantoms are always there


@pytest.mark.parametrize(("name", "near"), [("ham1000", "ham10000"), ("HAM10000", "ham10000"), ("cifar10", "cifar100")])
def test_near_names_are_suggested(name, near):
    with pytest.raises(UnknownName, match=f"did you mean {near}"):
        load(name, "train")


@pytest.mark.parametrize("name", ["", " ", "no-such-set", None, 3])
def test_names_that_are_none(name):
    with pytest.raises(UnknownName, match="no data set of this name"):
        load(name, "train")


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "set.zip", "~/nothing/here"])
def test_paths_that_do_not_exist(name):
    with pytest.raises(DataNotFound, match="no folder or zip at this path"):
        load(name, "train")


@pytest.mark.parametrize(
    "name", ["x" * 300, "x/" * 3000, "x" * 300 + ".zip", "a\0b", "~nosuchuser/x", None, 5, b"x", "~" * 9]
)
def test_names_that_no_path_can_have(name):
    with pytest.raises((DataNotFound, UnknownName)) as caught:
        load(name, "train")
    assert len(str(caught.value)) < 1000
    assert summary(name)["error"] == str(caught.value)


@pytest.mark.parametrize("place", ["x" * 300, "/" + "x/" * 3000, "~nosuchuser/x"])
@pytest.mark.parametrize("variable", ["PRUNESCOPE_DATA", "PRUNESCOPE_CACHE"])
def test_folders_that_cannot_be(place, variable, ham, monkeypatch):
    monkeypatch.setenv(variable, place)
    with pytest.raises(PruneScopeError) as caught:
        load("ham10000", "train")
    assert "Given:" in str(caught.value)
    assert summary("phantom")["name"] == "phantom"


def test_a_zip_in_the_data_root_goes_by_its_whole_name_too(tmp_path):
    write_zip(tmp_path / "data" / "clinic.zip", class_folders(splits=("train", "validation", "test")))
    assert load("clinic.zip", "test", size=16).digest == load("clinic", "test", size=16).digest
    with pytest.raises(DataNotFound, match="no folder or zip at this path"):
        load("other.zip", "test")


@pytest.mark.parametrize("name", FILES)
def test_without_any_data_it_says_how_to_get_them(name, tmp_path):
    for root in (None, tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataNotFound, match=rf"python -m core data {name} --download"):
            load(name, "train", root=root)


@pytest.mark.parametrize("name", FILES)
def test_a_file_in_place_of_the_data_folder(name, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "file"))
    with pytest.raises(DataNotFound, match=r"not a folder that may be read\. Given: .*file\. .*PRUNESCOPE_DATA"):
        load(name, "train")
    assert "not a folder" in summary(name)["error"]


def test_every_error_says_what_was_given_and_what_to_do(tmp_path):
    for name in (*FILES, tmp_path / "none", str(tmp_path)):
        with pytest.raises(PruneScopeError) as caught:
            locate(name)
        assert all(word in str(caught.value) for word in ("Given:", "Expected:", "What to do:"))


def test_summary_of_what_is_there(ham, cache):
    about = summary("ham10000")
    assert about["present"]
    assert about["error"] is None
    assert about["where"] == str(ham / "ham10000")
    assert (about["images"], about["masks"], about["size"], about["split_by"]) == (60, True, 64, "lesion")
    assert about["licence"] == "CC BY-NC 4.0"
    table = pd.DataFrame(about["classes"]).set_index("class")
    assert table.loc["mel", "title"] == "Melanoma"
    assert table["images"].sum() == 60
    assert table["groups"].sum() == 30
    assert not about["prepared"]
    assert not list(cache.rglob("*.npy"))
    json.dumps(about)
    own = load("ham10000", "all")
    for split in ("train", "validation", "test"):
        counted = own.table[own.table["split"] == split]["dx"].value_counts()
        assert table[split].to_dict() == {name: counted.get(name, 0) for name in own.class_names}
    assert summary("ham10000") == {**about, "prepared": True}


def test_summary_counts_what_was_kept_once_that_is_known(tmp_path):
    members = class_folders(splits=("train", "validation", "test")) | {"train/cat/bad.png": b"junk"}
    place = write_folder(tmp_path / "set", members)
    assert summary(place)["images"] == 25
    load(place, "train")
    about = summary(place)
    assert about["images"] == 24
    assert about["notes"] == ["1 image could not be read and was left out: train/cat/bad.png"]
    assert about["title"] == "set"


def test_summary_never_raises(tmp_path, ham):
    (ham / "ham10000" / "HAM10000_images_part_1.zip").write_bytes(b"junk")
    about = summary("ham10000")
    assert not about["present"]
    assert about["where"] == str(ham / "ham10000")
    assert "HAM10000_images_part_1.zip is not a zip" in about["error"]
    for name in ("cifar100", "nothing", tmp_path / "none", write_zip(tmp_path / "a.zip", {"x/1.png": picture(0)})):
        about = summary(name)
        assert not about["present"]
        assert about["error"]
        assert about["classes"] == []


def test_a_folder_that_lies_here_by_chance_does_not_stand_in_for_the_data_root(tmp_path, monkeypatch):
    """A recipe would mean other images in every directory that it is carried out in."""
    root, here = tmp_path / "root", tmp_path / "here"
    for place, number in ((root, 4), (here, 5)):
        write_folder(place / "moles", class_folders(number))
    (here / "other").mkdir()
    monkeypatch.chdir(here)
    assert find("moles", root=root).folder == root / "moles"
    assert find("./moles", root=root).folder.resolve() == here / "moles"
    shutil.rmtree(root / "moles")
    with pytest.raises(UnknownName):
        find("moles", root=root)
    monkeypatch.setenv("PRUNESCOPE_DATA", str(root))
    assert find("moles").folder.resolve() == here / "moles"  # who gives no root may mean what lies here


def test_titles_are_names_of_folders_and_of_zips_without_their_ending(tmp_path, monkeypatch):
    write_folder(tmp_path / "isic.2019", class_folders())
    assert summary(tmp_path / "isic.2019")["title"] == "isic.2019"
    monkeypatch.chdir(tmp_path / "isic.2019")
    assert summary(".")["title"] == "isic.2019"
    assert summary(tmp_path / "birds.zip")["title"] == "birds"


def test_splits_without_training_and_zips_in_a_folder_are_told_what_to_do(tmp_path):
    members = {
        f"{split}/{name}/{number}.png": picture(number)
        for split in ("validation", "test")
        for name in "ab"
        for number in range(3)
    }
    write_folder(tmp_path / "split", members)
    with pytest.raises(DataDamaged, match="add a folder train"):
        load(tmp_path / "split", "test", size=16)
    (tmp_path / "zips").mkdir()
    write_zip(tmp_path / "zips" / "all.zip", class_folders())
    with pytest.raises(DataNotFound, match="one of the zips in it"):
        load(tmp_path / "zips", "test", size=16)
