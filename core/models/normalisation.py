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
    for name, values in (("mean", mean), ("std", std)):
        tensor = torch.as_tensor(values, dtype=torch.float32).detach().clone()
        if tensor.shape != (3,) or not tensor.isfinite().all() or (name == "std" and not (tensor > 0).all()):
            raise InvalidValue(
                f"The {name} of a model is wrong", given=values, expected="three finite numbers, std above 0"
            )
        model.register_buffer(name, tensor, persistent=False)
    return model


def normalisation(model: nn.Module) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of ``model`` as lists of three floats."""
    return model.mean.tolist(), model.std.tolist()


def normalise(model: nn.Module, images: Tensor) -> Tensor:
    """Images as ``model`` wants them.

    Args:
        model: made by :func:`core.models.build`.
        images: uint8 [N, H, W, 3], anywhere.

    Returns:
        float32 [N, 3, H, W] in channels-last memory format, on the model's device.

    Raises:
        InvalidValue: another dtype or shape.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[-1] != 3:
        raise InvalidValue(
            "These are not images", given=f"{images.dtype} {list(images.shape)}", expected="uint8 [N, H, W, 3]"
        )
    # N,H,W,3 in memory is N,3,H,W in channels-last already: the permutation moves nothing.
    planes = images.to(model.mean.device).permute(0, 3, 1, 2).float()
    scale = 1.0 / (255.0 * model.std)
    shift = -model.mean / model.std
    return planes.mul_(scale.view(1, 3, 1, 1)).add_(shift.view(1, 3, 1, 1))
