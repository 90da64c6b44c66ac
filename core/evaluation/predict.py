"""The one engine for all predictions."""

import time

import numpy as np
import torch
from torch import Tensor, nn

from core import device as devices
from core.data import ImageSet
from core.errors import InvalidValue, check_whole
from core.evaluation.aligning import align
from core.evaluation.concatenation import merge
from core.evaluation.folding import folded
from core.evaluation.fusing import all_finite, fuse, quicken
from core.evaluation.order import chains
from core.evaluation.rounding import is_good
from core.models import check_logits, normalise
from core.models.normalisation import buffers
from core.models.refusals import refusals_named
from core.models.structure import structure
from core.progress import Progress, Report, silent

BATCH = 64  # measured on two cores: larger batches leave the caches, smaller ones leave the cores idle


class Predictor:
    """A network made ready to answer: private, folded, in the precision and memory format that the device is fast in.

    Args:
        model: from :func:`core.models.build`, :func:`core.pruning.bind` or a checkpoint; untouched.
        device: as for :func:`core.device.pick`.
        precision: ``"float32"``, ``"bfloat16"`` or ``"auto"``: bfloat16 where the device is fast in it and it
            does not move the answers to the first images (:mod:`core.evaluation.rounding`).
    """

    def __init__(self, model: nn.Module, *, device=None, precision: str = "auto"):
        self.device = devices.pick(device)
        self.dtype = devices.precision(precision, self.device)
        self._prepare(model)
        self._untried = model if precision == "auto" and self.dtype != torch.float32 else None

    def _prepare(self, model: nn.Module) -> None:
        network = folded(_unwrapped(model))
        # The mean and deviation stay in float32: images are normalised before they are rounded.
        mean, std = buffers(network)
        quick = self.device.type == "cpu" and self.dtype == torch.bfloat16 and all_finite(network)
        if quick:
            merge(align(network), self.dtype)
        # Norms that are left compute in float32, as in training, also between layers of half the precision.
        norms = [] if chains(network) else _norms(network)
        exact = [{name: values.clone() for name, values in norm.state_dict().items()} for norm in norms]
        self.network = network.to(self.device, self.dtype, memory_format=torch.channels_last)
        for norm, values in zip(norms, exact, strict=True):
            norm.float().load_state_dict(values)
        if quick:
            quicken(fuse(self.network))
        self.network.register_buffer("mean", mean.to(self.device), persistent=False)
        self.network.register_buffer("std", std.to(self.device), persistent=False)

    def __call__(self, images: Tensor) -> Tensor:
        """Probabilities float32 [N, classes] of uint8 images [N, H, W, 3], on the device, in one batch."""
        return devices.compute(self.device, self._answer, images)

    @torch.inference_mode()
    def _answer(self, images: Tensor) -> Tensor:
        if self._untried is not None:
            return torch.softmax(self._first(images), dim=1)
        return torch.softmax(self._logits(images), dim=1)

    def _logits(self, images: Tensor) -> Tensor:
        batch = normalise(self.network, images.to(self.device, non_blocking=True)).to(self.dtype)
        return check_logits(self.network(batch), self.network).float()

    def _first(self, images: Tensor) -> Tensor:
        """Logits of the first images, and from then on in the precision that is good enough for them."""
        model, self._untried = self._untried, None

        def exact(rows: Tensor) -> Tensor:
            with torch.inference_mode(False), torch.no_grad():
                plain = Predictor(model, device=self.device, precision="float32")
            return plain._logits(images[rows.to(images.device)])

        try:
            logits = self._logits(images)
            kind = (structure(_unwrapped(model)), tuple(images.shape[1:]), str(self.device))
            if is_good(kind, logits, exact):
                return logits
        except (RuntimeError, InvalidValue) as error:
            if devices.is_memory_full(error):
                self._untried = model  # who asks fewer images at once tries again
                raise
            # Some operations have no bfloat16; what float32 cannot do either is told by what follows.
        self.dtype = torch.float32
        with torch.inference_mode(False), torch.no_grad():
            self._prepare(model)
        return self._logits(images)


def _norms(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, nn.modules.batchnorm._BatchNorm)]


def _unwrapped(model: nn.Module) -> nn.Module:
    """The network inside ``torch.compile`` and ``nn.DataParallel``: what is made ready here is another one anyway."""
    while isinstance(model, nn.Module):
        inside = model.module if isinstance(model, nn.DataParallel) else model._modules.get("_orig_mod")
        if inside is None:
            break
        model = inside
    return model


@devices.memory_named("give smaller images")
def predict(
    model: nn.Module | Predictor,
    images: ImageSet | np.ndarray | Tensor,
    *,
    device=None,
    precision: str = "auto",
    batch: int | None = None,
    report: Report = silent,
) -> np.ndarray:
    """Probabilities of each class for each image.

    Args:
        model: a network of ours (its own normalisation is applied), or a :class:`Predictor` made of one.
        images: uint8 [N, H, W, 3], or an image set.
        device, precision: where and in which arithmetic; ignored for a Predictor.
        batch: images at once; by default 64 on a CPU, 1,024 on a GPU. Half as many, and half of that, where memory is full.
        report: told after each batch; may raise Cancelled.

    Returns:
        float32 [N, classes]; rows sum to 1.

    Raises:
        InvalidValue: not uint8 images, or of a size that the network cannot take; a network that gives no logits, or that has no
            bfloat16 where that was asked for.
        MemoryFull: no memory for a single image.
    """
    predictor = model if isinstance(model, Predictor) else Predictor(model, device=device, precision=precision)
    pictures = as_images(images)
    if batch is not None:
        batch = check_whole(batch, "This is no number of images at once", 1, 1_000_000)
    batch = batch or (1024 if predictor.device.type == "cuda" else BATCH)
    if not len(pictures):
        raise InvalidValue("There are no images to predict", given="0 images", expected="at least one")
    answers, done, start = [], 0, time.monotonic()
    while done < len(pictures):
        piece = pictures[done : done + batch]
        try:
            answers.append(_answer(predictor, piece))
        except RuntimeError as error:
            if len(piece) == 1 or not devices.is_memory_full(error):
                raise
            batch = len(piece) // 2
            devices.free_memory()
            continue
        done += len(piece)
        report(Progress("Predicting", done, len(pictures), "images", time.monotonic() - start))
    return torch.cat(answers).cpu().numpy()


def as_images(images: ImageSet | np.ndarray | Tensor) -> Tensor:
    """Images as a uint8 tensor [N, H, W, 3] that shares memory with its source where it can.

    Raises:
        InvalidValue: another dtype or shape.
    """
    source = images.images if isinstance(images, ImageSet) else images
    if isinstance(source, np.ndarray) and source.dtype == np.uint8:  # torch has no kind for some others, such as text
        source = torch.from_numpy(np.asarray(_Lent(np.ascontiguousarray(source))))
    if (
        not isinstance(source, Tensor)
        or source.dtype != torch.uint8
        or source.is_meta
        or source.ndim != 4
        or source.shape[-1] != 3
        or not min(source.shape[1:3])
    ):
        given = f"{source.dtype} {list(source.shape)}" if hasattr(source, "dtype") else type(source).__name__
        raise InvalidValue("These are not images", given=given, expected="uint8 [N, H, W, 3]")
    return source


class _Lent:
    """An array that says it may be written to: a memory map may not, which torch cannot express; nothing here writes.

    Silencing torch's warning instead would change the filters of all threads at once.
    """

    def __init__(self, array: np.ndarray):
        self.array = array  # kept alive as long as what is made of it
        self.__array_interface__ = array.__array_interface__ | {"data": (array.ctypes.data, False)}


def _answer(predictor: Predictor, batch: Tensor) -> Tensor:
    with refusals_named(predictor.network, batch, predictor.dtype):
        return predictor(batch)
