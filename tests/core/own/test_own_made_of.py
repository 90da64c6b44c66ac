"""What was made of brought weights: by commands, in the queue, in reports; and that nothing of it is deleted unsaid."""

import shlex
import subprocess

import pytest
import torch
from safetensors.torch import save_file

from core import checkpoints, files, jobs, own, paper, recipes, report, runs
from core.errors import NotAllowed
from core.jobs import dispatcher, estimating
from core.models import build
from core.recipes import pruned
from tests.core.jobs.conftest import command

pytestmark = pytest.mark.usefixtures("tiny", "one_thread")

ANNA, BEN = (jobs.owner_of(name) for name in ("anna", "ben"))
QUICK = ["--epochs", 1, "--batch", 12]
HOW = ["--name", "mine", "--trained-on", "colours", "--size", 32, "--order", "red,blue,green"]


@pytest.fixture
def file(tmp_path):
    torch.manual_seed(0)
    state = {name: tensor for name, tensor in build("vgg16", 3).state_dict().items() if name not in ("mean", "std")}
    save_file(state, tmp_path / "theirs.safetensors")
    return tmp_path / "theirs.safetensors"


@pytest.fixture
def mine(call, file):
    """Brought weights: the recipe that stands for them."""
    code, _, errors = call("bring", "weights", file, *HOW)
    assert code == 0, errors
    return recipes.brought(checkpoints.load("mine-32/vgg16/dense").card)


def test_commands_prune_fine_tune_store_answers_and_verify_them(call, mine):
    for method in ("one_shot", "layerwise", "iterative"):
        code, output, errors = call("prune", "mine-32/vgg16", method, 0.8, *QUICK)
        assert code == 0, errors
        assert f"mine-32/vgg16/{method}-80" in output
        assert "from the weights that were brought" in errors
        assert "not known: a learning rate from 0.01, 12 images a step" in errors
    assert "Already made" in call("prune", "mine-32/vgg16", "one_shot", 0.8, *QUICK)[2]
    given = [*QUICK, "--rate", 0.01]
    assert "not known" not in call("prune", "mine-32/vgg16", "one_shot", 0.8, *given)[2]
    assert call("respond", "mine-32/vgg16", "--every", 40)[0] == 0
    code, output, errors = call("verify")
    assert code == 0, output + errors
    assert "mine-32/vgg16/layerwise-80" in output
    assert call("evaluate", "mine-32/vgg16/dense", "--sparsity", 0.5)[0] == 0
    code, output, _ = call("reproduce", "mine-32/vgg16/one_shot-80", "--plan")
    assert (code, "made" in output) == (0, True)


def test_training_a_study_of_brought_weights_says_what_to_do_instead(call, mine):
    code, _, errors = call("train", "mine-32/vgg16")
    assert code == 1
    assert "prune mine-32/vgg16" in errors
    assert "train colours-32/vgg16" in errors


def test_a_job_fine_tunes_them_in_a_process_of_its_own(call, mine, monkeypatch):
    monkeypatch.setattr(dispatcher, "_start", lambda device: None)
    recipe = pruned(mine, "iterative", 0.8, steps=2, epochs=2, batch=12)
    found = estimating.estimate(recipe)
    assert (found.networks, found.epochs, found.images) == (1, 2, 36)
    job = jobs.submit(recipe, ANNA)
    assert job.chain == (recipe.hash,)
    # Neither the weights nor the images that the job needs can go meanwhile.
    with pytest.raises(NotAllowed, match="needs these weights"):
        own.remove("mine", own.listing()[0].owner)
    assert jobs.board().problems == ()
    assert subprocess.run([*command(), job.id, "cpu"], cwd=files.PROJECT).returncode == 0
    done = jobs.board().find(job.id)
    assert (done.state, done.checkpoint) == ("finished", "mine-32/vgg16/iterative-80")
    assert [row["network"] for row in jobs.progress(done).rows] == ["iterative", "iterative"]
    assert jobs.submit(recipe, BEN).checkpoint == done.checkpoint


def test_images_that_a_job_fine_tunes_brought_weights_on_stay(call, file, tmp_path, monkeypatch):
    from tests.core.own import hostile

    monkeypatch.setattr(dispatcher, "_start", lambda device: None)
    own.add_images(hostile.good(tmp_path / "moles.zip", 30), "moles", ANNA)
    state = {name: tensor for name, tensor in build("vgg16", 2).state_dict().items() if name not in ("mean", "std")}
    save_file(state, file)
    made = own.add_weights(file, "mine", ANNA, trained_on="moles", size=32, architecture="vgg16")
    jobs.submit(pruned(recipes.brought(made.card), "one_shot", 0.5), ANNA)
    with pytest.raises(NotAllowed, match="needs these images"):
        own.remove("moles", ANNA)


def test_what_was_made_of_them_is_named_before_it_goes(call, mine):
    assert own.made_of("mine") == []
    call("prune", "mine-32/vgg16", "one_shot", 0.8, *QUICK)
    call("prune", "mine-32/vgg16", "dense", *QUICK)
    made = ["mine-32/vgg16/dense_trained_on", "mine-32/vgg16/one_shot-80"]
    assert own.made_of("mine") == made
    code, _, errors = call("bring", "delete", "mine")
    assert code == 1
    assert ", ".join(made) in errors
    assert "--with-made" in errors
    assert len(checkpoints.list()) == 3
    assert call("bring", "delete", "mine", "--with-made")[0] == 0
    assert checkpoints.list() == []
    assert own.listing() == []


def test_a_report_names_the_commands_that_make_it_again(call, mine, file):
    made = runs.run(pruned(mine, "iterative", 0.8, steps=2, epochs=1, batch=12))
    first, second = report.make(made.card)
    assert report.make(checkpoints.load("mine-32/vgg16/dense").card) == []
    # Carried out somewhere else, they name the same run.
    assert call("bring", "delete", "mine", "--with-made")[0] == 0
    words = [str(file) if word == "FILE" else word for word in shlex.split(first)[3:]]
    code, _, errors = call(*words)
    assert code == 0, errors
    code, _, errors = call(*shlex.split(second)[3:])
    assert code == 0, errors
    assert f"Recipe {made.card.recipe_hash}" in errors


def test_nobody_says_that_their_first_weights_were_random(call, mine):
    made = runs.run(pruned(mine, "one_shot", 0.8, epochs=1, batch=12))
    for card in (made.card, checkpoints.load("mine-32/vgg16/dense").card):
        (first,) = [one for one in paper.deviations(card) if one.what == "first weights"]
        assert first.ours == "not known: brought"
