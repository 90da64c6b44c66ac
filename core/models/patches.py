"""A convolution on a small map as a matrix product: what each place sees, times the weights.

oneDNN brings all weights of a convolution into a layout of its own at every call. For 512 channels on a map of 4×4 that takes
longer than the arithmetic; a matrix product reads them where they lie.
"""

from torch import Tensor, nn

SMALL = 16
"""Places of a map; on larger ones, copying what each place sees costs more than the weights' layout does."""


def is_product(convolution: nn.Conv2d) -> bool:
    """Whether it is of 1×1 or 3×3, stride 1, and leaves height and width as they are."""
    same = {(1, 1): (0, 0), (3, 3): (1, 1)}.get(tuple(convolution.kernel_size))
    ones = {*convolution.stride, *convolution.dilation, convolution.groups} == {1}
    return ones and same is not None and convolution.padding == same and convolution.padding_mode == "zeros"


def rows(weight: Tensor) -> Tensor:
    """[out, in, side, side] as [out, side · side · in]: no copy where it is channels-last."""
    return weight.permute(0, 2, 3, 1).reshape(len(weight), -1)


def patches(x: Tensor, side: int) -> Tensor:
    """What each place sees, [N · H · W, side · side · channels]."""
    places = x.permute(0, 2, 3, 1)
    if side == 1:
        return places.reshape(-1, x.shape[1])
    n, height, width, channels = places.shape
    padded = x.new_zeros(n, height + 2, width + 2, channels)
    padded[:, 1:-1, 1:-1] = places
    each, line, column, own = padded.stride()
    windows = padded.as_strided((n, height, width, side, side, channels), (each, line, column, line, column, own))
    return windows.reshape(n * height * width, -1)
