"""Gram matrices of many layers from one forward pass, in bounded memory.

A layer's output is reduced to its Gram matrix [n, n] by a hook, at the moment it is computed, and kept no longer. So no
copy is needed, and what runs later in place (torchvision's ReLUs) cannot change what was measured.

For that, all n images go through the network together. Where their activations would exceed the memory allowed, the
images go in batches instead, as often as needed: each pass keeps some features of all images, and the Gram matrix
is the sum over passes.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar
from weakref import WeakKeyDictionary, ref

import torch
from torch import Tensor, nn

from core import device as devices
from core.errors import InvalidValue
from core.evaluation.concatenation import merge
from core.evaluation.fusing import all_finite, quicken
from core.models import normalise
from core.models.refusals import refusals_named
from core.models.structure import structure
from core.progress import Progress, Report, silent
from core.pruning import private
from core.similarity.hsic import as_rows, gram
from core.similarity.memory import give_back

MEMORY = 1 << 30  # bytes for activations on a CPU
_MANY = 256 << 20  # bytes of activations whose remains are worth giving back
_OFTEN = 64  # layers after which this is done
_ALIVE = 4  # tensors as large as the largest activation that live at one time: input, output, a concatenation, its norm

Seen = Callable[[str, Tensor], None]
T = TypeVar("T")
# Of layers, by network: two that look alike (a stride is in no shape) need not give features of one size.
_SIZES: WeakKeyDictionary[nn.Module, dict[tuple, tuple[dict[str, int], int]]] = WeakKeyDictionary()


class Tapped:
    """A network made ready to be listened to: a private copy in the wanted precision and memory format.

    Convolutions and linear layers compute in ``dtype``; batch norm's statistics stay in float32, which costs nothing and
    halves the rounding. No norm is folded: the output of a convolution is measured, not that of its norm. On a CPU in bfloat16, the
    first convolution of a dense layer gives channels shifted by constants and perhaps negated, which no Gram matrix shows.

    Args:
        model: untouched.
        names: of its modules.
        dtype: float32 or bfloat16.
        device: a torch device.
    """

    def __init__(self, model: nn.Module, names: list[str], dtype: torch.dtype, device: torch.device):
        self.names, self.dtype, self.device = names, dtype, device
        self._model = ref(model)
        self.network = private(model).eval()
        if any(part.is_floating_point() and part.dtype != torch.float32 for part in self.network.parameters()):
            self.network.float()
        if any(part.device != device for part in self.network.parameters()):
            self.network.to(device)  # goes through all modules, which takes longer than to ask
        quick = device.type == "cpu" and dtype == torch.bfloat16 and all_finite(self.network)
        if quick:
            merge(self.network, dtype, keep=names, up_to_shifts=True)
        for module in self.network.modules():
            if isinstance(module, nn.modules.conv._ConvNd):
                module.to(dtype=dtype, memory_format=torch.channels_last)
            elif isinstance(module, nn.Linear):
                module.to(dtype)
        if quick:
            quicken(self.network)

    @contextmanager
    def listening(self, seen: Seen, names: Iterable[str] | None = None) -> Iterator[None]:
        """``seen(name, output)`` is called for each layer (or each of ``names``) as it is computed, in execution order."""
        modules = dict(self.network.named_modules())
        handles = [
            modules[name].register_forward_hook(lambda _module, _inputs, output, name=name: seen(name, output))
            for name in (self.names if names is None else names)
        ]
        try:
            yield
        finally:
            for handle in handles:
                handle.remove()

    def __call__(self, images: Tensor) -> None:
        """Run uint8 images [N, H, W, 3] through the network in one batch."""
        batch = normalise(self.network, images.to(self.device, non_blocking=True)).to(self.dtype)
        with refusals_named(self.network, images, self.dtype):
            self.network(batch)

    def sizes(self, image: Tensor) -> tuple[dict[str, int], int]:
        """Features of each layer, in execution order, and those of the largest activation, for one image [1, H, W, 3].

        Raises:
            InvalidValue: a layer runs never, or more than once, or its output is no tensor.
        """
        found: dict[str, int] = {}
        largest = image.numel()

        def seen(name: str, output) -> None:
            nonlocal largest
            if isinstance(output, Tensor):
                largest = max(largest, output.numel())
            if name not in wanted:
                return
            if name in found or not isinstance(output, Tensor):
                what = "runs more than once" if name in found else f"gives a {type(output).__name__}"
                raise InvalidValue(
                    "This layer cannot be compared", given=f"{name}, which {what}", expected="one tensor"
                )
            found[name] = output.numel()

        model = self._model()
        kept = {} if model is None else _SIZES.setdefault(model, {})
        key = (structure(self.network), tuple(self.names), tuple(image.shape))
        if key in kept:
            return kept[key]
        wanted = set(self.names)
        with self.listening(seen, [name for name, _ in self.network.named_modules() if name]):
            self(image)
        if missing := wanted - found.keys():
            raise InvalidValue("These layers are no part of the forward pass", given=", ".join(sorted(missing)))
        kept[key] = found, largest
        return kept[key]


@torch.inference_mode()
def measure(
    tapped: Tapped,
    images: Tensor,
    done: Callable[[str, T], None],
    *,
    reduce: Callable[[Tensor], T] = gram,
    memory: int | None = None,
    report: Report = silent,
) -> None:
    """The Gram matrix of each layer for ``images``, in execution order.

    Args:
        tapped: the network and its layers.
        images: uint8 [n, H, W, 3].
        done: called with each layer's name and matrix; what it does not keep is gone.
        reduce: from features [n, p] or [n, c, h, w] to the matrix, or to several, of parts of the images; the sum (``+``)
            of two must be that of both sets of features.
        memory: bytes that activations may take; 1 GiB on a CPU and half of what is free on a GPU by default. With less
            than one image needs, the images go one by one.
        report: told after each layer; may raise Cancelled.

    Raises:
        InvalidValue: the images are too small for the network, or a layer cannot be measured (:meth:`Tapped.sizes`).
    """
    n, start = len(images), time.monotonic()
    with devices.turn(tapped.device):
        sizes, largest = tapped.sizes(images[:1])
    memory = memory or (torch.cuda.mem_get_info(tapped.device)[0] // 2 if tapped.device.type == "cuda" else MEMORY)
    each = _ALIVE * largest * tapped.dtype.itemsize
    if n * each > memory:
        return _in_passes(tapped, images, sizes, memory // 2, each, done, reduce, report)
    count, many = 0, n * each > _MANY and tapped.device.type == "cpu"

    def seen(name: str, output: Tensor) -> None:
        nonlocal count
        done(name, reduce(output))
        count += 1
        if many and count % _OFTEN == 0:
            give_back()
        report(Progress("Comparing features", count, len(sizes), "layers", time.monotonic() - start))

    with devices.turn(tapped.device), tapped.listening(seen):
        tapped(images)
    if many:
        give_back()
    return None


def _in_passes(
    tapped: Tapped,
    images: Tensor,
    sizes: dict[str, int],
    memory: int,
    each: int,
    done: Callable[[str, T], None],
    reduce: Callable[[Tensor], T],
    report: Report,
) -> None:
    """As :func:`measure`: half of the memory for a batch's activations (``each`` bytes an image), half for kept features."""
    n, batch, begin = len(images), max(1, memory // each), time.monotonic()
    passes = list(_plan(sizes, max(1, memory // (n * tapped.dtype.itemsize))))
    begun: dict[str, T] = {}
    for number, parts in enumerate(passes):
        kept: dict[str, Tensor] = {}
        for start in range(0, n, batch):

            def keep(name: str, output: Tensor, first: int = start, parts=parts, kept=kept) -> None:
                rows = as_rows(output)[:, parts[name]]
                if name not in kept:
                    kept[name] = rows.new_empty(n, rows.shape[1])
                kept[name][first : first + len(rows)] = rows

            with devices.turn(tapped.device), tapped.listening(keep, parts):
                tapped(images[start : start + batch])
            seen = number * n + min(start + batch, n)
            report(Progress("Comparing features", seen, len(passes) * n, "images", time.monotonic() - begin))
        for name, rows in kept.items():
            whole = begun.pop(name) + reduce(rows) if name in begun else reduce(rows)
            if parts[name].stop == sizes[name]:
                done(name, whole)
            else:
                begun[name] = whole


def _plan(sizes: dict[str, int], room: int) -> Iterator[dict[str, slice]]:
    """Which features of which layers each pass keeps: at most ``room`` an image."""
    parts: dict[str, slice] = {}
    left = room
    for name, size in sizes.items():
        start = 0
        while start < size:
            stop = min(size, start + left)
            parts[name] = slice(start, stop)
            left -= stop - start
            start = stop
            if not left:
                yield parts
                parts, left = {}, room
    if parts:
        yield parts
