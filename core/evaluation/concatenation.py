"""DenseNet's concatenations without copies, and the norm and ReLU after each of them as one comparison.

A dense layer reads all features before it: torch concatenates them, normalises the whole, cuts it off at 0 and convolves it with
1×1 weights W. That is four passes over memory, of which the arithmetic needs one. With s and h, a channel's scale and shift,

    W · relu(s · x + h) = (W · s) · max(x, t) − (W · s) · t,    t = −h / s, where s > 0

(min where s < 0), so scale and shift go into the weights and the bias, and the rest is a comparison that reads features where they
were written once. The bias is taken of the rounded weights and t, so a channel below its t still contributes exactly 0.

Who compares features, and not their place or sign, may have the layer's second norm merged as well: with s and t its own,

    W · relu(s · y + h) = (W · |s|) · relu(±(y − t)),

where the sign, s's, and t go into the convolution that gives y. CKA sees no difference.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torchvision.models.densenet import _DenseBlock, _DenseLayer

_FAR = 1e6  # a channel that would have to reach this far to change whether it is cut off never does


@torch.no_grad()
def merge(
    network: nn.Module, dtype: torch.dtype, *, keep: Collection[str] = (), up_to_shifts: bool = False
) -> nn.Module:
    """Merge, in ``network`` itself, the norm and ReLU at the start of each dense layer into what follows.

    Args:
        network: for inference, all finite, its weights still in float32; norms after convolutions folded or not.
        dtype: in which its convolutions will compute: bias and bounds are taken of weights rounded to it.
        keep: names of modules that must stay; a dense block with one of them does.
        up_to_shifts: whether the first convolution of a layer may give channels shifted by a constant, or negated: then its second
            norm is merged too, unless one of its channels is the same for all images.

    Returns:
        ``network``, the first convolution of each dense layer in ``dtype``. Without dense blocks it is as it was.
    """
    for name, parent in list(network.named_modules()):
        for own, child in list(parent.named_children()):
            path = f"{name}.{own}." if name else f"{own}."
            if type(child) is _DenseBlock and len(child) and all(map(_is_plain, child.values())):
                parts = ("norm1", "relu1", "norm2") if up_to_shifts else ("norm1", "relu1")
                if not {f"{path}{layer}.{part}" for layer in child for part in parts} & set(keep):
                    setattr(parent, own, MergedBlock(child, dtype, up_to_shifts))
    return network


def _is_plain(layer: nn.Module) -> bool:
    """Whether a layer is torchvision's, with norms that a threshold can be taken of; the second may be folded already."""
    if type(layer) is not _DenseLayer or not _is_whole(layer.norm1):
        return False
    return type(layer.norm2) is nn.Identity or _is_whole(layer.norm2)


def _is_whole(norm: nn.Module) -> bool:
    return type(norm) is nn.BatchNorm2d and norm.affine and norm.running_mean is not None


class MergedBlock(nn.Module):
    """A dense block that writes each feature once, where the next layers read it."""

    def __init__(self, block: _DenseBlock, dtype: torch.dtype, up_to_shifts: bool):
        super().__init__()
        self.widths = [layer.norm1.num_features for layer in block.values()]
        self.width = self.widths[-1] + list(block.values())[-1].conv2.out_channels
        layers = list(block.values())
        firsts = _thresholds([layer.norm1 for layer in layers], dtype)
        norms = [layer.norm2 for layer in layers if isinstance(layer.norm2, nn.BatchNorm2d)]
        seconds = _thresholds(norms, dtype) if up_to_shifts and len(norms) == len(layers) else [None] * len(layers)
        for (name, layer), first, second in zip(block.items(), firsts, seconds, strict=True):
            self.add_module(name, MergedLayer(layer, dtype, first, second))

    def forward(self, x: Tensor) -> Tensor:
        """All features [N, width, height, width of the map], those of ``x`` first."""
        n, _, height, width = x.shape
        features = _empty(x, n, height, width, self.width)
        features[:, : self.widths[0]] = x
        # One place for what each layer compares: fresh memory would have to be fetched from the system for every layer.
        place = x.new_empty(n * height * width * self.widths[-1])
        for start, stop, layer in zip(self.widths, [*self.widths[1:], self.width], self.children(), strict=True):
            room = place[: n * height * width * start].view(n, height, width, start).permute(0, 3, 1, 2)
            features[:, start:stop] = layer(features[:, :start], room)
        return features


def _empty(x: Tensor, n: int, height: int, width: int, channels: int) -> Tensor:
    return x.new_empty(n, height, width, channels).permute(0, 3, 1, 2)


class MergedLayer(nn.Module):
    """A dense layer whose first norm and ReLU are a comparison with ``low`` (and ``high``, where a scale is negative).

    Args:
        layer: torchvision's.
        dtype: in which it will compute.
        first: of its first norm.
        second: of its second norm, if that is to be merged too.
    """

    def __init__(self, layer: _DenseLayer, dtype: torch.dtype, first: "_Threshold", second: "_Threshold | None"):
        super().__init__()
        self.conv1, self.norm2, self.relu2, self.conv2 = layer.conv1, layer.norm2, layer.relu2, layer.conv2
        weight = layer.conv1.weight[:, :, 0, 0]
        rounded = (weight * first.kept.float()).to(dtype)
        bias = -(rounded.float() @ first.bound.float()).double()
        if layer.conv1.bias is not None:
            bias += layer.conv1.bias.double()
        if first.some_fixed:
            bias += (weight[:, first.fixed] @ first.shift[first.fixed].relu().float()).double()
        if second is not None and not second.some_fixed:
            sign = second.scale.sign()
            rounded, bias = rounded * sign.to(dtype)[:, None], (bias - second.start) * sign
            self.conv2.weight = nn.Parameter(layer.conv2.weight * second.scale.abs().float()[:, None, None])
            self.norm2 = nn.Identity()
        elif isinstance(layer.norm2, nn.BatchNorm2d):
            # What rounding takes from the bias would shift a whole channel; the norm, in float32, gives it back.
            exact, bias = bias, bias.to(dtype).double()
            layer.norm2.running_mean += (bias - exact).float()
        self.conv1.weight = nn.Parameter(rounded[:, :, None, None])
        self.conv1.bias = nn.Parameter(bias.to(dtype))
        shape = (1, -1, 1, 1)
        self.register_buffer("low", first.low.view(shape))
        self.register_buffer("high", first.high.view(shape) if first.some_fall else None)

    def forward(self, x: Tensor, room: Tensor) -> Tensor:
        """New features of ``x``; ``room``, of the same shape, is overwritten."""
        x = torch.maximum(x, self.low, out=room) if self.high is None else torch.clamp(x, self.low, self.high, out=room)
        return self.conv2(self.relu2(self.norm2(self.conv1(x))))


@dataclass(frozen=True)
class _Threshold:
    """A batch norm and the ReLU after it: where they cut channels off. All are [channels].

    Attributes:
        scale, shift: float64, of the norm.
        kept: float64, scale of the channels that are sometimes cut off, 0 for those that never or always are.
        start: float64, where a channel is cut off; NaN or infinite if it has no such place.
        bound: the same in the precision that features have; 0 if there is none.
        fixed: bool, whether there is none, or none within reach.
        low, high: what features are compared with, in their precision.
    """

    scale: Tensor
    kept: Tensor
    shift: Tensor
    start: Tensor
    bound: Tensor
    fixed: Tensor
    low: Tensor
    high: Tensor

    @cached_property
    def some_fixed(self) -> bool:
        return bool(self.fixed.any())

    @cached_property
    def some_fall(self) -> bool:
        """Whether a channel is cut off above its bound: one of negative scale."""
        return bool((self.kept < 0).any())


def _thresholds(norms: Sequence[nn.BatchNorm2d], dtype: torch.dtype) -> list[_Threshold]:
    """Of many norms at once: one by one, it is the number of operations that takes time."""
    if not norms:
        return []
    weight, bias, mean, var = (
        torch.cat([getattr(norm, part) for norm in norms]).double()
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    widths = [norm.num_features for norm in norms]
    eps = torch.tensor([norm.eps for norm in norms], dtype=torch.float64, device=var.device)
    scale = weight * (var + eps.repeat_interleave(torch.tensor(widths, device=var.device))).rsqrt()
    shift = bias - mean * scale
    start = -shift / scale
    fixed = ~(start.abs() < _FAR)  # NaN too: 0 / 0
    bound, kept = start.masked_fill(fixed, 0).to(dtype), scale.masked_fill(fixed, 0)
    low, high = bound.masked_fill(kept < 0, -torch.inf), bound.masked_fill(kept >= 0, torch.inf)
    parts = (scale, kept, shift, start, bound, fixed, low, high)
    return [_Threshold(*own) for own in zip(*(part.split(widths) for part in parts), strict=True)]
