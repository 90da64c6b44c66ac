"""Augmentation of a whole batch at once, as tensors; no image is handled on its own."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

Augmentation = Callable[[Tensor, torch.Generator], Tensor]


def plain(images: Tensor, generator: torch.Generator) -> Tensor:
    """Leave float images [N, 3, H, W] as they are."""
    return images


def dermoscopy(images: Tensor, generator: torch.Generator) -> Tensor:
    """Turn by any angle, mirror, zoom by up to 15% and change brightness and contrast by up to 10%.

    A lesion has no upright: every turned or mirrored image is as likely as the one that was taken.

    Args:
        images: normalised float [N, 3, H, W].
        generator: of the CPU, for the same draws on every device.
    """
    n = len(images)
    draw = torch.rand(5, n, generator=generator).to(images.device)
    angle = draw[0] * 2 * torch.pi
    zoom = 0.85 + 0.3 * draw[1]
    mirror = (draw[2] < 0.5) * 2.0 - 1.0
    cos, sin = torch.cos(angle) * zoom, torch.sin(angle) * zoom
    turn = torch.stack(
        [torch.stack([cos * mirror, -sin, 0 * sin], -1), torch.stack([sin * mirror, cos, 0 * sin], -1)], 1
    )
    grid = F.affine_grid(turn.float(), list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid.to(images.dtype), padding_mode="reflection", align_corners=False)
    contrast = (0.9 + 0.2 * draw[3]).view(-1, 1, 1, 1).to(images.dtype)
    brightness = (0.2 * draw[4] - 0.1).view(-1, 1, 1, 1).to(images.dtype)
    return images * contrast + brightness


def objects(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift by up to an eighth of the side (reflected at the border) and mirror left to right; for CIFAR-100.

    Args:
        images: normalised float [N, 3, H, W].
        generator: of the CPU.
    """
    n, _, height, width = images.shape
    pad = max(1, height // 8)
    draw = torch.rand(3, n, generator=generator).to(images.device)
    padded = F.pad(images, [pad] * 4, mode="reflect")
    down, right = (draw[0] * (2 * pad + 1)).long(), (draw[1] * (2 * pad + 1)).long()
    columns = torch.arange(width, device=images.device).expand(n, width)
    columns = torch.where((draw[2] < 0.5)[:, None], columns.flip(1), columns) + right[:, None]
    rows = torch.arange(height, device=images.device).expand(n, height) + down[:, None]
    picked = padded.permute(0, 2, 3, 1)[
        torch.arange(n, device=images.device)[:, None, None], rows[:, :, None], columns[:, None]
    ]
    return picked.permute(0, 3, 1, 2)


AUGMENTATIONS: dict[str, Augmentation] = {"none": plain, "dermoscopy": dermoscopy, "objects": objects}
