import csv
import hashlib

import numpy as np
import pytest

from core.data import load, summary

pytestmark = pytest.mark.real

HAM = {  # class: images, lesions, as the README of the data counts them
    "akiec": (327, 228),
    "bcc": (514, 327),
    "bkl": (1099, 727),
    "df": (115, 73),
    "mel": (1113, 614),
    "nv": (6705, 5403),
    "vasc": (142, 98),
}


@pytest.fixture
def real(real_root, real_cache, monkeypatch, cache):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(real_root))
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(real_cache))
    return real_root


def test_ham10000_is_complete(real):
    about = summary("ham10000")
    assert {record["class"]: (record["images"], record["groups"]) for record in about["classes"]} == HAM
    own = load("ham10000", "all")
    assert len(own) == 10_015
    assert len(set(own.groups)) == 7_470
    assert own.notes == ()
    assert own.table["age"].isna().sum() == 57
    assert (own.table["sex"] == "unknown").sum() == 57
    assert (own.table["localization"] == "unknown").sum() == 234


def test_no_lesion_is_in_two_splits_and_the_split_never_changes(real):
    own = load("ham10000", "all")
    assert own.table.groupby("lesion_id")["split"].nunique().max() == 1
    digests = {split: load("ham10000", split).digest for split in ("train", "validation", "test")}
    # Trained models name these in their cards: another digest here means that none of them can be compared any more.
    assert digests == {
        "train": "290febbfbfcc7d16",
        "validation": "7935a92837126140",
        "test": "413ce4b0a7b804b1",
    }


def test_the_pixels_of_ham10000_do_not_drift(real):
    images = load("ham10000", "test").images
    # Not a digest: JPEG decoders may differ in the last bit.
    np.testing.assert_allclose(images.mean(axis=(0, 1, 2)), [194.28, 137.62, 143.53], atol=0.2)
    np.testing.assert_allclose(images.std(), 47.41, atol=0.2)


def test_ham10000_masks_lie_where_the_lesions_are(real):
    own = load("ham10000", "validation", size=32)
    masks = own.masks()
    assert masks.shape == (966, 32, 32)
    grey = own.images.mean(axis=3)
    inside = np.array([g[m].mean() - g[~m].mean() for g, m in zip(grey, masks, strict=True) if m.any() and not m.all()])
    assert (inside < 0).mean() > 0.95  # a lesion is darker than the skin around it


def test_cifar100(real):
    sets = {split: load("cifar100", split) for split in ("train", "validation", "test")}
    assert len(sets["test"]) == 10_000
    assert len(sets["train"]) + len(sets["validation"]) == 49_990
    digests = {split: own.digest for split, own in sets.items()}
    assert digests == {"train": "314045f857947099", "validation": "bc4e534275976a77", "test": "e7c7bbba799dedff"}
    with (real / "cifar100" / "fine_names.txt").open() as file:
        assert sets["test"].class_names == tuple(file.read().split())
    assert (np.bincount(sets["test"].labels) == 100).all()
    assert len(set(sets["test"].table["coarse"])) == 20
    with (real / "cifar100" / "exact_duplicates.csv").open() as file:
        groups: dict[str, list[str]] = {}
        for row in csv.DictReader(file):
            groups.setdefault(row["group"], []).append(row["path"].removesuffix(".webp"))
    copies = {
        b
        for pair in groups.values()
        for b in pair
        if b.startswith("train/") and any(p.startswith("test/") for p in pair)
    }
    assert len(copies) == 10
    kept = {*sets["train"].ids, *sets["validation"].ids}
    assert not copies & kept
    assert sets["train"].notes[-1].startswith("10 images of the training part equal a test image")
    seen = {hashlib.sha256(image.tobytes()).digest() for image in sets["test"].images}
    assert not any(hashlib.sha256(image.tobytes()).digest() in seen for image in sets["train"].images)
    mean = np.asarray(sets["train"].images).mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(mean, [0.5071, 0.4865, 0.4409], atol=0.002)
