"""Paths: the checkpoints of one method in rising sparsity, and what a sparsity between two of them means."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from core import checkpoints
from core.checkpoints import Card, Entry
from core.errors import CheckpointNotFound, PruneScopeError, check_choice, check_sparsity
from core.pruning.labels import USUAL_CRITERION, parted
from core.studies import Study

PRUNE_ONLY = "prune_only"
"""The path without any checkpoint but the dense one: pruning, and no fine-tuning at all."""

BY_LOT = "-random"
"""How the cards call a method that prunes at random, the control for the criterion: its name with this behind it."""

_SAME = 1e-6


@dataclass(frozen=True)
class Path:
    """What one method made of one dense network.

    Attributes:
        study: name of the study.
        method: as the cards call it, or :data:`PRUNE_ONLY`.
        entries: checkpoints in rising sparsity; the first is the dense network.
        results: networks of the method at other sparsities of which only results are here, in rising sparsity: their stored
            answers can be shown, but nothing can be computed from them.
    """

    study: str
    method: str
    entries: tuple[Entry, ...]
    results: tuple[Entry, ...] = ()

    @property
    def dense(self) -> Entry:
        """The dense network's checkpoint."""
        return self.entries[0]

    @property
    def sparsities(self) -> tuple[float, ...]:
        """The sparsities at which this path has a trained checkpoint, 0 included."""
        return tuple(entry.card.sparsity for entry in self.entries)

    @property
    def trained(self) -> tuple[float, ...]:
        """The sparsities at which the method was trained, with weights here or without, rising; 0 not included."""
        return tuple(sorted({entry.card.sparsity for entry in (*self.entries[1:], *self.results)}))

    def result(self, sparsity: float) -> Entry | None:
        """The network of :attr:`results` that was trained at ``sparsity`` itself, if there is one."""
        return next((entry for entry in self.results if is_trained(entry, sparsity)), None)

    def not_sparser(self, sparsity: float) -> list[Entry]:
        """The networks at ``sparsity`` or below it, with weights here or without, the sparsest first."""
        known = sorted((*self.entries, *self.results), key=lambda entry: -entry.card.sparsity)
        return [entry for entry in known if entry.card.sparsity <= sparsity + _SAME]

    def start(self, sparsity: float) -> Entry:
        """The checkpoint from which ``sparsity`` is reached: the last one that is not sparser.

        Raises:
            InvalidSparsity: outside [0, 1).
        """
        sparsity = check_sparsity(sparsity)
        return [entry for entry in self.entries if entry.card.sparsity <= sparsity + _SAME][-1]

    def standing(self, sparsity: float, stored: Callable[[Entry], bool]) -> Entry:
        """The network whose answers stand for ``sparsity``: the last one that is not sparser, of :attr:`results` if stored.

        Args:
            sparsity: in [0, 1).
            stored: whether the answers of a network at ``sparsity`` are.

        Raises:
            InvalidSparsity: outside [0, 1).
        """
        known = self.not_sparser(check_sparsity(sparsity))
        return next(entry for entry in known if entry in self.entries or stored(entry))

    def is_checkpoint(self, sparsity: float) -> bool:
        """Whether ``sparsity`` itself was trained, so that nothing has to be pruned further to get there."""
        return is_trained(self.start(sparsity), sparsity)


def is_trained(entry: Entry, sparsity: float) -> bool:
    """Whether a network was trained at ``sparsity`` itself, so that it is not pruned on there."""
    return abs(entry.card.sparsity - sparsity) <= _SAME


def first_percent(sparsity: float) -> int:
    """The first step of the slider, in whole percent, that is not below ``sparsity``: 80 for 0.8, 88 for 0.875."""
    return math.ceil(100 * (sparsity - _SAME))


def studies(root=None) -> dict[str, dict[str, Path]]:
    """Every study that has a dense checkpoint: study -> method -> path, with :data:`PRUNE_ONLY` always among them.

    Where a study has several dense networks, the first by id counts, and of the pruned ones those that come from it, and from
    this training of it (:meth:`core.checkpoints.Entry.comes_from`).
    Networks trained under the row split never count: they have seen lesions of test images, so nothing that they answer
    can be compared. Nor does what was pruned by another criterion than magnitude, controls at random among it: between checkpoints
    the smallest weights would go.
    Networks without their weights where the dense network has its own are :attr:`Path.results`: a path is there to be moved
    along, and from them it would not go on. Checkpoints that cannot be read are passed over; :func:`core.checkpoints.list` tells of them.
    """
    entries = [
        entry for entry in checkpoints.list(root) if entry.card is not None and entry.card.data.split_by != "row"
    ]
    # By id, for file names sort otherwise: "dense-1a2b3c4d.safetensors" comes before "dense.safetensors".
    entries.sort(key=lambda entry: entry.id)
    found: dict[str, dict[str, Path]] = {}
    for entry in entries:
        card = entry.card
        if card.method == "dense" and card.study not in found:
            found[card.study] = {PRUNE_ONLY: Path(card.study, PRUNE_ONLY, (entry,))}
    for study, paths in found.items():
        dense = paths[PRUNE_ONLY].dense
        movable: dict[str, dict[float, Entry]] = {}
        fixed: dict[str, dict[float, Entry]] = {}
        for entry in entries:
            card = entry.card
            if entry.comes_from(dense) and card.sparsity > 0 and _smallest_went(card):
                kind = movable if entry.weights or not dense.weights else fixed
                kind.setdefault(card.method, {}).setdefault(card.sparsity, entry)
        for method, by_sparsity in sorted(movable.items()):
            others = {s: entry for s, entry in fixed.get(method, {}).items() if s not in by_sparsity}
            paths[method] = Path(study, method, (dense, *_rising(by_sparsity)), _rising(others))
    return found


def _smallest_went(card: Card) -> bool:
    """Whether what was pruned went in the order in which a slider prunes on."""
    return {card.criterion or USUAL_CRITERION, parted(card.method).criterion} == {USUAL_CRITERION}


def _rising(by_sparsity: dict[float, Entry]) -> tuple[Entry, ...]:
    return tuple(entry for _, entry in sorted(by_sparsity.items()))


def of(study: str, root=None) -> dict[str, Path]:
    """The paths of one study: method -> path.

    Raises:
        CheckpointNotFound: no study has a dense checkpoint yet.
        UnknownName: no such study; near names are suggested.
    """
    known = studies(root)
    if not known:
        try:
            wanted = Study.parse(study).name
        except PruneScopeError:  # no study at all: an example
            wanted = "ham10000-64/vgg16"
        raise CheckpointNotFound(
            "There is no trained network yet",
            given=repr(study)[:80],
            expected="a study with a dense checkpoint",
            remedy=f"train one with `python -m core train {wanted}`",
        )
    check_choice("study", study, known)
    return known[study]
