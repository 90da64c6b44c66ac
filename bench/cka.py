"""CKA matrices, ours against torch_cka, in one process: ``OMP_NUM_THREADS=2 python -m bench.cka``.

Same images, same layers, both networks fresh; torch_cka sees all images in one batch, so that both estimate the same thing.
Wants ``pip install torch_cka`` (it imports matplotlib, so it is no part of requirements-dev.txt) and says so where it is
missing. Ratios are what counts; the seconds are this machine's, today. ``--quick`` leaves out the slow ones;
``--busy`` counts processor time, which other work on the machine disturbs less (use one thread).

``--peak n`` prints instead how much memory DenseNet169 with every layer takes at n images, of the whole process.
"""

import argparse
import contextlib
import copy
import gc
import io
import os
import resource
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np
import torch

from core.models import build, normalise
from core.similarity import cka_matrix, grams, layer_names
from core.similarity.precision import _MOVED

N, SIZE = 256, 64
MOST = 2.0  # GB, of the whole process
TARGETS = {("vgg16", 14): 4, ("densenet169", 43): 7, ("densenet169", 169): 60}


def pictures(n: int) -> np.ndarray:
    """Clouds of different colour, contrast and grain: uint8 [n, SIZE, SIZE, 3]."""
    torch.manual_seed(0)
    coarse = torch.randn(n, 3, 8, 8) * torch.rand(n, 1, 1, 1) + torch.randn(n, 3, 1, 1)
    clouds = torch.nn.functional.interpolate(coarse, SIZE, mode="bicubic") + torch.rand(n, 1, 1, 1) * torch.randn(
        n, 3, SIZE, SIZE
    )
    return (128 + 50 * clouds).clamp(0, 255).byte().permute(0, 2, 3, 1).contiguous().numpy()


def network(name: str, seed: int, images: np.ndarray) -> torch.nn.Module:
    """Random weights, but batch norm has met the images: features of ordinary size, no dead layer."""
    torch.manual_seed(seed)
    model = build(name, 7)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(normalise(model, torch.from_numpy(images[:32])))
    return model.eval()


def theirs(a: torch.nn.Module, b: torch.nn.Module, names: list[str], images: np.ndarray) -> str:
    from torch_cka import CKA

    batch = normalise(a, torch.from_numpy(images)).contiguous()
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(batch), batch_size=len(images))
    with torch.no_grad(), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            CKA(a, b, "a", "b", names, names).compare(loader, loader)
        except AssertionError as error:  # its last line: all the work is done
            return str(error)
    return ""


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    start = clock()
    work()
    return clock() - start


def compare(
    name: str, words: str, names: list[str], images: np.ndarray, clock: Callable[[], float], repeats: int
) -> None:
    a, b = (network(name, seed, images) for seed in (0, 1))
    count, wanted = len(names), TARGETS[name, len(names)]
    note, pair = "", []

    def their_run() -> None:
        nonlocal note
        note = theirs(*pair, names, images) or note

    rows: dict[str, list[float]] = {"theirs": [], "first": [], "fresh": [], "cached": []}
    precision = cka_matrix(a, b, images, layers=names).precision[0]  # and all code has run before it is timed

    def our_runs() -> None:
        _MOVED.clear()
        rows["first"].append(seconds(lambda: cka_matrix(a, b, images, layers=names), clock))
        for _ in range(2):
            rows["fresh"].append(seconds(lambda: cka_matrix(a, b, images, layers=names), clock))
            dense = grams(a, images, layers=names)
            rows["cached"].append(seconds(lambda dense=dense: cka_matrix(dense, b, images, layers=names), clock))

    for _ in range(1 if count > 100 else repeats):
        our_runs()  # before and after: a machine's speed drifts over the minutes that torch_cka takes
        pair[:] = copy.deepcopy(a), copy.deepcopy(b)  # its hooks are never removed
        rows["theirs"].append(seconds(their_run, clock))
        pair.clear()  # and with the networks, which its hooks tie to it, all their features: gigabytes, which slow down what comes next
        gc.collect()
        our_runs()
    middle = {key: statistics.median(times) for key, times in rows.items()}
    print(
        f"\n{name}, {words}: {count} layers, n = {N}, {SIZE}×{SIZE}, {precision}"
        + (f"; torch_cka ends in: {note}" if note else "")
    )
    print(f"{'':54}{'seconds':>9}{'× faster':>10}{'wanted':>8}")
    for key, what, target in (
        ("theirs", "torch_cka, all images in one batch", ""),
        ("first", "ours, first time: bfloat16 checked against float32", ""),
        ("fresh", "ours, both networks fresh", wanted),
        ("cached", "ours, Gram matrices of the dense model at hand", 2 * wanted),
    ):
        ratio = "" if key == "theirs" else f"{middle['theirs'] / middle[key]:.1f}"
        print(f"{what:54}{middle[key]:9.2f}{ratio:>10}{target:>8}", flush=True)


def peak(n: int) -> None:
    """The most memory the process ever had, for all layers of DenseNet169 with itself and with another. Wanted: under 2 GB."""

    def most() -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9

    images = pictures(n)
    a, b = (network("densenet169", seed, images) for seed in (0, 1))
    before = most()
    print(f"before, torch and the networks: {before:.2f} GB")
    for other, words in ((a, "with itself"), (b, "with another")):
        spent = seconds(lambda other=other: cka_matrix(a, other, images, layers="all"))
        print(
            f"DenseNet169, {len(layer_names(a, 'all'))} layers, n = {n}, {words}: {most():.2f} GB in all at most "
            f"(wanted: under {MOST:g}), {most() - before:.2f} more than before, {spent:.1f} s"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="CKA: ours against torch_cka")
    parser.add_argument("--quick", action="store_true", help="leave out the 169 layers of DenseNet169")
    parser.add_argument(
        "--busy", action="store_true", help="count processor time: for a machine with other work, 1 thread"
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs of torch_cka, of which the median counts")
    parser.add_argument("--peak", type=int, metavar="N", help="print the memory that N images take instead")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {os.cpu_count()} processors")
    if options.peak:
        peak(options.peak)
        return
    try:
        import torch_cka  # noqa: F401
    except ImportError as error:
        print(f"skipped: {error}; `pip install torch_cka` into this environment to compare")
        return
    images = pictures(N)
    clock = time.process_time if options.busy else time.perf_counter
    vgg, dense = (layer_names(build(name, 7), "convolutions") for name in ("vgg16", "densenet169"))
    choices = [
        ("vgg16", "convolutions", vgg),
        ("densenet169", "standard", layer_names(build("densenet169", 7), "standard")),
        # Another 43, as a user of torch_cka would thin them out: among them are wide layers, which cost it more.
        ("densenet169", "every fourth", dense[::4]),
        ("densenet169", "convolutions", dense),
    ]
    for name, words, names in choices[: 3 if options.quick else 4]:
        compare(name, words, names, images, clock, options.repeats)


if __name__ == "__main__":
    main()
