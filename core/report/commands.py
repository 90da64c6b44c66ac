"""The commands that make a network and its numbers again, from its card."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict

from core import recipes
from core.checkpoints import Card
from core.errors import PruneScopeError
from core.recipes import DENSE, Recipe
from core.studies import Study

_NETWORK = ("head", "stem", "split_by", "start")
_PRUNING = ("criterion", "scope", "steps")


def make(card: Card) -> list[str]:
    """The commands that train and prune the network of a card; [] where it was not made by PruneScope.

    A setting that is the study's own choice is left out. What comes out is proved, not hoped for: the commands name the
    same recipe, or there are none. Of a network made from weights that somebody brought the first command brings these: FILE
    stands for theirs, whose SHA-256 is in the recipe.
    """
    try:
        recipe = Recipe.from_dict(card.recipe)
    except (PruneScopeError, TypeError, AttributeError):
        return []
    first = recipe.parent or recipe
    commands = [_bring(first) if first.brought else _train(first)]
    if recipe.parent is not None:
        # Where the dense network is not the study's usual one, `prune` has to be told which it is; brought, it is the only one.
        usual = first.brought or recipes.dense(recipe.study).hash == recipe.parent.hash
        commands.append(_prune(recipe, [] if usual else ["--parent", card.parent]))
    return commands if None not in commands else []


def again(card: Card, sparsity: float, recalibrated: bool) -> list[str]:
    """The commands that measure a network again, at a sparsity that it is pruned on to."""
    evaluate = ["python", "-m", "core", "evaluate", card.id]
    if abs(sparsity - card.sparsity) > 1e-6:
        evaluate += ["--sparsity", f"{sparsity!r}"] + (["--recalibrate"] if recalibrated else [])
    return [f"python -m core respond {shlex.quote(card.study)}", shlex.join(evaluate)]


def _train(recipe: Recipe) -> str | None:
    usual = recipes.dense(recipe.study)
    given = {name: getattr(recipe, name) for name in _NETWORK if getattr(recipe, name) != getattr(usual, name)}
    given |= _settings(recipe, usual)
    words = ["python", "-m", "core", "train", recipe.study, *_options(given)]
    if recipe.norm != usual.norm:
        words.append("--no-norm")
        given["norm"] = False
    return shlex.join(words) if recipes.dense(recipe.study, **given).hash == recipe.hash else None


def _bring(recipe: Recipe) -> str:
    study, brought = Study.parse(recipe.study), recipe.brought
    words = ["python", "-m", "core", "bring", "weights", "FILE", "--name", study.data, "--trained-on", brought.data]
    words += ["--size", f"{study.size}", "--architecture", study.architecture, "--order", ",".join(brought.order)]
    words += [] if recipe.stem == "stock" else ["--stem", recipe.stem]
    for name in ("mean", "std"):
        words += [f"--{name}", ",".join(f"{value:.9g}" for value in getattr(brought, name))]
    return shlex.join(words)


def _prune(recipe: Recipe, parent: list[str]) -> str | None:
    usual = recipes.pruned(recipe.parent, recipe.method, recipe.sparsity)
    given = {name: getattr(recipe, name) for name in _PRUNING if getattr(recipe, name) != getattr(usual, name)}
    given |= _settings(recipe, usual)
    words = ["python", "-m", "core", "prune", recipe.study, recipe.method]
    if recipe.method != DENSE:
        words.append(f"{recipe.sparsity!r}")
    same = recipes.pruned(recipe.parent, recipe.method, recipe.sparsity, **given).hash == recipe.hash
    return shlex.join([*words, *parent, *_options(given)]) if same else None


def _settings(recipe: Recipe, usual: Recipe) -> dict:
    own, other = asdict(recipe.training), asdict(usual.training)  # all of them: as_dict() leaves out what is 0
    return {name: value for name, value in own.items() if value != other[name]}


def _options(given: Mapping) -> list[str]:
    return [word for name, value in given.items() for word in (f"--{name.replace('_', '-')}", f"{value}")]
