"""The lesion masks of HAM10000: read by split, from wherever they lie, and never another file's."""

import zipfile

import numpy as np
import pytest
from small_sets import picture, write_zip

from core.data import load
from core.errors import DataDamaged, DataNotFound


def test_a_missing_or_broken_mask_is_named(ham):
    path = ham / "ham10000" / "HAM10000_segmentations_lesion_tschandl.zip"
    name = load("ham10000", "test", size=16).ids[0]
    with zipfile.ZipFile(path) as archive:
        masks = {name: archive.read(name) for name in archive.namelist()}
    write_zip(path, {file: data for file, data in masks.items() if name not in file})
    with pytest.raises(DataNotFound, match=f"The mask of {name} is missing"):
        load("ham10000", "test", size=16).masks()
    assert load("ham10000", "train", size=16).masks().any()  # which lacks none
    write_zip(path, {file: data[:60] if name in file else data for file, data in masks.items()})
    with pytest.raises(DataDamaged, match="cannot be decoded"):
        load("ham10000", "test", size=16).masks()
    write_zip(path, masks)
    assert load("ham10000", "test", size=16).masks().any()


def test_an_empty_folder_beside_the_zip_hides_nothing(ham):
    before = load("ham10000", "test", size=16)
    wanted = before.masks().copy()
    for name in ("HAM10000_segmentations_lesion_tschandl", "HAM10000_images_part_1"):
        (ham / "ham10000" / name).mkdir()
    after = load("ham10000", "test", size=16)
    np.testing.assert_array_equal(after.images, before.images)
    np.testing.assert_array_equal(after.masks(), wanted)


def test_other_masks_are_not_taken_from_the_cache(ham):
    before = load("ham10000", "test", size=16).masks().copy()
    path = ham / "ham10000" / "HAM10000_segmentations_lesion_tschandl.zip"
    with zipfile.ZipFile(path) as archive:
        blank = {name: picture(0, 24, 32) for name in archive.namelist()}
    write_zip(path, blank)
    assert not np.array_equal(load("ham10000", "test", size=16).masks(), before)
