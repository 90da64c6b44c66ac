"""What a move of a slider costs in the lesion lab, against the plain way: each drawing asked by itself.

``python -m bench.lab`` prints seconds and ratios measured in one process; seconds depend on the machine and its load.
"""

import statistics
import time

import numpy as np
import torch

from core import device, lab, models
from core.data.phantom import render
from core.evaluation import Predictor, predict
from core.lab.answers import sweep
from core.models import build, prunable
from core.pruning import bind, magnitude

SIZE, SEEN, CLASSES, REPEATS = 64, 256, 7, 5
LESIONS = ("mel.1", "nv.1", "bcc.1", "random.3")


def one_by_one(networks: dict[str, Predictor], lesion, along: str) -> dict[str, np.ndarray]:
    """The same answers, a drawing at a time."""
    drawings = [render(lesion, SIZE).images, *(image[None] for image in sweep(lesion, along, SIZE))]
    return {name: np.concatenate([predict(network, image) for image in drawings]) for name, network in networks.items()}


def seconds(work) -> float:
    """Median of a few runs, after one to warm up."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    print(f"{device.describe()}; medians of {REPEATS}, random weights, {lab.POINTS} drawings along a parameter")
    for name in models.ARCHITECTURES:
        torch.manual_seed(0)
        model = build(name, CLASSES)
        networks = {"dense": Predictor(model)}
        for sparsity in (0.7, 0.8, 0.9):
            networks[f"pruned {sparsity:.0%}"] = Predictor(bind(model, magnitude(prunable(model), sparsity)))
        pair = dict(list(networks.items())[:2])
        for text in LESIONS:
            lesion = lab.decode(text)
            drawings = lab.sweep(lesion, "border", SIZE)
            picture = seconds(lambda: render(lesion, SEEN))  # noqa: B023 (called at once)
            drawn = seconds(lambda: lab.sweep(lesion, "border", SIZE))  # noqa: B023
            asked = seconds(lambda: lab.ask(pair, lesion, "border", SIZE, drawings=drawings))  # noqa: B023
            every = seconds(lambda: lab.ask(networks, lesion, "border", SIZE, drawings=drawings))  # noqa: B023
            plain = seconds(lambda: one_by_one(pair, lesion, "border"))  # noqa: B023
            print(
                f"{name}, {text}: picture {picture:.3f} s, sweep drawn {drawn:.3f} s, two networks asked {asked:.3f} s "
                f"(four: {every:.3f} s); a move of a slider {picture + drawn + asked:.3f} s, of the one on the chart "
                f"{picture + asked:.3f} s; drawn and asked together {plain / (drawn + asked):.1f} times as fast as one by one"
            )


if __name__ == "__main__":
    main()
