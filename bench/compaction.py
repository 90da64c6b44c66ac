"""What compaction makes of pruned networks: ``python -m bench.compaction`` for all that ship, or with ids for those.

For each: sparsity, effective sparsity, the largest relative error of a logit over random and real images, and how many times as
fast the compacted network is, timed in one process, round by round, against the dense one made ready in the same way (batch norm folded).
The last column compares with the dense network as torch runs it, norms and all.

    python -m bench.compaction ham10000-64/vgg16/one_shot-80 --batch 1 64 --seconds 20 --precision float32
"""

import argparse
import copy

import numpy as np
import torch
from torch import nn

from core import checkpoints, cost
from core.checkpoints import Checkpoint
from core.data import load
from core.errors import PruneScopeError
from core.models import build, normalise, prunable
from core.pruning import Masks, compact, magnitude

REAL, NOISE = 64, 16  # images behind the error


def pictures(checkpoint: Checkpoint) -> tuple[np.ndarray, str]:
    """Real test images where they are on this machine, and noise in any case."""
    data = checkpoint.card.data
    noise = np.random.default_rng(0).integers(0, 256, (NOISE, data.size, data.size, 3), dtype=np.uint8)
    try:
        real = np.array(load(data.name, "test", size=data.size, split_by=data.split_by or None).images[:REAL])
    except PruneScopeError:
        return noise, f"{NOISE} random images"
    return np.concatenate([real, noise]), f"{len(real)} test and {NOISE} random images"


@torch.inference_mode()
def error(model: nn.Module, small: nn.Module, images: np.ndarray) -> float:
    """The largest difference of a logit as a share of the largest logit, float32."""
    planes = normalise(model, torch.from_numpy(images))
    expected, found = (torch.cat([network(part) for part in planes.split(16)]) for network in (model, small))
    return ((found - expected).abs().max() / expected.abs().max()).item()


def line(checkpoint: Checkpoint, args) -> None:
    size, model = checkpoint.card.data.size, checkpoint.model()
    small = compact(model, checkpoint.masks, size=size)
    left = sum(weight.numel() for weight in prunable(small).values()) / checkpoint.card.weights
    images, seen = pictures(checkpoint)
    found = (
        f"{checkpoint.id:44}{checkpoint.card.actual_sparsity:9.1%}{1 - left:11.2%}{error(model, small, images):11.1e}"
    )
    networks = {"dense": model, "compacted": small}
    for speed in cost.measure(networks, size, batches=args.batch, seconds=args.seconds, precision=args.precision):
        low, median, high = speed.faster("compacted", "dense")
        plain = against_plain(model, small, speed.batch, size, args) if args.plain else ""
        print(
            f"{found}{speed.batch:7}{median:8.2f} [{low:.2f}, {high:.2f}]{speed.times['dense'].rounds:8}{plain}",
            flush=True,
        )
    print(f"{'':44} error over {seen}")


def against_plain(model: nn.Module, small: nn.Module, batch: int, size: int, args) -> str:
    """The same against the network as torch runs it: float32, norms not folded, its own memory format."""
    x = torch.randn(batch, 3, size, size)
    works = {"plain": forward(copy.deepcopy(model), x), "compacted": forward(small, x)}
    times = cost.interleaved(works, seconds=args.seconds)
    low, median, high = times["plain"].over(times["compacted"]).quartiles
    return f"{median:8.2f} [{low:.2f}, {high:.2f}]"


def forward(model: nn.Module, x: torch.Tensor):
    def work() -> None:
        with torch.inference_mode():
            model(x)

    return work


def heads(args) -> None:
    """The stock head at 32 pixels: its 49-fold redundancy merged, and CSR matrices."""
    torch.manual_seed(0)
    model = build("vgg16", 7, head="stock", norm=False)
    small = compact(model, Masks.dense(prunable(model)), size=32)
    before, after = (sum(p.numel() for p in network.parameters()) for network in (model, small))
    wrong = error(model, small, np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8))
    print(
        f"\ntorchvision's own head at 32 pixels: {before / 1e6:.1f} million parameters, merged {after / 1e6:.1f}; error {wrong:.1e}"
    )
    for sparsity in (0.8, 0.95, 0.99):
        head = cost.stand_in_head(sparsity, 7, 32)
        for speed in cost.compare_heads(head, batches=args.batch, seconds=args.seconds):
            low, median, high = speed.faster("CSR", "Dense")
            print(
                f"its linear layers as CSR at {sparsity:.0%}, batch {speed.batch}: {median:.2f} [{low:.2f}, {high:.2f}] times as fast"
            )


def whole_channels(args) -> None:
    """Whole-channel pruning of an untrained VGG16: what always shrinks, whatever was trained."""
    print("\nwhole channels, untrained VGG16, 64 pixels")
    torch.manual_seed(0)
    model = build("vgg16", 7)
    for sparsity in (0.5, 0.8):
        masks = magnitude(prunable(model), sparsity, scope="channel")
        small = compact(model, masks)
        left = sum(weight.numel() for weight in prunable(small).values()) / masks.size
        for speed in cost.measure({"dense": model, "compacted": small}, 64, batches=args.batch, seconds=args.seconds):
            low, median, high = speed.faster("compacted", "dense")
            print(
                f"{masks.sparsity:9.1%} zero,{1 - left:7.1%} removed, batch {speed.batch}: {median:.2f} [{low:.2f}, {high:.2f}]"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("ids", nargs="*", help="checkpoints; by default all")
    parser.add_argument("--batch", nargs="+", type=int, default=[1, 64], metavar="N")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each measurement")
    parser.add_argument("--precision", default="auto", help="auto, float32 or bfloat16")
    parser.add_argument("--plain", action="store_true", help="also against the network as torch runs it, in float32")
    parser.add_argument("--more", action="store_true", help="also torchvision's head, CSR and whole channels")
    args = parser.parse_args()
    print(f"{cost.machine(precision=args.precision)}; medians and quartiles of the ratios of rounds\n")
    more = "       against plain" if args.plain else ""
    print(
        f"{'checkpoint':44}{'sparsity':>9}{'effective':>11}{'error':>11}{'batch':>7}{'times as fast':>21}{'rounds':>9}{more}"
    )
    for id in args.ids or [entry.id for entry in checkpoints.list() if entry.card and entry.weights]:
        line(checkpoints.load(id), args)
    if args.more:
        heads(args)
        whole_channels(args)


if __name__ == "__main__":
    main()
