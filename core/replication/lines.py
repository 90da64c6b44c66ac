"""Lines: a dense network and all that was made from it. A study has its own line and repeats of it with other seeds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.checkpoints import Card, Entry
from core.recipes import DENSE

TRAINED_ON = "dense_trained_on"
"""What the cards call the control that is trained on without pruning."""


@dataclass(frozen=True)
class Line:
    """A dense network and what came from it. Two networks of one line are compared fairly if their :meth:`origin` is the same; of
    two lines, never.

    Attributes:
        study: its name.
        dense: the network that all others of the line started from.
        pruned: method, as the cards call it -> sparsity -> checkpoint, both rising.
        trained_on: the controls that were trained on without pruning, by id.
    """

    study: str
    dense: Entry
    pruned: Mapping[str, Mapping[float, Entry]]
    trained_on: tuple[Entry, ...]

    @property
    def seed(self) -> int | None:
        """Of the dense network."""
        return self.dense.card.seed

    @property
    def sparsities(self) -> list[float]:
        """All that any method was trained at, rising."""
        return sorted({sparsity for by_sparsity in self.pruned.values() for sparsity in by_sparsity})

    def at(self, method: str, sparsity: float) -> Entry | None:
        """The checkpoint of ``method`` at ``sparsity``, if it was trained."""
        return self.pruned.get(method, {}).get(sparsity)

    def origin(self, entry: Entry) -> str:
        """The digest of the dense network that a network of the line is or comes from: the line's own, or another training of it."""
        own = entry is self.dense or entry.comes_from(self.dense)
        return self.dense.card.digest if own else entry.card.parent_digest

    def at_home(self, entry: Entry) -> bool:
        """Whether a network of the line is or comes from :attr:`dense` as it is here, and not from another training of it."""
        return self.origin(entry) == self.dense.card.digest

    def control(self, entry: Entry) -> Entry | None:
        """The dense network trained on in the same way and for as long as the pruned ``entry``, if there is one."""
        settings = _settings(entry.card)
        return next((control for control in self.trained_on if _settings(control.card) == settings), None)


def lines(study: str, entries: Iterable[Entry], *, row_split: bool = False) -> list[Line]:
    """The lines of a study: its own first, then those that repeat it with another seed and nothing else changed.

    Args:
        study: its name.
        entries: from :func:`core.checkpoints.list`; those without a card and those of other studies are passed over.
        row_split: take the networks that were trained under the row split, and no others; by default they are left out,
            for they have seen lesions of test images.

    Returns:
        No line where there is no dense network. Where there are several, the first by id counts, as in
        :mod:`core.paths`.
    """
    own = sorted((entry for entry in entries if _belongs(entry, study, row_split)), key=lambda entry: entry.id)
    dense = [entry for entry in own if entry.card.method == DENSE]
    if not dense:
        return []
    first = _line(study, dense[0], own, None)
    kinds = [_kind(entry.card) for entry in _members(first)]
    repeats = [entry for entry in dense[1:] if entry.card.recipe and _kind(entry.card) == kinds[0]]
    return [first, *(_line(study, entry, own, kinds) for entry in repeats)]


def _belongs(entry: Entry, study: str, row_split: bool) -> bool:
    card = entry.card
    return card is not None and card.study == study and (card.data.split_by == "row") == row_split


def _line(study: str, dense: Entry, entries: list[Entry], kinds: list | None) -> Line:
    """The line of ``dense``; of a repeat only what repeats a network of one of ``kinds``."""
    pruned: dict[str, dict[float, Entry]] = {}
    trained_on = []
    for entry in entries:
        card = entry.card
        if card.parent != dense.id or (kinds is not None and _kind(card) not in kinds):
            continue
        if card.method == TRAINED_ON:
            trained_on.append(entry)
        elif card.sparsity > 0:
            pruned.setdefault(card.method, {}).setdefault(card.sparsity, entry)
    rising = {method: dict(sorted(by_sparsity.items())) for method, by_sparsity in sorted(pruned.items())}
    return Line(study, dense, rising, tuple(trained_on))


def _members(line: Line) -> list[Entry]:
    pruned = [entry for by_sparsity in line.pruned.values() for entry in by_sparsity.values()]
    return [line.dense, *pruned, *line.trained_on]


def _settings(card: Card) -> dict:
    """How long and how a network was trained, but for the seed."""
    training = card.recipe.get("training")
    known = {name: value for name, value in training.items() if name != "seed"} if isinstance(training, dict) else {}
    return known | {"epochs": card.epochs}


def _kind(card: Card) -> dict:
    """A recipe without its seeds: runs of one kind repeat each other."""
    return _seedless(card.recipe)


def _seedless(recipe: Mapping) -> dict:
    training, parent = recipe.get("training"), recipe.get("parent")
    known = dict(recipe)
    if isinstance(training, dict):
        known["training"] = {name: value for name, value in training.items() if name != "seed"}
    if isinstance(parent, dict):
        known["parent"] = _seedless(parent)
    return known
