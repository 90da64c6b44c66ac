"""Many layers as one flat buffer and back: one pass over 15 million weights beats a pass for each of 170 layers."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from core.errors import InvalidValue


def check_tensors(tensors: Mapping[str, Tensor], what: str) -> None:
    """Raise :class:`InvalidValue` unless ``tensors`` maps at least one name to non-empty dense tensors on one device."""
    if not isinstance(tensors, Mapping):
        raise InvalidValue(
            f"The {what} are not a mapping", given=type(tensors).__name__, expected="layer name -> tensor"
        )
    if not tensors:
        raise InvalidValue(f"The {what} are empty", expected="at least one layer")
    for name, tensor in tensors.items():
        if not isinstance(name, str):
            raise InvalidValue(f"The {what} have a layer without a proper name", given=repr(name), expected="text")
        if not isinstance(tensor, Tensor):
            raise InvalidValue(
                f"The {what} of {name} are not a tensor", given=type(tensor).__name__, expected="a tensor"
            )
        if not tensor.numel():
            raise InvalidValue(
                f"The {what} of {name} are empty", given=list(tensor.shape), expected="one element or more"
            )
    devices = {str(tensor.device) for tensor in tensors.values()}
    if len(devices) > 1:
        raise InvalidValue(
            f"The {what} lie on several devices",
            given=", ".join(sorted(devices)),
            expected="one",
            remedy="move them to one",
        )
    for name, tensor in tensors.items():
        if tensor.layout != torch.strided or tensor.is_meta:
            raise InvalidValue(
                f"The {what} of {name} cannot be read one by one",
                given="the meta device, which holds no numbers" if tensor.is_meta else tensor.layout,
                expected="a dense tensor with its numbers",
                remedy="load the network first" if tensor.is_meta else "convert it with .to_dense()",
            )


def check_weights(weights: Mapping[str, Tensor], what: str = "weights") -> None:
    """Raise :class:`InvalidValue` unless ``weights`` is what :func:`core.models.prunable` gives: float tensors by name."""
    check_tensors(weights, what)
    for name, tensor in weights.items():
        if not tensor.is_floating_point():
            raise InvalidValue(
                f"The {what} of {name} are not floats", given=tensor.dtype, expected="a floating-point dtype"
            )


def shapes_of(tensors: Mapping[str, Tensor]) -> dict[str, torch.Size]:
    """Layer name -> shape, in the order of ``tensors``.

    Raises:
        InvalidValue: no mapping.
    """
    if not isinstance(tensors, Mapping):
        raise InvalidValue("These are no layers", given=repr(tensors)[:200], expected="layer name -> tensor")
    return {name: tensor.shape for name, tensor in tensors.items()}


def flatten(tensors: Mapping[str, Tensor], dtype: torch.dtype) -> Tensor:
    """All elements in a fresh ``[size]`` buffer of ``dtype``: layer after layer, each in row-major order of its indices."""
    return torch.cat([tensor.detach().reshape(-1).to(dtype) for tensor in tensors.values()])


def views(flat: Tensor, shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """The layers that lie one after the other in ``flat``, without copying: what :func:`flatten` joined."""
    sizes = [torch.Size(shape).numel() for shape in shapes.values()]
    return {name: part.view(shape) for part, (name, shape) in zip(flat.split(sizes), shapes.items(), strict=True)}
