"""Labels: a method together with what sets a run of it apart, as cards write it and as people read it.

``"one_shot-channel-random"`` is one-shot pruning of whole channels at random. What is usual is not written: all weights compete, and
the smallest go first.
"""

from typing import NamedTuple

from core.pruning.criteria import CRITERIA
from core.pruning.methods import METHODS
from core.pruning.ranking import SCOPES

USUAL_SCOPE, USUAL_CRITERION = "global", "magnitude"
_SCOPES = {"layer": "each layer alike", "channel": "whole channels"}


class Label(NamedTuple):
    """The parts of a label: names in :data:`core.pruning.METHODS`, ``SCOPES`` and ``CRITERIA``."""

    method: str
    scope: str = USUAL_SCOPE
    criterion: str = USUAL_CRITERION


def written(method: str, scope: str = USUAL_SCOPE, criterion: str = USUAL_CRITERION) -> str:
    """How cards call it: ``"one_shot"``, ``"one_shot-channel"``, ``"one_shot-random"``."""
    return "-".join(
        [method, *([scope] if scope != USUAL_SCOPE else []), *([criterion] if criterion != USUAL_CRITERION else [])]
    )


def parted(label: str) -> Label:
    """What :func:`written` made of its parts. A label that begins with none of our methods is a method of its own."""
    method, *rest = label.split("-")
    if method not in METHODS:
        return Label(label)
    scope = rest.pop(0) if rest and rest[0] in SCOPES else USUAL_SCOPE
    return Label(method, scope, "-".join(rest) or USUAL_CRITERION)


def variant(label: str) -> str:
    """What people read behind the name of the method: ``""``, ``" at random"``, ``", whole channels"``, ``", title of the criterion"``."""
    _, scope, criterion = parted(label)
    words = "" if scope == USUAL_SCOPE else f", {_SCOPES.get(scope, scope)}"
    if criterion == USUAL_CRITERION:
        return words
    known = CRITERIA.get(criterion)  # a card may come from a version that knows others
    return words + (known.beside if known else f", {criterion.replace('_', ' ')}")


def is_control(label: str) -> bool:
    """Whether its criterion is there to be compared with only."""
    known = CRITERIA.get(parted(label).criterion)
    return known is not None and known.control
