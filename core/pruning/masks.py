"""Masks: which weights of which layer stay. The only thing pruning produces."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import InvalidValue
from core.models import prunable
from core.pruning.layout import check_tensors, check_weights, flatten, shapes_of, views
from core.pruning.selection import count_true

if TYPE_CHECKING:
    import pandas


class Masks(Mapping[str, Tensor]):
    """An immutable mapping from layer name to a boolean tensor of the weight's shape; True keeps, False is zero.

    The tensors are copied on the way in, and handed out without a copy: they are views of one buffer. torch knows no
    read-only tensors, so by contract nobody writes into them; ``masks[name].clone()`` is yours to change.

    Args:
        masks: layer name -> bool tensor, in execution order, all on one device.

    Raises:
        InvalidValue: no layer, a tensor without elements, several devices, or something that is not a bool tensor.
    """

    def __init__(self, masks: Mapping[str, Tensor]):
        check_tensors(masks, "masks")
        for name, mask in masks.items():
            if mask.dtype != torch.bool:
                raise InvalidValue(
                    f"The mask of {name} is not boolean",
                    given=mask.dtype,
                    expected="torch.bool, True where the weight is kept",
                    remedy="compare first, as in weight != 0",
                )
        self._flat = flatten(masks, torch.bool)
        self._layers = views(self._flat, shapes_of(masks))

    @classmethod
    def of(cls, masks: Mapping[str, Tensor]) -> "Masks":
        """``masks`` itself if it is one, else the masks that any other mapping holds, such as a checkpoint's.

        Raises:
            InvalidValue: as the class.
        """
        return masks if isinstance(masks, Masks) else cls(masks)

    @classmethod
    def from_flat(cls, flat: Tensor, shapes: Mapping[str, Sequence[int]]) -> "Masks":
        """Masks over a buffer that they take over without copying; the caller writes into it no more.

        Args:
            flat: bool [size], the layers one after the other.
            shapes: layer name -> shape, in that order; their sizes add up to ``size``.
        """
        masks = cls.__new__(cls)
        masks._flat = flat
        masks._layers = views(flat, shapes)
        return masks

    @classmethod
    def dense(cls, weights: Mapping[str, Tensor]) -> "Masks":
        """Nothing pruned: all True, in the shapes of ``weights`` (layer name -> tensor) and on their device."""
        check_tensors(weights, "weights")
        size = sum(weight.numel() for weight in weights.values())
        device = next(iter(weights.values())).device
        return cls.from_flat(torch.ones(size, dtype=torch.bool, device=device), shapes_of(weights))

    @classmethod
    def from_zeros(cls, weights: Mapping[str, Tensor]) -> "Masks":
        """The masks of weights that were pruned already: True where a weight is not zero."""
        check_weights(weights)
        return cls({name: weight.detach() != 0 for name, weight in weights.items()})

    def __getitem__(self, name: str) -> Tensor:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    def __reduce__(self):
        # By itself, pickle would write the whole buffer again for each layer's view.
        return Masks.from_flat, (self._flat, {name: tuple(mask.shape) for name, mask in self.items()})

    def __repr__(self) -> str:
        return f"Masks({len(self)} layers, {self.size:,} weights, sparsity {self.sparsity:.4g})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Masks):
            return NotImplemented
        if shapes_of(self) != shapes_of(other):
            return False
        return all(torch.equal(mask, other[name].to(mask.device)) for name, mask in self.items())

    # Equality looks at millions of bits; whoever needs a key takes the digest.
    __hash__ = None

    def __and__(self, other: "Masks") -> "Masks":
        """What both keep. Raises :class:`InvalidValue` where names or shapes disagree."""
        if not isinstance(other, Masks):
            return NotImplemented
        self.check(other)
        return Masks({name: mask & other[name].to(mask.device) for name, mask in self.items()})

    @property
    def size(self) -> int:
        """Number of weights, zero or not."""
        return self._flat.numel()

    @cached_property
    def zeros(self) -> int:
        """Number of weights that are pruned."""
        return self.size - count_true(self._flat)

    @property
    def sparsity(self) -> float:
        """Pruned weights as a share of all, in [0, 1]."""
        return self.zeros / self.size

    def per_layer(self) -> "pandas.DataFrame":
        """One row for each layer, in order: ``layer`` (name), ``weights``, ``zeros`` (counts), ``sparsity`` (share)."""
        import pandas as pd

        sizes = [mask.numel() for mask in self.values()]
        zeros = [size - count_true(mask) for size, mask in zip(sizes, self.values(), strict=True)]
        shares = [zero / size for zero, size in zip(zeros, sizes, strict=True)]
        return pd.DataFrame({"layer": list(self), "weights": sizes, "zeros": zeros, "sparsity": shares})

    def digest(self) -> str:
        """SHA-256 (hex) over names, shapes and bits. Equal masks, and only they, have equal digests, in any layer order."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        names = sorted(self)
        found = hashlib.sha256(json.dumps([(name, list(self[name].shape)) for name in names]).encode())
        packed = self.pack()
        for name in names:
            found.update(packed[name].numpy())
        return found.hexdigest()

    def pack(self) -> dict[str, Tensor]:
        """Eight weights a byte: layer name -> uint8 [ceil(n / 8)] on the CPU, as :func:`numpy.packbits`, True is 1."""
        return {name: torch.from_numpy(np.packbits(mask.cpu().numpy().reshape(-1))) for name, mask in self.items()}

    @classmethod
    def unpack(cls, packed: Mapping[str, Tensor | np.ndarray], shapes: Mapping[str, Sequence[int]]) -> "Masks":
        """The masks that :meth:`pack` packed, on the CPU.

        Args:
            packed: layer name -> uint8 [ceil(n / 8)].
            shapes: layer name -> shape of the weight; gives the order of the layers.

        Raises:
            InvalidValue: names, dtype or length disagree, or a bit beyond the last weight is set.
        """
        if set(packed) != set(shapes):
            raise InvalidValue(
                "Packed masks and shapes name different layers",
                given=_some(set(packed) ^ set(shapes)),
                expected="the same",
            )
        layers = {}
        for name, shape in shapes.items():
            bits, size = np.asarray(packed[name]), torch.Size(shape).numel()
            if bits.dtype != np.uint8 or bits.shape != (-(-size // 8),):
                raise InvalidValue(
                    f"The packed mask of {name} does not fit its weight",
                    given=f"{bits.dtype} {list(bits.shape)}",
                    expected=f"uint8 [{-(-size // 8)}] for {size} weights",
                )
            flags = np.unpackbits(bits)
            if flags[size:].any():
                raise InvalidValue(f"The packed mask of {name} has bits beyond its last weight", expected="zeros there")
            layers[name] = torch.from_numpy(flags[:size]).bool().view(torch.Size(shape))
        return cls(layers)

    def check(self, weights: Mapping[str, Tensor] | nn.Module) -> None:
        """Raise :class:`InvalidValue` unless the masks have exactly the layers of ``weights``, each in its shape.

        Args:
            weights: layer name -> tensor, or a model, whose :func:`core.models.prunable` weights are meant.
        """
        own = shapes_of(self)
        wanted = shapes_of(prunable(weights) if isinstance(weights, nn.Module) else weights)
        if own == wanted:
            return
        problems = {
            "no mask for": wanted.keys() - own.keys(),
            "no such layer as": own.keys() - wanted.keys(),
            "another shape in": {name for name in own.keys() & wanted.keys() if own[name] != wanted[name]},
        }
        raise InvalidValue(
            "These masks belong to other weights",
            given="; ".join(f"{problem} {_some(names)}" for problem, names in problems.items() if names),
            expected=f"masks for exactly these {len(wanted)} layers",
            remedy="make the masks from this model's own weights; "
            "for masks of some layers only, use Masks.dense(weights).merge(masks)",
        )

    def merge(self, other: Mapping[str, Tensor]) -> "Masks":
        """These masks with the layers of ``other`` in the place of their own, as a layerwise step needs.

        Raises:
            InvalidValue: ``other`` is no mapping to boolean tensors, or has a layer that is not here or in another shape.
        """
        other = Masks.of(other)
        other.check({name: self[name] for name in other if name in self})
        return Masks({name: other[name].to(mask.device) if name in other else mask for name, mask in self.items()})


def _some(names: set[str], most: int = 4) -> str:
    shown = ", ".join(sorted(names)[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
