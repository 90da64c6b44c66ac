import errno
import os
import signal
import subprocess
import sys
import tempfile
from collections import namedtuple

import pytest

from core import files
from core.errors import InvalidValue, StorageFull
from core.files import atomic_path, check_space, check_takes_files, write_text
from tests.core.no_room import full


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "deep" / "card.json"
    write_text(path, "older and longer")
    write_text(path, "größer")
    assert path.read_text(encoding="utf-8") == "größer"
    assert [item.name for item in path.parent.iterdir()] == ["card.json"]


def test_a_failure_leaves_the_older_file_and_nothing_else(tmp_path):
    path = tmp_path / "card.json"
    write_text(path, "older")
    seen = []

    def save():
        with atomic_path(path) as temporary:
            temporary.write_text("half")
            seen.append(path.read_text())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        save()
    assert seen == ["older"]
    assert path.read_text() == "older"
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["card.json"]


def test_kill_in_the_middle_of_a_save_leaves_the_older_file(tmp_path):
    path = tmp_path / "card.json"
    write_text(path, "older")
    script = (
        "import os, signal, sys; from core.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=files.PROJECT)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "older"
    write_text(path, "newer")
    assert path.read_text() == "newer"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_no_room_and_no_permission_are_named_with_the_place(tmp_path, monkeypatch, code):
    path = tmp_path / "state.safetensors"
    write_text(path, "older")

    def refuse(*_):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StorageFull, match=rf"state\.safetensors.*{os.strerror(code)} in {tmp_path}"):
        write_text(path, "newer")
    assert path.read_text() == "older"


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFull, match="Could not write below"):
        write_text(tmp_path / "file" / "below", "")


def test_a_folder_where_a_file_should_be_and_a_name_too_long_are_named(tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageFull, match=r"Could not write folder.*another name"):
        write_text(tmp_path / "folder", "")
    with pytest.raises(StorageFull, match=r"Could not write x{100}\. .*another name") as caught:
        write_text(tmp_path / ("x" * 300), "")
    assert len(str(caught.value)) < 1000
    assert [item.name for item in tmp_path.iterdir()] == ["folder"]


def test_what_cannot_be_a_path_is_not_there(tmp_path):
    (tmp_path / "file").write_text("")
    assert files.is_folder(tmp_path)
    assert files.is_file(tmp_path / "file")
    for place in ("x" * 300, "x/" * 3000, "a\0b", tmp_path / "file" / "below", tmp_path / "none"):
        assert not files.is_folder(place)
        assert not files.is_file(place)


def test_other_errors_are_not_taken_for_a_full_disk(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "copy") as temporary:
        temporary.write_text((tmp_path / "missing").read_text())


def test_may_be_read_by_whoever_the_umask_lets(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "card.json", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "card.json").stat().st_mode & 0o777 == 0o640


def test_room_is_checked_before_it_is_needed(tmp_path, monkeypatch):
    asked = []
    usage = namedtuple("usage", "total used free")

    def tell(place):
        asked.append(place)
        return usage(0, 0, 1000)

    monkeypatch.setattr(files.shutil, "disk_usage", tell)
    check_space(tmp_path / "not" / "yet", 900)
    assert asked == [tmp_path]
    with pytest.raises(StorageFull, match="PRUNESCOPE_RUNS"):
        check_space(tmp_path, 999)


@pytest.mark.parametrize(
    ("find", "variable"),
    [
        (files.cache_root, "PRUNESCOPE_CACHE"),
        (files.checkpoint_root, "PRUNESCOPE_CHECKPOINTS"),
        (files.runs_root, "PRUNESCOPE_RUNS"),
        (files.data_root, "PRUNESCOPE_DATA"),
    ],
)
def test_folders_are_where_the_environment_says(find, variable, monkeypatch, tmp_path):
    monkeypatch.setenv(variable, str(tmp_path / "here"))
    assert find() == tmp_path / "here"
    monkeypatch.setenv(variable, "~/there")
    assert find().is_absolute()
    monkeypatch.setenv(variable, "~nosuchuser/there")
    with pytest.raises(InvalidValue, match=f"~nosuchuser/there.*{variable}"):
        find()
    monkeypatch.delenv(variable)
    assert find().is_absolute()
    assert find() != tmp_path / "here"


def test_a_root_that_is_given_goes_before_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_DATA", "/elsewhere")
    assert files.data_root(tmp_path) == tmp_path


def test_a_folder_that_takes_no_file_is_told_and_left_as_it_is(tmp_path):
    for folder in (tmp_path, tmp_path / "not" / "yet"):
        check_takes_files(folder)
        with full(), pytest.raises(StorageFull, match="Could not write"):
            check_takes_files(folder)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFull):
        check_takes_files(tmp_path / "file")


def test_no_folder_for_temporary_files_is_named_with_the_way_to_another(monkeypatch):
    monkeypatch.setenv("TMPDIR", "/nowhere")
    with files.temporary_folder() as folder:
        assert folder.is_dir()
        with full(), pytest.raises(StorageFull, match=r"/nowhere.*TMPDIR"), files.temporary_errors():
            (folder / "x").write_bytes(b"x")
    assert not folder.exists()
    monkeypatch.setattr(tempfile, "tempdir", None)
    with full(), pytest.raises(StorageFull, match="TMPDIR"), files.temporary_folder():
        pass


def test_what_is_done_with_a_temporary_file_keeps_its_own_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), files.temporary_folder():
        (tmp_path / "elsewhere").read_bytes()
