"""What a network is made of, as a key for what depends on nothing else."""

from torch import nn

_PLACES = ("kernel_size", "stride", "padding", "dilation", "output_size")  # what decides how large a map of features is


def structure(model: nn.Module) -> int:
    """A number that changes with the modules of a network, their strides and paddings, and its shapes."""
    shapes = tuple(tuple(parameter.shape) for parameter in model.parameters())
    kinds = tuple((type(part), *(str(vars(part).get(name)) for name in _PLACES)) for part in model.modules())
    return hash((shapes, kinds))
