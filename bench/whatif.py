"""How long a move of the slider takes, against the plain way: torch's own global pruning, float32, a DataLoader.

``python -m bench.whatif`` prints ratios measured in one process; absolute times depend on the machine and its load.
"""

import copy
import statistics
import time

import numpy as np
import torch
from torch.nn.utils import prune
from torch.utils.data import DataLoader, TensorDataset

from core import device, models, whatif
from core.evaluation import Predictor, predict, recalibrate
from core.models import build, layers, prunable
from core.pruning import Ranking, bind

SIZE, CLASSES, REPEATS = 64, 7, 5


def plain(model, images: np.ndarray, sparsity: float) -> np.ndarray:
    """Prune a copy with torch and ask it image by image batch, as a tutorial would."""
    pruned = copy.deepcopy(model)
    pairs = [(layer, "weight") for layer in layers(pruned).values()]
    prune.global_unstructured(pairs, pruning_method=prune.L1Unstructured, amount=sparsity)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    pixels = (pixels - model.mean.view(1, 3, 1, 1)) / model.std.view(1, 3, 1, 1)
    loader = DataLoader(TensorDataset(pixels), batch_size=32)
    with torch.no_grad():
        return torch.cat([torch.softmax(pruned(batch), 1) for (batch,) in loader]).numpy()


def ours(model, ranking: Ranking, images: np.ndarray, sparsity: float) -> np.ndarray:
    """The same answers from a ranking that was sorted once and the prediction engine."""
    return predict(Predictor(bind(model, ranking.masks(sparsity))), images)


def ours_recalibrated(model, ranking: Ranking, images: np.ndarray, sparsity: float, calibration: np.ndarray):
    """The first estimate with the switch on: batch norm from 64 training images, then 64 test images."""
    pruned = bind(model, ranking.masks(sparsity))
    return predict(Predictor(recalibrate(pruned, calibration)), images)


def timed(work) -> float:
    """Median seconds over a few sparsities, after one to warm up."""
    work(0.5)
    times = []
    for sparsity in np.linspace(0.6, 0.9, REPEATS):
        start = time.perf_counter()
        work(float(sparsity))
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    print(f"{device.describe()}; medians of {REPEATS} sparsities, random weights, {SIZE}×{SIZE} images")
    random = np.random.default_rng(0)
    for name in models.ARCHITECTURES:
        torch.manual_seed(0)
        model = build(name, CLASSES)
        with torch.no_grad():
            model.classifier.weight.mul_(30)  # untrained answers are all alike and would hide a difference
        ranking = Ranking({layer: weight.abs() for layer, weight in prunable(model).items()})
        images = random.integers(0, 256, (whatif.FIRST, SIZE, SIZE, 3), dtype=np.uint8)
        calibration = random.integers(0, 256, (whatif.FIRST, SIZE, SIZE, 3), dtype=np.uint8)
        slow = timed(lambda s: plain(model, images, s))  # noqa: B023 (called at once)
        fast = timed(lambda s: ours(model, ranking, images, s))  # noqa: B023
        calibrated = timed(lambda s: ours_recalibrated(model, ranking, images, s, calibration))  # noqa: B023
        error = np.abs(plain(model, images, 0.8) - ours(model, ranking, images, 0.8)).max()
        print(
            f"{name}, {len(images)} images: plain {slow:.2f} s, ours {fast:.3f} s ({slow / fast:.1f} times faster), "
            f"with batch norm recalibrated {calibrated:.3f} s; largest difference of a probability {error:.4f}"
        )
        many = random.integers(0, 256, (512, SIZE, SIZE, 3), dtype=np.uint8)
        slow, fast = timed(lambda s: plain(model, many, s)), timed(lambda s: ours(model, ranking, many, s))  # noqa: B023
        print(f"{name}, {len(many)} images: plain {slow:.2f} s, ours {fast:.2f} s ({slow / fast:.1f} times faster)")


if __name__ == "__main__":
    main()
