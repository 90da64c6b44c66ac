import pickle
import zipfile

import numpy as np
import pytest
from official_cifar import COARSE, FINE, images, md5s, official_files, python2, write_tar, write_zips
from small_sets import picture, write_folder, write_zip

from core.data import cifar_pickles, load, locate
from core.data.cifar_pickles import unpickle
from core.errors import DataDamaged, DataNotFound, UnknownName, UnsafeFile


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return official_files()


@pytest.fixture
def official(files, monkeypatch):
    """As if the small official files were the real ones."""
    monkeypatch.setattr(cifar_pickles, "MD5", md5s(files))
    monkeypatch.setattr("core.data.cifar100.MD5", cifar_pickles.MD5)
    return files


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "data" / "cifar100"


def test_what_is_loaded_from_zips(folder):
    write_zips(folder)
    parts = images()
    loaded = {split: load("cifar100", split) for split in ("train", "validation", "test")}
    assert len(loaded["test"]) == 100
    assert len(loaded["train"]) + len(loaded["validation"]) == 498
    assert 20 <= len(loaded["validation"]) <= 90
    for split, own in loaded.items():
        assert own.size == 32
        assert own.class_names == tuple(FINE)
        for k, name in enumerate(own.ids):
            part, stem = name.split("/", 1)
            assert part == ("test" if split == "test" else "train")
            np.testing.assert_array_equal(own.images[k], parts[part][stem])
            assert FINE[own.labels[k]] == stem.split("/")[0]
        assert own.table["fine"].tolist() == [FINE[label] for label in own.labels]
        assert own.table["coarse"].tolist() == [COARSE[label % 20] for label in own.labels]
        assert own.split_by == "official"


def test_a_folder_around_the_classes_does_no_harm(folder):
    write_zips(folder)
    before = load("cifar100", "all")
    for path in folder.glob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            members = {f"cifar/{name}": archive.read(name) for name in archive.namelist()}
        write_zip(path, members)
    after = load("cifar100", "all")
    assert list(after.ids) == list(before.ids)
    np.testing.assert_array_equal(after.images, before.images)


def test_copies_of_test_images_are_left_out_and_counted(folder):
    write_zips(folder)
    for size in (32, 16):
        own = load("cifar100", "all", size=size)
        assert not {"train/class_003/thing_s_000001", "train/class_050/thing_s_000000"} & set(own.ids)
        assert "2 images of the training part equal a test image pixel by pixel and were left out" in own.notes[-1]
        assert "class_003/thing_s_000001" in own.notes[-1]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("size", [32, 20])
def test_both_forms_end_alike(folder, tmp_path, official, packed, size):
    zips = load("cifar100", "all", size=size, root=write_zips(folder).parent)
    other = tmp_path / "other" / "cifar100"
    if packed:
        write_tar(other / "cifar-100-python.tar.gz", official)
    else:
        write_folder(other / "cifar-100-python", official)
    pickles = load("cifar100", "all", size=size, root=other.parent)
    assert pickles.digest == zips.digest
    assert pickles.ids.tolist() == zips.ids.tolist()
    np.testing.assert_array_equal(pickles.images, zips.images)
    assert pickles.class_names == zips.class_names
    assert pickles.table.equals(zips.table)
    assert pickles.notes == zips.notes
    assert load("cifar100", "test", size=size, root=other).digest == load("cifar100", "test", size=size).digest


def test_without_labels_the_coarse_classes_are_unknown(folder):
    write_zips(folder, coarse=False)
    own = load("cifar100", "test")
    assert set(own.table["coarse"]) == {"unknown"}
    assert own.notes[0].startswith("The coarse classes are unknown")


@pytest.mark.parametrize(
    "labels",
    [
        b"archive,member,coarse_label\nx,caf\xe9/1.png,1\n",
        b"member,coarse_label\nc/x.png,inf\n",
        b"member,coarse_label\nc/x.png,-1\n",
        "é".encode("utf-16"),
    ],
)
def test_labels_that_cannot_be_read_leave_the_coarse_classes_unknown(folder, labels):
    write_zips(folder)
    expected = load("cifar100", "test").digest
    (folder / "labels.csv").write_bytes(labels)
    own = load("cifar100", "test")
    assert own.digest == expected
    assert set(own.table["coarse"]) == {"unknown"}
    assert own.notes[0].startswith("The coarse classes are unknown")


def test_nothing_there_and_parts_missing(folder):
    with pytest.raises(DataNotFound, match=r"CIFAR-100 is not here.*cifar100 --download.*169 MB"):
        load("cifar100", "test")
    write_zips(folder)
    (folder / "train_3.zip").unlink()
    with pytest.raises(DataNotFound, match=r"CIFAR-100 is not complete. Given: no \S*cifar100/train_3.zip"):
        load("cifar100", "test")
    write_folder(folder / "cifar-100-python", {"train": b"", "meta": b""})
    for path in folder.glob("*.zip"):
        path.unlink()
    with pytest.raises(DataNotFound, match=r"Given: no \S*cifar100/cifar-100-python/test"):
        load("cifar100", "test")
    with pytest.raises(UnknownName, match="official"):
        load("cifar100", "test", split_by="lesion")


def test_zips_of_something_else(folder):
    write_zips(folder)
    write_zip(folder / "train_0.zip", {"extra/1.webp": picture(0)})
    with pytest.raises(DataDamaged, match=r"not the classes of CIFAR-100. Given: 101 classes"):
        load("cifar100", "test")
    write_zips(folder)
    name = f"{FINE[0]}/thing_s_000001.webp"
    write_zip(folder / "train_0.zip", {name: picture(0)})
    with pytest.raises(DataDamaged, match=f"hold an image twice. Given: {name}"):
        load("cifar100", "test")


def test_files_that_are_not_the_official_ones(folder, official):
    write_folder(folder / "cifar-100-python", {**official, "train": official["train"][:-1]})
    with pytest.raises(DataDamaged, match=r"train in .* is not the official file .*md5 .*get it again"):
        load("cifar100", "test")


def test_a_tar_that_is_cut_off_or_lacks_a_file(folder, official):
    tar = write_tar(folder / "cifar-100-python.tar.gz", official)
    tar.write_bytes(tar.read_bytes()[:5000])
    with pytest.raises(DataDamaged, match=r"cifar-100-python.tar.gz cannot be unpacked.*stopped half way"):
        load("cifar100", "test")
    write_tar(tar, {"train": official["train"]})
    with pytest.raises(DataDamaged, match="lacks meta, test"):
        load("cifar100", "test")


@pytest.mark.parametrize(
    "change",
    [
        {"data": np.zeros((100, 100), np.uint8)},
        {"data": np.zeros((100, 3072), np.float32)},
        {"data": None},
        {"fine_labels": [100] * 100},
        {"fine_labels": [0]},
        {"coarse_labels": [-1] * 100},
        {"filenames": 3},
    ],
)
def test_contents_that_do_not_fit(folder, official, monkeypatch, change):
    changed = {**official, "test": python2({**unpickle(official["test"], "test"), **change})}
    monkeypatch.setattr(cifar_pickles, "MD5", md5s(changed))
    write_folder(folder / "cifar-100-python", changed)
    with pytest.raises(DataDamaged, match="does not hold what CIFAR-100 should"):
        locate("cifar100")


def test_arrays_of_any_python_are_read():
    array = np.arange(12, dtype=np.uint8).reshape(3, 4)
    value = {"data": array, "filenames": ["a", "b"], "labels": [1, 2]}
    for raw in (python2(value), *(pickle.dumps(value, protocol) for protocol in (2, 3, 4))):
        got = unpickle(raw, "test")
        np.testing.assert_array_equal(got.pop("data"), array)
        assert got == {"filenames": ["a", "b"], "labels": [1, 2]}
    assert b"numpy.core.multiarray" in python2(value)


class Attack:
    def __reduce__(self):
        return eval, ("print('run')",)


@pytest.mark.parametrize("protocol", range(5))
def test_a_pickle_can_run_nothing(protocol, capsys):
    with pytest.raises(UnsafeFile, match="eval, which could run code"):
        unpickle(pickle.dumps(Attack(), protocol), "train")
    assert not capsys.readouterr().out


@pytest.mark.parametrize("raw", [b"", b"junk", pickle.dumps([1, 2, 3])[:-3], b"\x80\x02cnumpy\nload\n."])
def test_what_is_no_pickle_of_arrays(raw):
    with pytest.raises((DataDamaged, UnsafeFile)):
        unpickle(raw, "train")


def test_the_checksums_are_those_of_torchvision():
    cifar = pytest.importorskip("torchvision.datasets").CIFAR100
    known = {**dict(cifar.train_list), **dict(cifar.test_list), cifar.meta["filename"]: cifar.meta["md5"]}
    assert known == cifar_pickles.MD5
    from core.data.download import FILES

    assert FILES["cifar100"][0].md5 == cifar.tgz_md5
    assert FILES["cifar100"][0].file == cifar.filename == cifar.url.rpartition("/")[2]
