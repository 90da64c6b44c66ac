"""Where a card lies in its file, and the digest that ties it to the tensors beside it."""

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from core.checkpoints.container import Spec, as_bytes
from core.checkpoints.opening import damaged
from core.checkpoints.plain import canonical
from core.errors import CheckpointMismatch

KEY = "prunescope"


def card_values(metadata: Mapping[str, str], path: Path) -> dict[str, Any]:
    """The card in a container's metadata, as it was written.

    Raises:
        CheckpointMismatch: there is none, so the file is not a checkpoint of ours.
        CheckpointDamaged: it is not a JSON table.
    """
    if KEY not in metadata:
        raise CheckpointMismatch(
            f"{path.name} is a safetensors file but no checkpoint of PruneScope",
            given="no card in its metadata",
            remedy="bring weights of others with `python -m core bring weights FILE`, or in Python with core.checkpoints.load_foreign",
        )
    try:
        values = json.loads(metadata[KEY], parse_constant=_finite, parse_float=_finite)
    except (ValueError, RecursionError) as error:
        raise damaged(path, "its card is not JSON") from error
    if not isinstance(values, dict):
        raise damaged(path, "its card is not a table")
    return values


def _finite(text: str) -> float:
    # Python reads NaN, Infinity and 1e999, none of which the digest's JSON could hold.
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def digest(card: Mapping[str, Any], specs: Mapping[str, Spec], stored: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes of all tensors, and over the card without its digest."""
    total = hashlib.sha256(canonical({name: spec.as_json() for name, spec in specs.items()}))
    total.update(canonical(card))
    for name in sorted(specs, key=lambda name: (specs[name].start, name)):
        total.update(as_bytes(stored[name]))
    return total.hexdigest()
