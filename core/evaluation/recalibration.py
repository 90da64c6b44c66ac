"""Batch-norm recalibration: pruning leaves the statistics of batch norm stale, and re-estimating them needs no training.

Without it a network pruned and not fine-tuned fails mostly because its activations no longer have the mean and variance
that its norms expect (Sun et al. 2019; Li et al. 2020, "EagleEye").
"""

import time

import torch
from torch import Tensor, nn

from core import device as devices
from core.errors import InvalidValue, check_whole
from core.evaluation.predict import BATCH, as_images
from core.models import normalise
from core.models.refusals import refusals_named
from core.progress import Progress, Report, silent
from core.pruning import private

IMAGES = 1024  # about a thousand: from here on the balanced accuracy no longer moves


def has_batch_norm(model: nn.Module) -> bool:
    """Whether there is anything to recalibrate."""
    return any(isinstance(module, nn.BatchNorm2d) for module in model.modules())


@devices.memory_named("recalibrate on smaller batches")
def recalibrate(model: nn.Module, images, *, device=None, batch: int = BATCH, report: Report = silent) -> nn.Module:
    """A private copy of ``model`` whose batch-norm statistics are those of ``images``.

    Args:
        model: untouched; the copy shares its weights.
        images: uint8 [N, H, W, 3] or an image set, *drawn as in training* (:func:`core.training.draw`): drawn evenly
            over the classes, even a dense model loses accuracy.
        batch: images at once; mean and variance are averaged over full batches.
        report: told after each batch; may raise Cancelled.

    Returns:
        A module in evaluation mode. Without batch norm it is simply a copy.

    Raises:
        InvalidValue: not images, fewer than two, too small for the network, or no number of images at once.
        MemoryFull: no memory for a batch.
    """
    batch = check_whole(batch, "This is no number of images at once", 1, 1_000_000)
    place = devices.pick(device)
    dtype = devices.precision("auto", place)
    pictures = as_images(images)
    copy = private(model).eval()
    norms = [module for module in copy.modules() if isinstance(module, nn.BatchNorm2d)]
    if not norms:
        return copy
    if len(pictures) < 2:
        raise InvalidValue(
            "Batch norm cannot be recalibrated on these images",
            given=f"{len(pictures)} of them",
            expected=f"two or more, better about {IMAGES:,}",
        )
    for norm in norms:
        # Normalise by the batch, so that what follows sees what it will see; no momentum means a plain average.
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    copy.to(place, memory_format=torch.channels_last)
    # A short last batch would count as much as a full one.
    whole = len(pictures) - len(pictures) % batch or len(pictures)
    start = time.monotonic()
    for first in range(0, whole, batch):
        piece = pictures[first : first + batch]
        with refusals_named(copy, piece, dtype):
            devices.compute(place, _take_in, copy, piece, place, dtype)
        done = min(first + batch, whole)
        report(Progress("Recalibrating batch norm", done, whole, "images", time.monotonic() - start))
    return copy.eval()


def _take_in(model: nn.Module, images: Tensor, place: torch.device, dtype: torch.dtype) -> None:
    with torch.inference_mode(), devices.autocast(place, dtype):
        model(normalise(model, images))
