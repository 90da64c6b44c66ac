"""A network carries the mean and standard deviation of its training images, so that no caller can get them wrong."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.errors import InvalidValue

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def set_normalisation(model: nn.Module, mean: Sequence[float], std: Sequence[float]) -> nn.Module:
    """Give ``model`` its channel ``mean`` and ``std`` (three numbers each, for intensities in [0, 1]), in place.

    They are buffers that stay out of the ``state_dict``, whose names so remain torchvision's own.

    Raises:
        InvalidValue: not three finite numbers each, or a deviation that is not positive.
    """
    # Both are checked before either is changed.
    given = {name: _three(name, values) for name, values in (("mean", mean), ("std", std))}
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    for name, tensor in given.items():
        model.register_buffer(name, tensor.to(device), persistent=False)
    return model


def _three(name: str, values) -> Tensor:
    expected = "three finite numbers, std above 0"
    try:
        tensor = torch.as_tensor(values, dtype=torch.float32).detach().clone()
    except (TypeError, ValueError, RuntimeError) as error:
        raise InvalidValue(f"The {name} of a model is wrong", given=repr(values)[:100], expected=expected) from error
    if tensor.shape != (3,) or not tensor.isfinite().all() or (name == "std" and not (tensor > 0).all()):
        raise InvalidValue(f"The {name} of a model is wrong", given=values, expected=expected)
    return tensor


def normalisation(model: nn.Module) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of ``model`` as lists of three floats.

    Raises:
        InvalidValue: the model has none.
    """
    mean, std = buffers(model)
    return mean.tolist(), std.tolist()


def normalise(model: nn.Module, images: Tensor) -> Tensor:
    """Images as ``model`` wants them.

    Args:
        model: made by :func:`core.models.build`.
        images: uint8 [N, H, W, 3], anywhere.

    Returns:
        float32 [N, 3, H, W] in channels-last memory format, on the model's device.

    Raises:
        InvalidValue: another dtype or shape, or a model without a mean and std.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise InvalidValue(
            "These are not images", given=f"{images.dtype} {list(images.shape)}", expected="uint8 [N, H, W, 3]"
        )
    # N,H,W,3 in memory is N,3,H,W in channels-last already: the permutation moves nothing.
    mean, std = (value.float() for value in buffers(model))  # 255 times a half-precision std has three digits only
    planes = images.to(mean.device).permute(0, 3, 1, 2).float()
    scale = 1.0 / (255.0 * std)
    shift = -mean / std
    return planes.mul_(scale.view(1, 3, 1, 1)).add_(shift.view(1, 3, 1, 1))


def buffers(model: nn.Module) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of ``model``, as they are; raises InvalidValue where it has none."""
    found = {name: getattr(model, name, None) for name in ("mean", "std")}
    missing = [name for name, value in found.items() if not isinstance(value, Tensor) or value.numel() != 3]
    if missing:
        raise InvalidValue(
            "The model does not say how its images are to be normalised",
            given=f"{type(model).__name__} without {' and '.join(missing)}",
            expected="mean and std, tensors of three numbers each",
            remedy="give it those of its training images with core.models.set_normalisation(model, mean, std)",
        )
    return found["mean"], found["std"]
