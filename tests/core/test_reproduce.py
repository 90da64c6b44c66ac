"""Carrying profiles out with a tiny network in the place of VGG16, and the command that does."""

import json
from dataclasses import replace

import pytest

from core import checkpoints, cli, paths, profiles, recipes, reproduce, responses, runs
from core.errors import Cancelled, CheckpointNotFound, InvalidValue
from core.profiles import Budget, Profile

STUDY = "colours-32/vgg16"
SMALL = {"batch": 6, "augment": "none", "balance": 0.0, "warmup": 0.0}


@pytest.fixture
def small(tiny, colours, monkeypatch):
    """A profile of one small study, at one sparsity."""
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))
    monkeypatch.setattr(profiles, "SPARSITIES", (0.8,))
    profile = Profile("small", "For tests.", {STUDY: Budget(dense=2, fine=1, changes=SMALL)})
    monkeypatch.setitem(profiles.PROFILES, "small", profile)
    monkeypatch.setattr(reproduce, "wanted_percents", lambda recipe: [round(100 * recipe.sparsity)])
    return profile


def test_answers_are_wanted_upwards_of_a_methods_sparsity_and_at_that_of_a_control():
    dense = recipes.dense("ham10000-64/vgg16")
    wanted = reproduce.wanted_percents
    assert wanted(dense) == list(range(100))
    assert wanted(recipes.pruned(dense, "iterative", 0.95)) == [95, 96, 97, 98, 99]
    assert wanted(recipes.pruned(dense, "one_shot", 0.5, criterion="random")) == [50]
    assert wanted(recipes.pruned(dense, "dense", 0.0)) == [0]


def test_it_makes_all_and_the_second_time_nothing(small):
    assert {item.state for item in reproduce.plan(small)} == {reproduce.MISSING}
    outcomes = list(reproduce.reproduce(small))
    assert all(outcome.error is None for outcome in outcomes)
    items = reproduce.plan(small)
    assert {item.state for item in items} == {reproduce.MADE}
    assert all(item.answers == item.wanted == 1 for item in items)
    assert len(outcomes) == 2 * len(items)  # a network and its answers, each
    assert list(reproduce.reproduce(small)) == []
    assert set(paths.of(STUDY)) == {"prune_only", "one_shot", "layerwise", "iterative"}


def test_weights_of_one_network_are_made_again_by_its_card(small):
    list(reproduce.reproduce(small))
    entries = {entry.id: entry for entry in checkpoints.list()}
    wanted = f"{STUDY}/one_shot-80"
    for id in (wanted, f"{STUDY}/dense"):
        checkpoints.write_card(entries[id].path, entries[id].card, entries[id].size_bytes)
        entries[id].path.unlink()
    (item,) = reproduce.plan_again([wanted])
    assert (item.state, item.entry.id) == (reproduce.RESULTS, wanted)
    outcomes = list(reproduce.again([wanted]))
    assert [outcome.error for outcome in outcomes] == [None] * len(outcomes)
    now = {entry.id: entry for entry in checkpoints.list()}
    assert now.keys() == entries.keys()
    assert now[wanted].weights
    assert now[f"{STUDY}/dense"].weights  # the network it comes from, too
    assert now[wanted].card.recipe_hash == entries[wanted].card.recipe_hash
    assert responses.read(now[wanted]) is not None
    assert list(reproduce.again([wanted])) == []


def test_shares_make_it_all_together_and_nothing_twice(small, capsys):
    parts = [[outcome.what for outcome in reproduce.reproduce(small, share=(number, 3))] for number in (1, 2, 3)]
    assert {item.state for item in reproduce.plan(small)} == {reproduce.MADE}
    assert all(item.answers == item.wanted for item in reproduce.plan(small))
    made = [what for part in parts for what in part]
    assert len(set(made)) == len(made) == 2 * len(reproduce.plan(small))
    assert min(map(len, parts)) > 0
    for share in ((0, 3), (4, 3)):
        with pytest.raises(InvalidValue, match="no such share"):
            list(reproduce.reproduce(small, share=share))
    assert cli.main(["reproduce", STUDY, "--profile", "small", "--share", "4/3"]) == 1
    assert "no such share" in capsys.readouterr().err
    assert cli.main(["reproduce", "--share", "half"]) == 2
    assert "second of four" in capsys.readouterr().err
    assert cli.main(["--quiet", "reproduce", STUDY, "--profile", "small", "--share", "2/3"]) == 0


def test_what_cannot_be_made_again_is_named(small):
    list(reproduce.reproduce(small))
    with pytest.raises(CheckpointNotFound, match=f"{STUDY}/one_shot-80"):
        reproduce.plan_again([f"{STUDY}/one_shot-81"])
    foreign = checkpoints.load(f"{STUDY}/dense")
    card = replace(foreign.card, recipe={}, recipe_hash="", study="own-thing-32/vgg16", digest="", id="")
    saved = checkpoints.save(foreign.model(), card)
    with pytest.raises(InvalidValue, match="does not tell how it was made"):
        reproduce.plan_again([saved.id])


def test_the_command_line_takes_ids(small, capsys):
    list(reproduce.reproduce(small))
    entry = next(entry for entry in checkpoints.list() if entry.id == f"{STUDY}/iterative-80")
    checkpoints.write_card(entry.path, entry.card, entry.size_bytes)
    entry.path.unlink()
    assert cli.main(["reproduce", "--plan", entry.id]) == 0
    assert "results only" in capsys.readouterr().out
    assert cli.main(["--quiet", "reproduce", entry.id]) == 0
    assert entry.path.exists()
    assert cli.main(["--quiet", "reproduce", entry.id, STUDY]) == 1
    assert "at once" in capsys.readouterr().err


def test_it_is_stopped_in_the_middle_and_goes_on(small):
    with pytest.raises(Cancelled, match="minutes"):
        list(reproduce.reproduce(small, minutes=0.0))
    state = reproduce.plan(small)[0]
    assert (state.state, state.epochs) in {(reproduce.STARTED, 1), (reproduce.MISSING, 0)}
    list(reproduce.reproduce(small))
    assert {item.state for item in reproduce.plan(small)} == {reproduce.MADE}


def test_epochs_that_are_kept_are_told(small):
    recipe = small.recipes(STUDY)[0]

    def stop(progress):
        if progress.numbers.get("epoch") == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        runs.run(recipe, report=stop)
    item = reproduce.plan(small)[0]
    assert (item.state, item.epochs) == (reproduce.STARTED, 1)


def test_a_part_that_fails_does_not_stop_the_rest(small, monkeypatch, tmp_path):
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(tmp_path / "checkpoints"))
    whole = runs.run

    def failing(recipe, **given):
        if recipe.method == "layerwise":
            from core.errors import TrainingFailed

            raise TrainingFailed("The loss is no longer a number")
        return whole(recipe, **given)

    monkeypatch.setattr(runs, "run", failing)
    outcomes = list(reproduce.reproduce(small))
    assert [outcome.what for outcome in outcomes if outcome.error] == [
        reproduce.describe(recipe) for recipe in small.recipes(STUDY) if recipe.method == "layerwise"
    ]
    states = {item.recipe.method: item.state for item in reproduce.plan(small)}
    assert states["layerwise"] == reproduce.MISSING
    assert states["iterative"] == reproduce.MADE


def test_results_that_ship_without_weights_are_told_and_made_again(small):
    list(reproduce.reproduce(small))
    item = reproduce.plan(small)[1]
    item.entry.path.unlink()
    again = reproduce.plan(small)[1]
    assert again.state == reproduce.RESULTS
    assert again.answers == 1
    assert again.entry.card == item.entry.card
    list(reproduce.reproduce(small))
    assert reproduce.plan(small)[1].state == reproduce.MADE
    assert responses.read(reproduce.plan(small)[1].entry) is not None


def test_the_command_makes_shows_and_verifies(small, capsys):
    assert cli.main(["--quiet", "reproduce", "--profile", "small"]) == 0
    assert capsys.readouterr().out.count("made") == len(small.recipes(STUDY))
    assert cli.main(["--json", "reproduce", "--profile", "small", "--plan"]) == 0
    records = json.loads(capsys.readouterr().out)
    assert {record["state"] for record in records} == {"made"}
    assert {record["recipe_hash"] for record in records} == {recipe.hash for recipe in small.recipes(STUDY)}
    assert cli.main(["--quiet", "--json", "verify", "--steps", "1"]) == 0
    checks = json.loads(capsys.readouterr().out)
    assert len(checks) == len(records)
    assert all(check["holds"] and check["images"] == 18 for check in checks)


def test_the_plan_alone_makes_nothing(small, capsys):
    assert cli.main(["reproduce", "--profile", "small", "--plan"]) == 0
    assert checkpoints.list() == []
    assert "missing" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--profile", "big"], "no profile"),
        (["--profile", "small", "vgg16"], "vgg16"),
        (["--profile", "small", "--minutes", "0"], "no time"),
    ],
)
def test_slips_are_named(small, capsys, words, told):
    assert cli.main(["reproduce", *words]) == 1
    assert told in capsys.readouterr().err.lower()
