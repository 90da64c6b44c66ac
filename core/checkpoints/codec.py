"""Sparse coding of a network's tensors: one bit per weight for the mask, then the kept weights in half precision.

Of a pruned layer ``features.0``, ``features.0.weight.mask`` holds the packed bits (uint8 [⌈n/8⌉], 1 keeps, in the
row-major order of the weight, padded with zeros) and ``features.0.weight.values`` the kept weights in that order.
The mask is stored, not read off the values: a weight too small for half precision becomes 0 but stays kept.
"""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from core.checkpoints.architecture import Layout
from core.checkpoints.container import DTYPES, Spec
from core.checkpoints.opening import too_large
from core.errors import InvalidValue, UnknownName

PRECISIONS = {"float16": torch.float16, "float32": torch.float32}
_LEAST = 2.0**-24  # the smallest number of half precision
MASK, VALUES = ".mask", ".values"


def complete_masks(
    state: Mapping[str, Tensor], layout: Layout, masks: Mapping[str, Tensor] | None
) -> dict[str, Tensor]:
    """A mask for every prunable layer: those given, all True where none is given; without ``masks``, where a weight is not 0.

    Args:
        state: name -> float32 tensor on the processor.
        layout: of the same architecture.
        masks: layer name -> bool tensor of its weight's shape, True keeps.

    Raises:
        UnknownName: a mask for a layer that is not there.
        InvalidValue: a mask that is no tensor or of another dtype or shape, or a weight that is pruned and not zero.
    """
    if masks is None:
        return {layer: state[weight] != 0 for layer, weight in layout.layers.items()}
    if not isinstance(masks, Mapping):
        raise InvalidValue("These are no masks", given=type(masks).__name__, expected="layer name -> bool tensor")
    for layer in masks:
        if layer not in layout.layers:
            raise UnknownName("prunable layer", layer, layout.layers)
    complete = {}
    for layer, name in layout.layers.items():
        weight = state[name]
        mask = masks[layer] if layer in masks else torch.ones(weight.shape, dtype=torch.bool)
        if not isinstance(mask, Tensor):
            raise InvalidValue(
                f"The mask of {layer} is no tensor",
                given=type(mask).__name__,
                expected=f"torch.bool {list(weight.shape)}",
            )
        mask = mask.cpu()
        if mask.dtype != torch.bool or mask.shape != weight.shape:
            raise InvalidValue(
                f"The mask of {layer} does not fit its weight",
                given=f"{mask.dtype} {list(mask.shape)}",
                expected=f"torch.bool {list(weight.shape)}",
            )
        if torch.any(weight.bool() & ~mask):
            raise InvalidValue(
                f"Weights of {layer} are pruned by the mask but not zero",
                expected="zeros wherever the mask is False",
                remedy="save the pruned network, core.pruning.bind(model, masks)",
            )
        complete[layer] = mask.contiguous()
    return complete


def encode(state: Mapping[str, Tensor], layout: Layout, masks: Mapping[str, Tensor], dtype: str) -> dict[str, Tensor]:
    """The tensors to store, sharing no memory with ``state``: a model may be trained on after it was saved.

    Args:
        state: name -> contiguous tensor on the processor, with ``layout``'s names, shapes and dtypes.
        layout: of the same architecture.
        masks: from :func:`complete_masks`.
        dtype: of the weights that may be pruned, ``"float16"`` or ``"float32"``; all else stays as it is.

    Raises:
        InvalidValue: NaN or infinity among the tensors, or a weight that half precision cannot hold.
    """
    stored = {}
    owner = {weight: layer for layer, weight in layout.layers.items()}
    for name, tensor in state.items():
        if not _finite(tensor):
            raise InvalidValue(
                f"{name} holds NaN or infinity",
                expected="finite numbers",
                remedy="training has diverged: go back to an earlier epoch and lower the learning rate",
            )
        if name not in owner:
            stored[name] = tensor.clone()
            continue
        mask = masks[owner[name]]
        if mask.all():
            stored[name] = _narrow(tensor, dtype, name)
        else:
            stored[name + MASK] = torch.from_numpy(np.packbits(mask.reshape(-1).numpy()))
            stored[name + VALUES] = _narrow(tensor.reshape(-1)[mask.reshape(-1)], dtype, name)
    return stored


def precision(state: Mapping[str, Tensor], layout: Layout) -> str:
    """Of :data:`PRECISIONS` half precision, or where it cannot hold one of the weights that may be pruned, single."""
    largest = max((state[name].abs().max().item() for name in layout.weights), default=0.0)
    return "float16" if torch.isfinite(torch.tensor(largest, dtype=torch.float16)) else "float32"


def _narrow(values: Tensor, dtype: str, name: str) -> Tensor:
    narrow = values.to(PRECISIONS[dtype], copy=True)
    # What is too small for half precision becomes its smallest number: as a zero it would count as pruned, which it is not.
    lost = (narrow == 0) & (values != 0)
    if lost.any():
        narrow[lost] = torch.copysign(torch.full_like(narrow[lost], _LEAST), values[lost].to(narrow.dtype))
    if not _finite(narrow):
        raise InvalidValue(
            f"A weight of {name} is too large for half precision",
            given=f"{values.abs().max().item():g}",
            expected="at most 65504",
            remedy="leave dtype out, or save with dtype='float32'",
        )
    return narrow


def shapes(specs: Mapping[str, Spec], layout: Layout) -> dict[str, tuple[int, ...]]:
    """The shapes that stored tensors stand for: name -> shape of the network's tensor. Nothing is allocated.

    Raises:
        ValueError: a mask without its values, of the wrong size or type, or a tensor of a type that it cannot have.
    """
    found = {}
    for name, spec in specs.items():
        weight = name.removesuffix(MASK).removesuffix(VALUES)
        if name in layout or weight not in layout.weights:
            found[name] = spec.shape
            continue
        mask, values = specs.get(weight + MASK), specs.get(weight + VALUES)
        if mask is None or values is None or weight in specs:
            raise ValueError(f"{weight} needs its mask and its values, and nothing beside them")
        count = layout[weight].numel()
        if mask.dtype != "U8" or mask.shape != (-(-count // 8),) or len(values.shape) != 1 or values.shape[0] > count:
            raise ValueError(f"the mask or the values of {weight} have another size than its weight")
        found[weight] = tuple(layout[weight])
    for name, spec in specs.items():
        weight = name.removesuffix(VALUES)
        if weight in layout.weights:
            fine = DTYPES[spec.dtype] in PRECISIONS.values()
        else:
            fine = name not in layout or DTYPES[spec.dtype] == layout.dtypes[name]
        if not fine:
            raise ValueError(f"{name} has the type {spec.dtype}")
    return found


def check_size(layout: Layout, max_bytes: int, what: str) -> None:
    """Raise :class:`FileTooLarge` if the network, expanded to float32 and with its masks, takes more than ``max_bytes``."""
    size = sum(shape.numel() * layout.dtypes[name].itemsize for name, shape in layout.items())
    size += sum(layout[name].numel() for name in layout.weights)
    if size > max_bytes:
        raise too_large(what, size, max_bytes)


def check_values(stored: Mapping[str, Tensor], layout: Layout) -> int:
    """Count the pruned weights, and check that every mask keeps as many weights as there are values, all finite.

    Raises:
        ValueError: a mask that disagrees with its values, or NaN or infinity.
    """
    zeros = 0
    for name, tensor in stored.items():
        if not _finite(tensor):
            raise ValueError(f"{name} holds NaN or infinity")
        weight = name.removesuffix(MASK)
        if weight == name or weight not in layout.weights:
            continue
        count, bits = layout[weight].numel(), tensor.numpy()
        kept = int(np.bitwise_count(bits).sum(dtype=np.int64))
        if kept != stored[weight + VALUES].numel() or int(bits[-1]) & ((1 << -count % 8) - 1):
            raise ValueError(f"the mask of {weight} keeps another number of weights than are there")
        zeros += count - kept
    return zeros


def decode(stored: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """The network's ``state_dict`` in fresh memory: float32, zeros exactly where the masks say (and kept zeros)."""
    state = {}
    for name, shape in layout.items():
        if name in stored:
            state[name] = stored[name].to(layout.dtypes[name], copy=True)
            continue
        weight = np.zeros(shape.numel(), dtype=np.float32)
        # Assigning by index is twice as fast as by boolean mask at the sparsities that matter.
        kept = np.flatnonzero(_unpack(stored[name + MASK], shape.numel()))
        weight[kept] = stored[name + VALUES].float().numpy()
        state[name] = torch.from_numpy(weight).view(shape)
    return state


def decode_masks(stored: Mapping[str, Tensor], layout: Layout) -> dict[str, Tensor]:
    """The mask of every prunable layer: bool, of its weight's shape; all True where nothing is pruned."""
    return {
        layer: torch.from_numpy(_unpack(stored[name + MASK], layout[name].numel())).view(layout[name])
        if name + MASK in stored
        else torch.ones(layout[name], dtype=torch.bool)
        for layer, name in layout.layers.items()
    }


def _finite(tensor: Tensor) -> bool:
    # The largest magnitude is NaN or infinite if any is; isfinite over all would take eight times as long.
    return not tensor.is_floating_point() or not tensor.numel() or bool(torch.isfinite(tensor.abs().max()))


def _unpack(bits: Tensor, count: int) -> np.ndarray:
    return np.unpackbits(bits.numpy(), count=count).view(bool)
