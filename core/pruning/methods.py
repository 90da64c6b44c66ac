"""Methods: plans that say which layers are pruned to which sparsity when, and how long is trained after. They train nothing."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from core.errors import InvalidValue, check_choice, check_number, check_sparsity, check_whole
from core.pruning.criteria import CRITERIA
from core.pruning.masks import Masks
from core.pruning.ranking import Ranking
from core.words import METHOD_SENTENCES, METHOD_TITLES

INCREMENT = 0.1
"""Iterative pruning's step towards the target, as in the paper: ten percentage points."""
_MOST_EPOCHS = 1e9  # more cannot be meant
MOST_STEPS = 1000
"""A tenth of a percentage point each at most: more are a slip, and would only take long."""


@dataclass(frozen=True)
class Step:
    """One pruning and the fine-tuning after it.

    Attributes:
        layers: names of the layers that are pruned, ranked together.
        sparsity: share of their weights that is zero afterwards, in [0, 1).
        epochs: how long to fine-tune then; may be a fraction.
    """

    layers: tuple[str, ...]
    sparsity: float
    epochs: float


Stage = tuple[tuple[str, ...], float]


@dataclass(frozen=True)
class Method:
    """A way to reach a sparsity.

    Attributes:
        name: what code and cards call it.
        title, description: what people read, a few words and one sentence.
        stages: (units, sparsity, steps) -> the layers and sparsity of each step.
    """

    name: str
    title: str
    description: str
    stages: Callable[[list[tuple[str, ...]], float, int | None], list[Stage]]


def _one_shot(units: list[tuple[str, ...]], sparsity: float, steps: int | None) -> list[Stage]:
    return [(_all(units), sparsity)]


def _layerwise(units: list[tuple[str, ...]], sparsity: float, steps: int | None) -> list[Stage]:
    return [(unit, sparsity) for unit in units]


def _iterative(units: list[tuple[str, ...]], sparsity: float, steps: int | None) -> list[Stage]:
    # A billionth less, because 0.3 / 0.1 is a little more or less than 3 in binary.
    count = steps or max(1, math.ceil(sparsity / INCREMENT - 1e-9))
    # Twelve digits are what people mean: 0.8 * 3 / 8 is 0.30000000000000004.
    rising = [round(sparsity * step / count, 12) for step in range(1, count)]
    return [(_all(units), value) for value in [*rising, sparsity]]


def _all(units: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(name for unit in units for name in unit)


METHODS: dict[str, Method] = {
    name: Method(name, METHOD_TITLES[name], METHOD_SENTENCES[name], stages)
    for name, stages in (("one_shot", _one_shot), ("layerwise", _layerwise), ("iterative", _iterative))
}


def plan(
    method: str, units: Sequence[Sequence[str]], sparsity: float, *, steps: int | None = None, epochs: float
) -> list[Step]:
    """The steps of a method. Each method spends the same ``epochs``, spread evenly over its steps.

    One-shot is a single step over all layers. Layerwise takes the units in order, each to the target by itself.
    Iterative raises the sparsity of all layers in equal steps.

    Args:
        method: ``"one_shot"``, ``"layerwise"`` or ``"iterative"``, the three of the paper.
        units: layer names in groups, as from :func:`core.models.units`.
        sparsity: the target in [0, 1), reached exactly by the last step.
        steps: how many, for iterative only, at most a thousand; by default one for every ten percentage points begun
            (0.8 gives 8 steps of 0.1; 0.95 gives 10 of 0.095).
        epochs: fine-tuning in total, 0 or more. The steps' epochs add up to it; the last one takes what rounding leaves.

    Raises:
        UnknownName: no such method.
        InvalidSparsity: a sparsity outside [0, 1), or not a number.
        InvalidValue: no layers, a layer twice, negative epochs, or steps that are no such number or that the method has no
            choice of.
    """
    chosen = METHODS[check_choice("method", method, METHODS)]
    groups = _check_units(units)
    sparsity = check_sparsity(sparsity)
    # As floats from here on: shares of a NumPy float32 would not add up.
    epochs = check_number(
        epochs,
        "Epochs are wrong",
        "a number from 0 up, the total of all steps",
        lambda value: 0 <= value <= _MOST_EPOCHS,
    )
    if steps is not None:
        steps = _check_steps(steps, method)
    stages = chosen.stages(groups, sparsity, steps)
    share = epochs / len(stages)
    shares = [share] * (len(stages) - 1)
    shares.append(max(0.0, epochs - sum(shares)))
    return [Step(layers, value, part) for (layers, value), part in zip(stages, shares, strict=True)]


def step_masks(
    weights: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
    step: Step,
    *,
    criterion: str = "magnitude",
    seed: int = 0,
    scope: str = "global",
) -> Masks:
    """The masks after the pruning of ``step``.

    The step's layers are ranked together; what ``masks`` has pruned in them stays pruned and counts, so that they end with
    exactly ``round(step.sparsity * n)`` zeros (or as many as they had, if more; whole channels: as near as they come).
    Other layers keep their masks.

    Args:
        weights: layer name -> floating-point tensor of the whole network, as from :func:`core.models.prunable`.
        masks: layer name -> bool, of the steps before; at the start ``Masks.dense(weights)``.
        step: from :func:`plan`.
        criterion: a name in :data:`core.pruning.CRITERIA`.
        seed: for criteria that draw lots.
        scope: a name in :data:`core.pruning.SCOPES`. In scope ``"channel"`` the last of ``weights`` keeps its channels,
            which are the classes.

    Raises:
        UnknownName: no such criterion or scope, or a layer of the step that is not in ``weights``.
        InvalidValue: ``masks`` has other layers or shapes than ``weights``, or a weight is not finite.
    """
    score = CRITERIA[check_choice("criterion", criterion, CRITERIA)]
    masks = Masks.of(masks)
    masks.check(weights)
    for name in step.layers:
        check_choice("layer", name, weights)
    keep = Masks({name: masks[name] for name in step.layers})
    scores = score({name: weights[name] for name in step.layers}, seed=seed)
    ranking = Ranking(scores, scope=scope, keep=keep, once=True, classes=list(weights)[-1])
    return masks.merge(ranking.masks(step.sparsity))


def _check_units(units: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    units = list(units) if _is_group(units) else [units]
    groups = [tuple(unit) for unit in units if _is_group(unit)]
    if len(groups) < len(units) or not all(isinstance(name, str) for name in _all(groups)):
        raise InvalidValue(
            "Units are groups of layers",
            given=repr(units),
            expected="a list of lists of names, as core.models.units gives",
        )
    names = _all(groups)
    if not names or not all(groups):
        raise InvalidValue("A plan needs layers", given=repr(units), expected="one layer or more in each unit")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InvalidValue("A layer is in the plan twice", given=", ".join(twice), expected="each layer once")
    return groups


def _is_group(value) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str)


def _check_steps(steps: int, method: str) -> int:
    if method != "iterative":
        raise InvalidValue(
            f"The steps of {method} are not a choice",
            given=f"steps={steps!r}",
            expected="steps=None",
            remedy="leave steps out, or use the method 'iterative'",
        )
    return check_whole(steps, "The number of steps is wrong", 1, MOST_STEPS)
