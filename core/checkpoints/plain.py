"""Values as JSON holds them, and the one text and hash that each of them has."""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from typing import Any

from core.errors import InvalidValue


def recipe_hash(recipe: Mapping[str, Any]) -> str:
    """64 hexadecimal digits that name a recipe: the same whatever the order of its keys."""
    return hashlib.sha256(canonical(plain(recipe))).hexdigest()


def canonical(value) -> bytes:
    """The one JSON text of a plain value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def plain(value, where: str = "value"):
    """``value`` as JSON gives it back: tuples and arrays as lists, numbers as Python's own, NaN and infinity as None.

    Raises:
        InvalidValue: something that JSON cannot hold, such as a model.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value)  # torch.__version__ is of a class of its own
    if isinstance(value, int) and abs(value) < 2**63:  # what other readers of JSON can hold, and float() takes
        return int(value)
    if isinstance(value, float):
        # A metric that is not defined (an AUC of an absent class) must not cost the run its checkpoint.
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item, where) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, where) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist(), where)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    raise InvalidValue(
        f"The card's {where} holds what JSON cannot",
        given=type(value).__name__,
        expected="numbers, texts, lists and dicts",
    )
