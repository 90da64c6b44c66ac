"""Inference in bfloat16 on a CPU with fewer passes over memory: convolution and ReLU in one, other ReLUs and pools quicker, small maps as products."""

import torch
from torch import Tensor, nn

from core.evaluation.order import chains
from core.models.patches import SMALL, is_product, patches, rows


class _ConvolutionReLU(nn.Module):
    """A convolution, and the ReLU after it if there is one, in one go: the activations are written once and not read back.

    By oneDNN, in the same bits as one after the other; on small maps as a matrix product, whose sums have another order.
    """

    def __init__(self, convolution: nn.Conv2d, activated: bool):
        super().__init__()
        self.weight, self.bias = convolution.weight, convolution.bias
        self.given = convolution.padding, convolution.stride, convolution.dilation, convolution.groups
        self.then = "relu" if activated else "none"
        self.product = is_product(convolution)

    def forward(self, x: Tensor) -> Tensor:
        n, _, height, width = x.shape
        if self.product and height * width <= SMALL:
            out = nn.functional.linear(patches(x, self.weight.shape[2]), rows(self.weight), self.bias)
            if self.then == "relu":
                out.view(torch.int16).clamp_(min=0)
            return out.view(n, height, width, -1).permute(0, 3, 1, 2)
        return torch.ops.mkldnn._convolution_pointwise(x, self.weight, self.bias, *self.given, self.then, [], "")


def fuse(network: nn.Module) -> nn.Module:
    """Fuse, in ``network`` itself, each convolution with a ReLU that directly follows it, and quicken a 2×2 maximum after that.

    Args:
        network: of :func:`core.evaluation.folding.folded`, in bfloat16 on a CPU, :func:`all_finite`; what
            folding left of a batch norm is an identity between the two.

    Returns:
        ``network``. Where torch has no such operation it is as it was.
    """
    if not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        return network
    for parent, chain in chains(network):
        children = [(name, child) for name, child in chain if type(child) is not nn.Identity]
        for number, (name, child) in enumerate(children):
            if type(child) is not nn.Conv2d or child.padding_mode != "zeros" or isinstance(child.padding, str):
                continue
            after, following = children[number + 1] if number + 1 < len(children) else (None, None)
            activated = type(following) is nn.ReLU
            setattr(parent, name, _ConvolutionReLU(child, activated))
            if activated:
                setattr(parent, after, nn.Identity())
                pool, module = children[number + 2] if number + 2 < len(children) else (None, None)
                if type(module) is nn.MaxPool2d and _is_plain(module):
                    setattr(parent, pool, _QuickMaxPool())
    return network


def _is_plain(pool: nn.MaxPool2d) -> bool:
    """Whether it is ``max_pool2d(x, 2)`` and nothing else."""
    sizes = (pool.kernel_size, pool.stride, pool.padding, pool.dilation)
    return sizes == (2, 2, 0, 1) and not pool.ceil_mode and not pool.return_indices


def quicken(network: nn.Module) -> nn.Module:
    """Replace, in ``network`` itself, every ReLU by one that is quicker in bfloat16; returns ``network``.

    Args:
        network: on a CPU, :func:`all_finite`.
    """
    for parent in list(network.modules()):
        for name, module in list(parent.named_children()):
            if type(module) is nn.ReLU:
                setattr(parent, name, _QuickReLU(module.inplace))
    return network


class _QuickReLU(nn.Module):
    """ReLU in bfloat16 as a comparison of integers.

    A bfloat16 with its sign bit set is a negative int16, and no other is. So NaN with that bit becomes 0, which ReLU would
    keep: not for networks whose weights are not finite.
    """

    def __init__(self, inplace: bool):
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        """``relu(x)``."""
        if x.dtype != torch.bfloat16:
            return nn.functional.relu(x, self.inplace)
        if self.inplace:
            x.view(torch.int16).clamp_(min=0)
            return x
        return x.view(torch.int16).clamp(min=0).view(torch.bfloat16)


class _QuickMaxPool(nn.Module):
    """The largest of each 2×2 positions, of bfloat16 that no ReLU left negative: these are ordered as the integers of their bits are."""

    def forward(self, x: Tensor) -> Tensor:
        """``max_pool2d(x, 2)``, in the same bits."""
        n, channels, height, width = x.shape
        if height % 2 or width % 2 or not x.is_contiguous(memory_format=torch.channels_last):
            return nn.functional.max_pool2d(x, 2)
        rows_of = x.permute(0, 2, 3, 1).view(torch.int16).view(n, height // 2, 2, width * channels)
        pairs = torch.maximum(rows_of[:, :, 0], rows_of[:, :, 1]).view(n, height // 2, width // 2, 2, channels)
        return torch.maximum(pairs[..., 0, :], pairs[..., 1, :]).view(torch.bfloat16).permute(0, 3, 1, 2)


@torch.no_grad()
def all_finite(network: nn.Module) -> bool:
    """Whether all weights and statistics are finite. Else leave its ReLUs alone: oneDNN's, and a quick one, make 0 of a NaN."""
    # NaN and infinity outlive a norm, and this one is a few milliseconds; looking at each number would be a hundred.
    numbers = [values for values in (*network.parameters(), *network.buffers()) if values.is_floating_point()]
    return bool(nn.utils.get_total_norm(numbers).isfinite())
