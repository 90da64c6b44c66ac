"""The card of a checkpoint: which data, network, plan and recipe it came from, and how well it does."""

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from core.checkpoints.architecture import Architecture
from core.checkpoints.plain import plain
from core.errors import CheckpointDamaged, CheckpointMismatch, InvalidValue, UnknownName, check_sparsity

FORMAT = "1.0"
# Studies and methods name files and folders, so they hold nothing that means something to a file system.
_WORD = re.compile(r"\w[\w.+-]{0,59}")
_LISTS = ("history", "notes")
_TABLES = ("recipe", "metrics", "versions", "extra")
_TEXTS = ("study", "method", "recipe_hash", "id", "created", "digest", "parent_digest", "format")


@dataclass(frozen=True)
class DataInfo:
    """The images a network was trained on.

    Attributes:
        name: the data set, such as ``"ham10000"``.
        size: height and width of its images in pixels.
        class_names: in the order of the network's outputs.
        split_by: what the split keeps together, such as ``"lesion"``; ``"row"`` leaks.
        split_digest: hash of which image is in which split.
    """

    name: str
    size: int
    class_names: tuple[str, ...]
    split_by: str = ""
    split_digest: str = ""

    def __post_init__(self):
        names = self.class_names
        if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
            raise InvalidValue("Class names are texts", given=repr(names)[:80], expected="a list of texts")
        object.__setattr__(self, "class_names", tuple(map(str, names)))
        object.__setattr__(self, "size", plain(self.size))
        if type(self.size) is not int or self.size < 1:
            raise InvalidValue("An image size is in pixels", given=repr(self.size), expected="an integer from 1 up")
        _check_texts(self, ("name", "split_by", "split_digest"))


@dataclass(frozen=True, kw_only=True)
class Card:
    """What a checkpoint says of itself. Values become plain JSON: numpy numbers become Python's, NaN becomes None.

    Attributes:
        study: ``"ham10000-64/vgg16"``; the folder of the checkpoint.
        data, architecture: see :class:`DataInfo` and :class:`Architecture`.
        method: ``"dense"``, ``"one_shot"``, ``"layerwise"``, ``"iterative"``, ``"random"``, …
        sparsity: the target, in [0, 1). What was reached is ``zeros / weights``.
        criterion: the score that chose the weights; None for a dense model.
        parent: id of the checkpoint this one was pruned from.
        parent_digest: its digest, which tells trainings of one recipe apart, or the SHA-256 of the file that a brought one came
            in; empty in older cards.
        seed: of the run.
        recipe: everything the run was told; ``recipe_hash`` is its hash and names the run.
        epochs: spent, over all phases of the run; may be fractional.
        history: a dict per epoch.
        metrics: name -> ``{"estimate", "low", "high", "n", "method"}``; low and high are both numbers, or both None.
        notes: sentences for a reader.
        extra: keys that a newer minor version wrote; kept as they are.

    :func:`core.checkpoints.save` fills the rest: ``id``, the model's ``mean`` and ``std``, ``zeros`` and ``weights``
    (pruned, and all prunable), ``digest``; and where they are empty ``recipe_hash``, ``versions`` and ``created``.

    Raises:
        InvalidValue: a value of the wrong type, or one that JSON cannot hold.
        InvalidSparsity: ``sparsity`` outside [0, 1).
    """

    study: str
    data: DataInfo
    architecture: Architecture
    method: str
    sparsity: float = 0.0
    criterion: str | None = None
    parent: str | None = None
    parent_digest: str = ""
    seed: int | None = None
    recipe: Mapping[str, Any] = field(default_factory=dict)
    recipe_hash: str = ""
    epochs: float = 0
    history: list[dict] = field(default_factory=list)
    metrics: dict[str, dict] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    created: str = ""
    id: str = ""
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    zeros: int = 0
    weights: int = 0
    digest: str = ""
    format: str = FORMAT
    extra: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        for name in (*_LISTS, *_TABLES):
            object.__setattr__(self, name, plain(getattr(self, name), name))
        for name in ("seed", "epochs", "sparsity", "mean", "std"):
            object.__setattr__(self, name, plain(getattr(self, name), name))
        _check_texts(self, _TEXTS)
        _check_texts(self, ("criterion", "parent"), optional=True)
        if type(self.epochs) not in (int, float) or not 0 <= self.epochs < math.inf:
            raise InvalidValue(
                "The card's epochs are wrong", given=repr(self.epochs)[:80], expected="a number from 0 up"
            )
        for name in ("zeros", "weights", "seed"):
            value = getattr(self, name)
            if not (type(value) is int and 0 <= value < 2**63) and (name, value) != ("seed", None):
                raise InvalidValue(
                    f"The card's {name} is wrong", given=repr(value)[:80], expected="an integer from 0 up"
                )
        for name in (*_LISTS, *_TABLES):
            kind = list if name in _LISTS else dict
            if not isinstance(getattr(self, name), kind):
                raise InvalidValue(
                    f"The card's {name} is wrong", given=type(getattr(self, name)).__name__, expected=kind.__name__
                )
        for name, kind in (("data", DataInfo), ("architecture", Architecture)):
            if not isinstance(getattr(self, name), kind):
                raise InvalidValue(
                    f"The card's {name} is wrong", given=type(getattr(self, name)).__name__, expected=kind.__name__
                )
        object.__setattr__(self, "sparsity", check_sparsity(self.sparsity))
        self._check_names()
        self._check_numbers()
        self._check_tables()

    def _check_names(self) -> None:
        words = [*self.study.split("/"), self.method]
        if not all(_WORD.fullmatch(word) for word in words):
            raise InvalidValue(
                "The study and the method name a file, so they have to be words",
                given=repr(f"{self.study}/{self.method}")[:200],
                expected="letters, digits, '_', '.', '+' and '-', such as 'ham10000-64/vgg16' and 'one_shot'",
            )
        if len(self.data.class_names) != self.architecture.classes:
            raise InvalidValue(
                "The data and the architecture differ in their classes",
                given=f"{len(self.data.class_names)} class names",
                expected=f"{self.architecture.classes}, as the architecture has outputs",
            )

    def _check_numbers(self) -> None:
        for name, least in (("mean", -math.inf), ("std", 0.0)):
            values = getattr(self, name)
            if values is None:
                continue
            fine = isinstance(values, list | tuple) and len(values) == 3
            if not fine or not all(type(value) in (int, float) and least < value < math.inf for value in values):
                raise InvalidValue(
                    f"The card's {name} is wrong", given=repr(values)[:80], expected="three numbers, std above 0"
                )
            object.__setattr__(self, name, tuple(map(float, values)))
        if self.zeros > self.weights:
            raise InvalidValue(
                "More weights are pruned than there are", given=self.zeros, expected=f"at most {self.weights}"
            )

    def _check_tables(self) -> None:
        for name, metric in self.metrics.items():
            if not _is_metric(metric):
                raise InvalidValue(
                    f"The metric {name[:80]!r} is malformed",
                    given=repr(metric)[:80],
                    expected="a dict with 'estimate' and, where known, 'low' and 'high', 'n' and 'method'",
                )
        for row in self.history:
            if not isinstance(row, dict):
                raise InvalidValue("The card's history is wrong", given=repr(row)[:80], expected="a dict an epoch")
        training = self.recipe.get("training")
        if not isinstance(training, dict | None):
            raise InvalidValue(
                "The training in the card's recipe is wrong", given=repr(training)[:80], expected="a dict of settings"
            )

    @property
    def actual_sparsity(self) -> float:
        """Share of prunable weights that are pruned, in [0, 1]; 0 before the card was saved."""
        return self.zeros / self.weights if self.weights else 0.0

    def to_dict(self) -> dict[str, Any]:
        """The card as JSON holds it, extra keys of a newer version included."""
        values = plain(
            {name.name: getattr(self, name.name) for name in fields(self) if name.name not in ("extra", *_NESTED)}
        )
        values |= {name: plain(asdict(getattr(self, name))) for name in _NESTED}
        for key, value in self.extra.items():
            values[key] = value | values[key] if key in _NESTED else value
        return values

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, of: str = "this checkpoint") -> "Card":
        """The card that :meth:`to_dict` gave; ``of`` is whose it is, for messages.

        Raises:
            CheckpointMismatch: of a newer format, or of an architecture that this version does not have.
            CheckpointDamaged: a key is missing or holds what it cannot hold.
        """
        _check_format(values.get("format"), of)
        try:
            own, extra = _split(cls, values)
            for name, kind in _NESTED.items():
                if not isinstance(own.get(name), dict):
                    raise InvalidValue(f"Its {name} is no table")
                inner, more = _split(kind, own[name])
                own[name] = kind(**inner)
                if more:
                    extra[name] = more
            return cls(**own, extra=extra)
        except UnknownName as error:
            raise CheckpointMismatch(
                f"{of} holds a network that this version does not have. {error.problem}",
                given=error.given,
                expected=error.expected,
                remedy="update PruneScope",
            ) from error
        # TypeError is Python's own for a key that a dataclass needs and did not get, RecursionError for lists in lists.
        except (InvalidValue, TypeError, RecursionError) as error:
            raise CheckpointDamaged(
                f"The card of {of} is malformed",
                given=str(error)[:300],
                remedy="fetch or make the file again, or delete it",
            ) from error


_NESTED = {"data": DataInfo, "architecture": Architecture}


def _split(kind: type, values: Mapping[str, Any]) -> tuple[dict, dict]:
    known = {item.name for item in fields(kind)} - {"extra"}
    return (
        {key: value for key, value in values.items() if key in known},
        {key: value for key, value in values.items() if key not in known},
    )


def _check_texts(record, names: tuple[str, ...], *, optional: bool = False) -> None:
    for name in names:
        value = getattr(record, name)
        if not isinstance(value, str) and not (optional and value is None):
            raise InvalidValue(f"The card's {name} is no text", given=repr(value)[:80], expected="a text")


def _is_metric(metric) -> bool:
    if not isinstance(metric, dict) or "estimate" not in metric:
        return False
    ends = metric.get("low"), metric.get("high")
    numbers = all(type(value) in (int, float, type(None)) for value in (metric["estimate"], *ends))
    n, method = metric.get("n"), metric.get("method")
    counted = n is None or (type(n) is int and n >= 0)
    # Half an interval is none, and who shows one would fail at the end that is missing.
    return numbers and counted and (ends[0] is None) == (ends[1] is None) and isinstance(method, str | None)


def _check_format(given, of: str) -> None:
    match = re.fullmatch(r"([1-9]\d{0,3})\.(\d{1,4})", given) if isinstance(given, str) else None
    if not match:
        raise CheckpointDamaged(
            f"The card of {of} names no format", given=repr(given)[:40], expected=f"such as {FORMAT!r}"
        )
    if int(match[1]) > int(FORMAT.split(".")[0]):
        raise CheckpointMismatch(
            f"{of} was written by a newer PruneScope",
            given=f"format {given}",
            expected=f"format {FORMAT} or a later {FORMAT.split('.')[0]}.x",
            remedy="update PruneScope",
        )
