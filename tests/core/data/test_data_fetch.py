import hashlib
import shutil
from collections import namedtuple

import numpy as np
import pytest
from bad_server import serving

from core.data import fetch as module
from core.data.fetch import fetch
from core.errors import Cancelled, DownloadFailed, StorageFull

BODY = np.random.default_rng(0).bytes(1_000_000)
MD5 = hashlib.md5(BODY, usedforsecurity=False).hexdigest()


@pytest.fixture
def server():
    with serving() as state:
        state.files["/file"] = BODY
        yield state


@pytest.fixture
def target(tmp_path):
    return tmp_path / "new" / "file.bin"


def part(target):
    return target.with_name("file.bin.part")


@pytest.mark.parametrize("known", [{}, {"md5": MD5}, {"size": len(BODY)}, {"md5": MD5, "size": len(BODY)}])
def test_a_good_download(server, target, known):
    told = []
    assert fetch(f"{server.address}/file", target, report=told.append, **known) == target
    assert target.read_bytes() == BODY
    assert not part(target).exists()
    assert told[0].done == 0
    assert (told[-1].done, told[-1].total, told[-1].unit) == (len(BODY), len(BODY), "bytes")
    assert told[-1].stage == "Downloading file.bin"


def test_without_a_length_from_the_server(server, target):
    server.length = False
    fetch(f"{server.address}/file", target, md5=MD5)
    assert target.read_bytes() == BODY


def test_a_wrong_checksum_removes_what_came_and_keeps_the_old_file(server, target):
    target.parent.mkdir()
    target.write_bytes(b"old")
    with pytest.raises(DownloadFailed, match=rf"wrong checksum .*Given: md5 {MD5}.*/file\. Expected: md5 {'0' * 32}"):
        fetch(f"{server.address}/file", target, md5="0" * 32)
    assert target.read_bytes() == b"old"
    assert not part(target).exists()


@pytest.mark.parametrize("ranges", [True, False])
def test_cut_off_and_gone_on(server, target, ranges):
    server.cut, server.ranges = 400_000, ranges
    with pytest.raises(DownloadFailed, match=r"stopped early.*400,000 of 1,000,000 bytes .*goes on from there"):
        fetch(f"{server.address}/file", target, md5=MD5)
    assert part(target).stat().st_size == 400_000
    assert not target.exists()
    told = []
    fetch(f"{server.address}/file", target, md5=MD5, report=told.append)
    assert target.read_bytes() == BODY
    assert server.asked == [None, "bytes=400000-"]
    assert told[0].done == (400_000 if ranges else 0)


def test_cancelled_and_gone_on(server, target):
    def stop(progress):
        if progress.done >= 300_000:
            raise Cancelled("The download")

    with pytest.raises(Cancelled):
        fetch(f"{server.address}/file", target, md5=MD5, report=stop)
    have = part(target).stat().st_size
    assert 300_000 <= have < len(BODY)
    fetch(f"{server.address}/file", target, md5=MD5)
    assert target.read_bytes() == BODY
    assert server.asked[-1] == f"bytes={have}-"


def test_killed_between_the_last_byte_and_the_rename(server, target):
    target.parent.mkdir()
    part(target).write_bytes(BODY)
    fetch(f"{server.address}/file", target, md5=MD5)
    assert target.read_bytes() == BODY
    assert server.asked == [f"bytes={len(BODY)}-"]


def test_a_part_of_another_file_is_thrown_away(server, target):
    target.parent.mkdir()
    part(target).write_bytes(BODY + b"more")
    fetch(f"{server.address}/file", target)
    assert target.read_bytes() == BODY
    part(target).write_bytes(b"x" * 1000)
    with pytest.raises(DownloadFailed, match="wrong checksum"):
        fetch(f"{server.address}/file", target, md5=MD5)
    assert fetch(f"{server.address}/file", target, md5=MD5).read_bytes() == BODY


@pytest.mark.parametrize(
    ("status", "said"), [(404, "404 Not Found.*by hand"), (503, "503 .*run it again"), (416, "416")]
)
def test_refusals(server, target, status, said):
    server.status = status
    with pytest.raises(DownloadFailed, match=rf"refused the download\. Given: {said}"):
        fetch(f"{server.address}/file", target)
    assert not target.exists()


def test_a_server_that_promises_more_than_it_sends(server, target):
    server.says = len(BODY) + 10
    with pytest.raises(DownloadFailed, match=r"stopped early.*1,000,000 of 1,000,010"):
        fetch(f"{server.address}/file", target)
    assert not target.exists()


def test_a_server_that_promises_less_than_it_sends(server, target):
    server.says = 1000
    with pytest.raises(DownloadFailed, match=r"wrong checksum.*1,000 bytes"):
        fetch(f"{server.address}/file", target, md5=MD5)
    with pytest.raises(DownloadFailed, match=r"another size.*Given: 1,000 bytes .*Expected: 1,000,000 bytes"):
        fetch(f"{server.address}/file", target, size=len(BODY))
    assert not target.exists()


def test_more_than_was_promised_or_allowed_is_not_read(server, target, monkeypatch):
    server.length = False
    with pytest.raises(DownloadFailed, match=r"wrong size and was removed.*Expected: 500,000 bytes"):
        fetch(f"{server.address}/file", target, size=500_000)
    assert not part(target).exists()
    monkeypatch.setattr(module, "MAX_FILE", 200_000)
    with pytest.raises(DownloadFailed, match=r"wrong size and was removed.*Expected: 200,000 bytes"):
        fetch(f"{server.address}/file", target)
    server.length = True
    with pytest.raises(DownloadFailed, match=r"another size.*at most 200,000 bytes"):
        fetch(f"{server.address}/file", target)


def test_less_than_was_promised_without_a_length_can_be_gone_on_from(server, target):
    server.length, server.cut = False, 1000
    with pytest.raises(DownloadFailed, match="stopped early"):
        fetch(f"{server.address}/file", target, size=len(BODY))
    assert part(target).stat().st_size == 1000
    assert fetch(f"{server.address}/file", target, size=len(BODY)).read_bytes() == BODY


def test_nobody_there(target):
    with serving() as gone:
        address = gone.address
    with pytest.raises(DownloadFailed, match=r"cannot be reached.*/file.*check the network"):
        fetch(f"{address}/file", target)
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        fetch("nonsense", target)


def test_no_room(server, target, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 100))
    with pytest.raises(StorageFull, match="no room"):
        fetch(f"{server.address}/file", target)
    monkeypatch.undo()
    assert not target.exists()


def test_a_file_where_the_folder_should_be(server, tmp_path):
    (tmp_path / "new").write_text("x")
    with pytest.raises(StorageFull, match="cannot be made"):
        fetch(f"{server.address}/file", tmp_path / "new" / "file.bin")
