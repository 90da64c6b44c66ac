"""Whole-channel pruning from the recipe and the command line to a smaller network."""

import pytest
import torch

from core import checkpoints, cli, runs
from core.errors import InvalidValue, UnknownName
from core.models import prunable
from core.pruning import Masks, compact, plan, step_masks
from core.recipes import Recipe, dense, pruned
from tests.core.tiny import write_pictures

STUDY = "colours-32/vgg16"


def channels_left(masks):
    rows = {name: torch.as_tensor(mask).flatten(1) for name, mask in masks.items()}
    assert all((row.all(1) | ~row.any(1)).all() for row in rows.values()), "a channel lost only some of its weights"
    return [int(row.any(1).sum()) for row in rows.values()]


def test_the_scope_names_another_run_and_leaves_older_hashes_alone():
    parent = dense(STUDY)
    plain, whole = pruned(parent, "one_shot", 0.5), pruned(parent, "one_shot", 0.5, scope="channel")
    assert pruned(parent, "one_shot", 0.5, scope="global").hash == plain.hash
    assert "scope" not in plain.as_dict()
    assert len({plain.hash, whole.hash, pruned(parent, "one_shot", 0.5, scope="layer").hash}) == 3
    assert Recipe.from_dict(whole.as_dict()) == whole
    with pytest.raises(UnknownName, match="did you mean channel"):
        pruned(parent, "one_shot", 0.5, scope="chanel")
    with pytest.raises(InvalidValue, match="prunes nothing"):
        pruned(parent, "dense", 0.0, scope="channel")


@pytest.mark.parametrize("method", ["one_shot", "layerwise", "iterative"])
def test_every_method_can_take_whole_channels_and_leaves_the_classes_alone(net, method):
    weights = prunable(net)
    masks = Masks.dense(weights)
    for step in plan(method, [["conv1"], ["conv2"], ["classifier"]], 0.5, epochs=0):
        masks = step_masks(weights, masks, step, scope="channel")
    left = channels_left(masks)
    assert left[-1] == 5
    assert masks.zeros == pytest.approx(0.5 * masks.size, abs=80 if method == "layerwise" else 72)
    if method == "layerwise":
        assert left[:2] == [4, 8]


@pytest.mark.usefixtures("tiny")
def test_from_the_command_line_to_a_smaller_network(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(write_pictures(tmp_path / "data")))
    quick = ["--epochs", "1", "--batch", "8", "--quiet"]
    assert cli.main(["train", STUDY, *quick]) == 0
    assert cli.main(["prune", STUDY, "iterative", "0.6", "--scope", "channel", "--steps", "2", *quick]) == 0
    made = checkpoints.load(f"{STUDY}/iterative-channel-60")
    assert runs.find(Recipe.from_dict(made.card.recipe)).id == made.id
    left = channels_left(made.masks)
    assert left[-1] == 3
    small = compact(made.model(), made.masks)
    sizes = [weight.numel() for weight in prunable(small).values()]
    assert sum(sizes) < (1 - made.card.actual_sparsity) * made.card.weights
    assert "whole channels" in " ".join(_help(capsys, "prune").split())


def _help(capsys, command):
    capsys.readouterr()
    assert cli.main([command, "--help"]) == 0
    return capsys.readouterr().out


@pytest.fixture
def net():
    from tests.core.pruning.conftest import SmallNet

    torch.manual_seed(7)
    return SmallNet().eval()
