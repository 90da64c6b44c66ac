"""Recipes: everything that a run is told, and the hash that names the run."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace

from core import brought as weights
from core.brought import Brought
from core.checkpoints import Architecture, Card
from core.errors import InvalidValue, check_choice, check_sparsity
from core.pruning import CRITERIA, METHODS, SCOPES, labels, plan
from core.studies import Study
from core.training import Settings

DENSE = "dense"
GLOBAL = "global"
STARTS = ("imagenet",)
GENTLE = 0.001
"""Learning rate for brought weights without batch norm, which nothing holds together when steps are too long."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A run: a network trained from scratch, or one pruned from its parent and fine-tuned.

    Attributes:
        study: name of the study, such as ``"ham10000-64/vgg16"``.
        method: ``"dense"`` (with a parent: trained on without pruning, the control), or one of the pruning methods.
        sparsity: share of prunable weights to zero, in [0, 1).
        criterion: what scores the weights.
        steps: of the iterative method; None for the paper's ten points a step.
        training: how to train; for a pruned run its epochs are the whole budget of fine-tuning, over all steps.
        parent: recipe of the dense network that a pruned run starts from.
        head, stem, norm: of the network, as for :func:`core.models.build`.
        split_by: how the data are split; None for the data set's own rule.
        start: weights that a dense run begins with: None for random ones, ``"imagenet"`` for torchvision's.
        scope: what competes for its place in a step: ``"global"`` all weights, ``"layer"`` those of each layer,
            ``"channel"`` whole channels.
        brought: of a dense network that somebody brought, what tells it from others. It is found and never made, so it has no
            training; see :func:`brought`.

    Raises:
        UnknownName, InvalidValue, InvalidSparsity: a value that no run can be made with.
    """

    study: str
    method: str = DENSE
    sparsity: float = 0.0
    criterion: str = "magnitude"
    steps: int | None = None
    training: Settings = field(default_factory=Settings)
    parent: "Recipe | None" = None
    head: str = "compact"
    stem: str = "stock"
    norm: bool = True
    split_by: str | None = None
    start: str | None = None
    scope: str = GLOBAL
    brought: Brought | None = None

    def __post_init__(self):
        kinds = {"training": Settings, "parent": Recipe | None, "brought": Brought | None}
        for name, kind in kinds.items():
            if not isinstance(value := getattr(self, name), kind):
                expected = {"training": "core.training.Settings", "parent": "a recipe, or None"}.get(name, "Brought")
                raise InvalidValue(f"{name} is wrong", given=repr(value)[:200], expected=expected)
        self.architecture(2)  # names the study, head, stem and norm that do not exist
        check_choice("method", self.method, (DENSE, *METHODS))
        check_choice("criterion", self.criterion, CRITERIA)
        check_choice("scope", self.scope, SCOPES)
        if self.start is not None:
            check_choice("start", self.start, STARTS)
        object.__setattr__(self, "study", Study.parse(self.study).name)  # phantom-064/vgg16 is the same run
        object.__setattr__(self, "sparsity", check_sparsity(self.sparsity))
        if self.split_by is not None and not (isinstance(self.split_by, str) and self.split_by):
            raise InvalidValue(
                "split_by is wrong", given=repr(self.split_by)[:200], expected="the name of a rule, or None"
            )
        pruning = self.sparsity or self.steps is not None or self.scope != GLOBAL or self.criterion != "magnitude"
        if self.method == DENSE and pruning:
            given = f"sparsity {self.sparsity}, steps {self.steps}, scope {self.scope}, criterion {self.criterion}"
            expected = "sparsity 0, no steps, and the scope and criterion left as they are"
            raise InvalidValue("A dense run prunes nothing", given=given, expected=expected)
        if self.brought is not None:
            if self.method != DENSE or self.parent is not None or self.split_by or self.start:
                raise InvalidValue(
                    "Brought weights are found, not made", given=f"a run by {self.method}", expected="a dense network"
                )
            object.__setattr__(self, "training", Settings(epochs=0))
        if self.method != DENSE:
            plan(self.method, [["any layer"]], self.sparsity, steps=self.steps, epochs=self.training.epochs)
            if self.steps is not None:
                object.__setattr__(self, "steps", int(self.steps))  # NumPy's integers are no JSON
            if self.parent is None:
                raise InvalidValue(
                    "A pruned run needs a network to prune", given="no parent", expected="a dense recipe"
                )
        if self.parent is not None:
            self._check_parent(self.parent)

    def _check_parent(self, parent: "Recipe") -> None:
        if parent.method != DENSE:
            raise InvalidValue(
                "A run starts from a dense network", given=f"a parent by {parent.method}", expected=DENSE
            )
        for name in ("study", "head", "stem", "norm", "split_by", "start"):
            own, other = getattr(self, name), getattr(parent, name)
            if own != other:
                raise InvalidValue(f"A run and its parent differ in {name}", given=repr(own), expected=repr(other))

    @property
    def label(self) -> str:
        """What its checkpoint's card calls the method, and of a control what it controls for: ``"one_shot-random"``."""
        if self.method == DENSE:
            return "dense_trained_on" if self.parent else DENSE
        return labels.written(self.method, self.scope, self.criterion)

    @property
    def data(self) -> str:
        """The data set that it is trained and measured on; a study of brought weights is called by a name of their own."""
        brought = self.brought or (self.parent.brought if self.parent else None)
        return brought.data if brought else Study.parse(self.study).data

    @property
    def hash(self) -> str:
        """Sixteen hex digits that name the run; the same on every machine."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def as_dict(self) -> dict:
        """All of it, parents included, ready for JSON."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["training"] = self.training.as_dict()
        values["parent"] = self.parent.as_dict() if self.parent else None
        # Younger than the first runs, whose hashes they must not change.
        if self.start is None:
            del values["start"]
        if self.scope == GLOBAL:
            del values["scope"]
        if self.brought is None:
            del values["brought"]
        else:
            values["brought"] = self.brought.as_dict()
            del values["training"]  # nobody here knows it
        return values

    @classmethod
    def from_dict(cls, values: Mapping) -> "Recipe":
        """The recipe that :meth:`as_dict` gave.

        Raises:
            InvalidValue: unknown keys, or values that no run can be made with.
        """
        known = {item.name for item in fields(cls)}
        fit = isinstance(values, Mapping) and set(values) <= known
        if not fit or not isinstance(values.get("training", {}), Mapping):
            raise InvalidValue("This is not a recipe", given=repr(values)[:200], expected=", ".join(sorted(known)))
        values = dict(values)
        try:
            values["training"] = Settings(**values.get("training", {}))
            if values.get("parent") is not None:
                values["parent"] = cls.from_dict(values["parent"])
            if values.get("brought") is not None:
                values["brought"] = Brought.from_dict(values["brought"])
            return cls(**values)
        except TypeError as error:
            raise InvalidValue("This is not a recipe", given=str(error)) from error

    def architecture(self, classes: int) -> Architecture:
        """The network's build arguments."""
        name = Study.parse(self.study).architecture
        return Architecture(name=name, classes=classes, head=self.head, stem=self.stem, norm=self.norm)


def dense(study: str, *, seed: int = 0, **changes) -> Recipe:
    """The recipe of a study's dense network.

    Args:
        study: name of the study.
        seed: of initial weights, order and augmentation.
        changes: settings or recipe attributes that differ from the study's own.

    Raises:
        InvalidValue, UnknownName: no such study or value.
    """
    return _changed(Recipe(study=study, training=_defaults(study, seed)), changes)


def brought(card: Card) -> Recipe:
    """The recipe that stands for a network that somebody brought: a parent for :func:`pruned`, which no run can make.

    It is the same before and after the network is measured, and on every machine that the same file was brought to under the
    same name, with the same order of classes and normalisation.

    Args:
        card: of its checkpoint, see :func:`core.own.add_weights`.

    Raises:
        InvalidValue: the card is of no brought weights.
    """
    network = card.architecture
    return Recipe(study=card.study, head=network.head, stem=network.stem, norm=network.norm, brought=weights.of(card))


def pruned(parent: Recipe, method: str, sparsity: float, *, seed: int = 0, **changes) -> Recipe:
    """The recipe that prunes ``parent`` to ``sparsity`` and fine-tunes it.

    It is trained as its parent was, but for eight epochs whose learning rate falls from 0.01. How brought weights were trained
    is not known: they are fine-tuned as the networks of their data set are, those without batch norm from :data:`GENTLE`.

    Args:
        parent: a dense recipe, or that of a network that was brought (:func:`brought`).
        method: ``"one_shot"``, ``"layerwise"``, ``"iterative"``; or ``"dense"`` to train on without pruning.
        sparsity: in [0, 1).
        seed: of order and augmentation.
        changes: settings or recipe attributes that differ from the defaults.

    Raises:
        InvalidValue, UnknownName, InvalidSparsity: a value that no run can be made with.
    """
    if not isinstance(parent, Recipe):
        raise InvalidValue(
            "A pruned run starts from a recipe", given=repr(parent)[:200], expected="such as dense(study)"
        )
    known = _defaults(parent.study, seed, parent.data) if parent.brought else parent.training
    rate = GENTLE if parent.brought and not parent.norm else 0.01
    training = replace(known, epochs=8, rate=rate, warmup=0.0, seed=seed)
    start = replace(parent, method=method, sparsity=sparsity, training=training, parent=parent, brought=None)
    return _changed(start, changes)


def _defaults(study: str, seed: int, data: str | None = None) -> Settings:
    known = Study.parse(study)
    # Through 169 layers the running averages of batch norm lag far behind: on phantoms they cost 3 to 6 points of accuracy.
    precise = 1024 if known.architecture == "densenet169" else 0
    if (data or known.data) in ("cifar100",):
        return Settings(epochs=30, balance=0.0, augment="objects", precise=precise, seed=seed)
    return Settings(epochs=24, precise=precise, seed=seed)


def _changed(recipe: Recipe, changes: Mapping) -> Recipe:
    known = {item.name for item in fields(Settings)}
    training = {name: value for name, value in changes.items() if name in known}
    rest = {name: value for name, value in changes.items() if name not in known}
    try:
        return replace(recipe, training=replace(recipe.training, **training), **rest)
    except TypeError as error:
        raise InvalidValue("A recipe has no such setting", given=str(error)) from error
