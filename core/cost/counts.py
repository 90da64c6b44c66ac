"""What a checkpoint weighs and computes, counted once and kept in the cache folder."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from core import checkpoints, exports
from core.checkpoints import Checkpoint, Entry
from core.cost.flops import flops
from core.files import cache_root, write_text
from core.models import prunable
from core.pruning import channel_states, compact
from core.pruning.compaction.building import FixedSize

VERSION = 2
"""Raised when something is counted otherwise, so that older counts are not read."""


@dataclass(frozen=True)
class Cost:
    """A network as it was, pruned, and compacted.

    Attributes:
        weights: prunable ones, zero or not.
        zeros: of these, pruned.
        weights_left: prunable ones after compaction, in the channels that are left.
        parameters, parameters_left: all of them, biases and batch norms included, before and after compaction.
        channels, channels_left: outputs of all prunable layers.
        constant, unread: channels that are dead because they are the same for every image, or because nothing reads them.
        flops, flops_left: for one image, counted as :func:`core.cost.flops` does.
        size: height and width of that image in pixels.
        merged: weights that go because a pool that only repeats is merged into the head, whatever is pruned
            (:func:`core.pruning.compact`, ``size``); not among ``weights_left``.
        bytes: format -> size of the file that :func:`core.exports.write` makes, for those that are safetensors.
    """

    weights: int
    zeros: int
    weights_left: int
    parameters: int
    parameters_left: int
    channels: int
    channels_left: int
    constant: int
    unread: int
    flops: int
    flops_left: int
    size: int
    bytes: Mapping[str, int]
    merged: int = 0

    @property
    def nominal(self) -> float:
        """Sparsity as pruning counts it: zeros among the prunable weights, in [0, 1]."""
        return self.zeros / self.weights

    @property
    def effective(self) -> float:
        """Share of the prunable weights that lie in dead channels, in [0, 1]; a carrier may outweigh what little was dead."""
        return max(0.0, 1 - (self.weights_left + self.merged) / self.weights)


def count(checkpoint: Checkpoint) -> Cost:
    """Count everything of ``checkpoint``. Takes some seconds: the network is compacted."""
    size, model, masks = checkpoint.card.data.size, checkpoint.model(), checkpoint.masks
    small = compact(model, masks, size=size)
    states = [state for layer in channel_states(model, masks).values() for state in layer.tolist()]
    left, merged = sum(weight.numel() for weight in prunable(small).values()), 0
    if isinstance(getattr(small, "avgpool", None), FixedSize):
        merged = sum(weight.numel() for weight in prunable(compact(model, masks)).values()) - left
    return Cost(
        weights=checkpoint.card.weights,
        zeros=checkpoint.card.zeros,
        weights_left=left,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        parameters_left=sum(parameter.numel() for parameter in small.parameters()),
        channels=len(states),
        channels_left=sum(len(weight) for weight in prunable(small).values()),
        constant=states.count("constant"),
        unread=states.count("unread"),
        flops=flops(model, size),
        flops_left=flops(small, size),
        size=size,
        bytes=exports.sizes(checkpoint, small),
        merged=merged,
    )


def cost_of(entry: Entry) -> Cost:
    """The cost of a checkpoint: as counted before, from the cache folder, else counted now and kept there.

    Raises:
        CheckpointDamaged and others: as loading the checkpoint.
    """
    path = _place(entry)
    try:
        return Cost(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # not counted yet, or a file that is no count: it is made anew
        cost = count(checkpoints.load(entry.path))
        write_text(path, json.dumps(asdict(cost)))
        return cost


def _place(entry: Entry) -> Path:
    return cache_root() / "cost" / f"{entry.card.digest}-{VERSION}.json"
