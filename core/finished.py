"""Which checkpoint is the finished run of a recipe: asked before anything is made, so the answer must be one for all who ask."""

from collections.abc import Iterable
from contextlib import suppress

from core import brought
from core.checkpoints import Card, Entry
from core.errors import InvalidValue
from core.recipes import Recipe
from core.recipes import brought as recipe_of


class Finished:
    """The checkpoints of a list by the recipes that they were made by.

    Args:
        entries: from :func:`core.checkpoints.list`; those without a card are passed over.
        results: take cards without their weights too, where no weights of the run are here.
    """

    def __init__(self, entries: Iterable[Entry], *, results: bool = False):
        self._by_hash: dict[str, list[Entry]] = {}
        entries = sorted(entries, key=lambda entry: not entry.weights)
        for entry in entries:
            if entry.card and (entry.weights or results):
                self._by_hash.setdefault(_name(entry.card), []).append(entry)
        self._trainings: dict[str, set[str]] = {}
        for entry in entries:
            if entry.card:
                self._trainings.setdefault(_name(entry.card), set()).add(brought.identity(entry.card))

    def of(self, recipe: Recipe) -> Entry | None:
        """The finished run of ``recipe``, or the weights that it stands for where they were brought; or None.

        A network made from another training of its dense network than the one that is here is not it: nothing can be compared
        with it, so no page would show it. Where the dense network is gone altogether, it is.
        """
        trainings = self._trainings.get(recipe.parent.hash, set()) if recipe.parent else set()
        fitting = {"", *trainings}  # older cards do not tell of their parent's training
        found = self._by_hash.get(recipe.hash, ())
        return next((entry for entry in found if not trainings or entry.card.parent_digest in fitting), None)


def _name(card: Card) -> str:
    """The hash of the recipe that a card is the finished run of, or that stands for the weights that somebody brought."""
    if brought.is_brought(card):
        with suppress(InvalidValue):  # a card that says nonsense is of nothing that is asked for
            return recipe_of(card).hash
    return card.recipe_hash
