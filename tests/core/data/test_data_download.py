import pytest
from bad_server import serving
from official_cifar import md5s, official_files, write_tar
from small_sets import write_ham

from core.data import cifar_pickles, load
from core.data import download as module
from core.data.download import FILES, Remote, download
from core.errors import Cancelled, DataNotFound, DownloadFailed, UnknownName


@pytest.fixture
def dataverse(tmp_path):
    """A server with a small HAM10000 under the numbers of the real one."""
    folder = write_ham(tmp_path / "far" / "ham10000")
    names = {path.stem: path for path in folder.iterdir()}
    with serving() as state:
        for remote in FILES["ham10000"]:
            state.files[f"/{remote.path}"] = names[remote.file.partition(".")[0]].read_bytes()
        yield state


def test_ham10000(dataverse, tmp_path):
    stages = set()
    folder = download("ham10000", report=lambda progress: stages.add(progress.stage), server=dataverse.address)
    assert folder == tmp_path / "data" / "ham10000"
    assert stages == {f"Downloading {remote.file}" for remote in FILES["ham10000"]}
    assert load("ham10000", "all").digest == load("ham10000", "all", root=tmp_path / "far").digest
    assert load("ham10000", "test").masks().any()
    download("ham10000", server=dataverse.address)
    assert len(dataverse.asked) == 4


def test_only_what_is_missing_is_fetched(dataverse, tmp_path):
    download("ham10000", server=dataverse.address)
    folder = tmp_path / "data" / "ham10000"
    (folder / "HAM10000_segmentations_lesion_tschandl.zip").unlink()
    download("ham10000", server=dataverse.address)
    assert len(dataverse.asked) == 5
    part = folder / "HAM10000_images_part_1.zip"
    part.write_bytes(part.read_bytes()[:3000])
    download("ham10000", server=dataverse.address)
    assert len(dataverse.asked) == 6
    assert len(load("ham10000", "all")) == 60


def test_a_page_in_place_of_a_zip_is_refused(dataverse, tmp_path):
    dataverse.files["/3172584"] = b"<html>Please accept the terms</html>"
    with pytest.raises(
        DownloadFailed, match=r"HAM10000_images_part_2.zip is not a zip.*begin with b'<html>Please.*accept terms"
    ):
        download("ham10000", server=dataverse.address)
    names = sorted(path.name for path in (tmp_path / "data" / "ham10000").iterdir())
    assert names == ["HAM10000_images_part_1.zip", "HAM10000_metadata.tab"]


def test_cancelled_between_files_goes_on(dataverse, tmp_path):
    def stop(progress):
        if "part_2" in progress.stage:
            raise Cancelled("The download")

    with pytest.raises(Cancelled):
        download("ham10000", report=stop, server=dataverse.address)
    with pytest.raises(DataNotFound):
        load("ham10000", "test")
    download("ham10000", server=dataverse.address)
    assert len(load("ham10000", "all")) == 60


def test_cifar100(tmp_path, monkeypatch):
    files = official_files()
    tar = write_tar(tmp_path / "far.tar.gz", files).read_bytes()
    monkeypatch.setattr(cifar_pickles, "MD5", md5s(files))
    monkeypatch.setitem(FILES, "cifar100", (Remote("cifar-100-python.tar.gz", "c.tar.gz", md5s({"x": tar})["x"]),))
    with serving() as state:
        state.files["/c.tar.gz"] = tar
        monkeypatch.setitem(module.SERVERS, "cifar100", f"{state.address}/")
        target = download("cifar100", tmp_path / "mine") / "cifar-100-python.tar.gz"
        assert len(load("cifar100", "test", root=tmp_path / "mine")) == 100
        target.write_bytes(tar[:1000])
        download("cifar100", tmp_path / "mine")
        assert target.read_bytes() == tar
        assert len(state.asked) == 2


def test_what_is_not_downloaded():
    with pytest.raises(UnknownName, match="no data set to download of this name"):
        download("imagenet")
    for files in FILES.values():
        assert len({remote.file for remote in files}) == len(files)
