"""Zips of images of one's own: what fits becomes a data set, under a name, within limits."""

import shutil
import unicodedata
import zipfile

import numpy as np
import pytest

from core import data, files, jobs, own
from core.errors import DataDamaged, FileTooLarge, InvalidValue, NotAllowed, PruneScopeError, QueueFull
from core.evaluation import evaluate
from core.own import images, records, zips
from core.recipes import dense
from tests.core.own import hostile
from tests.core.own.conftest import ANNA, BEN

pytestmark = pytest.mark.usefixtures("own_data")


def test_a_zip_of_class_folders_becomes_a_study_and_goes_again(tmp_path):
    path = hostile.good(tmp_path / "up.zip", 40, extra=[("red/broken.png", b"no picture"), ("readme.txt", "x")])
    look = own.look_at_images(path)
    assert (look.images, look.smallest, look.pixels) == (80, 32, 80 * 32 * 32)
    assert [(record["class"], record["images"]) for record in look.counts] == [("blue", 40), ("red", 41)]
    assert any("red/broken.png" in note for note in look.notes)
    assert any("70% train" in note for note in look.notes)
    made = own.add_images(path, "my-clinic", ANNA, origin="Moles 2024.zip")
    assert (made.kind, made.origin, made.bytes, made.study) == ("images", "Moles 2024.zip", path.stat().st_size, None)
    train = data.load("my-clinic", "train", size=32)
    assert train.class_names == ("blue", "red")
    assert sum(len(data.load("my-clinic", split, size=32)) for split in data.SPLITS) == 80
    assert own.listing() == [made]
    assert dense("my-clinic-32/vgg16").study == "my-clinic-32/vgg16"
    with pytest.raises(NotAllowed, match="Only who"):
        own.remove("my-clinic", BEN)
    assert (files.cache_root() / "my-clinic").exists()
    own.remove("my-clinic", ANNA)
    assert own.listing() == []
    assert not (files.cache_root() / "my-clinic").exists()
    with pytest.raises(PruneScopeError):
        data.load("my-clinic", "train", size=32)
    assert list(files.data_root().iterdir()) == []


def test_a_file_without_a_name_is_passed_over(tmp_path):
    """zipfile ends a name at a zero byte, so one that begins with it is empty."""
    path = tmp_path / "names.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(20):
            for colour in ("red", "blue"):
                archive.writestr(f"{colour}/{number}.png", hostile.png())
        archive.writestr("QQQ.png", hostile.png())
    path.write_bytes(path.read_bytes().replace(b"QQQ.png", b"\0QQ.png"))
    counts = own.look_at_images(path).counts
    assert {record["class"] for record in counts} == {"blue", "red"}


@pytest.mark.parametrize(
    "name", ["", "x y", "../x", "Mine", "1st", "ham10000", "phantom", "x" * 31, "con.zip", "a_", "a--b", None, 3]
)
def test_names_that_cannot_be(name, tmp_path):
    with pytest.raises(InvalidValue):
        own.add_images(hostile.good(tmp_path / "up.zip"), name, ANNA)


def test_a_name_is_taken_once(tmp_path):
    path = hostile.good(tmp_path / "up.zip")
    own.add_images(path, "mine", ANNA)
    with pytest.raises(InvalidValue, match="already"):
        own.add_images(path, "mine", BEN)
    (files.data_root() / "theirs").mkdir()
    with pytest.raises(InvalidValue, match="already"):
        own.add_images(path, "theirs", BEN)


def test_a_folder_that_goes_by_the_name_is_not_hidden_by_an_own_set(tmp_path):
    path = hostile.good(tmp_path / "up.zip")
    (files.data_root() / "My Images").mkdir(parents=True)
    with pytest.raises(InvalidValue, match="already"):
        own.add_images(path, "my-images", ANNA)
    own.add_images(path, "my-other-images", ANNA)


def test_what_a_mac_puts_beside_the_files_is_not_counted(tmp_path):
    extra = [(f"__MACOSX/red/._{number}.png", b"\0\5\x16\7") for number in range(12)]
    look = own.look_at_images(
        hostile.good(tmp_path / "up.zip", extra=[*extra, ("red/._1.png", b"x"), (".DS_Store", b"x")])
    )
    assert look == own.look_at_images(hostile.good(tmp_path / "same.zip"))
    assert look.images == 24
    assert not any("cannot be read" in note for note in look.notes)


@pytest.mark.parametrize("name", [unicodedata.normalize("NFD", "mélanome"), "त्वचा", "हिन्दी", "Nævus (2)", "日本"])
def test_classes_may_be_named_in_any_script(name, tmp_path):
    look = own.look_at_images(hostile.good(tmp_path / "up.zip", classes=("red", name)))
    assert unicodedata.normalize("NFC", name) in {record["class"] for record in look.counts}


def test_a_class_of_which_nothing_can_be_read_is_refused(tmp_path):
    extra = [(f"green/{number}.png", b"no picture") for number in range(12)]
    with pytest.raises(DataDamaged, match=r"no training image of green\. Given: this zip") as caught:
        own.add_images(hostile.good(tmp_path / "up.zip", extra=extra), "mine", ANNA)
    assert str(tmp_path) not in str(caught.value)
    assert own.listing() == []


def test_there_is_an_end_to_what_one_and_all_may_keep(tmp_path, monkeypatch):
    path = hostile.good(tmp_path / "up.zip")
    monkeypatch.setattr(records, "MOST_OF_ONE", 1)
    monkeypatch.setattr(records, "MOST", 2)
    own.add_images(path, "one", ANNA)
    with pytest.raises(QueueFull, match="1 of yours"):
        own.add_images(path, "two", ANNA)
    own.add_images(path, "two", BEN)
    with pytest.raises(QueueFull, match="2 in all"):
        own.add_images(path, "three", jobs.owner_of("cleo"))
    monkeypatch.setattr(records, "MOST", 100)
    monkeypatch.setattr(records, "MOST_BYTES", 2 * path.stat().st_size)
    with pytest.raises(QueueFull, match="no room"):
        own.add_images(path, "three", jobs.owner_of("cleo"))


def test_a_read_only_app_takes_nothing_and_deletes_nothing(tmp_path, monkeypatch):
    path = hostile.good(tmp_path / "up.zip")
    own.add_images(path, "mine", ANNA)
    monkeypatch.setenv("PRUNESCOPE_READ_ONLY", "1")
    with pytest.raises(NotAllowed, match="read-only"):
        own.add_images(path, "two", ANNA)
    with pytest.raises(NotAllowed, match="read-only"):
        own.remove("mine", ANNA)


def test_images_that_a_job_needs_stay(tmp_path, monkeypatch):
    from core.jobs import dispatcher

    monkeypatch.setattr(dispatcher, "_start", lambda device: None)
    own.add_images(hostile.good(tmp_path / "up.zip"), "mine", ANNA)
    job = jobs.submit(dense("mine-32/vgg16"), ANNA)
    with pytest.raises(NotAllowed, match="mine-32/vgg16"):
        own.remove("mine", ANNA)
    jobs.cancel(job.id, ANNA)
    own.remove("mine", ANNA)


@pytest.mark.parametrize("stopped_by", [records.InvalidValue("no room"), OSError("gone"), KeyboardInterrupt()])
def test_what_stops_it_leaves_nothing_that_blocks_the_name(tmp_path, monkeypatch, stopped_by):
    path = hostile.good(tmp_path / "up.zip")
    real = files.write_text

    def full(place, text):
        if place.name == "mine.json":
            raise stopped_by
        real(place, text)

    monkeypatch.setattr(files, "write_text", full)
    with pytest.raises(type(stopped_by)):
        own.add_images(path, "mine", ANNA)
    assert not records.zip_of("mine").exists()


@pytest.mark.parametrize(
    ("origin", "name"),
    [
        ("My Clinic (2).zip", "my-clinic-2"),
        ("C:\\Users\\x\\Moles.ZIP", "moles"),
        ("2024.zip", "my-own"),
        ("", "images"),
        ("日本.zip", "images"),
    ],
)
def test_a_name_is_suggested(origin, name):
    assert images.name_for(origin) == name


@pytest.mark.parametrize("suffix", ["gif", "HEIC", "dcm"])
def test_pictures_of_kinds_that_are_not_read_are_named_with_what_to_do(suffix, tmp_path):
    """In the right folders they are: the advice to put them into folders was no help."""
    with zipfile.ZipFile(tmp_path / "up.zip", "w") as archive:
        for name in ("red", "blue"):
            archive.writestr(f"{name}/1.{suffix}", b"x")
    with pytest.raises(
        DataDamaged, match=rf"2 files such as red/1\.{suffix}.*What to do: save them as JPEG or PNG"
    ) as caught:
        own.look_at_images(tmp_path / "up.zip")
    assert str(tmp_path) not in str(caught.value)


def test_what_is_too_large_is_told_where_it_has_no_limit(tmp_path, monkeypatch):
    path = hostile.good(tmp_path / "up.zip", 12, classes=[f"class {number}" for number in range(4)])
    for module, limit in ((images, "MOST_CLASSES"), (zips, "MOST_BYTES"), (zips, "MOST_EXPANDED")):
        with monkeypatch.context() as patch:
            patch.setattr(module, limit, 3)
            with pytest.raises(FileTooLarge, match=r"put the zip into the folder of data.*without this limit"):
                own.look_at_images(path)
    files.data_root().mkdir(parents=True, exist_ok=True)
    shutil.copy(path, files.data_root() / "large.zip")
    assert len(data.locate("large").class_names) == 4


def test_a_zip_with_a_list_becomes_a_study_whose_patients_stay_together(tmp_path):
    rows = [f"{number}.png;{('red', 'blue')[number % 2]};P{number // 3};{40 + number}" for number in range(24)]
    path = hostile.listed("\ufeffFile name;Class;Patient ID;age\r", *(f"{row}\r" for row in rows))(tmp_path / "up.zip")
    look = own.look_at_images(path)
    assert [(record["class"], record["images"], record["groups"]) for record in look.counts] == [
        ("blue", 12, 8),
        ("red", 12, 8),
    ]
    own.add_images(path, "my-clinic", ANNA)
    parts = {split: data.load("my-clinic", split, size=32) for split in data.SPLITS}
    patients = [patient for part in parts.values() for patient in set(part.groups)]
    assert sorted(patients) == sorted(f"P{number}" for number in range(8))
    assert set(parts["train"].table) >= {"age", "file name", "patient id"}
    # Such a patient is of both classes; all that is told by group counts as one for each.
    answers = np.full((len(parts["train"]), 2), 0.5, np.float32)
    report = evaluate(answers, parts["train"].labels, parts["train"].class_names, groups=parts["train"].groups)
    assert report.metrics["accuracy"].n == len(answers)


def test_ids_taken_for_classes_are_told_with_the_limit(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MOST_CLASSES", 3)
    path = hostile.listed("file,target", *(f"{number},{number % 12}" for number in range(24)))(tmp_path / "up.zip")
    with pytest.raises(FileTooLarge, match=r"Given: 12, such as 0, 1, 10.*at most 3.*call its right column class"):
        own.look_at_images(path)
