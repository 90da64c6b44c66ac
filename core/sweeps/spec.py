"""What a sweep is told: a TOML file, checked key by key, and the recipes that it asks for."""

import itertools
import math
import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from core.errors import InvalidValue, UnknownName, check_choice
from core.pruning import CRITERIA, METHODS, SCOPES
from core.recipes import DENSE, Recipe, dense, pruned
from core.training import Settings

MOST_RUNS = 10_000
MOST_BYTES = 1_000_000
TRAINED_ON = "dense_trained_on"
"""The control: the dense network, trained on for as many epochs without pruning."""

_SETTINGS = tuple(item.name for item in fields(Settings) if item.name != "seed")
_TOP = ("studies", "seeds", "retries", "dense", "pruned")
_DENSE = (*_SETTINGS, "head", "stem", "norm", "split_by", "start")
_PRUNED = ("methods", "sparsities", "criteria", "scopes", "steps", *_SETTINGS)


@dataclass(frozen=True)
class Sweep:
    """A grid of runs.

    Attributes:
        recipes: each once, parents before their children.
        retries: how often a run that failed is tried again.
    """

    recipes: tuple[Recipe, ...]
    retries: int = 1


def read(path: str | os.PathLike) -> Sweep:
    """The sweep that the TOML file at ``path`` describes; see docs/sweeps.md.

    Raises:
        InvalidValue: no such file, no TOML (with line and column), a value that cannot be, or more than ten thousand runs.
        UnknownName: a key, study, method or criterion that does not exist; near ones are suggested.
    """
    try:
        path = Path(path)
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (OSError, TypeError, ValueError) as error:  # the last two: what is no path at all
        why = getattr(error, "strerror", None) or error
        raise InvalidValue(
            "This sweep cannot be read", given=f"{path!s:.200} ({why})", expected="a TOML file, see docs/sweeps.md"
        ) from error
    if len(content) > MOST_BYTES:
        raise InvalidValue("This is no sweep", given=f"{path}, over {MOST_BYTES:,} bytes", expected="a short TOML file")
    try:
        values = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidValue(
            f"{path.name} is not TOML",
            given=str(error),
            expected="TOML as in docs/sweeps.md",
            remedy="correct the file",
        ) from error
    return parse(values)


def parse(values: Mapping) -> Sweep:
    """The sweep that plain values describe, as TOML gives them. Errors as for :func:`read`."""
    if not isinstance(values, Mapping):
        raise InvalidValue("This is no sweep", given=repr(values)[:200], expected="a table, as TOML gives it")
    _check_keys("sweep", values, _TOP)
    retries = values.get("retries", 1)
    if type(retries) is not int or not 0 <= retries <= 100:
        raise InvalidValue("retries is out of range", given=repr(retries), expected="a whole number from 0 to 100")
    dense_keys, pruned_keys = (_table(values, name) for name in ("dense", "pruned"))
    _check_keys("[dense]", dense_keys, _DENSE)
    _check_keys("[pruned]", pruned_keys, _PRUNED)
    studies, seeds = _list(values, "studies"), _list(values, "seeds", [0])
    # Counted before anything is built: a slip must not fill the memory, nor take minutes until it is told.
    parents = len(studies) * len(seeds) * _alternatives(dense_keys)
    number = parents * (1 + (_count(pruned_keys) if pruned_keys else 0))
    if number > MOST_RUNS:
        raise InvalidValue("This sweep is too large", given=f"about {number:,} runs", expected=f"at most {MOST_RUNS:,}")
    found: dict[str, Recipe] = {}
    for study, seed, changes in itertools.product(studies, seeds, _grid(dense_keys)):
        parent = dense(study, seed=seed, **changes)
        found[parent.hash] = parent
        for recipe in _children(parent, seed, pruned_keys) if pruned_keys else ():
            found[recipe.hash] = recipe
    return Sweep(tuple(found.values()), retries)


def _alternatives(keys: Mapping) -> int:
    """How many combinations :func:`_grid` gives."""
    return math.prod(len(value) if isinstance(value, list) else 1 for value in keys.values())


def _count(keys: Mapping) -> int:
    """How many runs :func:`_children` gives, of each parent."""
    methods = _list(keys, "methods")
    pruning = [method for method in methods if method != TRAINED_ON]
    how = math.prod(len(_list(keys, name, [None])) for name in ("sparsities", "criteria", "scopes"))
    runs = sum(how * (len(_list(keys, "steps", [None])) if method == "iterative" else 1) for method in pruning)
    return (runs + len(methods) - len(pruning)) * _alternatives(_settings(keys))


def _settings(keys: Mapping) -> dict:
    return {name: value for name, value in keys.items() if name in _SETTINGS}


def _children(parent: Recipe, seed: int, keys: Mapping) -> Iterator[Recipe]:
    methods = _list(keys, "methods")
    for method in methods:
        check_choice("method", method, (*METHODS, TRAINED_ON))
    sparsities = [] if set(methods) == {TRAINED_ON} else _list(keys, "sparsities")
    criteria, scopes = _list(keys, "criteria", ["magnitude"]), _list(keys, "scopes", ["global"])
    for kind, given, known in (("criterion", criteria, CRITERIA), ("scope", scopes, SCOPES)):
        for name in given:
            check_choice(kind, name, known)
    steps = _list(keys, "steps", [None])
    for method, changes in itertools.product(methods, _grid(_settings(keys))):
        if method == TRAINED_ON:  # nothing is pruned, so nothing of how to prune applies
            yield pruned(parent, DENSE, 0.0, seed=seed, **changes)
            continue
        # Only the iterative method has steps.
        own_steps = steps if method == "iterative" else [None]
        for sparsity, criterion, scope, count in itertools.product(sparsities, criteria, scopes, own_steps):
            how = {"criterion": criterion, "scope": scope, "steps": count}
            yield pruned(parent, method, sparsity, seed=seed, **how, **changes)


def _grid(keys: Mapping) -> Iterator[dict]:
    """Every combination of the values, where a list stands for alternatives."""
    choices = [value if isinstance(value, list) else [value] for value in keys.values()]
    for values in itertools.product(*choices):
        yield dict(zip(keys, values, strict=True))


def _list(values: Mapping, name: str, default: list | None = None) -> list:
    """A value or a list of them as a list."""
    found = values.get(name, default)
    found = found if isinstance(found, list) else [found]
    if not found or (found == [None] and default is None):
        raise InvalidValue(f"The sweep names no {name}", given="nothing", expected=f"{name} = [...]")
    if name in ("seeds", "steps") and any(type(one) is not int and one is not None for one in found):
        raise InvalidValue(f"{name} are whole numbers", given=repr(found)[:200], expected=f"such as {name} = [1, 2]")
    return found


def _table(values: Mapping, name: str) -> Mapping:
    found = values.get(name, {})
    if not isinstance(found, Mapping):
        raise InvalidValue(f"{name} is a table", given=repr(found)[:200], expected=f"[{name}] and keys below it")
    for key, value in found.items():
        if value == []:
            raise InvalidValue(f"{key} of [{name}] is empty", given="[]", expected="a value, or a list of alternatives")
    return found


def _check_keys(what: str, values: Mapping, known: tuple[str, ...]) -> None:
    for key in values:
        if key not in known:
            raise UnknownName(f"key of a {what}" if what == "sweep" else f"key in {what}", key, known)
