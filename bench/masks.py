"""Time to masks, ours against torch's own pruning, in one process: ``python -m bench.masks``.

Ratios are what counts; the milliseconds are this machine's, today.
"""

import copy
import os
import statistics
import time
from collections.abc import Callable

import torch
from torch.nn.utils import prune

from core.models import build, layers, prunable
from core.pruning import CRITERIA, Ranking, bind, magnitude

REPEATS = 5
SPARSITY = 0.8


def torch_masks(model: torch.nn.Module) -> Callable[[], None]:
    """torch's way to masks at one sparsity, on a fresh copy each time; the copying is not counted."""
    copies = [copy.deepcopy(model) for _ in range(REPEATS + 1)]

    def run() -> None:
        pairs = [(layer, "weight") for layer in layers(copies.pop()).values()]
        prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=SPARSITY)

    return run


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Least and median milliseconds of REPEATS runs, after one that is not counted."""
    times = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return min(times[1:]), statistics.median(times[1:])


def compare(name: str) -> None:
    torch.manual_seed(0)
    model = build(name, 7)
    weights = prunable(model)
    size = sum(weight.numel() for weight in weights.values())
    ranking = Ranking(CRITERIA["magnitude"](weights))
    masks = ranking.masks(SPARSITY)

    print(f"\n{name}: {size / 1e6:.1f} million weights in {len(weights)} layers, sparsity {SPARSITY:g}")
    print(f"{'':46}{'min ms':>9}{'median ms':>11}{'× faster than torch':>22}")
    theirs = measure(torch_masks(model))
    print(f"{'torch.nn.utils.prune.global_unstructured':46}{theirs[0]:9.1f}{theirs[1]:11.1f}")
    for what, work in {
        "masks at a new sparsity, Ranking ready": lambda: ranking.masks(SPARSITY),
        "the same, building the Ranking": lambda: Ranking(CRITERIA["magnitude"](weights)).masks(SPARSITY),
        "magnitude(), once": lambda: magnitude(weights, SPARSITY),
        "magnitude(), by layer": lambda: magnitude(weights, SPARSITY, scope="layer"),
        "magnitude(), by channel": lambda: magnitude(weights, SPARSITY, scope="channel"),
        "bind, masks ready": lambda: bind(model, masks),
    }.items():
        ours = measure(work)
        print(f"{what:46}{ours[0]:9.1f}{ours[1]:11.1f}{theirs[1] / ours[1]:22.1f}")


if __name__ == "__main__":
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {os.cpu_count()} processors")
    for architecture in ("vgg16", "densenet169"):
        compare(architecture)
