"""Cards without weights: results that ship although the weights, large and made again by one command, do not.

``one_shot-50.card.json`` lies where ``one_shot-50.safetensors`` would. While the weights are there, they are what counts.
"""

import json
from pathlib import Path

from core.checkpoints.card import Card
from core.checkpoints.container import SUFFIX
from core.errors import CheckpointDamaged
from core.files import is_file, write_text

CARD_SUFFIX = ".card.json"
_MAX_BYTES = 4 * 2**20


def card_path(path: Path) -> Path:
    """Where the card of the checkpoint file ``path`` lies when it lies alone."""
    return path.with_name(path.name.removesuffix(SUFFIX) + CARD_SUFFIX)


def write_card(path: Path, card: Card, size_bytes: int) -> Path:
    """Write ``card`` beside the checkpoint file ``path``, in one step.

    Args:
        path: of the checkpoint, which may be deleted afterwards.
        card: its card.
        size_bytes: of its file, which cost charts show.

    Returns:
        The path of the card.

    Raises:
        StorageFull: no room or no permission.
    """
    values, place = {"bytes": size_bytes, "card": card.to_dict()}, card_path(path)
    text = json.dumps(values, sort_keys=True, allow_nan=False, indent=1) + "\n"
    if not (is_file(place) and place.read_bytes() == text.encode()):  # nobody need read it again for nothing
        write_text(place, text)
    return place


def read_card(path: Path) -> tuple[Card, int]:
    """The card in the file ``path`` and the size in bytes of the checkpoint it was taken from.

    Raises:
        CheckpointDamaged, CheckpointMismatch: not a card of ours.
    """
    try:
        if not is_file(path):  # a pipe would be waited for, for ever
            raise ValueError("it is no file")
        if path.stat().st_size > _MAX_BYTES:
            raise ValueError(f"{path.stat().st_size:,} bytes are too many for a card")
        values = json.loads(path.read_text(encoding="utf-8"))
        card, size = values["card"], values["bytes"]
        if not isinstance(card, dict) or type(size) is not int or not 0 <= size < 2**63:
            raise ValueError("it holds no card")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointDamaged(
            f"{path.name} is not a card", given=str(error)[:200], remedy="fetch or make it again, or delete it"
        ) from error
    return Card.from_dict(card, of=path.name), size
