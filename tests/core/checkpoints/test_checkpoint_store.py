import errno
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core import checkpoints
from core.checkpoints import container, delete, load, path_of, save
from core.errors import CheckpointNotFound, PruneScopeError, StorageFull, UnsafeFile


def test_the_same_run_replaces_and_another_does_not(pruned, card, tmp_path):
    model, masks = pruned()
    first = save(model, card(), masks=masks, root=tmp_path)
    again = save(model, card(notes=["again"]), masks=masks, root=tmp_path)
    assert again.path == first.path
    other = save(model, card(recipe={"seed": 2}), masks=masks, root=tmp_path)
    assert other.id == f"{first.id}-{other.card.recipe_hash[:8]}"
    assert other.card.id == other.id
    assert save(model, card(recipe={"seed": 2}), masks=masks, root=tmp_path).path == other.path
    twin = card(recipe_hash=other.card.recipe_hash[:8] + "0" * 56)
    assert save(model, twin, masks=masks, root=tmp_path).id == f"{first.id}-{twin.recipe_hash}"
    assert load(first.id, root=tmp_path).card.notes == ["again"]
    assert len(checkpoints.list(tmp_path)) == 3


def test_a_damaged_file_is_not_replaced(saved, pruned, card, tmp_path):
    saved.path.write_bytes(b"what is this")
    model, masks = pruned()
    other = save(model, card(), masks=masks, root=tmp_path)
    assert other.path != saved.path
    assert saved.path.read_bytes() == b"what is this"


@pytest.mark.parametrize(
    ("sparsity", "name"), [(0.0, "m"), (0.8, "m-80"), (0.975, "m-97.5"), (0.07, "m-7"), (0.9999, "m-99.99")]
)
def test_names_that_people_can_read(toy, card, tmp_path, sparsity, name):
    assert save(toy(), card(method="m", sparsity=sparsity), root=tmp_path).id == f"phantom-6/toy/{name}"
    assert load(f"phantom-6/toy/{name}", root=tmp_path).card.sparsity == sparsity


def test_list_shows_the_rest(saved, pruned, card, tmp_path):
    model, masks = pruned()
    save(model, card(study="b/toy"), masks=masks, root=tmp_path)
    whole = saved.path.read_bytes()
    (tmp_path / "a").mkdir()
    for name, content in {
        "cut": whole[:-1],
        "empty": b"",
        "zip": b"PK\x03\x04" + whole,
        "text": b"hello, world",
    }.items():
        (tmp_path / "a" / f"{name}.safetensors").write_bytes(content)
    (tmp_path / "a" / "folder.safetensors").mkdir()
    (tmp_path / "a" / "out.safetensors").symlink_to("/etc/passwd")
    (tmp_path / "a" / "gone.safetensors").symlink_to("nowhere")
    (tmp_path / "a" / ".hidden.safetensors").write_bytes(b"")
    (tmp_path / "a" / ".b.safetensors.x.tmp").write_bytes(b"")
    entries = {entry.id: entry for entry in checkpoints.list(tmp_path)}
    good = {"b/toy/one_shot-50", "phantom-6/toy/one_shot-50"}
    bad = {f"a/{name}" for name in ("cut", "empty", "zip", "text", "folder", "out", "gone")}
    assert set(entries) == good | bad
    assert list(entries) == sorted(entries)
    for id, entry in entries.items():
        assert (entry.card is None) == (id in bad)
        assert (entry.error is None) == (id in good)
    assert entries["phantom-6/toy/one_shot-50"].card == saved.card
    assert "leads out" in entries["a/out"].error
    assert checkpoints.list(tmp_path / "nowhere") == []


def test_list_reads_only_headers(saved, tmp_path):
    whole = bytearray(saved.path.read_bytes())
    whole[-1] ^= 1
    saved.path.write_bytes(whole)
    assert checkpoints.list(tmp_path)[0].card == saved.card


def test_root_from_the_environment(pruned, card, tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(tmp_path / "here"))
    model, masks = pruned()
    saved = save(model, card(), masks=masks)
    assert saved.path.is_relative_to(tmp_path / "here")
    assert load(saved.id).card == saved.card
    assert [entry.id for entry in checkpoints.list()] == [saved.id]
    delete(saved.id)
    assert checkpoints.list() == []


@pytest.mark.parametrize(
    "id",
    [
        "../secret",
        "a/../../secret",
        "a/../phantom-6/toy/one_shot-50",
        "/etc/passwd",
        "//x",
        "a//b",
        "..",
        "link/secret",
        "link-file",
        "loop",
    ],
)
def test_ids_do_not_leave_the_root(saved, tmp_path, id):
    root = tmp_path / "root"
    shutil.copytree(tmp_path / "phantom-6", root / "phantom-6")
    shutil.copy(saved.path, tmp_path / "secret.safetensors")
    (root / "link").symlink_to(tmp_path)
    (root / "link-file.safetensors").symlink_to(tmp_path / "secret.safetensors")
    (root / "loop.safetensors").symlink_to("loop.safetensors")
    for attempt in (load, delete, path_of):
        with pytest.raises((UnsafeFile, CheckpointNotFound)):
            attempt(id, root=root)
    assert (tmp_path / "secret.safetensors").exists()


@pytest.mark.parametrize(
    "id", ["", "/", ".", "a\0b", "x" * 5000, "ü" * 200, "\ud800", "a\\..\\b", "~", "a b", None, 3, b"x"]
)
def test_ids_that_are_none(tmp_path, id):
    for attempt in (load, delete):
        with pytest.raises((UnsafeFile, CheckpointNotFound)):
            attempt(id, root=tmp_path)


def test_not_found_suggests(saved, tmp_path):
    with pytest.raises(CheckpointNotFound, match="did you mean phantom-6/toy/one_shot-50"):
        load("phantom-6/toy/one_shot-60", root=tmp_path)
    with pytest.raises(CheckpointNotFound, match="load_foreign"):
        load("weights.pt", root=tmp_path)
    for path in (
        tmp_path / "nothing.safetensors",
        "a\0.safetensors",
        "\ud800.safetensors",
        "~no-such-user/x.safetensors",
    ):
        with pytest.raises(CheckpointNotFound):
            load(path)
    with pytest.raises(CheckpointNotFound):
        delete("phantom-6/toy/one_shot-60", root=tmp_path)


@pytest.mark.parametrize("length", [240, 244, 300, 5000])
def test_names_longer_than_any_file_may_have(saved, pruned, card, tmp_path, length):
    path = tmp_path / ("a" * length + ".safetensors")
    for one in (path, str(path), tmp_path / ("a" * length) / "x.safetensors", "a/" * length + "x.safetensors"):
        with pytest.raises(CheckpointNotFound):
            load(one)
    model, masks = pruned()
    with pytest.raises(StorageFull, match="too long"):
        save(model, card(), masks=masks, path=path)
    assert [one.name for one in tmp_path.rglob("*.safetensors")] == [saved.path.name]


def test_a_path_as_text_outside_the_root(saved, tmp_path):
    loaded = load(str(saved.path), root=tmp_path / "elsewhere")
    assert loaded.id == str(saved.path)
    assert load(loaded.id, root=tmp_path / "elsewhere").card == saved.card


def test_no_room(saved, pruned, card, tmp_path, monkeypatch):
    before = saved.path.read_bytes()
    model, masks = pruned(seed=1)
    usage = namedtuple("usage", "total used free")
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
        with pytest.raises(StorageFull, match="no room"):
            save(model, card(), masks=masks, root=tmp_path)

    calls = []

    def full(tensor):
        calls.append(tensor)
        if len(calls) == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return bytes(tensor.numel() * tensor.element_size())

    monkeypatch.setattr(container, "as_bytes", full)
    with pytest.raises(StorageFull, match="No space left"):
        save(model, card(), masks=masks, root=tmp_path)
    assert saved.path.read_bytes() == before
    assert os.listdir(saved.path.parent) == [saved.path.name]  # noqa: PTH208


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_to(saved, pruned, card, tmp_path):
    model, masks = pruned(seed=1)
    saved.path.parent.chmod(0o500)
    try:
        with pytest.raises(StorageFull):
            save(model, card(), masks=masks, root=tmp_path)
        with pytest.raises(StorageFull):
            delete(saved.id, root=tmp_path)
    finally:
        saved.path.parent.chmod(0o700)
    assert load(saved.id, root=tmp_path).card == saved.card


def test_a_card_too_long(toy, card, tmp_path):
    with pytest.raises(PruneScopeError, match="too long"):
        save(toy(), card(notes=["x" * 5_000_000]), root=tmp_path)
    assert checkpoints.list(tmp_path) == []


KILLED = """
import os, random, signal, sys, time
from pathlib import Path
import torch
from torch import nn
from core import checkpoints
from core.checkpoints import Architecture, Card, DataInfo
from core.models import ARCHITECTURES, build

torch.set_num_threads(1)
ARCHITECTURES["big"] = lambda classes, *_: nn.Sequential(nn.Flatten(), nn.Linear(100_000, classes))
model = build("big", 3)
card = Card(study="s", method="m", data=DataInfo("d", 6, ("a", "b", "c")), architecture=Architecture("big", 3), created="now")
generator, seen, killed_inside = random.Random(0), set(), 0
for trial in range(18):
    root = Path(sys.argv[1]) / str(trial)
    if trial % 2:
        with torch.no_grad():
            model[1].weight.fill_(-1.0)
        checkpoints.save(model, card, root=root)
    ears, mouth = os.pipe()
    child = os.fork()
    if not child:
        for version in range(1, 100_000):
            os.write(mouth, b".")
            with torch.no_grad():
                model[1].weight.fill_(float(version))
            checkpoints.save(model, card, root=root)
    start = time.monotonic()
    for _ in range(1 + trial % 3):
        os.read(ears, 1)
    one = max(0.01, (time.monotonic() - start) / (1 + trial % 3))
    time.sleep(generator.uniform(0.0, one))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    entries = checkpoints.list(root)
    assert len(entries) == 1 or (not entries and not trial % 2), entries
    for entry in entries:
        values = checkpoints.load(entry.id, root=root).state_dict()["1.weight"].unique()
        assert len(values) == 1, values
        seen.add(values.item())
    killed_inside += bool(list(root.rglob("*.tmp")))
print(len(seen), killed_inside)
"""


def test_kill_in_the_middle_of_a_save_leaves_a_whole_file(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    versions, killed_inside = map(int, run.stdout.split())
    assert versions > 1
    assert killed_inside, "no kill came in the middle of a save, so nothing was tried"


def test_two_processes_do_not_take_each_others_name(pruned, card, tmp_path):
    model, masks = pruned()
    first = os.fork()
    if not first:
        for seed in range(30):
            save(model, card(recipe={"child": seed}), masks=masks, root=tmp_path)
        os._exit(0)
    for seed in range(30):
        save(model, replace(card(), recipe={"parent": seed}), masks=masks, root=tmp_path)
    assert os.waitpid(first, 0)[1] == 0
    assert len({entry.card.recipe_hash for entry in checkpoints.list(tmp_path)}) == 60


def test_loading_twice_shares_nothing(saved):
    one, two = load(saved.path), load(saved.path)
    one.stored["0.bias"].zero_()
    assert torch.equal(two.state_dict()["0.bias"], saved.state_dict()["0.bias"])
