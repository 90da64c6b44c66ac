import os
import re
import zipfile

import numpy as np
import pytest
from small_sets import HAM_CLASSES, HAM_COLUMNS, ham_rows, picture, write_ham, write_zip

from core.data import load, locate
from core.data.ham10000 import class_words
from core.data.pictures import decode
from core.errors import DataDamaged, DataNotFound, UnknownName


def test_what_is_loaded(ham):
    images = load("ham10000", "all")
    assert images.images.shape == (60, 64, 64, 3)
    assert images.images.dtype == np.uint8
    assert isinstance(images.images, np.memmap)
    assert not images.images.flags.writeable
    assert images.class_names == HAM_CLASSES
    assert images.labels.dtype == np.int64
    rows = {row.split(",")[0]: row.split(",") for row in ham_rows()}
    for k, name in enumerate(images.ids):
        assert images.class_names[images.labels[k]] == rows[name][2]
        assert images.groups[k] == rows[name][1]
        np.testing.assert_array_equal(images.images[k], decode(picture(int(name[5:]), kind="JPEG"), 64))
    assert list(images.table) == ["id", "lesion_id", "dx", "dx_type", "age", "sex", "localization", "label", "split"]
    assert images.table["age"].isna().sum() == 1
    assert images.table["age"].dtype == np.float64
    assert images.masks().shape == (60, 64, 64)
    assert images.masks().dtype == bool
    assert images.masks()[0, 32, 32]
    assert not images.masks()[0, 0, 0]


def test_splits_follow_each_other_and_keep_lesions_together(ham):
    parts = [load("ham10000", split) for split in ("train", "validation", "test")]
    assert [*parts[0].ids, *parts[1].ids, *parts[2].ids] == load("ham10000", "all").ids.tolist()
    assert all(sorted(part.ids) == part.ids.tolist() for part in parts)
    groups = [set(part.groups) for part in parts]
    assert not groups[0] & groups[1]
    assert not (groups[0] | groups[1]) & groups[2]
    assert all(len(part) for part in parts)


def test_split_by_row_tears_lesions_apart(ham):
    train, test = (load("ham10000", split, split_by="row") for split in ("train", "test"))
    assert set(train.groups) & set(test.groups)
    assert train.split_by == "row"
    with pytest.raises(UnknownName, match=r"no split rule.*one of lesion, row"):
        load("ham10000", "test", split_by="image")


def test_the_split_does_not_depend_on_order_or_company(tmp_path, ham):
    split = dict(zip(load("ham10000", "all").ids, load("ham10000", "all").table["split"], strict=True))
    write_ham(tmp_path / "other" / "ham10000", ham_rows()[:20:-1])
    fewer = load("ham10000", "all", root=tmp_path / "other")
    assert len(fewer) == 39
    assert {name: split[name] for name in fewer.ids} == dict(zip(fewer.ids, fewer.table["split"], strict=True))


@pytest.mark.parametrize("suffix", [".tab", ""])
def test_official_metadata_and_unpacked_folders(ham, tmp_path, suffix):
    before = load("ham10000", "test")
    folder = ham / "ham10000"
    lines = (folder / "HAM10000_metadata.csv").read_text().splitlines()
    quoted = [
        "\t".join(f'"{cell}"' if k in (0, 1, 2, 3, 5, 6) else cell for k, cell in enumerate(line.split(",")))
        for line in lines
    ]
    (folder / "HAM10000_metadata.csv").unlink()
    (folder / f"HAM10000_metadata{suffix}").write_text("\ufeff" + "\n".join(quoted) + "\n", encoding="utf-8")
    for path in sorted(folder.glob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(path.with_suffix(""))
        path.unlink()
    after = load("ham10000", "test")
    assert after.digest == before.digest
    np.testing.assert_array_equal(after.images, before.images)
    np.testing.assert_array_equal(after.masks(), before.masks())
    assert after.table.equals(before.table)


def test_it_may_lie_in_the_root_itself_or_be_named_by_its_folder(ham):
    expected = load("ham10000", "test").digest
    assert load("ham10000", "test", root=ham / "ham10000").digest == expected
    assert load(ham / "ham10000", "test").digest == expected
    assert load(ham / "ham10000", "test", split_by="row").split_by == "row"


def test_stale_copies_do_no_harm(ham):
    expected = load("ham10000", "all")
    folder = ham / "ham10000"
    name = expected.ids[0]
    write_zip(
        folder / "HAM10000_images_part_3.zip", {f"old/{name}.jpg": picture(999), "ISIC_9999999.jpg": picture(998)}
    )
    again = load("ham10000", "all")
    assert again.digest == expected.digest
    np.testing.assert_array_equal(again.images, expected.images)


def test_nothing_there(tmp_path):
    with pytest.raises(DataNotFound) as caught:
        load("ham10000", "test")
    text = str(caught.value)
    assert str(tmp_path / "data" / "ham10000") in text
    for part in ("HAM10000_metadata.csv", "python -m core data ham10000 --download", "2.9 GB", "PRUNESCOPE_DATA"):
        assert part in text


def test_a_missing_part_is_named(ham):
    (ham / "ham10000" / "HAM10000_images_part_2.zip").unlink()
    with pytest.raises(
        DataNotFound, match=r"Given: 30 of 60 images .*Expected: HAM10000_images_part_2.zip, with ISIC_0000030"
    ):
        load("ham10000", "test")


def test_no_images_at_all(ham):
    for path in (ham / "ham10000").glob("*.zip"):
        path.unlink()
    with pytest.raises(
        DataNotFound, match=r"The images of HAM10000 are missing.*part_1.zip and HAM10000_images_part_2.zip"
    ):
        load("ham10000", "test")


def test_a_few_missing_images_are_a_note(ham):
    folder = ham / "ham10000"
    with zipfile.ZipFile(folder / "HAM10000_images_part_1.zip") as archive:
        rest = {name: archive.read(name) for name in archive.namelist()[2:]}
    write_zip(folder / "HAM10000_images_part_1.zip", rest)
    images = load("ham10000", "all", size=16)
    assert len(images) == 58
    assert images.notes == ("2 images named in the metadata are missing, the first ISIC_0000000",)


def test_a_truncated_zip(ham):
    path = ham / "ham10000" / "HAM10000_images_part_2.zip"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(DataDamaged, match=r"HAM10000_images_part_2.zip is not a zip .*delete it and get it again"):
        load("ham10000", "test")


@pytest.mark.parametrize(
    ("rows", "header", "error", "said"),
    [
        (
            ["ISIC_1,HAM_1,melanoma"],
            "image_id,lesion_id,dx",
            UnknownName,
            "no diagnosis (HAM10000_metadata.csv, row 2) of this name. Given: 'melanoma'",
        ),
        (["ISIC_1,mel"], "image_id,dx", DataDamaged, "lacks the column lesion_id. Given: image_id, dx"),
        (["a,b"], "x,y", DataDamaged, "lacks the columns image_id, lesion_id, dx"),
        (
            ["I1,H1,mel", "I1,H2,mel"],
            "image_id,lesion_id,dx",
            DataDamaged,
            "contradicts itself. Given: several rows for I1",
        ),
        (["I1,H1,mel", "I2,,mel"], "image_id,lesion_id,dx", DataDamaged, "without an image or a lesion. Given: row 3"),
        (
            ["I1,H1,mel", "I2,  ,mel"],
            "image_id,lesion_id,dx",
            DataDamaged,
            "without an image or a lesion. Given: row 3",
        ),
        (["I1,H1,mel,1,2,3"], "image_id,lesion_id,dx", UnknownName, "no diagnosis (HAM10000_metadata.csv, row 2)"),
        ([], "image_id,lesion_id,dx", DataDamaged, "HAM10000_metadata.csv lists no image. Given: headings only"),
    ],
)
def test_metadata_that_is_wrong(tmp_path, rows, header, error, said):
    write_ham(tmp_path / "data" / "ham10000", rows, header)
    with pytest.raises(error, match=re.escape(said)):
        load("ham10000", "test")


def test_metadata_that_is_no_table(ham):
    (ham / "ham10000" / "HAM10000_metadata.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataDamaged, match=r"HAM10000_metadata.csv is not a table"):
        load("ham10000", "test")
    (ham / "ham10000" / "HAM10000_metadata.csv").write_bytes(b"")
    with pytest.raises(DataDamaged, match=r"HAM10000_metadata.csv is not a table"):
        load("ham10000", "test")


def test_another_column_called_id_is_left_out(tmp_path, ham):
    expected = load("ham10000", "all", size=16)
    rows = [f"{row},{number}" for number, row in enumerate(ham_rows())]
    write_ham(tmp_path / "other" / "ham10000", rows, HAM_COLUMNS + ",id")
    own = load("ham10000", "all", size=16, root=tmp_path / "other")
    assert own.digest == expected.digest
    assert own.table.equals(expected.table)
    assert own.notes == ("The column id of HAM10000_metadata.csv was left out, as here image_id goes by this name",)


def test_blanks_around_ids_tear_no_lesion_apart(ham, tmp_path):
    expected = load("ham10000", "all", size=16)
    metadata = ham / "ham10000" / "HAM10000_metadata.csv"
    metadata.write_text(metadata.read_text().replace("HAM_0000002,", "HAM_0000002 ,", 1))
    assert load("ham10000", "all", size=16).table.equals(expected.table)


def test_a_carriage_return_in_a_text_is_kept(tmp_path):
    rows = [row.replace("back", '"ba\rck"') for row in ham_rows()]
    write_ham(tmp_path / "data" / "ham10000", rows)
    for _ in range(2):
        assert set(load("ham10000", "all", size=16).table["localization"]) == {"ba\rck"}


def test_a_stray_file_whose_name_is_not_utf_8_does_no_harm(ham):
    expected = load("ham10000", "all", size=16).digest
    place = ham / "ham10000" / "HAM10000_images_part_3"
    place.mkdir()
    for name in (b"caf\xe9.jpg", b"caf\xe9.txt"):
        (place / os.fsdecode(name)).write_bytes(b"x")
    assert load("ham10000", "all", size=16).digest == expected


def test_rows_that_are_there_twice_are_a_note(tmp_path):
    write_ham(tmp_path / "data" / "ham10000", [*ham_rows(), *ham_rows()[:3]])
    images = load("ham10000", "all", size=16)
    assert len(images) == 60
    assert images.notes == ("3 rows of HAM10000_metadata.csv are there twice",)


def test_suffixes_and_diagnoses_in_capitals(ham, tmp_path):
    before = load("ham10000", "all", size=16)
    folder = ham / "ham10000"
    rows = (folder / "HAM10000_metadata.csv").read_text().replace(",mel,", ", MEL ,")
    (folder / "HAM10000_metadata.csv").unlink()
    (folder / "HAM10000_metadata.CSV").write_text(rows)
    for file in list(folder.glob("*.zip")):
        file.rename(file.with_suffix(".ZIP"))
    after = load("ham10000", "all", size=16)
    np.testing.assert_array_equal(after.images, before.images)
    np.testing.assert_array_equal(after.labels, before.labels)
    assert after.masks().any()


def test_listing_decodes_nothing(ham, cache):
    listing = locate("ham10000")
    assert len(listing.table) == 60
    assert not list(cache.rglob("*.npy"))


def test_classes_are_diagnoses_where_they_are_those_of_this_set():
    assert class_words(("nv", "mel")) == ("diagnosis", "diagnoses")
    assert class_words(("nv", "apple")) == ("class", "classes")
