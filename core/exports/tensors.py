"""What goes into the safetensors files: tensors, and in the metadata what it takes to use them."""

import json

import torch
from torch import Tensor, nn

from core.checkpoints import Checkpoint
from core.checkpoints.codec import MASK
from core.checkpoints.seal import KEY
from core.models import prunable

SHAPES = "shapes"
"""Key of the metadata of a sparse-coded file under which the shapes of its coded tensors lie, as JSON."""

Contents = tuple[dict[str, Tensor], dict[str, str]]


def sparse(checkpoint: Checkpoint) -> Contents:
    """The checkpoint as it is stored, with the shapes of what is coded, so that it can be read without PruneScope.

    PruneScope knows the shapes from the architecture that the card names; it loads this file like any checkpoint.
    """
    card = json.dumps(checkpoint.card.to_dict(), sort_keys=True, allow_nan=False, separators=(",", ":"))
    coded = {name.removesuffix(MASK) for name in checkpoint.stored if name.endswith(MASK)}
    shapes = {
        f"{name}.weight": list(mask.shape) for name, mask in checkpoint.masks.items() if f"{name}.weight" in coded
    }
    return dict(checkpoint.stored), {KEY: card, SHAPES: json.dumps(shapes, separators=(",", ":"))} | about(checkpoint)


def plain(checkpoint: Checkpoint, *, half: bool) -> Contents:
    """The ``state_dict`` by torchvision's names, zeros spelt out."""
    state = checkpoint.state_dict()
    return _narrowed(state, set(map("{}.weight".format, checkpoint.masks)), half), about(checkpoint)


def compacted(checkpoint: Checkpoint, small: nn.Module, *, half: bool) -> Contents:
    """The ``state_dict`` of the compacted network: the names are torchvision's, the shapes are smaller."""
    state = {name: tensor.detach().contiguous() for name, tensor in small.state_dict().items()}
    return _narrowed(state, {f"{name}.weight" for name in prunable(small)}, half), about(checkpoint)


def about(checkpoint: Checkpoint) -> dict[str, str]:
    """What whoever runs the network has to know: the normalisation, the image size, the classes in order."""
    card = checkpoint.card
    facts = {"mean": card.mean, "std": card.std, "size": card.data.size, "classes": card.data.class_names}
    return {"format": "pt"} | {name: json.dumps(value) for name, value in facts.items()}


def _narrowed(state: dict[str, Tensor], weights: set[str], half: bool) -> dict[str, Tensor]:
    """With ``weights`` in half precision, but for those that it cannot hold: a folded batch norm may scale them up."""
    if not half:
        return state
    narrow = {name: tensor.half() if name in weights else tensor for name, tensor in state.items()}
    return {name: tensor if torch.isfinite(tensor).all() else state[name] for name, tensor in narrow.items()}
