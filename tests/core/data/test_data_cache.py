"""Prepared arrays and lists in the cache: damaged, of an older version, made by several at once."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from core.data import load, prepare, sources
from core.data.cache import meta, once_more
from core.errors import DataDamaged, StorageFull
from tests.core.data.conftest import arrays, leftovers


def _without(folder: Path, name: str) -> None:
    noted = json.loads((folder / "meta.json").read_text())
    del noted[name]
    (folder / "meta.json").write_text(json.dumps(noted))


def _with_a_bare_return(folder: Path) -> None:
    """As tables were written once, a file of the name ``000\\r.png`` in it."""
    text = (folder / "table.csv").read_text().replace('"', "").replace("000.png", "000\r.png", 1)
    (folder / "table.csv").write_text(text, newline="")
    noted = json.loads((folder / "meta.json").read_text())
    del noted["quoted"]
    noted["bytes"]["table.csv"] = len(text)
    (folder / "meta.json").write_text(json.dumps(noted))


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: os.truncate(folder / "images.npy", 5000),
        lambda folder: (folder / "images.npy").unlink(),
        lambda folder: (folder / "table.csv").write_text("id"),
        lambda folder: (folder / "meta.json").unlink(),
        lambda folder: (folder / "meta.json").write_text('{"bytes"'),
        lambda folder: (folder / "meta.json").write_text("[]"),
        lambda folder: _without(folder, "counts"),
        lambda folder: _without(folder, "numbers"),
        lambda folder: _with_a_bare_return(folder),
    ],
)
def test_a_cache_that_is_not_whole_is_made_again(pets, cache, damage):
    before = load(pets, "all")
    pixels, folder = before.images.copy(), arrays(cache)[0].parent
    del before
    damage(folder)
    after = load(pets, "all")
    np.testing.assert_array_equal(after.images, pixels)
    assert len(arrays(cache)) == 1
    assert not leftovers(cache)


def test_a_file_that_grew_is_not_whole_either(pets, cache):
    load(pets, "all")
    (path,) = arrays(cache)
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(b"of another")
    assert meta(path.parent) is None
    load(pets, "all")
    assert arrays(cache)[0].stat().st_size == size


def test_a_table_of_an_older_version_is_read(pets, cache):
    before = load(pets, "all").table
    folder = arrays(cache)[0].parent
    text = (folder / "table.csv").read_text().replace('"', "")
    (folder / "table.csv").write_text(text)
    noted = json.loads((folder / "meta.json").read_text())
    del noted["quoted"]
    noted["bytes"]["table.csv"] = len(text)
    (folder / "meta.json").write_text(json.dumps(noted))
    assert load(pets, "all").table.equals(before)
    assert (folder / "table.csv").read_text() == text


def test_a_table_that_would_not_be_read_again_is_never_put_in_place(pets, cache, monkeypatch):
    real = prepare.write_text
    monkeypatch.setattr(prepare, "write_text", lambda path, text: real(path, text[: len(text) // 2]))
    with pytest.raises(DataDamaged, match=r"table of pets does not keep .*Given: 120 images, 120 names.*What to do"):
        load(pets, "all")
    assert not arrays(cache)
    assert not leftovers(cache)


@pytest.mark.parametrize("content", ["null", "[]", "3", '"x"', '{"name": 3}', "[" * 9999, '{"name": "cifar100"}', "\0"])
def test_a_list_in_the_cache_that_is_none_is_made_again(pets, cache, content):
    before = load(pets, "all")
    for file in cache.rglob("lists/*.json"):
        file.write_text(content)
    assert load(pets, "all").digest == before.digest


def test_damaged_masks_and_lists_are_made_again(ham, cache):
    masks = load("ham10000", "all", size=16).masks().copy()
    os.truncate(next(cache.rglob("masks.npy")), 200)
    for file in cache.rglob("lists/*.json"):
        file.write_text('{"name": 3}')
    np.testing.assert_array_equal(load("ham10000", "all", size=16).masks(), masks)


def test_threads_that_prepare_the_same_at_once(pets, cache):
    results, barrier = [], threading.Barrier(3)

    def work():
        barrier.wait()
        results.append(load(pets, "all"))

    threads = [threading.Thread(target=work) for _ in range(3)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert len(results) == 3
    assert all(np.array_equal(own.images, results[0].images) for own in results)
    assert len(arrays(cache)) == 1
    assert not leftovers(cache)


def test_processes_that_prepare_the_same_at_once(pets, cache):
    code = "import sys; from core.data import load; print(load(sys.argv[1], 'all').images.shape)"
    runs = [
        subprocess.Popen([sys.executable, "-c", code, str(pets)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd())
        for _ in range(2)
    ]
    assert [run.communicate(timeout=60)[0].strip() for run in runs] == ["(120, 64, 64, 3)"] * 2
    assert len(arrays(cache)) == 1
    assert not leftovers(cache)


def test_what_a_killed_process_left_is_swept_after_a_day(pets, cache):
    for name, age in ((".old.part", 100_000), (".new.part", 10)):
        (cache / "pets" / name).mkdir(parents=True)
        os.utime(cache / "pets" / name, (time.time() - age,) * 2)
    load(pets, "train")
    assert [path.name for path in leftovers(cache)] == [".new.part"]


def deleting(cache: Path, times: int):
    """A report that deletes the whole cache that often, and counts how often it could have."""

    def report(progress):
        report.told += 1
        if report.told <= times:
            shutil.rmtree(cache)

    report.told = 0
    return report


def test_a_cache_deleted_while_images_are_prepared_is_begun_once_more(pets, cache):
    whole = load(pets, "all").images.copy()
    shutil.rmtree(cache)
    np.testing.assert_array_equal(load(pets, "all", report=deleting(cache, 1)).images, whole)
    assert not leftovers(cache)
    shutil.rmtree(cache)
    with pytest.raises(StorageFull, match=r"were deleted while they were made.*What to do: try again"):
        load(pets, "all", report=deleting(cache, 1000))
    assert not arrays(cache)


@pytest.mark.parametrize("moment", ["published", "looked up", "read"])
def test_a_cache_deleted_just_after_is_begun_once_more(pets, cache, monkeypatch, moment):
    place, name = {"published": (prepare, "publish"), "looked up": (sources, "lookup"), "read": (prepare, "_table")}[
        moment
    ]
    real, left = getattr(place, name), [1]
    if moment != "published":
        load(pets, "all")

    def late(*given):
        if moment == "read" and left:
            left.pop()
            shutil.rmtree(cache)
        found = real(*given)
        if left:
            left.pop()
            shutil.rmtree(cache)
        return found

    monkeypatch.setattr(place, name, late)
    assert load(pets, "all").images.shape == (120, 64, 64, 3)
    assert not left


def test_masks_are_begun_once_more_when_the_cache_is_deleted(ham, cache, monkeypatch):
    whole = load("ham10000", "all", size=16).masks().copy()
    shutil.rmtree(cache)
    images = load("ham10000", "all", size=16)
    shutil.rmtree(cache)
    asked = []
    monkeypatch.setattr(prepare, "check_space", lambda *_: asked.append(1))
    real = prepare.decode_mask

    def decoded(*given):
        if len(asked) == 1:
            shutil.rmtree(cache, ignore_errors=True)
        return real(*given)

    monkeypatch.setattr(prepare, "decode_mask", decoded)
    np.testing.assert_array_equal(images.masks(), whole)
    assert len(asked) == 2


def test_a_picture_that_goes_is_not_told_as_the_cache():
    def read():
        raise FileNotFoundError(2, "No such file or directory", "/pictures/1.png")

    with pytest.raises(FileNotFoundError, match=r"1\.png"):
        once_more(read)
