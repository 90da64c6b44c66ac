"""What a profile asks for, and that what ships is what it asks for."""

from dataclasses import replace

import pytest

from core import checkpoints, files, profiles
from core.errors import UnknownName
from core.models import build, units


@pytest.mark.parametrize("name", ["cpu", "gpu"])
def test_methods_and_controls_spend_equal_epochs_at_each_sparsity(name):
    profile = profiles.profile(name)
    for study in profile.budgets:
        found = profile.recipes(study)
        for sparsity in (0.5, 0.8, 0.9, 0.95):
            of = {
                (recipe.method, recipe.criterion): recipe.training.epochs
                for recipe in found
                if recipe.sparsity == sparsity and recipe.parent == found[0]
            }
            methods = {(method, "magnitude") for method in ("one_shot", "layerwise", "iterative")}
            assert of.keys() == methods | {("one_shot", "random")}
            assert set(of.values()) == {profile.budgets[study].fine}
        (control,) = [recipe for recipe in found if recipe.method == "dense" and recipe.parent == found[0]]
        assert control.training.epochs == profile.budgets[study].fine


@pytest.mark.parametrize("name", list(profiles.PROFILES))
def test_no_run_comes_before_its_parent_or_twice(name):
    for study in profiles.profile(name).budgets:
        found = profiles.profile(name).recipes(study)
        hashes = [recipe.hash for recipe in found]
        assert len(set(hashes)) == len(hashes)
        for place, recipe in enumerate(found):
            assert recipe.parent is None or recipe.parent.hash in hashes[:place]


@pytest.mark.parametrize(
    "study", ["ham10000-64/vgg16", "ham10000-64/densenet169", "ham10000-128/vgg16", "cifar100-32/vgg16"]
)
def test_what_ships_is_what_the_profiles_ask_for(study):
    """The shipped networks were made by these very recipes: `reproduce` must find them and not train them again."""
    asked = [profile.recipes(study) for profile in profiles.PROFILES.values() if study in profile.budgets]
    hashes = {recipe.hash for recipes in asked for recipe in recipes}
    shipped = checkpoints.list(files.PROJECT / "checkpoints")
    ours = {entry.card.recipe_hash for entry in shipped if entry.card.study == study}
    assert ours
    assert ours <= hashes


def test_the_gpu_profile_has_three_seeds_and_both_sizes():
    profile = profiles.profile("gpu")
    assert {"ham10000-64/vgg16", "ham10000-128/vgg16"} <= profile.budgets.keys()
    dense = [r for r in profile.recipes("ham10000-128/densenet169") if r.parent is None]
    assert [recipe.training.seed for recipe in dense] == [0, 1, 2]


def test_vgg16_has_a_dense_network_with_decay_strong_enough_to_kill_channels():
    dense = [r for r in profiles.profile("cpu").recipes("ham10000-64/vgg16") if r.parent is None]
    assert [(r.training.seed, r.training.decay, r.training.norm_decay) for r in dense] == [
        (0, 5e-4, 0),
        (1, 5e-4, 0),
        (0, 0.01, 0.04),
    ]
    steps = 24 * 110
    assert 0.3 < dense[-1].training.rate * dense[-1].training.decay * steps < 3


def test_one_study_has_a_second_dense_network_to_tell_pruning_from_chance():
    for profile in (profiles.profile("cpu"), profiles.profile("gpu")):
        twice = []
        for study in profile.budgets:
            found = profile.recipes(study)
            hashes = [recipe.hash for recipe in found]
            assert len(set(hashes)) == len(hashes)
            again = replace(found[0].training, seed=1)  # all else is the same
            twice += [study for recipe in found if recipe.parent is None and recipe.training == again]
        assert "ham10000-64/vgg16" in twice


def test_the_paper_profile_keeps_the_papers_row_split_and_unequal_budgets():
    profile = profiles.profile("paper")
    for study in profile.budgets:
        found = profile.recipes(study)
        assert {recipe.split_by for recipe in found} == {"row"}
        epochs = {(r.method, r.sparsity): r.training.epochs for r in found if r.parent}
        once = epochs["one_shot", 0.8]
        assert epochs["iterative", 0.8] == 8 * once  # ten points a step, as many epochs a step as one-shot has in all
        assert epochs["iterative", 0.5] == 5 * once
        layers = len(units(build(study.split("/")[1], 7)))
        assert epochs["layerwise", 0.8] == 1.5 * layers * once


def test_unknown_profiles_and_studies_are_named():
    with pytest.raises(UnknownName, match="cpu"):
        profiles.profile("cpus")
    with pytest.raises(UnknownName, match="ham10000-64/vgg16"):
        profiles.choose(profiles.profile("cpu"), ["ham10000-46/vgg16"])


def test_the_command_names_the_profile_that_made_a_study():
    def hash_of(name, study):
        return profiles.profile(name).recipes(study)[0].hash

    cifar = "cifar100-32/vgg16"
    assert profiles.command(cifar, hash_of("gpu", cifar)) == f"python -m core reproduce {cifar} --profile gpu"
    assert profiles.command(cifar, hash_of("cpu", cifar)) == f"python -m core reproduce {cifar}"
    ham = "ham10000-64/vgg16"
    assert profiles.command(ham, hash_of("gpu", ham)) == f"python -m core reproduce {ham}"  # both profiles have it
    # `reproduce` knows no study but those of a profile.
    assert profiles.command("own-thing-32/vgg16", "ffff") == "python -m core prune own-thing-32/vgg16 METHOD 0.8"
