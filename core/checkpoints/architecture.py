"""Which network a checkpoint holds: its recipe, the tensors it must have, and the empty network to put them in."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import nn

from core.errors import CheckpointMismatch, InvalidValue
from core.models import ARCHITECTURES, MAX_CLASSES, check_kind, layers


@dataclass(frozen=True)
class Architecture:
    """What :func:`core.models.build` needs to make the network again; the fields are its arguments.

    Raises:
        UnknownName: no such architecture, head or stem.
        InvalidValue: a number of classes that no network has, ``norm`` that is no bool, or a combination that does not exist.
    """

    name: str
    classes: int
    head: str = "compact"
    stem: str = "stock"
    norm: bool = True

    def __post_init__(self):
        check_kind(self.name, self.head, self.stem, self.norm)
        if type(self.classes) is not int or not 2 <= self.classes <= MAX_CLASSES:
            raise InvalidValue(
                "A network cannot have this number of classes", given=repr(self.classes), expected=f"2 to {MAX_CLASSES}"
            )

    def __str__(self) -> str:
        return (
            f"{self.name} ({self.classes} classes, {self.head} head, {self.stem} stem"
            f"{'' if self.norm else ', no batch norm'})"
        )


class Layout(Mapping[str, torch.Size]):
    """The tensors of an architecture: name -> shape, in the order of its ``state_dict``.

    Attributes:
        dtypes: name -> torch dtype.
        layers: prunable layer -> name of its weight, in execution order.
    """

    def __init__(self, model: nn.Module):
        state = model.state_dict()
        self._shapes = {name: tensor.shape for name, tensor in state.items()}
        self.dtypes = {name: tensor.dtype for name, tensor in state.items()}
        self.layers = {layer: f"{layer}.weight" for layer in layers(model)}
        self.weights = frozenset(self.layers.values())

    def __getitem__(self, name: str) -> torch.Size:
        return self._shapes[name]

    def __iter__(self):
        return iter(self._shapes)

    def __len__(self) -> int:
        return len(self._shapes)


# Initialising a network takes 100 ms and draws from torch's global random state, which a load must leave alone:
# on the meta device it costs a tenth and draws nothing. A copy of DenseNet169 costs a third of building it again.
@lru_cache(maxsize=32)
def _skeleton(architecture: Architecture) -> nn.Module:
    build = ARCHITECTURES[architecture.name]
    with torch.inference_mode(False), torch.device("meta"):
        return build(architecture.classes, architecture.head, architecture.stem, architecture.norm)


@lru_cache(maxsize=32)
def layout(architecture: Architecture) -> Layout:
    """The tensors that ``architecture`` has."""
    return Layout(_skeleton(architecture))


def empty(architecture: Architecture) -> nn.Module:
    """A fresh network whose tensors are on the meta device, to be given with ``load_state_dict(..., assign=True)``."""
    return copy.deepcopy(_skeleton(architecture))


def differences(shapes: Mapping[str, tuple[int, ...]], expected: Layout) -> dict[str, list[str]]:
    """How tensors differ from an architecture's: ``"missing"``, ``"unexpected"``, ``"of another shape"`` -> names."""
    found = {
        "missing": [name for name in expected if name not in shapes],
        "unexpected": [name for name in shapes if name not in expected],
        "of another shape": [
            f"{name} {list(shapes[name])} instead of {list(expected[name])}"
            for name in expected
            if name in shapes and tuple(shapes[name]) != tuple(expected[name])
        ],
    }
    return {kind: names for kind, names in found.items() if names}


def check_fit(shapes: Mapping[str, tuple[int, ...]], architecture: Architecture, what: str) -> None:
    """Raise :class:`CheckpointMismatch`, naming the first few differences, unless ``shapes`` are ``architecture``'s."""
    found = differences(shapes, layout(architecture))
    if found:
        raise CheckpointMismatch(
            f"{what} does not fit the architecture",
            given=told(found),
            expected=f"the tensors of {architecture}",
            remedy="name the architecture, head and number of classes that these weights were trained with",
        )


def told(found: Mapping[str, list[str]]) -> str:
    """What :func:`differences` found in a line, with the first few names of each kind."""
    parts = []
    for kind, names in found.items():
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        parts.append(f"{len(names)} {kind}: " + ", ".join(name[:120] for name in names[:3]) + more)
    return "; ".join(parts)
