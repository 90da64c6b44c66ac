"""How tensors of a file of others are read as those of an architecture: what is wrapped around them, what differs, what to do.

Programs put prefixes before names, torch's own pruning splits a weight in two, older files call a layer otherwise. All of it is
taken off by names and shapes alone, before a number is looked at, and only where it brings names that the architecture has.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor

from core.checkpoints.architecture import Architecture, Layout, differences, layout, told
from core.errors import CheckpointMismatch, InvalidValue
from core.models import ARCHITECTURES, HEADS

Shapes = Mapping[str, tuple[int, ...]]

_WRAPPERS = {"module", "_orig_mod"}  # of nn.DataParallel and torch.compile
_ORIGINAL, _MASK = "_orig", "_mask"  # of torch.nn.utils.prune
_NEAR = 0.15
"""Of a network that was damaged or cut, fewer tensors are wrong; VGG19 read as VGG16 has 34%, DenseNet121 as DenseNet169 37%."""


@dataclass(frozen=True)
class Reading:
    """Tensors of a file as those of one variant of an architecture.

    Attributes:
        architecture: the variant.
        sources: name in the architecture, or what the file calls it -> its name in the file; two where torch split it.
        shapes: the same names -> shape.
        found: see :func:`core.checkpoints.architecture.differences`; counters that old files lack are not missing.
    """

    architecture: Architecture
    sources: Mapping[str, tuple[str, ...]]
    shapes: Shapes
    found: Mapping[str, list[str]]

    @property
    def wrong(self) -> int:
        """How many tensors differ."""
        return sum(map(len, self.found.values()))

    @property
    def near(self) -> bool:
        """Whether it is this network, though perhaps one of another number of classes or one with a few tensors too many."""
        expected = layout(self.architecture)
        last = _last(expected)
        shapes = sum(not text.startswith(f"{last}.") for text in self.found.get("of another shape", ()))
        missing, unexpected = (len(self.found.get(kind, ())) for kind in ("missing", "unexpected"))
        return max((missing + shapes) / len(expected), (unexpected + shapes) / max(1, len(self.shapes))) <= _NEAR

    def tensor(self, tensors: Mapping[str, Tensor], name: str) -> Tensor:
        """One tensor of the file; where torch's pruning split it in two, the product of both, as torch computes it.

        Raises:
            CheckpointMismatch: its mask is none.
        """
        first, *mask = (tensors[source] for source in self.sources[name])
        if not mask:
            return first
        if not ((mask[0] == 0) | (mask[0] == 1)).all():
            raise CheckpointMismatch(
                f"The mask of {name[:120]} is none",
                given="other numbers than 0 and 1",
                remedy="call prune.remove first",
            )
        return first * mask[0].to(first.dtype)


def nearest(shapes: Shapes, known: Iterable[Architecture]) -> Reading:
    """Read tensors of these shapes as the variant from which they differ least."""
    return min((_read(shapes, variant) for variant in known), key=lambda reading: reading.wrong)


def candidates(name: str, classes: int, head: str | None, stem: str, norm: bool | None) -> list[Architecture]:
    """The variants of an architecture that exist with this head and norm, each of them if it is None.

    Raises:
        InvalidValue: none does.
    """
    found, missing = [], None
    for one_head in HEADS if head is None else (head,):
        for one_norm in (True, False) if norm is None else (norm,):
            try:
                found.append(Architecture(name, classes, one_head, stem, one_norm))
            except InvalidValue as error:
                missing = error
    if not found:
        raise missing
    return found


def other(shapes: Shapes, reading: Reading) -> str | None:
    """The architecture that these tensors are of, where they are not of the one that they were read as."""
    if reading.near:
        return None
    for name in ARCHITECTURES:
        known = candidates(name, reading.architecture.classes, None, "stock", None)
        if name != reading.architecture.name and nearest(shapes, known).near:
            return name
    return None


def check(shapes: Shapes, reading: Reading, what: str) -> None:
    """Raise :class:`CheckpointMismatch`, which says what to do, unless nothing differs. ``what`` is the file."""
    if not reading.found:
        return
    problem, expected = f"{what} does not fit the architecture", f"the tensors of {reading.architecture}"
    last = _last(layout(reading.architecture))
    remedy = "name the architecture, head and number of classes that these weights were trained with"
    if (name := other(shapes, reading)) is not None:
        remedy = f"these are the tensors of {name}: name that architecture (--architecture {name})"
    elif not reading.near:
        problem = f"{what} is none of the networks that PruneScope knows"
        expected = f"{' or '.join(ARCHITECTURES)}, under torchvision's names"
        remedy = "other networks are not supported; if it is one of these under names of its own, rename its tensors"
    elif set(reading.found) == {"unexpected"}:
        names = ", ".join(repr(one[:120]) for one in reading.found["unexpected"][:3])
        more = ", …" if len(reading.found["unexpected"]) > 3 else ""
        remedy = f"all else fits: if the network computes the same without {names}{more}, save it without"
    elif set(reading.found) == {"of another shape"} and all(
        text.startswith(f"{last}.") for text in reading.found["of another shape"]
    ):
        remedy = (
            f"its last layer has {reading.shapes[f'{last}.weight'][0]} outputs for {reading.architecture.classes} classes: "
            "name the images that it was trained on (--trained-on)"
        )
    raise CheckpointMismatch(problem, given=told(reading.found), expected=expected, remedy=remedy)


def _read(shapes: Shapes, architecture: Architecture) -> Reading:
    expected = layout(architecture)
    sources = _joined(_renamed(_unwrapped(shapes, expected), expected), shapes, expected)
    own = {name: tuple(shapes[keys[0]]) for name, keys in sources.items()}
    found = differences(own, expected)
    # Files from before PyTorch 0.4.1 lack these counters, and nothing that we compute reads them.
    missing = [name for name in found.pop("missing", ()) if not name.endswith(".num_batches_tracked")]
    return Reading(architecture, sources, own, ({"missing": missing} if missing else {}) | found)


def _unwrapped(shapes: Shapes, expected: Layout) -> dict[str, tuple[str, ...]]:
    """Names without wrappers and without the prefix under which most names of the architecture lie."""
    merged: dict[str, tuple[str, ...]] = {}
    for key in shapes:
        name = ".".join(part for part in key.split(".") if part not in _WRAPPERS)
        # Two of one name after that: both stay as they are called.
        merged[key if name in merged else name] = (key,)
    deepest = max(name.count(".") for name in expected) + 1
    votes: Counter[str] = Counter()
    for name in merged:
        parts = name.removesuffix(_ORIGINAL).rsplit(".", deepest)
        for depth in range(1, len(parts) + 1):
            if (rest := ".".join(parts[-depth:])) in expected:
                votes[name.removesuffix(_ORIGINAL).removesuffix(rest)] += 1
    prefix = max(votes, key=lambda one: (votes[one], one == ""), default="")
    stripped: dict[str, tuple[str, ...]] = {}
    for name, keys in merged.items():
        bare = name.removeprefix(prefix)
        stripped[name if bare in stripped or (bare != name and bare in merged) else bare] = keys
    return _joined(stripped, shapes, expected)


def _joined(names: dict[str, tuple[str, ...]], shapes: Shapes, expected: Layout) -> dict[str, tuple[str, ...]]:
    """Weights and masks of torch's pruning under the name of the weight."""
    joined = dict(names)
    for name in names:
        weight = name.removesuffix(_ORIGINAL)
        if weight == name or weight not in expected or weight in names or weight + _MASK not in names:
            continue
        pair = joined[name] + joined[weight + _MASK]
        # Only what has the weight's own shape is ever multiplied: a tensor may claim any size.
        if all(tuple(shapes[key]) == tuple(expected[weight]) for key in pair):
            del joined[name], joined[weight + _MASK]
            joined[weight] = pair
    return joined


def _renamed(names: dict[str, tuple[str, ...]], expected: Layout) -> dict[str, tuple[str, ...]]:
    """Older names, and the one linear layer that others put into a Sequential beside a dropout."""
    last = _last(expected)
    inside = re.compile(rf"({re.escape(last)}\.\d{{1,2}})\.(weight|bias)({_ORIGINAL}|{_MASK})?")
    alone = len({match[1] for match in map(inside.fullmatch, names) if match}) == 1
    renamed = dict(names)
    for name in names:
        today = name
        if (match := inside.fullmatch(name)) and alone:
            today = f"{last}.{match[2]}{match[3] or ''}"
        elif "denselayer" in name and len(name) < 120:
            # The DenseNet files of torchvision say "norm.1" where the module of today says "norm1".
            today = re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)", r"\1\2", name)
        if today not in names and today.removesuffix(_ORIGINAL).removesuffix(_MASK) in expected:
            renamed[today] = renamed.pop(name)
    return renamed


def _last(expected: Layout) -> str:
    return list(expected.layers)[-1]
