"""Ids and paths of checkpoints: readable, never outside the root, and told where nothing is found."""

import shutil

import pytest

from core.checkpoints import delete, load, path_of, save
from core.errors import CheckpointNotFound, StorageFull, UnsafeFile


@pytest.mark.parametrize(
    ("sparsity", "name"), [(0.0, "m"), (0.8, "m-80"), (0.975, "m-97.5"), (0.07, "m-7"), (0.9999, "m-99.99")]
)
def test_names_that_people_can_read(toy, card, tmp_path, sparsity, name):
    assert save(toy(), card(method="m", sparsity=sparsity), root=tmp_path).id == f"phantom-6/toy/{name}"
    assert load(f"phantom-6/toy/{name}", root=tmp_path).card.sparsity == sparsity


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
    with pytest.raises(CheckpointNotFound, match=r"core bring weights FILE.*load_foreign"):
        load("weights.pt", root=tmp_path)
    with pytest.raises(UnsafeFile, match=r"core bring weights FILE"):
        load("/home/me/weights.pth", root=tmp_path)
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
