"""Prepared arrays and lists in the cache: damaged, of an older version, made by several at once."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from core.data import load, prepare
from core.data.cache import meta
from core.errors import DataDamaged
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
