"""From files to arrays: once, told of, and named where files do not open or the disk is full."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections import namedtuple

import numpy as np
import pytest
from small_sets import class_folders, picture, write_folder, write_ham, write_zip

from core.data import load, prepare
from core.data.cache import write_array
from core.errors import Cancelled, DataDamaged, InvalidValue, StorageFull
from tests.core.data.conftest import arrays, leftovers


def test_the_second_time_nothing_is_decoded_or_listed(pets, monkeypatch):
    first = load(pets, "all")

    def forbidden(*_):
        raise AssertionError("done again")

    monkeypatch.setattr(prepare, "open_picture", forbidden)
    monkeypatch.setattr("core.data.folder.Archive", forbidden)
    second = load(pets, "all")
    np.testing.assert_array_equal(first.images, second.images)
    assert second.digest == first.digest
    assert second.notes == first.notes
    assert second.table.equals(first.table)


def test_changed_content_is_prepared_anew(tmp_path):
    members = class_folders(splits=("train", "validation", "test"))
    place = write_zip(tmp_path / "set.zip", members)
    before = load(place, "all", size=16).images.copy()
    write_zip(place, {name: picture(1000 + k) for k, name in enumerate(members)})
    os.utime(place, ns=(1, 1))
    assert not np.array_equal(load(place, "all", size=16).images, before)


def test_progress_is_told(pets):
    told = []
    load(pets, "all", size=16, report=told.append)
    assert told[0].done == 0
    assert told[-1].fraction == 1
    assert told[-1].total == 120
    assert told[-1].stage == "Preparing pets at 16×16"
    assert [p.done for p in told] == sorted(p.done for p in told)
    told.clear()
    load(pets, "train", size=16, report=told.append)
    assert not told


@pytest.mark.parametrize("size", [15, 513, 0, -64, 64.0, "64", True, None])
def test_sizes(pets, size):
    if size is None:
        assert load(pets, "test", size=None).size == 64
        return
    with pytest.raises(InvalidValue, match=r"Expected: a whole number from 16 to 512 pixels"):
        load(pets, "test", size=size)


def test_images_that_do_not_open_are_named_and_left_out(tmp_path, cache):
    members = class_folders(20, splits=("train", "validation", "test"))
    members["train/cat/003.png"] = b"not a picture"
    members["train/dog/004.png"] = members["train/dog/004.png"][:300]
    own = load(write_zip(tmp_path / "set.zip", members), "all", size=16)
    assert own.notes == ("2 images could not be read and were left out: train/cat/003.png, train/dog/004.png",)
    assert own.images.shape == (118, 16, 16, 3)
    assert len(own.table) == len(own.ids) == len(own.labels) == 118
    for k in (0, 3, 20, 117):
        np.testing.assert_array_equal(own.images[k], prepare.square(prepare.open_picture(members[own.ids[k]]), 16))
    assert own.images[:].nbytes + 128 == arrays(cache)[0].stat().st_size


def test_a_corrupt_member_of_a_zip_is_left_out(tmp_path):
    root = tmp_path / "data"
    folder = write_ham(root / "ham10000")
    path = folder / "HAM10000_images_part_1.zip"
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("ISIC_0000005.jpg").header_offset
    raw = bytearray(path.read_bytes())
    raw[start + 200 : start + 210] = b"x" * 10
    path.write_bytes(raw)
    own = load("ham10000", "all", size=16)
    assert len(own) == 59
    assert own.notes == ("1 image could not be read and was left out: ISIC_0000005",)
    assert "ISIC_0000005" not in own.ids
    assert own.masks().shape == (59, 16, 16)


def test_not_one_image_opens(tmp_path):
    members = dict.fromkeys(class_folders(splits=("train", "validation", "test")), b"junk")
    with pytest.raises(
        DataDamaged, match=r"No image of set could be read\. Given: train/cat/000.png: A picture cannot"
    ):
        load(write_folder(tmp_path / "set", members), "train")


def test_cancelled_leaves_nothing_and_the_next_works(pets, cache, monkeypatch):
    monkeypatch.setattr(prepare, "_TOLD", 32)
    told = []

    def stop(progress):
        told.append(progress)
        if progress.done >= 64:
            raise Cancelled("The preparation")

    with pytest.raises(Cancelled):
        load(pets, "train", report=stop)
    assert len(told) == 3
    assert not arrays(cache)
    assert not leftovers(cache)
    assert len(load(pets, "train")) == 40


def test_no_room_on_the_disk(pets, cache, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 100))
    with pytest.raises(StorageFull, match=r"no room .*PRUNESCOPE_CACHE"):
        load(pets, "train")
    assert not arrays(cache)
    monkeypatch.undo()


def test_the_disk_fills_up_on_the_way(pets, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.data.cache.os.fsync", full)
    with pytest.raises(StorageFull, match="No space left on device"):
        load(pets, "train")
    monkeypatch.undo()
    assert not arrays(cache)
    assert not leftovers(cache)


def test_a_file_where_the_cache_should_be(pets, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(tmp_path / "file"))
    with pytest.raises(StorageFull, match=r"cannot be made.*PRUNESCOPE_CACHE"):
        load(pets, "train")


@pytest.mark.parametrize("number", [0, 1, 12345])
def test_arrays_of_any_length(tmp_path, number):
    rows = np.arange(number * 6, dtype=np.uint32).astype(np.uint8).reshape(number, 2, 3)
    write_array(tmp_path / "a.npy", np.uint8, (2, 3), iter(rows))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy", mmap_mode="r" if number else None), rows)


def test_importing_is_quick():
    code = "import sys, core.data; print('torch' in sys.modules, 'torchvision' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False False"
