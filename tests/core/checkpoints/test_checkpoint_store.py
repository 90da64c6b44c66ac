"""Saving, replacing, listing and deleting: killed in the middle, two at once, without room."""

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
from core.checkpoints import container, delete, listing, load, save
from core.errors import InvalidValue, PruneScopeError, StorageFull


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


def test_what_is_no_card_and_no_path_is_named(pruned, card, tmp_path):
    model, _ = pruned()
    for what in (None, "a card", {"study": "a"}):
        with pytest.raises(InvalidValue, match="This is no card"):
            save(model, what, root=tmp_path)
    for root in (3, b"here", ["a"]):
        with pytest.raises(InvalidValue, match="This is not a path"):
            checkpoints.list(root)


def test_a_damaged_file_is_not_replaced(saved, pruned, card, tmp_path):
    saved.path.write_bytes(b"what is this")
    model, masks = pruned()
    other = save(model, card(), masks=masks, root=tmp_path)
    assert other.path != saved.path
    assert saved.path.read_bytes() == b"what is this"


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


def test_a_file_is_read_again_when_it_changes_and_only_then(saved, tmp_path, monkeypatch):
    read = []
    whole = container.read_metadata
    monkeypatch.setattr(container, "read_metadata", lambda *given: read.append(given) or whole(*given))
    for _ in range(2):
        checkpoints.list(tmp_path)
    assert len(read) == 2  # it was written just now: it could change again within the clock's tick
    monkeypatch.setattr(listing, "_SETTLED", -1e18)  # as two seconds later
    known = [checkpoints.list(tmp_path)[0] for _ in range(3)]
    assert len(read) == 3
    assert known[1] is known[0]
    saved.path.write_bytes(saved.path.read_bytes()[:-1])
    assert "damaged" in checkpoints.list(tmp_path)[0].error
    assert len(read) == 4
    saved.path.unlink()
    assert checkpoints.list(tmp_path) == []


def test_root_from_the_environment(pruned, card, tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(tmp_path / "here"))
    model, masks = pruned()
    saved = save(model, card(), masks=masks)
    assert saved.path.is_relative_to(tmp_path / "here")
    assert load(saved.id).card == saved.card
    assert [entry.id for entry in checkpoints.list()] == [saved.id]
    delete(saved.id)
    assert checkpoints.list() == []


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


def test_a_folder_or_file_that_goes_while_the_list_is_made_is_not_in_it(saved, tmp_path, monkeypatch):
    """Another process may delete what it made at any moment; two hundred of ten thousand lists failed for it."""
    going, file = tmp_path / "phantom-6" / "going", saved.path.with_name("gone.safetensors")
    going.mkdir()
    file.write_bytes(b"")
    scan, once = os.scandir, listing._once

    def scandir(path="."):
        if path == str(going) or path == going:
            shutil.rmtree(going, ignore_errors=True)
        return scan(path)

    def late(read, path, root):
        if path == file:
            file.unlink(missing_ok=True)
        return once(read, path, root)

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(listing, "_once", late)
    assert [entry.id for entry in checkpoints.list(tmp_path)] == [saved.id]
    assert not going.exists()
