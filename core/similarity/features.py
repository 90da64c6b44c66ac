"""Features as a caller has them, as the tensors that are computed with, or by name what is wrong with them."""

import numpy as np
import torch
from torch import Tensor

from core.errors import InvalidValue


def as_features(values) -> Tensor:
    """Features [n, p] of float32 or float64, without what is the same for all images.

    Args:
        values: numbers [n, p] or [n, c, h, w], of NumPy or torch.

    Raises:
        InvalidValue: something else.
    """
    try:
        tensor = values.detach() if isinstance(values, Tensor) else torch.as_tensor(np.array(values))
    except (TypeError, ValueError) as error:
        raise InvalidValue("These are not features", given=type(values).__name__, expected="numbers [n, p]") from error
    if tensor.layout != torch.strided or tensor.is_meta or tensor.is_quantized:
        raise InvalidValue(
            "These are not features", given=f"a tensor of {tensor.layout}", expected="plain numbers [n, p]"
        )
    if tensor.ndim not in (2, 4) or 0 in tensor.shape[1:] or tensor.is_complex():
        raise InvalidValue(
            "These are not features", given=f"{tensor.dtype} {list(tensor.shape)}", expected="[n, p] or [n, c, h, w]"
        )
    tensor = tensor.flatten(1)
    if len(tensor):
        # Infinite for all images is no constant, and is named.
        varies = (tensor != tensor[:1]).any(dim=0) | ~tensor[0].isfinite()
        if varies.any() and not varies.all():
            tensor = tensor[:, varies]  # what is the same for all images says nothing, and may be large
    kind = tensor.dtype if tensor.dtype in (torch.float32, torch.float64) else None
    return tensor.to(kind or (torch.float32 if tensor.is_floating_point() else torch.float64))
