"""The list of checkpoints: their cards, and what is wrong with files that have none."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.checkpoints import container, names
from core.checkpoints.card import Card
from core.checkpoints.cardfile import CARD_SUFFIX, read_card
from core.checkpoints.container import SUFFIX
from core.checkpoints.opening import opened
from core.checkpoints.seal import card_values
from core.errors import PruneScopeError


@dataclass(frozen=True)
class Entry:
    """A line of the list: a checkpoint's card, or what is wrong with its file.

    Attributes:
        id, path, size_bytes: as in :class:`Checkpoint`.
        card: None if the file cannot be read.
        error: the text of the error, None if there is none.
        weights: False where only the card is here; ``path`` is then where the weights would lie.
    """

    id: str
    path: Path
    size_bytes: int
    card: Card | None = None
    error: str | None = None
    weights: bool = True

    def comes_from(self, dense: "Entry") -> bool:
        """Whether this network was made from ``dense``, and from that training of it where the card tells which.

        One recipe trained on two kinds of processor gives two networks (sums in another order, many epochs later points of
        accuracy apart): what was made of the one says nothing about the other. Of weights that were brought their file tells
        instead, for measuring them changes their digest (:func:`core.brought.identity`). Both must have a card.
        """
        known = ("", dense.card.digest, dense.card.recipe.get("sha256"))
        return self.card.parent == dense.id and self.card.parent_digest in known


_SETTLED = 2e9  # nanoseconds: what changed since may change again without another time, size or number
_MOST_KEPT = 10_000
_kept: dict[tuple[str, str], tuple[tuple, Entry]] = {}


def list_entries(root: str | os.PathLike | None = None) -> list[Entry]:
    """Every checkpoint below ``root``, by id. Only headers are read: bytes are checked when one is loaded.

    What was read before is kept as long as its file stays as it was, so that asking again is cheap: entries and their cards
    are shared between all who ask, and never changed.

    A damaged file is an entry with its error instead of its card, and the rest is listed all the same. Cards that ship
    without their weights are listed where the weights are not. A root that does not exist yet is an empty list.

    Raises:
        InvalidValue: the root is a file.
    """
    names.check_folder(root)
    found = _all(_entry, SUFFIX, root)
    there = {entry.path for entry in found}
    alone = [entry for entry in _all(_alone, CARD_SUFFIX, root) if entry.path not in there]
    return sorted(found + alone, key=lambda entry: entry.path)


def _all(read: Callable[[Path, object], Entry], suffix: str, root) -> list[Entry]:
    found = [(path, _once(read, path, root)) for path in names.files(root, suffix)]
    # What another process has taken away since the look into the folder is not damaged.
    return [entry for path, entry in found if entry.error is None or os.path.lexists(path)]


def _once(read: Callable[[Path, object], Entry], path: Path, root) -> Entry:
    try:
        status = path.stat()
    except OSError:
        return read(path, root)
    stamp = (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino, status.st_dev)
    key = (str(path), str(names.root_folder(root)))
    known = _kept.get(key)
    if known and known[0] == stamp:
        return known[1]
    entry = read(path, root)
    if time.time_ns() - max(stamp[:2]) > _SETTLED:
        if len(_kept) >= _MOST_KEPT:
            _kept.clear()
        _kept[key] = stamp, entry
    return entry


def _entry(path: Path, root) -> Entry:
    folder = names.root_folder(root)
    id, size = path.relative_to(folder).as_posix().removesuffix(SUFFIX), 0
    try:
        names.path_of(id, root=root)
        with opened(path) as (handle, size):
            metadata = container.read_metadata(handle, size, path)
        return Entry(id, path, size, card=Card.from_dict(card_values(metadata, path), of=path.name))
    except PruneScopeError as error:
        return Entry(id, path, size, error=str(error))


def _alone(path: Path, root) -> Entry:
    weights = path.with_name(path.name.removesuffix(CARD_SUFFIX) + SUFFIX)
    id = weights.relative_to(names.root_folder(root)).as_posix().removesuffix(SUFFIX)
    try:
        card, size = read_card(path)
        return Entry(id, weights, size, card=card, weights=False)
    except PruneScopeError as error:
        return Entry(id, weights, 0, error=str(error), weights=False)
