"""The file of a sweep: what it means, and what is said of a wrong one."""

import contextlib
import copy
import tomllib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import sweeps
from core.errors import InvalidValue, PruneScopeError, UnknownName
from core.recipes import dense, pruned

DOCS = Path(__file__).parents[3] / "docs" / "sweeps.md"
GOOD = {
    "studies": ["phantom-64/vgg16", "ham10000-64/densenet169"],
    "seeds": [0, 3],
    "dense": {"epochs": 2, "decay": [5e-4, 5e-3]},
    "pruned": {
        "methods": ["iterative", "one_shot", "dense_trained_on"],
        "sparsities": [0.5, 0.8],
        "criteria": ["magnitude", "random"],
        "steps": [2, 4],
        "epochs": 1,
    },
}


def changed(path: str, value) -> dict:
    values = copy.deepcopy(GOOD)
    *tables, key = path.split(".")
    place = values
    for table in tables:
        place = place[table]
    place[key] = value
    return values


def test_the_grid_is_the_product_and_parents_come_first():
    found = sweeps.parse(GOOD)
    # A dense network; iterative with 2 sparsities, criteria and steps; one-shot without steps; the control alone.
    assert len(found.recipes) == 2 * 2 * 2 * (1 + 8 + 4 + 1)
    hashes = [recipe.hash for recipe in found.recipes]
    assert len(set(hashes)) == len(hashes)
    for place, recipe in enumerate(found.recipes):
        assert recipe.parent is None or hashes.index(recipe.parent.hash) < place
    parent = dense("phantom-64/vgg16", seed=3, epochs=2, decay=5e-3)
    assert pruned(parent, "iterative", 0.8, seed=3, epochs=1, criterion="random", steps=4) in found.recipes
    assert pruned(parent, "one_shot", 0.5, seed=3, epochs=1) in found.recipes
    assert pruned(parent, "dense", 0.0, seed=3, epochs=1) in found.recipes
    assert found.retries == 1


def test_the_limit_counts_every_run_and_no_other(monkeypatch):
    number = len(sweeps.parse(GOOD).recipes)
    monkeypatch.setattr("core.sweeps.spec.MOST_RUNS", number)
    assert len(sweeps.parse(GOOD).recipes) == number
    monkeypatch.setattr("core.sweeps.spec.MOST_RUNS", number - 1)
    with pytest.raises(InvalidValue, match=f"about {number} runs"):
        sweeps.parse(GOOD)
    # What does not apply to the control multiplies nothing.
    control = changed("pruned.methods", "dense_trained_on") | {"retries": 0}
    monkeypatch.setattr("core.sweeps.spec.MOST_RUNS", 2 * 2 * 2 * 2)
    assert len(sweeps.parse(control).recipes) == 2 * 2 * 2 * 2


def test_dense_networks_count_too():
    """Nothing is built before it is counted: twice ten thousand recipes took a minute."""
    many = {"studies": ["phantom-64/vgg16"], "seeds": list(range(10_000))}
    with pytest.raises(InvalidValue, match="about 20,000 runs"):
        sweeps.parse({**many, "pruned": {"methods": ["one_shot"], "sparsities": [0.8], "epochs": 1}})


def test_the_example_in_the_docs_is_a_sweep_of_as_many_networks_as_it_says(tmp_path):
    text = DOCS.read_text(encoding="utf-8")
    example = text.split("```toml\n")[1].split("```")[0]
    (tmp_path / "sweep.toml").write_text(example)
    found = sweeps.read(tmp_path / "sweep.toml")
    assert f"= {len(found.recipes)} networks" in text
    # Every key that the table names is one: the refusal of an unknown key lists the same.
    for table, name in (("dense", "`[dense]`"), ("pruned", "`[pruned]`")):
        row = next(line for line in text.splitlines() if line.startswith(f"| {name}"))
        with pytest.raises(UnknownName) as caught:
            sweeps.parse(changed(f"{table}.nonsense", 1))
        known = caught.value.expected.removeprefix("one of ").split(", ")
        if table == "dense":
            assert set(known) == {word for word in row.split("`") if word.isidentifier()}
        else:
            assert all(f"`{key}`" in text for key in known)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("seed", 1, "seeds"),
        ("dense.epoch", 1, "epochs"),
        ("pruned.sparsity", 0.5, "sparsities"),
        ("studies", ["phantom-64/vgg61"], "vgg16"),
        ("studies", "phantom", "ham10000-64/vgg16"),
        ("studies", [], "studies"),
        ("seeds", [0.5], "whole numbers"),
        ("seeds", ["1"], "whole numbers"),
        ("retries", -1, "0 to 100"),
        ("dense", 3, r"\[dense\]"),
        ("dense.epochs", "many", "epochs"),
        ("dense.epochs", [], "is empty"),
        ("dense.batch", 1.5, "batch"),
        ("pruned.methods", ["one-shot"], "one_shot"),
        ("pruned.methods", ["dense"], "dense_trained_on"),
        ("pruned.criteria", ["magnitud"], "magnitude"),
        ("pruned.scopes", ["planet"], "scope"),
        ("pruned.sparsities", [1.0], "not including 1"),
        ("pruned.sparsities", [80], "0.8"),
        ("pruned.steps", [0], "steps"),
        ("seeds", list(range(10_000)), "at most 10,000"),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected(path, value, said):
    with pytest.raises((InvalidValue, UnknownName), match=said):
        sweeps.parse(changed(path, value))


def test_pruning_without_a_sparsity_is_named_and_the_control_needs_none():
    values = copy.deepcopy(GOOD)
    del values["pruned"]["sparsities"]
    with pytest.raises(InvalidValue, match="names no sparsities"):
        sweeps.parse(values)
    values["pruned"]["methods"] = "dense_trained_on"
    assert len(sweeps.parse(values).recipes) == 2 * 2 * 2 * 2


@pytest.mark.parametrize("call", [lambda: sweeps.read(None), lambda: sweeps.read("a\0b"), lambda: sweeps.parse(None)])
def test_what_is_no_path_and_no_table_is_named(call):
    with pytest.raises(InvalidValue, match="sweep"):
        call()


def test_a_file_that_is_no_toml_is_named_with_the_place(tmp_path):
    path = tmp_path / "sweep.toml"
    path.write_text('studies = ["a"\nseeds = ]')
    with pytest.raises(InvalidValue, match="line 2"):
        sweeps.read(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidValue, match="is not TOML"):
        sweeps.read(path)
    path.write_text("a" * 1_000_001)
    with pytest.raises(InvalidValue, match="over 1,000,000 bytes"):
        sweeps.read(path)
    with pytest.raises(InvalidValue, match="No such file"):
        sweeps.read(tmp_path / "nowhere.toml")


LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), st.just([]))
KEYS = st.sampled_from(["studies", "seeds", "retries", "dense", "pruned", "methods", "sparsities", "steps", "epochs"])
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(KEYS, VALUES)
def test_whatever_a_value_is_it_is_a_sweep_or_refused_by_name(key, value):
    values = copy.deepcopy(GOOD)
    place = values["pruned"] if key in ("methods", "sparsities", "steps", "epochs") else values
    place[key] = value
    with contextlib.suppress(PruneScopeError):
        assert sweeps.parse(values).recipes


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=200))
def test_whatever_a_text_is_it_is_read_or_refused_by_name(text):
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    with pytest.raises(PruneScopeError):
        sweeps.parse(values)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[pruned]\nmethods = "one_shot"\nsparsities = ["80"]\n', "for 80 percent write 0.8"),
        ('[pruned]\nmethods = "one_shot"\nsparsities = ["0.8"]\n', "write the number 0.8"),
        ('[pruned]\nmethods = "iterative"\nsparsities = 0.8\nsteps = 1_000_000\n', "from 1 to 1,000"),
        ("[dense]\nsplit_by = 2020-01-01\n", "split_by is wrong"),
        ("[dense]\nsplit_by = nan\n", "split_by is wrong"),
    ],
)
def test_values_of_the_wrong_kind_are_named(text, said):
    with pytest.raises(InvalidValue, match=said):
        sweeps.parse(tomllib.loads('studies = "ham10000-64/vgg16"\n' + text))


def test_a_study_written_twice_otherwise_is_one_run():
    found = sweeps.parse({"studies": ["ham10000-64/vgg16", "ham10000-064/vgg16"]})
    assert [recipe.study for recipe in found.recipes] == ["ham10000-64/vgg16"]
