"""Paths: the checkpoints of one method in rising sparsity, and what a sparsity between two of them means."""

from dataclasses import dataclass

from core import checkpoints
from core.checkpoints import Entry
from core.errors import CheckpointNotFound, check_choice, check_sparsity

PRUNE_ONLY = "prune_only"
"""The path without any checkpoint but the dense one: pruning, and no fine-tuning at all."""

BY_LOT = "-random"
"""How the cards call a method that prunes by lot, the control for the criterion: its name with this behind it."""

_SAME = 1e-6


@dataclass(frozen=True)
class Path:
    """What one method made of one dense network.

    Attributes:
        study: name of the study.
        method: as the cards call it, or :data:`PRUNE_ONLY`.
        entries: checkpoints in rising sparsity; the first is the dense network.
    """

    study: str
    method: str
    entries: tuple[Entry, ...]

    @property
    def dense(self) -> Entry:
        """The dense network's checkpoint."""
        return self.entries[0]

    @property
    def sparsities(self) -> tuple[float, ...]:
        """The sparsities at which this path has a trained checkpoint, 0 included."""
        return tuple(entry.card.sparsity for entry in self.entries)

    def start(self, sparsity: float) -> Entry:
        """The checkpoint from which ``sparsity`` is reached: the last one that is not sparser.

        Raises:
            InvalidSparsity: outside [0, 1).
        """
        sparsity = check_sparsity(sparsity)
        return [entry for entry in self.entries if entry.card.sparsity <= sparsity + _SAME][-1]

    def is_checkpoint(self, sparsity: float) -> bool:
        """Whether ``sparsity`` itself was trained, so that nothing has to be pruned further to get there."""
        return abs(self.start(sparsity).card.sparsity - sparsity) <= _SAME


def studies(root=None) -> dict[str, dict[str, Path]]:
    """Every study that has a dense checkpoint: study -> method -> path, with :data:`PRUNE_ONLY` always among them.

    Where a study has several dense networks, the first by id counts, and of the pruned ones those that come from it, and from
    this training of it (:meth:`core.checkpoints.Entry.comes_from`).
    Networks trained under the row split never count: they have seen lesions of test images, so nothing that they answer
    can be compared. Nor do controls by lot: between checkpoints the smallest weights would go, and lots no longer decide.
    Nor do networks without their weights where the dense network has its own: a path is there to be moved along, and from
    them it would not go on. Checkpoints that cannot be read are passed over; :func:`core.checkpoints.list` tells of them.
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
        methods: dict[str, dict[float, Entry]] = {}
        for entry in entries:
            card = entry.card
            movable = entry.weights or not dense.weights
            if entry.comes_from(dense) and card.sparsity > 0 and movable and not card.method.endswith(BY_LOT):
                methods.setdefault(entry.card.method, {}).setdefault(entry.card.sparsity, entry)
        for method, by_sparsity in sorted(methods.items()):
            paths[method] = Path(study, method, (dense, *(by_sparsity[s] for s in sorted(by_sparsity))))
    return found


def of(study: str, root=None) -> dict[str, Path]:
    """The paths of one study: method -> path.

    Raises:
        CheckpointNotFound: no study has a dense checkpoint yet.
        UnknownName: no such study; near names are suggested.
    """
    known = studies(root)
    if not known:
        raise CheckpointNotFound(
            "There is no trained network yet",
            expected="a dense checkpoint",
            remedy="train one with `python -m core train ham10000-64/vgg16`",
        )
    check_choice("study", study, known)
    return known[study]
