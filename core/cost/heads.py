"""torchvision's own VGG16 head: three linear layers with nine tenths of its weights, where sparse matrices are tried most.

A CSR matrix stores the weights that are left, row by row, each with its column. Multiplying by it skips the zeros, but
reads an index for each weight and jumps about in memory, so it pays off only when very few weights are left.
"""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from core import device as devices
from core.cost.machine import machine
from core.cost.speed import BATCHES, Speed
from core.cost.timing import interleaved
from core.progress import Report, silent
from core.pruning import compact, magnitude

DENSE, COMPACTED, CSR = "Dense", "Compacted", "CSR"
_HIDDEN = 4096  # Simonyan & Zisserman (2015)
Layers = list[tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Head:
    """The linear layers of a head, pruned, and what compaction leaves of them.

    Attributes:
        dense, compacted: weight float32 [outputs, inputs] and bias of each layer.
        sparsity: zeros among the weights of ``dense``.
        own: whether they are a checkpoint's, or drawn to try the speed.
    """

    dense: Layers
    compacted: Layers
    sparsity: float
    own: bool


def own_head(model: nn.Module, masks: Mapping[str, Tensor], size: int) -> Head | None:
    """The head of a VGG16 with ``head="stock"``; None for other networks.

    Args:
        model, masks: as for :func:`core.pruning.compact`.
        size: height and width of the images in pixels.
    """
    if not isinstance(getattr(model, "classifier", None), nn.Sequential):
        return None
    dense, small = (_linear(network) for network in (model, compact(model, masks, size=size)))
    return Head(dense, small, _zeros(dense), own=True)


def stand_in_head(sparsity: float, classes: int, size: int, *, scope: str = "global") -> Head:
    """A head of the same shape with random weights, pruned: zeros take as long wherever they come from.

    It is the one that compaction leaves of torchvision's: at 32 pixels its first layer has 512 inputs, not 25,088.

    Args:
        sparsity: share of zeros, in [0, 1).
        classes: outputs.
        size: height and width of the images in pixels.
        scope: as for :func:`core.pruning.magnitude`.
    """
    generator = torch.Generator().manual_seed(0)
    widths = [512 * max(1, min(7, size // 32)) ** 2, _HIDDEN, _HIDDEN, classes]
    layers = [
        (torch.randn(outputs, inputs, generator=generator) / inputs**0.5, torch.zeros(outputs))
        for inputs, outputs in pairwise(widths)
    ]
    masks = magnitude({str(index): weight for index, (weight, _) in enumerate(layers)}, sparsity, scope=scope)
    dense = [(weight * masks[str(index)], bias) for index, (weight, bias) in enumerate(layers)]
    return Head(dense, _without_dead_neurons(dense), masks.sparsity, own=False)


def compare_heads(
    head: Head, *, batches: Sequence[int] = BATCHES, seconds: float = 3.0, report: Report = silent
) -> list[Speed]:
    """Time the dense, compacted and CSR layers of ``head`` against each other, on the processor in float32.

    Args:
        head: what to time.
        batches: images at once.
        seconds: about how long for each batch size.
        report: told of progress; may raise Cancelled.
    """
    where = machine("cpu", "float32")
    sparse = [(as_csr(weight), bias) for weight, bias in head.dense]
    found = []
    for batch in batches:
        works = {
            DENSE: _forward(head.dense, batch),
            COMPACTED: _forward(head.compacted, batch),
            CSR: _forward(sparse, batch),
        }
        stage = f"Timing the linear layers, {'one image' if batch == 1 else f'{batch} images at once'}"
        times = interleaved(works, seconds=seconds, turn=devices.turn("cpu"), stage=stage, report=report)
        found.append(Speed(batch, 0, times, where))
    return found


def as_csr(weight: Tensor) -> Tensor:
    """``weight`` [outputs, inputs] as a CSR matrix without its zeros."""
    # torch calls its CSR kernels a beta once a process; that is what is being tried here.
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta state")
    return weight.to_sparse_csr()


def apply(layers: Layers, x: Tensor) -> Tensor:
    """The head's answer to features ``x`` [N, inputs], with ReLU between its layers; dense or CSR."""
    for index, (weight, bias) in enumerate(layers):
        if index:
            x = x.relu()
        if weight.layout == torch.sparse_csr:
            x = torch.addmm(bias[:, None], weight, x.T).T
        else:
            x = functional.linear(x, weight, bias)
    return x


def _without_dead_neurons(layers: Layers) -> Layers:
    """The same answers: with a bias of 0 a neuron whose weights are all 0 emits 0, which nobody needs to read."""
    left, alive = [], torch.ones(layers[0][0].shape[1], dtype=torch.bool)
    for weight, bias in layers:
        read, last = alive, weight is layers[-1][0]
        alive = torch.ones(len(weight), dtype=torch.bool) if last else (weight != 0).any(1)
        left.append((weight[alive][:, read].contiguous(), bias[alive]))
    return left


def _forward(layers: Layers, batch: int):
    x = torch.randn(batch, layers[0][0].shape[1], generator=torch.Generator().manual_seed(1)).relu()

    def work() -> None:
        with torch.inference_mode():
            apply(layers, x)

    return work


def _linear(model: nn.Module) -> Layers:
    return [
        (layer.weight.detach().float(), layer.bias.detach().float())
        for layer in model.classifier
        if isinstance(layer, nn.Linear)
    ]


def _zeros(layers: Layers) -> float:
    return sum(int((weight == 0).sum()) for weight, _ in layers) / sum(weight.numel() for weight, _ in layers)
