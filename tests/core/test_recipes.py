import json
from datetime import date

import numpy as np
import pytest

from core.errors import InvalidSparsity, InvalidValue, UnknownName
from core.recipes import Recipe, dense, pruned

STUDY = "ham10000-64/vgg16"


def test_hashes_stay_what_they_were():
    # A hash that changes orphans every checkpoint and every run that was begun: these were written down once.
    assert dense(STUDY).hash == "ec8cf86d7211a4eb"
    assert dense("cifar100-32/densenet169", seed=1).hash == "af59ff3c939adba8"
    assert dense("cifar100-32/densenet169", seed=1, precise=0).hash == "71912de7dba9f32d"
    assert pruned(dense(STUDY), "iterative", 0.8).hash == "ad220c08bf53071e"


def test_the_same_recipe_has_the_same_hash_however_it_is_written():
    assert dense(STUDY, epochs=24.0, balance=0.5).hash == dense(STUDY).hash
    assert (
        pruned(dense(STUDY), "one_shot", 0.8, momentum=0.9, warmup=0).hash == pruned(dense(STUDY), "one_shot", 0.8).hash
    )
    assert pruned(dense(STUDY), "one_shot", -0.0).hash == pruned(dense(STUDY), "one_shot", 0.0).hash
    assert pruned(dense(STUDY), "dense", 0).hash == pruned(dense(STUDY), "dense", 0.0).hash


def test_the_same_study_written_otherwise_and_numpys_numbers_are_the_same_run():
    parent = dense("ham10000-064/vgg16")
    assert parent.study == STUDY
    assert parent.hash == dense(STUDY).hash
    assert Recipe.from_dict(dense(STUDY).as_dict() | {"study": "ham10000-064/vgg16"}) == dense(STUDY)
    assert (
        pruned(parent, "iterative", np.float64(0.8), steps=np.int64(3)).hash
        == pruned(dense(STUDY), "iterative", 0.8, steps=3).hash
    )


def test_every_choice_is_in_the_hash():
    parent = dense(STUDY)
    recipes = [
        parent,
        dense(STUDY, seed=1),
        dense(STUDY, rate=0.1),
        dense(STUDY, head="stock"),
        dense(STUDY, norm=False),
        dense(STUDY, split_by="row"),
        dense("ham10000-128/vgg16"),
        pruned(parent, "dense", 0),
        pruned(parent, "one_shot", 0.8),
        pruned(parent, "one_shot", 0.81),
        pruned(parent, "one_shot", 0.8, seed=1),
        pruned(parent, "one_shot", 0.8, criterion="random"),
        pruned(parent, "layerwise", 0.8),
        pruned(parent, "iterative", 0.8),
        pruned(parent, "iterative", 0.8, steps=3),
        pruned(dense(STUDY, seed=1), "one_shot", 0.8),
    ]
    assert len({recipe.hash for recipe in recipes}) == len(recipes)


@pytest.mark.parametrize(
    "recipe",
    [
        dense("cifar100-32/densenet169", stem="small"),
        pruned(dense(STUDY, epochs=0.5), "iterative", 0.9, steps=3, criterion="random", seed=5),
    ],
)
def test_json_and_back_is_the_same_recipe(recipe):
    again = Recipe.from_dict(json.loads(json.dumps(recipe.as_dict())))
    assert again == recipe
    assert again.hash == recipe.hash


def test_data_sets_have_their_own_way_of_training():
    assert dense("cifar100-32/vgg16").training.augment == "objects"
    assert dense("cifar100-32/vgg16").training.balance == 0
    assert dense(STUDY).training.augment == "dermoscopy"
    assert dense("birds-64/vgg16").training.balance == 0.5


def test_every_method_gets_the_same_budget():
    parent = dense(STUDY)
    budgets = {pruned(parent, method, 0.8).training for method in ("one_shot", "layerwise", "iterative")}
    assert len(budgets) == 1
    assert pruned(parent, "dense", 0).training in budgets


def test_the_parent_hands_on_its_network():
    parent = dense(STUDY, head="stock", norm=False, split_by="row")
    child = pruned(parent, "one_shot", 0.5)
    assert (child.head, child.norm, child.split_by, child.parent) == ("stock", False, "row", parent)
    architecture = child.architecture(7)
    assert (architecture.name, architecture.classes, architecture.head, architecture.norm) == (
        "vgg16",
        7,
        "stock",
        False,
    )


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: dense("ham10000/vgg16"), InvalidValue, "name of a study"),
        (lambda: dense(STUDY, head="compakt"), UnknownName, "did you mean compact"),
        (lambda: dense(STUDY, learning_rate=1), InvalidValue, "learning_rate"),
        (lambda: dense(STUDY, sparsity=0.5), InvalidValue, "prunes nothing"),
        (lambda: dense(STUDY, steps=2), InvalidValue, "prunes nothing"),
        (lambda: dense(STUDY, epochs=-1), InvalidValue, "epochs"),
        (lambda: pruned(dense(STUDY), "oneshot", 0.5), UnknownName, "did you mean one_shot"),
        (lambda: pruned(dense(STUDY), "one_shot", 1.0), InvalidSparsity, "up to but not including 1"),
        (lambda: pruned(dense(STUDY), "one_shot", 80), InvalidSparsity, "write 0.8"),
        (lambda: pruned(dense(STUDY), "one_shot", "80"), InvalidSparsity, "write 0.8"),
        (lambda: pruned(dense(STUDY), "iterative", 0.5, steps=10**6), InvalidValue, "1 to 1,000"),
        (lambda: pruned(STUDY, "one_shot", 0.5), InvalidValue, "starts from a recipe"),
        (lambda: dense(STUDY, split_by=date(2020, 1, 1)), InvalidValue, "split_by is wrong"),
        (lambda: dense(STUDY, split_by={}), InvalidValue, "split_by is wrong"),
        (lambda: dense(STUDY, split_by=float("nan")), InvalidValue, "split_by is wrong"),
        (lambda: dense("ham10000-" + "9" * 5000 + "/vgg16"), InvalidValue, "name of a study"),
        (lambda: Recipe(study=STUDY, training=None), InvalidValue, "training is wrong"),
        (lambda: Recipe(study=STUDY, parent="dense"), InvalidValue, "parent is wrong"),
        (lambda: pruned(dense(STUDY), "one_shot", 0.5, steps=3), InvalidValue, "not a choice"),
        (lambda: pruned(dense(STUDY), "iterative", 0.5, steps=0), InvalidValue, "whole number from 1"),
        (lambda: pruned(dense(STUDY), "one_shot", 0.5, criterion="magnitud"), UnknownName, "did you mean magnitude"),
        (lambda: pruned(pruned(dense(STUDY), "one_shot", 0.5), "one_shot", 0.8), InvalidValue, "from a dense network"),
        (lambda: pruned(dense(STUDY), "one_shot", 0.5, study="cifar100-32/vgg16"), InvalidValue, "differ in study"),
        (lambda: dense(STUDY, split_by=""), InvalidValue, "split_by is wrong"),
        (lambda: dense(STUDY, criterion="random"), InvalidValue, "prunes nothing"),
        (lambda: dense("phantom-32/vgg16", stem="small"), InvalidValue, "one stem only"),
        (lambda: dense("phantom-32/densenet169", norm=False), InvalidValue, "without batch norm"),
        (lambda: pruned(dense(STUDY), "one_shot", 0.5, split_by="row"), InvalidValue, "differ in split_by"),
        (lambda: Recipe(study=STUDY, method="one_shot", sparsity=0.5), InvalidValue, "needs a network"),
        (lambda: Recipe.from_dict({"study": STUDY, "colour": 1}), InvalidValue, "not a recipe.*colour"),
        (lambda: Recipe.from_dict({}), InvalidValue, "study"),
        (lambda: Recipe.from_dict({"study": STUDY, "training": None}), InvalidValue, "not a recipe.*training"),
        (lambda: Recipe.from_dict(None), InvalidValue, "not a recipe"),
        (lambda: Recipe.from_dict({"study": STUDY, "training": {"epoch": 1}}), InvalidValue, "epoch"),
    ],
)
def test_what_no_run_can_be_made_with_is_named(make, error, says):
    with pytest.raises(error, match=says):
        make()


def test_a_start_from_imagenet_is_another_run_and_leaves_the_hashes_of_others_alone():
    plain, started = dense("ham10000-64/vgg16"), dense("ham10000-64/vgg16", start="imagenet")
    assert plain.hash != started.hash
    assert "start" not in plain.as_dict()
    child = pruned(started, "one_shot", 0.5)
    assert Recipe.from_dict(child.as_dict()) == child
    assert child.parent.start == "imagenet"
    with pytest.raises(UnknownName, match="imagenet"):
        dense("ham10000-64/vgg16", start="imagnet")
