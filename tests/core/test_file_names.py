"""Names that no file can have, and files that are made with the permissions that the system gives."""

import os
from pathlib import Path

import pytest

from core import files
from core.errors import InvalidValue, StorageFull


@pytest.mark.parametrize("name", ["a\0b.json", "a\ud800b.json", "", "x/\0/a.json", "/", "..", "x/.."])
def test_what_cannot_be_a_file_is_named_and_nothing_is_written(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidValue, match="name of a file"):
        files.write_text(name, "x")
    assert not list(tmp_path.iterdir())


def test_a_name_in_bytes_that_are_no_characters_may_be_a_file(tmp_path):
    files.write_text(tmp_path / os.fsdecode(b"caf\xe9.txt"), "x")
    assert os.listdir(os.fsencode(tmp_path)) == [b"caf\xe9.txt"]  # noqa: PTH208 - as bytes


def test_a_place_in_use_is_named(tmp_path, monkeypatch):
    def busy(self, target):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "replace", busy)
    with pytest.raises(StorageFull, match=r"busy.*another name"):
        files.write_text(tmp_path / "mounted", "x")
    assert not list(tmp_path.iterdir())


def test_the_umask_of_the_process_is_left_alone(tmp_path, monkeypatch):
    """To ask for it is to set it: two threads at once can leave it at 0 for good."""

    def never(mask):
        raise AssertionError("the umask was changed")

    monkeypatch.setattr(os, "umask", never)
    files.write_text(tmp_path / "card.json", "x")
    assert (tmp_path / "card.json").read_text() == "x"
