"""Weights that somebody brought as what runs start from: pruned and fine-tuned on the images that they were brought for."""

import json
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core import (
    brought,
    checkpoints,
    evaluation,
    files,
    jobs,
    own,
    paths,
    recipes,
    replication,
    reproduce,
    runs,
)
from core.data import load
from core.errors import CheckpointMismatch, CheckpointNotFound, DataNotFound, InvalidValue
from core.finished import Finished
from core.models import build, prunable
from core.recipes import Recipe, pruned
from tests.core.tiny import CLASSES, parent, write_pictures

pytestmark = pytest.mark.usefixtures("tiny", "one_thread")

ANNA = jobs.owner_of("anna")
QUICK = {"epochs": 2, "batch": 12, "augment": "none"}


@pytest.fixture(autouse=True)
def _data(colours, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))


@pytest.fixture
def file(tmp_path):
    torch.manual_seed(3)
    state = {name: tensor for name, tensor in build("vgg16", 3).state_dict().items() if name not in ("mean", "std")}
    save_file(state, tmp_path / "theirs.safetensors")
    return tmp_path / "theirs.safetensors"


def bring(file, name="mine", **changes):
    how = {"trained_on": "colours", "size": 32, "architecture": "vgg16", "mean": (0.4,) * 3, "std": (0.2,) * 3}
    return own.add_weights(file, name, ANNA, **{**how, **changes})


def test_the_recipe_names_the_file_and_stays_the_same_when_it_is_measured_or_renamed(file):
    made = bring(file)
    recipe = recipes.brought(made.card)
    assert (recipe.study, recipe.data, recipe.method, recipe.training.epochs) == (
        "mine-32/vgg16",
        "colours",
        "dense",
        0,
    )
    assert "training" not in recipe.as_dict()
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe
    child = pruned(recipe, "iterative", 0.8, **QUICK)
    assert (child.data, child.brought) == ("colours", None)
    again = Recipe.from_dict(json.loads(json.dumps(child.as_dict())))
    assert (again, again.hash) == (child, child.hash)
    assert recipes.brought(own.measure(made.id).card) == recipe
    own.remove("mine", ANNA)
    renamed = file.rename(file.with_name("renamed.safetensors"))
    assert recipes.brought(bring(renamed).card) == recipe
    # What makes other answers is another parent.
    others = [
        bring(renamed, "other").card,
        bring(renamed, "turned", order=("red", "blue", "green")).card,
        bring(renamed, "brighter", mean=(0.5, 0.4, 0.4)).card,
    ]
    same_name = [replace(recipes.brought(card), study="mine-32/vgg16").hash for card in others]
    assert len({recipe.hash, *same_name[1:]}) == 3
    assert same_name[0] == recipe.hash


def test_recipes_and_hashes_of_networks_that_were_trained_here_know_nothing_of_it():
    assert "brought" not in parent().as_dict()
    assert "brought" not in pruned(parent(), "one_shot", 0.5).as_dict()


def test_how_it_is_fine_tuned_where_nobody_knows_how_it_was_trained(file):
    card = bring(file).card
    base = recipes.brought(card)
    usual = recipes.dense("colours-32/vgg16").training
    training = pruned(base, "one_shot", 0.5).training
    assert training == replace(usual, epochs=8, rate=0.01, warmup=0.0)
    without = replace(base, norm=False)
    assert pruned(without, "one_shot", 0.5).training.rate == recipes.GENTLE
    objects = replace(base, brought=replace(base.brought, data="cifar100"))
    assert pruned(objects, "one_shot", 0.5).training.augment == "objects"


@pytest.mark.parametrize(
    "change",
    [
        {"sha256": "x"},
        {"data": ""},
        {"order": ["red"]},
        {"order": "red"},
        {"mean": [0.1, 0.2]},
        {"std": [1, 2, "3"]},
        {"more": 1},
    ],
)
def test_what_a_stranger_wrote_into_a_recipe_is_told(file, change):
    values = recipes.brought(bring(file).card).as_dict()
    with pytest.raises(InvalidValue, match="no brought weights"):
        Recipe.from_dict(values | {"brought": values["brought"] | change})
    with pytest.raises(InvalidValue, match="found, not made"):
        Recipe.from_dict(values | {"split_by": "row"})


def test_all_three_methods_start_from_it_and_say_what_they_came_from(file):
    first = bring(file)
    base = recipes.brought(first.card)
    before = first.state_dict()
    for method in ("one_shot", "layerwise", "iterative"):
        made = runs.run(pruned(base, method, 0.8, **QUICK))
        card = made.card
        assert made.id == f"mine-32/vgg16/{method}-80"
        assert (card.parent, card.parent_digest) == (first.id, first.card.recipe["sha256"])
        assert (card.data.name, card.data.class_names) == ("colours", CLASSES)
        assert (card.mean, card.std) == (first.card.mean, first.card.std)
        assert "Made from weights of others, mine-32/vgg16/dense, taken in from theirs.safetensors" in card.notes[-1]
        assert "at a learning rate from 0.01, 12 images a step" in card.notes[-1]
        assert card.metrics["accuracy"]["n"] == 18
    kept = checkpoints.load(first.id)
    # Its own weights are as they were, and what pruning takes is told beside what it had.
    assert all(torch.equal(tensor, before[name]) for name, tensor in kept.state_dict().items())
    assert kept.card.metrics["accuracy"]["n"] == 18
    assert kept.card.digest != first.card.digest
    assert list(paths.of("mine-32/vgg16")) == ["prune_only", "iterative", "layerwise", "one_shot"]
    (line,) = replication.lines("mine-32/vgg16", checkpoints.list())
    assert all(line.at_home(entry) for by_sparsity in line.pruned.values() for entry in by_sparsity.values())
    # Asked for again, it is there.
    recipe = pruned(recipes.brought(kept.card), "iterative", 0.8, **QUICK)
    assert runs.find(recipe).id == "mine-32/vgg16/iterative-80"
    assert Finished(checkpoints.list()).of(recipe.parent).id == first.id


def test_fine_tuning_goes_on_from_its_weights(file):
    """With no step of training it is the brought network, pruned: by which alone one can tell whose weights they are."""
    made = bring(file, order=("red", "blue", "green"))
    child = runs.run(pruned(recipes.brought(made.card), "one_shot", 0.5, epochs=0))
    weights, kept = prunable(made.model()), prunable(child.model())
    assert all(torch.equal(weights[name] * child.masks[name], kept[name]) for name in weights)
    test = load("colours", "test", size=32)
    straight = bring(file, "straight", order=CLASSES)
    one, two = (evaluation.predict(network.model(), test, precision="float32") for network in (straight, made))
    np.testing.assert_allclose(two, one[:, [1, 2, 0]], rtol=1e-5)


SCRIPT = """
import os, signal, sys
import torch
torch.set_num_threads(1)
from core import checkpoints, recipes, runs
from tests.core.tiny import registered

def report(progress):
    if progress.stage.startswith("iterative") and "step 2" in progress.stage:
        os.kill(os.getpid(), signal.SIGKILL)

with registered():
    card = checkpoints.load("mine-32/vgg16/dense").card
    runs.run(recipes.pruned(recipes.brought(card), "iterative", 0.8, epochs=4, batch=12, steps=2), report=report)
"""


def test_killed_it_goes_on_and_ends_in_the_same_bits(file, tmp_path, monkeypatch):
    made = bring(file)
    recipe = pruned(recipes.brought(made.card), "iterative", 0.8, epochs=4, batch=12, steps=2)
    shutil.copytree(files.checkpoint_root(), tmp_path / "whole")
    whole = runs.run(recipe, root=tmp_path / "whole")
    killed = subprocess.run([sys.executable, "-c", SCRIPT], cwd=files.PROJECT, capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert runs.epochs_done(recipe) == 2
    again = runs.run(recipe)
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in whole.state_dict().items())
    assert again.card.metrics == whole.card.metrics
    assert len({row["step"] for row in again.card.history}) == 2


def test_measured_after_it_was_pruned_its_children_stay_its_own(file):
    made = bring(file)
    runs.run(pruned(recipes.brought(made.card), "one_shot", 0.8, **QUICK))
    card = checkpoints.load(made.id).card
    # As a measurement on another machine would leave it: other metrics, and so another digest.
    checkpoints.save(made.model(), replace(card, metrics={}, id="", digest=""))
    assert list(paths.of("mine-32/vgg16")) == ["prune_only", "one_shot"]
    assert runs.find(pruned(recipes.brought(made.card), "one_shot", 0.8, **QUICK))


def test_without_its_images_it_is_said_what_is_missing_and_what_works(file, tmp_path, monkeypatch):
    made = bring(file)
    recipe = pruned(recipes.brought(made.card), "one_shot", 0.8, **QUICK)
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "none"))
    with pytest.raises(
        DataNotFound, match="Fine-tuning mine-32/vgg16/dense needs the training images of colours"
    ) as told:
        runs.run(recipe)
    assert "a folder or zip called colours" in str(told.value)
    assert brought.WITHOUT_IMAGES in str(told.value)
    with pytest.raises(DataNotFound, match="images of colours"):
        jobs.submit(recipe, ANNA)


def test_classes_in_another_order_or_others_are_told_before_anything_is_trained(file, tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "data"))
    turned = bring(file, order=("red", "blue", "green"))
    others = bring(file, "others", order=("nevus", "melanoma", "other"))
    write_pictures(tmp_path / "data")
    with pytest.raises(CheckpointMismatch, match=r"in another order.*bring the same file again"):
        runs.run(pruned(recipes.brought(turned.card), "one_shot", 0.8, **QUICK))
    with pytest.raises(CheckpointMismatch, match="others than it knows"):
        runs.run(pruned(recipes.brought(others.card), "one_shot", 0.8, **QUICK))
    own.remove("mine", ANNA)
    again = bring(file, order=("red", "blue", "green"))
    assert runs.run(pruned(recipes.brought(again.card), "one_shot", 0.8, **QUICK)).card.data.class_names == CLASSES


def test_weights_that_are_not_here_are_named_with_the_command_that_brings_them(file):
    recipe = pruned(recipes.brought(bring(file).card), "one_shot", 0.8, **QUICK)
    own.remove("mine", ANNA)
    with pytest.raises(CheckpointNotFound, match="--name mine --trained-on colours --size 32 --architecture vgg16"):
        runs.run(recipe)
    # Other weights under the name are not taken for them.
    other = file.with_name("other.safetensors")
    save_file({name: tensor + 0.01 for name, tensor in build("vgg16", 3).state_dict().items()}, other)
    with pytest.raises(CheckpointNotFound):
        runs.run(recipe)


def test_images_that_have_changed_since_it_was_measured_are_told(file, tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(write_pictures(tmp_path / "data")))
    made = own.measure(bring(file).id)
    (tmp_path / "data" / "colours" / "train" / CLASSES[0] / "0.png").unlink()
    with pytest.raises(CheckpointMismatch, match="not those that mine-32/vgg16/dense was made from"):
        runs.run(pruned(recipes.brought(made.card), "one_shot", 0.8, **QUICK))


def test_a_network_made_from_it_is_made_again_by_its_card(file):
    made = runs.run(pruned(recipes.brought(bring(file).card), "one_shot", 0.8, **QUICK))
    (item,) = reproduce.plan_again([made.id])
    assert (item.state, item.recipe.hash) == (reproduce.MADE, made.card.recipe_hash)
    (entry,) = [entry for entry in checkpoints.list() if entry.id == made.id]
    checkpoints.write_card(entry.path, entry.card, entry.size_bytes)
    made.path.unlink()
    assert reproduce.plan_again([made.id])[0].state == reproduce.RESULTS
    outcomes = list(reproduce.again([made.id]))
    assert [outcome.error for outcome in outcomes] == [None, None]
    again = checkpoints.load(made.id)
    assert all(torch.equal(tensor, again.state_dict()[name]) for name, tensor in made.state_dict().items())
    with pytest.raises(InvalidValue, match="does not tell how it was made"):
        reproduce.plan_again(["mine-32/vgg16/dense"])


def test_all_that_ships_keeps_its_name():
    cards = [entry.card for entry in checkpoints.list(files.PROJECT / "checkpoints") if entry.card]
    made = [card for card in cards if card.recipe]
    assert len(made) > 100
    assert all(Recipe.from_dict(card.recipe).hash == card.recipe_hash for card in made)
    assert not any(map(brought.is_brought, cards))
