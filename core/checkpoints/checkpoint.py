"""A checkpoint in memory: kept as coded as it is on disk, decoded when its weights or masks are asked for."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from core.checkpoints import container
from core.checkpoints.architecture import empty, layout
from core.checkpoints.card import Card
from core.checkpoints.codec import decode, decode_masks
from core.models import set_normalisation


@dataclass(frozen=True)
class Checkpoint:
    """A network, its masks and its card, as :func:`core.checkpoints.load` and ``save`` give them.

    Attributes:
        id: what ``load`` finds it under: its path below the root without the suffix; elsewhere its whole path.
        path: its file.
        card: see :class:`Card`.
        size_bytes: of the file.
    """

    id: str
    path: Path
    card: Card = field(repr=False)
    size_bytes: int
    stored: Mapping[str, Tensor] = field(repr=False, compare=False)

    @cached_property
    def masks(self) -> dict[str, Tensor]:
        """Bool tensor of the weight's shape for every prunable layer, in execution order; True keeps."""
        with torch.inference_mode(False):
            return decode_masks(self.stored, layout(self.card.architecture))

    def state_dict(self) -> dict[str, Tensor]:
        """Tensors by torchvision's names: float32, counters int64. Fresh on each call, so they may be changed."""
        # Whoever asks inside inference_mode may still want to train the network or attribute with it outside.
        with torch.inference_mode(False):
            return decode(self.stored, layout(self.card.architecture))

    def model(self) -> nn.Module:
        """A fresh network on the processor: float32, in evaluation mode, with the normalisation it was trained with."""
        with torch.inference_mode(False):
            model = empty(self.card.architecture)
            model.load_state_dict(self.state_dict(), assign=True)
            return set_normalisation(model, self.card.mean, self.card.std).eval()


def export_state_dict(checkpoint: Checkpoint, path: str | os.PathLike) -> Path:
    """Write the weights as a plain safetensors ``state_dict``, float32, zeros spelt out, for use without PruneScope.

    Args:
        checkpoint: what to export.
        path: the file; an older one is replaced.

    Returns:
        The path. ``safetensors.torch.load_file`` reads it; the image mean and std lie in its metadata.

    Raises:
        StorageFull: no room or no permission; an older file stays as it was.
    """
    path = Path(path)
    card = checkpoint.card
    metadata = {"format": "pt", "mean": json.dumps(card.mean), "std": json.dumps(card.std)}
    container.write(path, checkpoint.state_dict(), metadata)
    return path
