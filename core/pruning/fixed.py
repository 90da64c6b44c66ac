"""Layers set by hand: some units get a sparsity of their own, all others keep what pruning by one criterion gave them."""

import re
from collections.abc import Mapping, Sequence
from numbers import Integral

from torch import Tensor

from core.errors import InvalidSparsity, InvalidValue, check_whole
from core.pruning.masks import Masks
from core.pruning.methods import Step, step_masks

Fixed = Mapping[int, int]
"""Number of a unit -> its sparsity in percent."""

_PAIR = re.compile(r"(\d{1,4})-(\d{1,2})")


def with_fixed(
    masks: Mapping[str, Tensor],
    weights: Mapping[str, Tensor],
    units: Sequence[Sequence[str]],
    fixed: Fixed,
    *,
    kept: Mapping[str, Tensor] | None = None,
    criterion: str = "magnitude",
    seed: int = 0,
) -> Masks:
    """``masks`` with some units pruned to a sparsity of their own, their weights ranked among themselves.

    Args:
        masks: of the whole network, such as the global solution at a sparsity.
        weights: layer name -> floating-point tensor, as from :func:`core.models.prunable`.
        units: layer names in groups, as from :func:`core.models.units`.
        fixed: number of a unit -> percent from 0 to 99.
        kept: masks of the checkpoint: what it had pruned stays so, and no unit gets below its sparsity there.
        criterion, seed: as for :func:`core.pruning.step_masks`.

    Raises:
        InvalidValue: no such unit, or masks of other layers than ``weights``.
        InvalidSparsity: a percent outside 0 to 99, or no whole one.
    """
    masks = Masks.of(masks)
    kept = Masks.dense(weights) if kept is None else Masks.of(kept)
    if not isinstance(fixed, Mapping):
        raise InvalidValue(
            "These are no layers set by hand", given=repr(fixed)[:200], expected="number of a unit -> percent"
        )
    for number, percent in fixed.items():
        number = check_whole(number, "There is no such unit of layers", 0, len(units) - 1)
        if isinstance(percent, bool) or not isinstance(percent, Integral) or not 0 <= percent <= 99:
            raise InvalidSparsity(
                "This is no sparsity of a unit",
                given=repr(percent)[:200],
                expected="a whole number of percent, from 0 to 99",
            )
        step = Step(tuple(units[number]), percent / 100, 0)
        done = step_masks(weights, kept, step, criterion=criterion, seed=seed)
        masks = masks.merge(Masks({name: done[name] for name in step.layers}))
    return masks


def as_text(fixed: Fixed) -> str:
    """Short enough for an address: ``"3-50_7-92"``."""
    return "_".join(f"{number}-{percent}" for number, percent in sorted(fixed.items()))


def from_text(text: str, units: int) -> dict[int, int]:
    """What :func:`as_text` wrote; whatever in ``text`` names none of so many ``units`` is passed over."""
    pairs = [match for piece in str(text)[:4000].split("_") if (match := _PAIR.fullmatch(piece))]
    return {int(pair[1]): int(pair[2]) for pair in pairs if int(pair[1]) < units}
