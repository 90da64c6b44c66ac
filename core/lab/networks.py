"""Networks made ready to be asked about drawings."""

import numpy as np
from torch import nn

from core.checkpoints import Card
from core.data.phantom import RARITY, render, sample
from core.evaluation import Predictor, has_batch_norm, recalibrate
from core.progress import Report, silent
from core.whatif import Subject

# Drawn in about two seconds. Of a DenseNet169 pruned to 70 and 85%, accuracy comes within a point of that with 1,024.
CALIBRATION = 256
_SEED = 31


def calibration(card: Card, count: int = CALIBRATION) -> np.ndarray:
    """Drawings to re-estimate batch norm on: new phantoms, with classes as frequent as the network saw them in training.

    No image of a data set is needed for them, not even of the phantoms.

    Args:
        card: of a network that was trained on phantoms.
        count: how many.

    Returns:
        uint8 [count, size, size, 3].

    Raises:
        InvalidValue: the network's images have a size that phantoms are not drawn at.
    """
    balance = (card.recipe.get("training") or {}).get("balance", 0.0)
    classes = {name: share ** (1 - balance) for name, share in RARITY.items()}
    return render(sample(count, _SEED, classes=classes), card.data.size).images


def network(
    subject: Subject, sparsity: float, images: np.ndarray | None = None, *, device=None, report: Report = silent
) -> Predictor:
    """A checkpoint pruned on to ``sparsity`` without fine-tuning, made ready.

    Args:
        subject: the checkpoint.
        sparsity: its own for the checkpoint as it is, or a higher one.
        images: re-estimate batch norm on these, uint8 [N, H, W, 3]; None leaves it as it is.
        device: as for :func:`core.device.pick`.
        report: told of progress; may raise Cancelled.

    Raises:
        InvalidSparsity: outside [0, 1).
    """
    model: nn.Module = subject.at(sparsity)
    if images is not None and has_batch_norm(model):
        model = recalibrate(model, images, device=device, report=report)
    return Predictor(model, device=device)
