"""The smaller layers that take the place of the pruned ones. Computed in float64, stored in the layer's own precision."""

import torch
from torch import Tensor, nn

from core.errors import InvalidValue
from core.pruning.binding import private
from core.pruning.compaction.operations import Norm, Weighted

_BLOCK = 256  # outputs at once: all of torchvision's first linear layer in float64 would take 800 MB


def small_layer(step: Weighted, spread: Tensor | None = None) -> nn.Conv2d | nn.Linear:
    """The layer of ``step`` with the channels that are kept, the batch norm after it and all constants before it inside.

    Args:
        step: surveyed.
        spread: float64 [taps, places]: a pooling before a linear layer that is merged into it (:func:`merged_pool`).
    """
    rows = step.needed.nonzero().flatten()
    without = []  # channels without weights, by what they emit
    if step.blank:
        rows, without = rows[:0], [step.constants[0].nan_to_num()]
    if step.carries:
        without.append(torch.tensor(1.0))
    blocks = [_folded(step, block, spread) for block in rows.split(_BLOCK)]
    weight, bias = (torch.cat(parts) for parts in zip(*blocks, strict=True))
    if without:
        weight = torch.cat([weight, weight.new_zeros(len(without), *weight.shape[1:])])
        bias = torch.cat([bias, torch.stack(without).double()])
    return _layer(step.module, weight, bias)


def _folded(step: Weighted, rows: Tensor, spread: Tensor | None) -> tuple[Tensor, Tensor]:
    """Weight [rows, inputs, taps] in the layer's precision, and bias float64 [rows]."""
    source = step.sources[0]
    columns, constants = source.kept(), source.constants
    # Columns that are kept compute their constant themselves; those that vary and are not kept, none of the rows read.
    known = ~columns & ~source.varying & (constants != 0)
    taps = step.taps[rows]
    weight = taps.double() if columns.all() else taps[:, columns].double()
    kernel = torch.einsum("oct,c->ot", taps[:, known].double(), constants[known])
    if spread is not None:
        weight, kernel = weight @ spread, kernel @ spread
    bias = step.bias[rows]
    if not step.pads:
        bias, kernel = bias + kernel.sum(1), torch.zeros_like(kernel)
    if source.carries:
        weight = torch.cat([weight, kernel[:, None]], 1)
    scale = step.scale[rows]
    return (weight * scale[:, None, None]).to(taps.dtype), bias * scale + step.shift[rows]


def _layer(old: nn.Conv2d | nn.Linear, weight: Tensor, bias: Tensor) -> nn.Conv2d | nn.Linear:
    outputs, inputs, taps = weight.shape
    # On the meta device nothing is initialised, and torch's global random state is left alone.
    some = bool(old.bias is not None or bias.any())
    if isinstance(old, nn.Linear):
        layer = nn.Linear(inputs * taps, outputs, bias=some, device="meta")
    else:
        shape = {name: getattr(old, name) for name in ("stride", "padding", "dilation")}
        layer = nn.Conv2d(inputs, outputs, old.kernel_size, bias=some, device="meta", **shape)
    layer.weight = nn.Parameter(weight.reshape(layer.weight.shape).to(old.weight))
    if some:
        layer.bias = nn.Parameter(bias.to(old.weight))
    return layer.eval()


def small_norm(step: Norm) -> nn.BatchNorm2d:
    """The batch norm of ``step`` with the channels that are kept."""
    old, kept = step.module, step.kept().to(step.module.running_mean.device)
    norm = nn.BatchNorm2d(int(kept.sum()), eps=old.eps, momentum=old.momentum, affine=old.affine, device="meta")
    for name in ("running_mean", "running_var"):
        setattr(norm, name, getattr(old, name)[kept].clone())
    norm.num_batches_tracked = old.num_batches_tracked.clone()
    if old.affine:
        norm.weight, norm.bias = nn.Parameter(old.weight[kept].clone()), nn.Parameter(old.bias[kept].clone())
    return norm.eval()


def merged_pool(model: nn.Module, size: int, channels: int = 3) -> tuple[Tensor, nn.Module] | None:
    """An average pool that only repeats: torchvision's VGG16 pools what is left of a small image *up* to 7×7 positions.

    Args:
        model: with ``features`` and ``avgpool``, as torchvision's VGG; untouched.
        size: height and width of the images.
        channels: of the images.

    Returns:
        float64 [positions after, positions before]: weights for positions after the pool, times this, are weights for the
        positions before it, with the same sums. And a module to put in the pool's place, which holds callers to the size. None
        where the pool makes fewer positions or as many.

    Raises:
        InvalidValue: images of this size do not get through ``features``.
    """
    pool = getattr(model, "avgpool", None)
    if not isinstance(pool, nn.AdaptiveAvgPool2d):
        return None
    # On the meta device, in evaluation mode: shapes alone are asked for, and batch norms must not learn from this image.
    shapes = nn.Sequential(private(model.features), pool).eval().to("meta", torch.float32)
    try:
        before = shapes[0](torch.empty(1, channels, size, size, device="meta"))
        places = shapes[1](before).shape[2:].numel()
    except RuntimeError as error:
        raise InvalidValue(
            "Images of this size do not get through this network",
            given=f"{size}×{size} pixels ({str(error).partition(chr(10))[0][:200]})",
            expected="larger ones, which survive its halvings",
        ) from error
    height, width = before.shape[2:]
    if places <= height * width:
        return None
    positions = torch.eye(height * width, dtype=torch.float64).view(-1, 1, height, width)
    return pool(positions).flatten(1).T.contiguous(), FixedSize(height, width)


class FixedSize(nn.Module):
    """In the place of a merged pool: lets through what has the height and width that the pool was merged for."""

    def __init__(self, height: int, width: int):
        super().__init__()
        self.height, self.width = height, width

    def forward(self, x: Tensor) -> Tensor:
        """``x`` [N, channels, height, width] as it is."""
        if x.shape[2:] != (self.height, self.width):
            raise InvalidValue(
                "This network was compacted for another image size",
                given=f"{x.shape[2]}×{x.shape[3]} positions before the head",
                expected=f"{self.height}×{self.width}",
                remedy="compact it for this size, or without naming one",
            )
        return x

    def extra_repr(self) -> str:
        """For printing the network."""
        return f"{self.height}, {self.width}"
