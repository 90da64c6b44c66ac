"""One step of training: the loss of a batch and the gradients of all weights, on a GPU replayed as a CUDA graph.

A step of DenseNet169 is some three thousand small kernels, which Python starts more slowly than a GPU computes them. A graph is
recorded once and then started as a whole.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from core import device as devices

Step = Callable[[Tensor, Tensor], Tensor]
_WARM = 3  # steps before the recording: they choose algorithms and set memory aside, neither of which a graph can do


def stepper(model: nn.Module, place: torch.device, dtype: torch.dtype, smoothing: float = 0.0) -> Step:
    """What computes one step of ``model`` on ``place``: (images, labels) -> loss, with gradients left in the parameters.

    Args:
        model: in training mode, on ``place``.
        place: its device.
        dtype: of the forward pass, under autocast.
        smoothing: label smoothing.

    Returns:
        A function of normalised float32 [N, 3, H, W] (channels-last) and int64 [N]; it replaces earlier gradients, and gives
        the mean cross-entropy as a float32 scalar on the device, which the next call may overwrite.
    """
    plain = Plain(model, place, dtype, smoothing)
    return Recorded(plain) if place.type == "cuda" else plain


class Plain:
    """A step, operation by operation."""

    def __init__(self, model: nn.Module, place: torch.device, dtype: torch.dtype, smoothing: float):
        self.model, self.place, self.dtype, self.smoothing = model, place, dtype, smoothing

    def __call__(self, batch: Tensor, labels: Tensor) -> Tensor:
        """Loss of ``batch``, as :func:`stepper` says."""
        self.model.zero_grad(set_to_none=True)
        with devices.autocast(self.place, self.dtype):
            logits = self.model(batch)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=self.smoothing)
        loss.backward()
        return loss.detach()


class Recorded:
    """The same step as a CUDA graph, recorded at the first call; all calls have images of one shape.

    What the recording leaves behind in the network is put back: statistics of batch norm and the random state are afterwards
    as if it had never been. Gradients stay in the same memory, so an optimiser may read them but not set them to None.
    """

    def __init__(self, plain: Plain):
        self.plain, self.graph = plain, None

    def __call__(self, batch: Tensor, labels: Tensor) -> Tensor:
        """Loss of ``batch``, as :func:`stepper` says; always the same tensor."""
        if self.graph is None:
            self._record(batch, labels)
        self.batch.copy_(batch)
        self.labels.copy_(labels)
        self.graph.replay()
        return self.loss

    def _record(self, batch: Tensor, labels: Tensor) -> None:
        place, model = self.plain.place, self.plain.model
        self.batch, self.labels = batch.clone(), labels.clone()
        before = [buffer.clone() for buffer in model.buffers()]
        random = torch.cuda.get_rng_state(place)
        aside, here = torch.cuda.Stream(place), torch.cuda.current_stream(place)
        tries = torch.backends.cudnn.benchmark
        try:
            # The fastest algorithm for each convolution is looked for while warming up; shapes stay the same from here on.
            torch.backends.cudnn.benchmark = True
            aside.wait_stream(here)
            with torch.cuda.stream(aside):
                for _ in range(_WARM):
                    self.plain(self.batch, self.labels)
            here.wait_stream(aside)
            model.zero_grad(set_to_none=True)  # the gradients to come are the graph's own
            graph = torch.cuda.CUDAGraph()
            # Other threads (a page that predicts) may go on setting memory aside meanwhile.
            with torch.cuda.graph(graph, capture_error_mode="thread_local"):
                self.loss = self.plain(self.batch, self.labels)
            self.graph = graph
        finally:
            torch.backends.cudnn.benchmark = tries
        with torch.no_grad():
            for buffer, kept in zip(model.buffers(), before, strict=True):
                buffer.copy_(kept)
        torch.cuda.set_rng_state(random, place)
