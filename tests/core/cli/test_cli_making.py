import json

from core import checkpoints, runs
from core.cli import making
from core.recipes import dense, pruned
from tests.core.cli_words import QUICK, STUDY


def test_train_says_its_recipe_and_finds_what_was_made(call, trained):
    out, err = trained
    recipe = dense(STUDY, epochs=2, batch=8, warmup=0.5)
    assert f"Recipe {recipe.hash}" in err
    assert "Training colours-32/vgg16" in err
    made = runs.find(recipe)
    assert out.splitlines()[0].split() == ["Checkpoint", f"{STUDY}/dense"]
    for name in ("accuracy", "balanced_accuracy"):
        assert f"{100 * made.card.metrics[name]['estimate']:.1f}% [" in out
    code, again, err = call("train", STUDY, *QUICK)
    assert (code, again) == (0, out)
    assert "Already made." in err
    assert "Training" not in err


def test_quiet_and_json_are_for_programs(call, trained):
    code, out, err = call("train", STUDY, *QUICK, "--json", "--quiet")
    assert (code, err) == (0, "")
    record = json.loads(out)
    assert record["id"] == f"{STUDY}/dense"
    assert record["metrics"]["accuracy"]["n"] == 18
    assert [row["epoch"] for row in record["history"]] == [1, 2]


def test_stopped_with_control_c_it_goes_on(call, tiny, monkeypatch):
    def stop(progress):
        if progress.stage.startswith("Training") and progress.numbers["epoch"] == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(making, "reporter", lambda args: stop)
        code, out, err = call("train", STUDY, *QUICK)
    assert (code, out) == (130, "")
    assert "Stopped" in err.splitlines()[-1]
    assert "Going on" not in err
    code, out, err = call("train", STUDY, *QUICK)
    assert code == 0
    assert "Going on from the last finished epoch." in err
    assert "Already made." not in err
    assert runs.find(dense(STUDY, epochs=2, batch=8, warmup=0.5))


def test_prune_starts_from_the_one_dense_network(call, trained):
    parent = dense(STUDY, epochs=2, batch=8, warmup=0.5)
    code, out, err = call("prune", STUDY, "iterative", "0.8", "--steps", "2", "--epochs", "1", "--seed", "3")
    assert code == 0
    recipe = pruned(parent, "iterative", 0.8, steps=2, epochs=1, seed=3)
    assert f"Recipe {recipe.hash}" in err
    assert "Already made" not in err
    made = runs.find(recipe)
    assert made.card.parent == f"{STUDY}/dense"
    zeros, weights = made.card.zeros, made.card.weights
    assert zeros == round(0.8 * weights)
    assert f"{100 * zeros / weights:.1f}%, {zeros:,} of {weights:,} weights are zero" in out


def test_prune_dense_is_the_control(call, trained):
    code, out, _ = call("prune", STUDY, "dense", "--epochs", "1")
    assert code == 0
    assert f"{STUDY}/dense_trained_on" in out


def test_of_several_dense_networks_one_has_to_be_named(call, trained):
    assert call("train", STUDY, *QUICK, "--seed", "1")[0] == 0
    ids = [entry.id for entry in checkpoints.list()]
    assert len(ids) == 2
    code, _, err = call("prune", STUDY, "one_shot", "0.5", "--epochs", "0")
    assert code == 1
    assert all(id in err for id in ids)
    assert f"--parent {ids[0]}" in err
    code, _out, err = call("prune", STUDY, "one_shot", "0.5", "--epochs", "0", "--parent", ids[1])
    assert code == 0, err
    assert checkpoints.load(f"{STUDY}/one_shot-50").card.parent == ids[1]
    code, _, err = call("prune", STUDY, "one_shot", "0.5", "--parent", f"{STUDY}/one_shot-50")
    assert code == 1
    assert "cannot be the parent" in err
