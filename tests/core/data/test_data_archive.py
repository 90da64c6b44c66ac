import os
import struct
import zipfile

import pytest
from small_sets import class_folders, picture, write_folder, write_zip

from core.data import archive as module
from core.data.archive import Archive, readable
from core.errors import DataDamaged, FileTooLarge


def test_zip_and_folder_hold_the_same(tmp_path):
    members = class_folders()
    zipped = Archive([write_zip(tmp_path / "a.zip", members)])
    unpacked = Archive([write_folder(tmp_path / "a", members)])
    assert set(zipped.members) == set(unpacked.members) == set(members)
    assert all(zipped.read(name) == unpacked.read(name) == data for name, data in members.items())


def test_only_pictures_are_members_and_hidden_files_are_not(tmp_path):
    names = ["a/1.PNG", "a/readme.txt", "__MACOSX/a/._1.png", ".git/x.png", "a/.hidden.png", "./b/2.jpeg"]
    data = dict.fromkeys(names, b"x")
    zipped = Archive([write_zip(tmp_path / "a.zip", data)])
    assert sorted(zipped.members) == ["a/1.PNG", "b/2.jpeg"]
    assert Archive([write_folder(tmp_path / "a", data)]).members.keys() == zipped.members.keys()


def test_the_first_of_two_counts(tmp_path):
    first = write_zip(tmp_path / "1.zip", {"x.png": b"first"})
    second = write_zip(tmp_path / "2.zip", {"x.png": b"second", "deep/x.png": b"third"})
    archive = Archive([first, second])
    assert archive.read("x.png") == b"first"
    assert archive.repeated == ["x.png"]
    assert archive.by_stem() == {"x": "x.png"}


def test_backslashes_of_windows_tools_are_folders(tmp_path):
    assert list(Archive([write_zip(tmp_path / "a.zip", {"train\\cat\\1.png": b"x"})]).members) == ["train/cat/1.png"]


@pytest.mark.parametrize("name", ["../out.png", "a/../../out.png", "/etc/out.png", "..\\out.png"])
def test_names_that_point_out_are_left_out(tmp_path, name):
    archive = Archive([write_zip(tmp_path / "in" / "a.zip", {name: b"x", "a/1.png": b"y"})])
    assert list(archive.members) == ["a/1.png"]
    assert len(archive.unsafe) == 1
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.zip", "in"]


def test_digest_follows_the_content_not_the_place(tmp_path):
    one = write_zip(tmp_path / "1.zip", {"a/x.png": b"1", "a/y.png": b"2"})
    same = write_zip(tmp_path / "2.zip", {"a/y.png": b"2", "a/x.png": b"1"})
    other = write_zip(tmp_path / "3.zip", {"a/x.png": b"1", "a/y.png": b"3"})
    assert Archive([one]).digest() == Archive([same]).digest() != Archive([other]).digest()


@pytest.mark.parametrize(
    "damage", [lambda raw: raw[: len(raw) // 2], lambda raw: b"", lambda raw: b"<html>Not found</html>"]
)
def test_a_zip_that_is_none(tmp_path, damage):
    path = write_zip(tmp_path / "a.zip", class_folders())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataDamaged, match=r"a.zip is not a zip .*What to do: delete it and get it again"):
        Archive([path])


def test_a_damaged_member_is_named_and_the_others_can_be_read(tmp_path):
    members = {"a/1.png": picture(1), "a/2.png": picture(2)}
    path = write_zip(tmp_path / "a.zip", members)
    raw = bytearray(path.read_bytes())
    raw[200] ^= 255
    path.write_bytes(raw)
    archive = Archive([path])
    with pytest.raises(DataDamaged, match=r"a/1.png in a.zip cannot be read"):
        archive.read("a/1.png")
    assert archive.read("a/2.png") == members["a/2.png"]


def test_a_member_that_says_it_is_too_large(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_MEMBER", 1000)
    bomb = {"a/1.png": bytes(1001), "a/2.png": bytes(1000)}
    for place in (
        write_zip(tmp_path / "a.zip", bomb, compression=zipfile.ZIP_DEFLATED),
        write_folder(tmp_path / "a", bomb),
    ):
        archive = Archive([place])
        with pytest.raises(FileTooLarge, match=r"a/1.png is too large .*Given: 1,001 bytes"):
            archive.read("a/1.png")
        assert len(archive.read("a/2.png")) == 1000


def test_a_bomb_that_lies_about_its_size_is_not_expanded(tmp_path, monkeypatch):
    size = 50_000_000
    path = write_zip(tmp_path / "a.zip", {"a/1.png": bytes(size)}, compression=zipfile.ZIP_DEFLATED)
    path.write_bytes(path.read_bytes().replace(struct.pack("<L", size), struct.pack("<L", 10)))
    expanded = []
    read = zipfile.ZipExtFile._read1
    monkeypatch.setattr(zipfile.ZipExtFile, "_read1", lambda self, n: expanded.append(n) or read(self, n))
    with pytest.raises(DataDamaged, match=r"a/1.png"):
        Archive([path]).read("a/1.png")
    assert max(expanded) < 100


def test_methods_whose_expansion_cannot_be_bounded_are_refused(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a/1.png": bytes(1000)}, compression=zipfile.ZIP_BZIP2)
    with pytest.raises(DataDamaged, match="zip it again in the usual way"):
        Archive([path]).read("a/1.png")


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_MEMBERS", 3)
    with pytest.raises(FileTooLarge, match="too many files"):
        Archive([write_zip(tmp_path / "a.zip", class_folders())])


def test_links_are_followed_but_not_in_circles(tmp_path):
    write_folder(tmp_path / "elsewhere", {"1.png": b"x"})
    write_folder(tmp_path / "set", {"dog/2.png": b"y"})
    (tmp_path / "set" / "cat").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "dog" / "loop").symlink_to(tmp_path / "set")
    (tmp_path / "set" / "dog" / "3.png").symlink_to(tmp_path / "nowhere.png")
    assert sorted(Archive([tmp_path / "set"]).members) == ["cat/1.png", "dog/2.png"]


def test_a_zip_replaced_while_it_is_read_does_not_mix_two_versions(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"a/1.png": b"old"})
    archive = Archive([path])
    write_zip(tmp_path / "b.zip", {"a/1.png": b"new"}).replace(path)
    assert archive.read("a/1.png") == b"old"


def test_names_that_are_not_utf_8_are_no_members(tmp_path):
    write_folder(tmp_path / "a", {"x/1.png": b"x", os.fsdecode(b"x/\xe9.png"): b"x", os.fsdecode(b"\xe9/2.txt"): b"x"})
    archive = Archive([tmp_path / "a"])
    assert list(archive.members) == ["x/1.png"]
    assert [readable(name) for name in archive.unreadable] == ["x/\\xe9.png"]
    assert archive.folders == {"x"}
    assert len(archive.digest()) == 16


def test_a_readable_name_stays_as_it_is():
    assert readable("märz/日本 1.png") == "märz/日本 1.png"
    assert readable(os.fsdecode(b"m\xfcller")) == "m\\xfcller"


def test_pictures_of_other_kinds_are_kept_apart(tmp_path):
    names = ["a/1.GIF", "a/2.heic", "a/3.jfif", "a/4.txt", "__MACOSX/a/5.gif"]
    archive = Archive([write_zip(tmp_path / "a.zip", dict.fromkeys(names, b"x"))])
    assert archive.others == ["a/1.GIF", "a/2.heic"]
    assert list(archive.members) == ["a/3.jfif"]


def test_a_folder_that_goes_while_it_is_listed_is_left_out(tmp_path, monkeypatch):
    folder, real = write_folder(tmp_path / "a", {"x/1.png": b"1"}), os.walk

    def walked(place, **how):
        yield from real(place, **how)
        yield f"{place}/gone", ["deep"], ["2.png"]

    monkeypatch.setattr(module.os, "walk", walked)
    assert list(Archive([folder]).members) == ["x/1.png"]
