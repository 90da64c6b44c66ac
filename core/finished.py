"""Which checkpoint is the finished run of a recipe: asked before anything is made, so the answer must be one for all who ask."""

from collections.abc import Iterable

from core.checkpoints import Entry
from core.recipes import Recipe


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
                self._by_hash.setdefault(entry.card.recipe_hash, []).append(entry)
        self._trainings: dict[str, set[str]] = {}
        for entry in entries:
            if entry.card:
                self._trainings.setdefault(entry.card.recipe_hash, set()).add(entry.card.digest)

    def of(self, recipe: Recipe) -> Entry | None:
        """The finished run of ``recipe``, or None.

        A network made from another training of its dense network than the one that is here is not it: nothing can be compared
        with it, so no page would show it. Where the dense network is gone altogether, it is.
        """
        trainings = self._trainings.get(recipe.parent.hash, set()) if recipe.parent else set()
        fitting = {"", *trainings}  # older cards do not tell of their parent's training
        found = self._by_hash.get(recipe.hash, ())
        return next((entry for entry in found if not trainings or entry.card.parent_digest in fitting), None)
