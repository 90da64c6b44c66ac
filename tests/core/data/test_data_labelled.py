"""Images that a list sorts, as researchers keep them: what of a table is taken, and what it may not say."""

import pytest
from small_sets import class_folders, picture, write_folder, write_zip

from core.data import load, locate, summary
from core.errors import DataDamaged, UnknownName

ALL = ("train", "validation", "test")
NAMES = [f"ISIC {number:03d}" for number in range(24)]  # with a blank, as cameras and people write


def dx(number: int) -> str:
    return ("mel", "nv", "bkl")[number % 3]


def files(folder: str = "images/", kind: str = "jpg") -> dict[str, bytes]:
    return {f"{folder}{name}.{kind}": picture(seed, kind="JPEG") for seed, name in enumerate(NAMES)}


def text(header: str = "image_id,dx,patient_id,age", row=None, end: str = "\n", names=NAMES) -> bytes:
    row = row or (lambda name, number: f"{name},{dx(number)},P{number // 2},{30 + number}")
    return (end.join([header, *(row(name, number) for number, name in enumerate(names))]) + end).encode()


def place(tmp_path, members, zipped: bool = False):
    return write_zip(tmp_path / "clinic.zip", members) if zipped else write_folder(tmp_path / "clinic", members)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("top", ["", "study 1/"])
@pytest.mark.parametrize("table", ["labels.csv", "metadata.CSV", "list.tsv"])
def test_a_list_sorts_images_and_keeps_patients_together(tmp_path, zipped, top, table):
    listed = text().replace(b",", b"\t") if table.endswith("tsv") else text()
    own = load(place(tmp_path, {**files(f"{top}images/"), f"{top}{table}": listed}, zipped), "all", size=16)
    assert own.class_names == ("bkl", "mel", "nv")
    assert sorted(own.ids) == [f"images/{name}.jpg" for name in NAMES]
    number = [int(name[12:15]) for name in own.ids]
    assert [own.class_names[label] for label in own.labels] == [dx(n) for n in number]
    assert own.groups.tolist() == [f"P{n // 2}" for n in number]
    assert own.table["age"].tolist() == [30 + n for n in number]
    assert own.table["image_id"].tolist() == [NAMES[n] for n in number]
    assert own.split_by == "group"
    assert own.table.groupby("patient_id")["split"].nunique().max() == 1
    assert own.notes[0].startswith(
        f"Sorted by the list {table}: classes by its column dx; images of one patient_id stay"
    )
    assert own.notes[1].endswith("by a hash of each patient_id")
    assert [len(load(own_place, "all", size=16)) for own_place in tmp_path.glob("clinic*")] == [24]


def test_the_same_list_splits_alike_in_folder_and_zip_and_in_any_order(tmp_path):
    sets = [
        load(place(tmp_path / str(number), {**files(folder), "labels.csv": listed}, zipped), "all", size=16)
        for number, (folder, zipped, listed) in enumerate(
            [
                ("images/", False, text()),
                ("images/", True, text(names=NAMES)),
                ("images/", True, b"\n".join([text().splitlines()[0], *reversed(text().splitlines()[1:])])),
            ]
        )
    ]
    assert len({own.digest for own in sets}) == 1
    assert len({tuple(own.table["split"]) for own in sets}) == 1


@pytest.mark.parametrize(
    "listed",
    [
        text(end="\r\n"),
        text(end="\r"),
        b"\xef\xbb\xbf" + text(end="\r\n"),
        text().decode().encode("utf-16"),
        text().replace(b",", b";"),
        b"sep=;\r\n" + text(end="\r\n").replace(b",", b";"),
        text("Image ID, DX , Patient-ID ,AGE"),
        text("", lambda name, n: f"{n},{name},{dx(n)},P{n // 2},{30 + n}").replace(
            b"\n", b",image,diagnosis,patient,age\n", 1
        ),
        text(row=lambda name, n: f'"{name}.jpg","{dx(n)}",P{n // 2},{30 + n}'),
        text(row=lambda name, n: f" {name}.JPG , {dx(n)} ,P{n // 2},{30 + n},,"),
        text(row=lambda name, n: f"C:\\scans\\all\\{name}.dcm,{dx(n)},P{n // 2},{30 + n}"),
        text(row=lambda name, n: f"./images/{name.lower()}.jpg,{dx(n)},P{n // 2},{30 + n}") + b"\n,,,\n",
    ],
)
def test_lists_as_programs_write_them(tmp_path, listed):
    own = load(place(tmp_path, {**files(), "labels.csv": listed}), "all", size=16)
    assert len(own) == 24
    assert own.class_names == ("bkl", "mel", "nv")
    assert len(set(own.groups)) == 12
    assert own.table["age"].sum() == sum(range(30, 54))


def test_a_split_in_the_list_is_kept_and_what_it_lacks_is_taken_by_group(tmp_path):
    parts = ("Training", "tst", "val", "train")
    listed = text("file,class,lesion,Fold", lambda name, n: f"{name},{dx(n)},L{n // 2},{parts[n // 6]}")
    own = load(place(tmp_path / "a", {**files(), "labels.csv": listed}), "all", size=16)
    meant = {
        "images/" + name + ".jpg": ("train", "test", "validation", "train")[n // 6] for n, name in enumerate(NAMES)
    }
    assert dict(zip(own.ids, own.table["split"], strict=True)) == meant
    assert own.notes == (
        "Sorted by the list labels.csv: classes by its column class, splits by fold; images of one lesion stay together",
    )
    own = load(place(tmp_path / "b", {**files(), "labels.csv": listed.replace(b",val", b",train")}), "all", size=16)
    assert own.table.groupby("lesion")["split"].nunique().max() == 1
    assert set(own.table["split"]) == set(ALL)
    assert own.notes[1].startswith("No image is for validation: 10% of the training images")
    # Numbers of folds are none of ours: they are kept as what they are.
    numbers = text("file,class,fold", lambda name, n: f"{name},{dx(n)},{n % 5}")
    own = load(place(tmp_path / "c", {**files(), "labels.csv": numbers}), "all", size=16)
    assert own.table["fold"].tolist() == [int(name[12:15]) % 5 for name in own.ids]
    assert own.groups is None
    assert own.split_by == "image"


def test_folders_called_as_splits_are_kept_where_the_list_has_none(tmp_path):
    members = {
        name.replace("images", ("train", "val", "test")[n // 8]): data for n, (name, data) in enumerate(files().items())
    }
    own = load(
        place(tmp_path, {**members, "labels.csv": text("image,dx", lambda name, n: f"{name},{dx(n)}")}), "all", size=16
    )
    assert own.table["split"].value_counts().to_dict() == dict.fromkeys(ALL, 8)


def test_class_folders_with_patients_in_a_list_are_split_by_patient(tmp_path):
    members = {f"{dx(n)}/{NAMES[n]}.jpg": data for n, data in enumerate(files().values())}
    own = load(
        place(tmp_path, {**members, "meta.csv": text("image,patient", lambda name, n: f"{name},P{n // 2}")}),
        "all",
        size=16,
    )
    assert own.class_names == ("bkl", "mel", "nv")
    assert len(set(own.groups)) == 12
    assert "classes by their folders" in own.notes[0]
    listed = text("image,dx", lambda name, n: f"{name},x{n % 2}")
    several = locate(place(tmp_path / "b", {**members, "train.csv": listed, "test.csv": listed}))
    assert several.class_names == ("bkl", "mel", "nv")
    assert several.notes[0].endswith("several lists of images, none of which was used: test.csv, train.csv")


def test_counts_groups_and_rules(tmp_path):
    there = place(tmp_path, {**files(), "labels.csv": text()})
    found = summary(there)
    assert [record["groups"] for record in found["classes"]] == [8, 8, 8]
    assert found["split_by"] == "group"
    assert locate(there, split_by="group").counts == locate(there).counts
    for where, rule in ((there, "image"), (write_folder(tmp_path / "plain", class_folders(splits=ALL)), "group")):
        with pytest.raises(UnknownName, match="split rule"):
            load(where, "all", size=16, split_by=rule)


def test_what_the_list_leaves_out_repeats_or_does_not_know_is_told(tmp_path):
    row = lambda name, n: f"{name},{dx(n)},{'' if n < 2 else f'P{n // 2}'},{n},{n or ''},00{n}"  # noqa: E731
    listed = text("image,dx,patient,label,age,visit", row) + row(NAMES[5], 5).encode()
    members = {**files(), "masks/ISIC_000_mask.png": picture(99), "labels.csv": listed}
    own = load(place(tmp_path, members), "all", size=16)
    first = own.table.set_index("image").loc["ISIC 000"]
    assert (first["age"] != first["age"], first["visit"], first["patient"]) == (True, "000", first["id"])
    assert own.table["age"].dtype == float
    assert own.notes[1:5] == (
        "Columns of labels.csv left out, as these names are taken: label",
        "Rows of labels.csv that name an image once more and do not count: 1",
        "Left out, as labels.csv does not list them: 1 image such as masks/ISIC_000_mask.png",
        "Counted as a patient of its own each, as labels.csv names none: 2 images",
    )


def listed(row, header: str = "image,class,patient,split") -> dict[str, bytes]:
    return {**files(), "labels.csv": text(header, row)}


PARTS = ["train"] * 12 + ["validation"] * 4 + ["test"] * 8


@pytest.mark.parametrize(
    ("members", "said"),
    [
        (
            {**files(), "labels.csv": text(names=[*NAMES, "x1", "x2", "x3", "x4"])},
            r"Images that labels.csv names are not there\. Given: 4: x1, x2, x3, …",
        ),
        ({**files(), "labels.csv": text() + b",mel,P1,3\n"}, r"not there\. Given: 1: nothing \(row 26\)"),
        (
            {**files(), "labels.csv": text() + b"ISIC 000,nv,P0,30\n"},
            r"different classes\. Given: 1, the first .*\(mel, nv\)",
        ),
        ({**files(), "labels.csv": text() + b"ISIC 000,mel,P9,30\n"}, r"different values of patient_id\. .*\(P0, P9\)"),
        (listed(lambda name, n: f"{name},{'' if n > 20 else dx(n)}"), r"no class in labels.csv\. Given: 3: ISIC 021, "),
        (listed(lambda name, n: f"{name},mel"), "fewer than two classes. Given: labels.csv: mel"),
        (
            listed(lambda name, n: f"{name},{n + 1000}"),
            "too many classes .*24 in the column class for 24 images, such as 1000",
        ),
        (
            {**files(), "a.csv": text("image,kind")},
            "No list here.*a.csv has the columns image, kind, .*known for classes",
        ),
        (
            {**files(), "a.csv": text("picture,dx")},
            "No list here.*a.csv has the columns picture, dx, .*known for files",
        ),
        (
            {**files(), "a.csv": text(names=["other"])},
            "No list here.*a.csv names no file that is there, the first is other",
        ),
        ({**files(), "a.csv": text(), "b.csv": text()}, r"several lists of images\. Given: .*a.csv, b.csv"),
        ({**files(), "a.csv": text().replace(b"nv", b"n\xe6vus")}, r"text of a.csv cannot be read.*not UTF-8"),
        ({**files(), "a.csv": text() + b"ISIC 000,nv,P0,30,31\n"}, r"row of a.csv has more values .*row 26"),
        (
            {**files(), **files("old/"), "a.csv": text()},
            r"Names in a.csv may mean several images\. Given: 24: ISIC 000",
        ),
        (
            listed(lambda name, n: f"{name},{dx(n)},P{n},{'holdout' if n == 3 else PARTS[n]}"),
            r"column split of labels.csv holds what is no split\. Given: 1: holdout \(ISIC 003\)",
        ),
        (
            listed(lambda name, n: f"{name},{dx(n)},P{n % 11},{PARTS[n]}"),
            r"split puts images of one patient into several parts\. Given: 11 of 11 .*such as P0 \(train, test\)",
        ),
        (
            listed(lambda name, n: f"{name},{dx(n)},P{n % 2}"),
            "too few images: none is left for .*all of one patient stay together",
        ),
    ],
)
def test_lists_that_are_wrong_are_named(tmp_path, members, said):
    with pytest.raises(DataDamaged, match=f"{said}.*Expected: .*What to do: "):
        locate(place(tmp_path, members))


@pytest.mark.parametrize(
    "table",
    [
        b"epoch,loss\n1,0.5\n",
        text(),  # of other images
        text("image,score").replace(b"ISIC ", b""),
        b"\xff\xfe\x00",
        b"a\0b,c\n\0",
        b"",
        b"\n\n",
        b"image,dx\n" + b'"' * 200_001,
    ],
)
def test_a_table_that_is_no_list_changes_nothing_of_class_folders(tmp_path, table):
    members = class_folders(8, splits=("",))
    plain, beside = write_zip(tmp_path / "a" / "set.zip", members), {**members, "log.csv": table, "cat/log.tsv": table}
    before, after = locate(plain), locate(write_zip(tmp_path / "b" / "set.zip", beside))
    assert after.key == before.key
    assert after.notes == before.notes
    assert after.table.equals(before.table)


def test_the_key_of_class_folders_is_what_it_was(tmp_path):
    """Their caches, and the networks trained on them, stay good."""
    members = {name: bytes(number) for number, name in enumerate(sorted(class_folders(8, splits=("",))))}
    assert locate(write_zip(tmp_path / "set.zip", members)).key == "e2ac8452473742c9"


def test_a_list_that_comes_or_changes_is_seen(tmp_path):
    there = write_folder(tmp_path / "clinic", class_folders(12, splits=("",)))
    assert load(there, "all", size=16).class_names == ("cat", "dog")
    names = sorted(class_folders(12, splits=("",)))
    for good in ("good", "fine"):
        rows = "\n".join(f"{name},{good if number % 2 else 'bad'}" for number, name in enumerate(names))
        (there / "labels.csv").write_text(f"path,class\n{rows}\n")
        assert load(there, "all", size=16).class_names == ("bad", good)
