"""Attribution maps, ours against a plain loop over Captum, in one process: ``OMP_NUM_THREADS=2 python -m bench.attribution``.

One image of 64×64, networks with random weights. The plain way is what its users write: the network copied, ReLUs made
out of place, and for Integrated Gradients one step after the other. Ratios are what counts; the seconds are this machine's,
today. ``--busy`` counts processor time, which other work on the machine disturbs less (use one thread).
"""

import argparse
import copy
import os
import statistics
import time
import warnings
from collections.abc import Callable

import captum.attr
import numpy as np
import torch
from torch import nn

from core.attribution import METHODS, attribute
from core.models import build, normalise

SIZE, TARGET, STEPS = 64, 3, 16
WANTED = {"grad_cam": 0.2, "saliency": 0.2, "integrated_gradients": 1.0}  # seconds on two cores


def network(name: str) -> nn.Module:
    """Random weights, but batch norm has met images."""
    torch.manual_seed(0)
    model = build(name, 7)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(16, 3, SIZE, SIZE))
    return model.eval()


def plain(model: nn.Module, image: np.ndarray, method: str) -> Callable[[], object] | None:
    """The same with Captum alone; None where its users have no simple way."""

    def prepared() -> tuple[nn.Module, torch.Tensor]:
        own = copy.deepcopy(model)
        for module in own.modules():
            if isinstance(module, nn.ReLU):
                module.inplace = False
        return own, normalise(own, torch.from_numpy(image[None].copy())).contiguous().requires_grad_()

    def saliency():
        own, x = prepared()
        return captum.attr.Saliency(own).attribute(x, TARGET)

    def grad_cam():
        own, x = prepared()
        layer = own.features[-3] if hasattr(own, "avgpool") else own.features.denseblock4
        return captum.attr.LayerGradCam(own, layer).attribute(x, TARGET)

    def integrated_gradients():
        own, x = prepared()
        method = captum.attr.IntegratedGradients(own)
        return method.attribute(x, torch.zeros_like(x), TARGET, n_steps=STEPS, internal_batch_size=1)

    def occlusion():
        own, x = prepared()
        with torch.no_grad():
            return captum.attr.Occlusion(own).attribute(x, (3, 12, 12), (3, 4, 4), 0, TARGET)

    def guided_backprop():
        own, x = prepared()
        return captum.attr.GuidedBackprop(own).attribute(x, TARGET)

    return {f.__name__: f for f in (saliency, grad_cam, integrated_gradients, occlusion, guided_backprop)}.get(method)


def seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    start = clock()
    work()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Attribution: ours against plain Captum")
    parser.add_argument(
        "--busy", action="store_true", help="count processor time: for a machine with other work, 1 thread"
    )
    parser.add_argument("--repeats", type=int, default=5, help="of which the median counts")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    clock = time.process_time if options.busy else time.perf_counter
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {os.cpu_count()} processors, float32")
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
    for name in ("vgg16", "densenet169"):
        model = network(name)
        print(f"\n{name}, one image of {SIZE}×{SIZE}")
        print(f"{'':24}{'seconds':>9}{'wanted':>9}{'plain Captum':>15}{'× faster':>10}")
        for method in METHODS:
            given = {"steps": STEPS} if method == "integrated_gradients" else {}

            def ours(method=method, given=given, model=model):
                return attribute(model, image, method=method, target=TARGET, **given)

            theirs = plain(model, image, method)
            rows: dict[str, list[float]] = {"ours": [], "theirs": []}
            for turn in range(options.repeats + 1):  # the first of each is not counted
                for key, work in (("ours", ours), ("theirs", theirs)):
                    if work is not None:
                        spent = seconds(work, clock)
                        rows[key] += [spent] if turn else []
            own = statistics.median(rows["ours"])
            other = statistics.median(rows["theirs"]) if rows["theirs"] else None
            wanted = f"{WANTED[method]:9.1f}" if method in WANTED else " " * 9
            compared = f"{other:15.3f}{other / own:10.1f}" if other else ""
            print(f"{METHODS[method].title:24}{own:9.3f}{wanted}{compared}", flush=True)


if __name__ == "__main__":
    main()
