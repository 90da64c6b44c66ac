"""The order in which weights are pruned, found once, so that the masks at any sparsity are one comparison."""

from collections.abc import Mapping

import torch
from torch import Tensor

from core.errors import InvalidValue, UnknownName, check_choice, check_sparsity
from core.pruning.channels import channel_ranks, channels_for
from core.pruning.criteria import CRITERIA
from core.pruning.layout import check_weights, flatten, shapes_of, views
from core.pruning.masks import Masks
from core.pruning.selection import keep_above, keep_all_but, ordered

SCOPES: dict[str, str] = {
    "global": "All weights compete with each other, so some layers lose more than others.",
    "layer": "Each layer loses the same share of its weights.",
    "channel": "Whole channels are removed, never single weights; the last layer keeps all of its own.",
}
"""What competes with what: name -> one sentence for people."""

Sparsity = float | Mapping[str, float]


class Ranking:
    """Weights in the order in which they are pruned. Build it once; :meth:`masks` then answers in milliseconds.

    Immutable, and safe to use from several threads. Holds 8 bytes a weight (16 of float64), where the scores are: on a GPU nothing large
    leaves it.

    Args:
        scores: layer name -> float tensor in execution order; the lowest are pruned first. Compared as float32,
            or as float64 where one of them is.
        scope: ``"global"`` (all weights together), ``"layer"`` (each layer by itself) or ``"channel"`` (whole output
            channels of all layers together, see :func:`core.pruning.channels.channel_ranks`).
        keep: layer name -> bool, what earlier pruning kept. The rest stays pruned and counts towards the sparsity asked for.
        once: skip the sort, when only one answer is wanted; :meth:`masks` then searches for each threshold.
        classes: in channel scope the layer whose channels are the classes, and stay; by default the last of ``scores``.

    Raises:
        InvalidValue: no scores, scores that are not finite float tensors, ``keep`` of other layers or shapes, or in
            channel scope a single number, which has no channels.
        UnknownName: no such scope.
    """

    def __init__(
        self,
        scores: Mapping[str, Tensor],
        *,
        scope: str = "global",
        keep: Mapping[str, Tensor] | None = None,
        once: bool = False,
        classes: str | None = None,
    ):
        self.scope = check_choice("scope", scope, SCOPES)
        check_weights(scores, "scores")
        self._shapes = shapes_of(scores)
        exact = any(score.dtype == torch.float64 for score in scores.values())
        values = flatten(scores, torch.float64 if exact else torch.float32)
        _check_finite(values, self._shapes, scores)
        if keep is not None:
            keep = Masks.of(keep)
            keep.check(scores)
            for name, layer in views(values, self._shapes).items():
                layer.masked_fill_(~keep[name].to(layer.device), -torch.inf)
        if scope == "channel":
            values, self._zeros = channel_ranks(views(values, self._shapes), classes)
        else:
            self._parts = [_Part(part, keep is not None, once) for part in self._split(values)]
        self._values = values

    def masks(self, sparsity: Sparsity) -> Masks:
        """The masks at ``sparsity``. At a higher one, everything pruned at a lower one is pruned too.

        Global scope gives exactly ``round(sparsity * weights)`` zeros, layer scope the same in each layer (or as many as
        ``keep`` had pruned, if more). Of equal scores the earlier position goes first: layers in order, row-major within.
        Channel scope gives the reachable number of zeros that is nearest; :attr:`Masks.sparsity` tells which.

        Args:
            sparsity: in [0, 1). In layer scope also layer name -> sparsity; layers that are not named prune nothing.

        Raises:
            InvalidSparsity: a sparsity outside [0, 1), or not a number.
            InvalidValue: a mapping in another scope than ``"layer"``.
            UnknownName: a mapping names a layer that does not exist.
        """
        targets = self._targets(sparsity)
        out = torch.empty(self._values.shape, dtype=torch.bool, device=self._values.device)
        if self.scope == "channel":
            gone = channels_for(self._zeros, round(targets[0] * len(out)))
            keep_above(self._values, gone, out)
        else:
            for part, target, kept in zip(self._parts, targets, self._split(out), strict=True):
                part.cut(target, kept)
        return Masks.from_flat(out, self._shapes)

    def _split(self, flat: Tensor) -> list[Tensor]:
        # What is ranked together: everything, or each layer.
        return [layer.view(-1) for layer in views(flat, self._shapes).values()] if self.scope == "layer" else [flat]

    def _targets(self, sparsity: Sparsity) -> list[float]:
        if not isinstance(sparsity, Mapping):
            return [check_sparsity(sparsity)] * (len(self._shapes) if self.scope == "layer" else 1)
        if self.scope != "layer":
            raise InvalidValue(
                "A sparsity for each layer needs the layer scope",
                given=f"scope={self.scope!r}",
                expected="scope='layer'",
            )
        for name in sparsity:
            if name not in self._shapes:
                raise UnknownName("layer", name, self._shapes)
        return [check_sparsity(sparsity.get(name, 0.0), f"Sparsity of {name}") for name in self._shapes]


class _Part:
    """Weights that compete with each other."""

    def __init__(self, values: Tensor, may_be_pruned: bool, once: bool):
        self.values = values
        self.pruned = int((values == -torch.inf).sum()) if may_be_pruned else 0
        self.rising = None if once else ordered(values)

    def cut(self, sparsity: float, out: Tensor) -> None:
        k = max(round(sparsity * len(self.values)), self.pruned)
        keep_all_but(k, self.values, out, rising=self.rising)


def magnitude(weights: Mapping[str, Tensor], sparsity: Sparsity, *, scope: str = "global") -> Masks:
    """Masks that prune the weights of least magnitude (L1; Han et al. 2015, and the paper).

    Up to ties the same as ``torch.nn.utils.prune.global_unstructured`` with ``L1Unstructured``; how ties are broken and
    what counts as how many is told at :meth:`Ranking.masks`. To ask for several sparsities, build one :class:`Ranking`.

    Args:
        weights: layer name -> floating-point tensor, as from :func:`core.models.prunable`. Compared as float32,
            or as float64 where one of them is.
        sparsity: share of zeros in [0, 1). With ``scope="layer"`` also layer name -> sparsity; layers not named stay.
        scope: ``"global"``, ``"layer"`` or ``"channel"``.

    Raises:
        InvalidSparsity: a sparsity outside [0, 1), or not a number.
        InvalidValue: no weights, weights that are not finite floats, or a mapping without ``scope="layer"``.
        UnknownName: no such scope, or no such layer.
    """
    return Ranking(CRITERIA["magnitude"](weights), scope=scope, once=True).masks(sparsity)


def _check_finite(values: Tensor, shapes: Mapping[str, torch.Size], scores: Mapping[str, Tensor]) -> None:
    # NaN would win or lose every comparison at random; the minimum and maximum show it, and infinities, in one pass.
    if not torch.stack(torch.aminmax(values)).isfinite().all():
        broken = [name for name, layer in views(values, shapes).items() if not torch.isfinite(layer).all()]
        if all(torch.isfinite(scores[name]).all() for name in broken):
            raise InvalidValue(
                "Some scores are too large to be compared",
                given=f"numbers beyond 3.4e38 in {', '.join(broken[:4])}",
                expected="what float32 holds",
                remedy="scale them down",
            )
        raise InvalidValue(
            "Some scores are not finite numbers, so they have no order",
            given=f"NaN or infinity in {', '.join(broken[:4])}",
            expected="finite scores",
            remedy="use weights of a training that did not diverge",
        )
