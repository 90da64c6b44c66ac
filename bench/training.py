"""Training and predicting with and without our short cuts, in one process: ``python -m bench.training [--threads 1]``.

Training: one step of SGD in bfloat16, torch's convolutions against matrix products on small maps. Predicting: DenseNet169 with
torch's concatenations against features written once, and how far each is from float32. Ratios are what counts; images a
second are this machine's, today. Rounds alternate, so that other work on the machine disturbs both alike.

Where there is a GPU: a step of training started operation by operation against the same step replayed as a CUDA graph.
"""

import argparse
import contextlib
import os
import statistics
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F

from core import device
from core.evaluation import Predictor, predict
from core.models import build
from core.training.convolution import quick
from core.training.step import Plain, Recorded

ROUNDS = 5
"""Of each way, alternating; the median counts."""


def rates(ways: dict[str, Callable[[], None]], images: int) -> dict[str, float]:
    """Images a second of each way."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, work in ways.items():
            start = time.perf_counter()
            work()
            if turn:  # the first is not counted: memory, layouts
                times[name].append(time.perf_counter() - start)
    return {name: images / statistics.median(values) for name, values in times.items()}


def steps(name: str, side: int, batch: int, many: int = 4) -> dict[str, float]:
    """Images a second of training, for torch's convolutions and ours."""
    torch.manual_seed(0)
    model = build(name, 100).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
    images = torch.randn(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(100, (batch,))

    def work(way) -> None:
        with way():
            for _ in range(many):
                with torch.autocast("cpu", torch.bfloat16):
                    logits = model(images)
                optimizer.zero_grad(set_to_none=True)
                F.cross_entropy(logits.float(), labels).backward()
                optimizer.step()

    ways = {"torch": lambda: work(contextlib.nullcontext), "ours": lambda: work(lambda: quick(model))}
    return rates(ways, many * batch)


def graphs(name: str, side: int, batch: int, stem: str = "stock", many: int = 10) -> dict[str, float]:
    """Images a second of training on a GPU, started operation by operation and as a CUDA graph."""
    place, ways = torch.device("cuda"), {}
    images = torch.randn(batch, 3, side, side, device=place).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(100, (batch,), device=place)
    for way, kind in (("plain", Plain), ("recorded", lambda *given: Recorded(Plain(*given)))):
        torch.manual_seed(0)
        model = build(name, 100, stem=stem).to(place, memory_format=torch.channels_last).train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True, weight_decay=5e-4)
        step = kind(model, place, torch.bfloat16, 0.0)

        def work(step=step, optimizer=optimizer) -> None:
            for _ in range(many):
                step(images, labels)
                optimizer.step()
            torch.cuda.synchronize()

        ways[way] = work
    return rates(ways, many * batch)


def on_gpu() -> None:
    """Print a table of :func:`graphs`."""
    print(f"torch {torch.__version__}, {torch.cuda.get_device_name()}")
    print(f"\n{'images a second':52}{'plain':>9}{'recorded':>9}{'ratio':>8}")
    for name, side, batch, stem in (
        ("vgg16", 32, 128, "stock"),
        ("densenet169", 32, 128, "small"),
        ("densenet169", 32, 256, "small"),
        ("vgg16", 64, 64, "stock"),
        ("densenet169", 64, 64, "stock"),
        ("vgg16", 128, 64, "stock"),
    ):
        found = graphs(name, side, batch, stem)
        what = f"training {name}, {stem} stem, {side}×{side}, {batch} a step"
        ratio = found["recorded"] / found["plain"]
        print(f"{what:52}{found['plain']:9.0f}{found['recorded']:9.0f}{ratio:8.2f}", flush=True)


def answers(side: int, batch: int) -> tuple[dict[str, float], dict[str, float]]:
    """Images a second of DenseNet169's predictions both ways, and their mean distance from float32's probabilities."""
    torch.manual_seed(0)
    model = build("densenet169", 7).eval()
    images = torch.randint(0, 256, (batch, side, side, 3), dtype=torch.uint8)
    module = sys.modules["core.evaluation.predict"]
    merge, ready = module.merge, {}
    try:
        module.merge = lambda network, dtype: network
        ready["torch"] = Predictor(model, device="cpu", precision="bfloat16")
    finally:
        module.merge = merge
    ready["ours"] = Predictor(model, device="cpu", precision="bfloat16")
    exact = predict(model, images, device="cpu", precision="float32")
    far = {name: float(abs(predict(one, images) - exact).mean()) for name, one in ready.items()}
    return rates({name: lambda one=one: one(images) for name, one in ready.items()}, batch), far


def main() -> None:
    parser = argparse.ArgumentParser(description="Training and predicting with and without short cuts")
    parser.add_argument("--threads", type=int, default=1)
    torch.set_num_threads(parser.parse_args().threads)
    if torch.cuda.is_available():
        on_gpu()
        return
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {os.cpu_count()} processors")
    if not device.bfloat16_is_fast():
        print("skipped: this processor has no arithmetic in bfloat16, so neither short cut is taken")
        return
    print(f"\n{'images a second':44}{'torch':>9}{'ours':>9}{'ratio':>8}")
    for name, side, batch in (
        ("vgg16", 32, 64),
        ("densenet169", 32, 64),
        ("densenet169", 32, 128),
        ("vgg16", 64, 64),
        ("densenet169", 64, 64),
    ):
        found = steps(name, side, batch)
        what = f"training {name}, {side}×{side}, {batch} a step"
        print(f"{what:44}{found['torch']:9.0f}{found['ours']:9.0f}{found['ours'] / found['torch']:8.2f}", flush=True)
    for side, batch in ((64, 64), (32, 64)):
        found, far = answers(side, batch)
        what = f"predicting densenet169, {side}×{side}, {batch} at once"
        print(
            f"{what:44}{found['torch']:9.0f}{found['ours']:9.0f}{found['ours'] / found['torch']:8.2f}"
            f"   mean distance from float32: {far['torch']:.5f}, ours {far['ours']:.5f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
