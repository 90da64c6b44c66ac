"""A network made ready to be explained, and the batches in which it works."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property

import numpy as np
import torch
from torch import Tensor, nn

from core import device as devices
from core.attribution.arguments import array
from core.attribution.skeleton import cam_sizes, pools_apart, skeleton
from core.errors import InvalidValue
from core.models import check_logits, layers, normalise
from core.progress import Progress, Report, silent

MEMORY = 512 << 20  # bytes for what autograd keeps of a batch
_STEADY = 64  # pixels a side from which the last features of our networks are larger than 1×1
MOST = 64  # examples at once: more are not faster on a processor


class Explainer:
    """A private skeleton of a network with everything that attribution methods need of it. Not for two threads at once.

    Computes in float32, whatever the network is kept in: in bfloat16 Integrated Gradients are three times as fast, but the
    logits, whose small differences the maps are made of, come with three digits only.

    Args:
        model: from :func:`core.models.build`, :func:`core.pruning.bind` or a checkpoint; untouched.
        device: as for :func:`core.device.pick`.
        memory: bytes that the activations of a batch may take. With less than one image needs, the images go one by one.

    Raises:
        InvalidValue: no such device, or a model without a mean and std or without any layer.
    """

    def __init__(self, model: nn.Module, *, device=None, memory: int = MEMORY):
        self.device = devices.pick(device)
        with torch.inference_mode(False):
            self.network = skeleton(model).to(self.device, memory_format=torch.channels_last)
        # A hook sees every pass and costs none of its own.
        self.network.register_forward_hook(lambda network, _, output: check_logits(output, network))
        self.classes = _classes(self.network)
        self.memory = memory
        self._sizes: dict[tuple[int, ...], int] = {}
        self._meter: Callable[[int], None] = lambda _: None

    @cached_property
    def apart(self) -> nn.Module:
        """The network for DeepLift; see :func:`core.attribution.skeleton.pools_apart`."""
        return pools_apart(self.network)

    def prepare(self, images) -> Tensor:
        """Normalised float32 [N, 3, H, W] of uint8 images [N, H, W, 3], on the device.

        Raises:
            InvalidValue: not such images, or too small for the network.
        """
        pictures = np.ascontiguousarray(array("These are not images", images, "uint8 [N, H, W, 3]"))
        if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[-1] != 3 or not len(pictures):
            raise InvalidValue(
                "These are not images", given=f"{pictures.dtype} {list(pictures.shape)}", expected="uint8 [N, H, W, 3]"
            )
        if min(pictures.shape[1:3]) < 32:
            raise InvalidValue(
                "These images are too small for the network",
                given="×".join(map(str, pictures.shape[1:3])),
                expected="32×32 or larger",
            )
        # A copy, as torch warns of arrays that may not be written to, such as a memory map.
        return normalise(self.network, torch.from_numpy(pictures.copy()).to(self.device))

    def targets(self, target, number: int) -> Tensor:
        """Class indices int64 [number] on the device, from one for all or one for each.

        Raises:
            InvalidValue: not class indices of this network, or another number of them.
        """
        problem, expected = "The target is not a class", f"a class index, or one for each of {number} images"
        values = array(problem, target, expected)
        if values.dtype.kind not in "iu" or values.shape not in ((), (number,)):
            raise InvalidValue(problem, given=repr(target)[:80], expected=expected)
        if values.min() < 0 or values.max() >= self.classes:
            raise InvalidValue(
                "The target is not a class of this network",
                given=f"{values.min()} to {values.max()}" if values.shape else int(values),
                expected=f"0 to {self.classes - 1}",
            )
        return torch.from_numpy(np.broadcast_to(values, (number,)).astype(np.int64)).to(self.device)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [n, classes]; one batch, in the device's turn."""
        with devices.turn(self.device):
            logits = self.network(x)
        self._meter(len(x))
        return logits

    def gradient(self, forward_fn, inputs, target_ind=None, additional_forward_args=None):
        """Captum's step of forward and backward pass, as its ``gradient_func``; in the device's turn."""
        from captum._utils.gradient import compute_gradients

        with devices.turn(self.device):
            found = compute_gradients(forward_fn, inputs, target_ind, additional_forward_args)
        self._meter(len(inputs[0]))
        return found

    def scores(self, x: Tensor, target: Tensor) -> Tensor:
        """The logit of each image's target, float32 [N]; in batches."""
        with torch.no_grad():
            parts = [self.forward(part).float() for part in x.split(self.batch(x))]
            return torch.cat(parts).gather(1, target[:, None])[:, 0]

    def batch(self, x: Tensor) -> int:
        """How many images of this size may go at once."""
        shape = tuple(x.shape[1:])
        if shape not in self._sizes:
            self._sizes[shape] = self._bytes(x[:1].detach())
        return max(1, min(MOST, self.memory // self._sizes[shape]))

    def wavers(self, x: Tensor) -> bool:
        """Whether the gradient of one such image may come out differently each time, so that it has to go as two copies.

        Where the last features are 1×1 pixel (DenseNet at 32 pixels), oneDNN's backward pass of a batch of one adds up in
        another order each time if there are several threads: two maps of one network then differ by 1e-7.
        """
        if self.device.type != "cpu" or x.shape[-1] >= _STEADY:
            return False
        return next(reversed(cam_sizes(self.network, x.shape[-1]).values()), 0) == 1

    def _bytes(self, x: Tensor) -> int:
        """An upper bound of what one image's passes keep: all inputs and outputs of the innermost modules."""
        total = 0

        def add(_module, inputs, output) -> None:
            nonlocal total
            total += 4 * (output.numel() + sum(value.numel() for value in inputs))

        inner = [module for module in self.network.modules() if not list(module.children())]
        handles = [module.register_forward_hook(add) for module in inner]
        try:
            with torch.no_grad(), devices.turn(self.device):
                self.network(x)
        finally:
            for handle in handles:
                handle.remove()
        return total

    @contextmanager
    def told(self, stage: str, total: int, report: Report) -> Iterator[None]:
        """Tell ``report`` of each pass while the body runs; it may raise Cancelled, which ends the body."""
        done, start = 0, time.monotonic()

        def tell(count: int) -> None:
            nonlocal done
            done = min(total, done + count)
            report(Progress(stage, done, total, "passes", time.monotonic() - start))

        if report is not silent:
            self._meter = tell
        try:
            yield
        finally:
            self._meter = lambda _: None


def _classes(network: nn.Module) -> int:
    found = list(layers(network).values())
    if not found:
        raise InvalidValue(
            "This network has no layer with weights", given=type(network).__name__, expected="a classifier"
        )
    return found[-1].out_features if isinstance(found[-1], nn.Linear) else found[-1].out_channels


def captum():
    """``captum.attr``, imported on first use, without its warnings that hooks will be set and removed.

    Named once more on each call: a test runner puts the filters back between tests.
    """
    import captum.attr

    warnings.filterwarnings("ignore", "Setting (forward, )?backward hooks", UserWarning, r"captum\.")
    return captum.attr
