"""Networks that were pruned before they were brought: how much of them was zero, and what that means for sparsities below it."""

import torch
from torch import nn

from core.checkpoints import Card
from core.models import prunable

ZEROS = "zeros"
"""Where the recipe of a card counts the weights that were zero when the network was brought."""
_WORTH = 0.01  # of a network that nobody pruned, a few weights are zero by rounding


def count(model: nn.Module) -> int:
    """How many prunable weights of ``model`` are zero; 0 where they are too few to speak of pruning."""
    weights = prunable(model).values()
    zeros = sum(int(torch.count_nonzero(weight == 0)) for weight in weights)
    return zeros if zeros > _WORTH * sum(weight.numel() for weight in weights) else 0


def already(card: Card) -> float:
    """The share of a brought network's weights that was zero when it came, in [0, 1]; 0 of every other network."""
    zeros = card.recipe.get(ZEROS)
    fine = card.method == "dense" and type(zeros) is int and 0 < zeros <= card.weights
    return zeros / card.weights if fine else 0.0


def sentence(share: float) -> str:
    """What ``share`` of the weights being zero already means; "" if none is."""
    if not share:
        return ""
    return (
        f"{share:.1%} of this network's weights were zero when it was brought. It starts as it is: pruning it to less than that takes "
        "zeros away and changes nothing."
    )
