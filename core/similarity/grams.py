"""What CKA needs of a model: for each layer, which images look alike to it."""

import hashlib
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from core import device as devices
from core.data import ImageSet
from core.errors import InvalidValue, check_choice
from core.evaluation.predict import as_images
from core.progress import Report, silent
from core.similarity import support
from core.similarity.hsic import Gram, as_rows, centred, check_count, gram
from core.similarity.levels import layer_names
from core.similarity.precision import choose, faint
from core.similarity.taps import Tapped, measure

LIMIT = 4 << 30  # bytes of one model's Gram matrices
# With more images than this, matrices are kept in float16. That moves a CKA by less than 1e-5 (VGG16 at n = 257: 7e-6).
FULL = 256


@dataclass(frozen=True, eq=False)
class Grams:
    """The centred Gram matrices of a model's layers for some images. Made by :func:`grams`; never changed.

    Keep it while the other model changes: half of the work of a comparison is in it.

    Attributes:
        names: L layers, in execution order.
        values: [n, L, n], float32 for up to 256 images and float16 for more: [:, l] is layer l's centred matrix, of norm n;
            0 for a layer without any.
        reasons: L texts: why the images cannot support a layer, empty where they can.
        groups: int64 [n], which lesion an image shows; None where each is its own.
        digest: names exactly these images in this order.
        debiased: whether HSIC is the unbiased one.
        precision: ``"float32"`` or ``"bfloat16"``: of the forward pass.
    """

    names: tuple[str, ...]
    values: Tensor
    reasons: tuple[str, ...]
    groups: np.ndarray | None
    digest: str
    debiased: bool
    precision: str

    @property
    def n(self) -> int:
        """Number of images."""
        return len(self.values)

    @property
    def nbytes(self) -> int:
        """Memory that it takes: 4·L·n² for up to 256 images, 2·L·n² for more."""
        return self.values.nbytes

    def select(self, names: Sequence[str]) -> "Grams":
        """Those of some layers, in the order of ``names``.

        Raises:
            UnknownName: a layer that is not among them.
        """
        for name in names:
            check_choice("layer", name, self.names)
        places = [self.names.index(name) for name in names]
        reasons = tuple(self.reasons[place] for place in places)
        return replace(self, names=tuple(names), values=self.values[:, places], reasons=reasons)


def grams(
    model: nn.Module,
    images: ImageSet | np.ndarray | Tensor,
    *,
    layers: str | Sequence[str] | None = None,
    debiased: bool = True,
    groups=None,
    device=None,
    precision: str = "auto",
    memory: int | None = None,
    report: Report = silent,
) -> Grams:
    """Run ``images`` through ``model`` once and keep each layer's centred Gram matrix.

    Args:
        model: a network of ours; untouched. Its own normalisation is applied, in evaluation mode.
        images: uint8 [n, H, W, 3], or an image set; taken in their order. For one class, give the images of that class.
        layers: a level of detail or names, see :func:`core.similarity.layer_names`.
        debiased: the unbiased HSIC (4 images or more) or the biased one.
        groups: [n] lesion ids, missing ones as None or NaN, or None; an image set brings its own.
        device: as for :func:`core.device.pick`.
        precision: of the forward pass. "auto" is bfloat16 where the device is fast in it, where it was tried on such a
            network, and where no layer of this one is so faint that rounding would show; else float32.
        memory: bytes for activations, see :func:`core.similarity.taps.measure`.
        report: told after each layer; may raise Cancelled.

    Raises:
        InvalidValue: not uint8 images, too few, too many for 4 GiB, too small for the network; or a layer that has no one
            output.
        UnknownName: of the level, a layer or the precision.
    """
    options = {"layers": layers, "debiased": debiased, "groups": groups, "device": device, "precision": precision}
    return grams_of_samples(model, images, {"": None}, memory=memory, report=report, **options)[""]


@devices.memory_named("choose fewer images or fewer layers")
def grams_of_samples(
    model: nn.Module,
    images: ImageSet | np.ndarray | Tensor,
    samples: Mapping[str, np.ndarray | None],
    *,
    layers: str | Sequence[str] | None = None,
    debiased: bool = True,
    groups=None,
    device=None,
    precision: str = "auto",
    memory: int | None = None,
    report: Report = silent,
) -> dict[str, Grams]:
    """As :func:`grams` for several samples of ``images`` from one forward pass: all images, those of one class, the rest.

    Args:
        samples: name -> int [n], rows of ``images``; None for all of them.
        model, images, layers, debiased, groups, device, precision, memory, report: as for :func:`grams`.

    Returns:
        name -> as :func:`grams` gives for these images alone.

    Raises:
        InvalidValue, UnknownName: as :func:`grams`.
        MemoryFull: no memory for one image, or for the matrices.
    """
    pictures = as_images(images)
    names = layer_names(model, layers)
    for rows in samples.values():
        n = len(pictures) if rows is None else len(rows)
        check_count(n, debiased)
        _check_room(n, len(names))
    lesions = _lesions(images.groups if groups is None and isinstance(images, ImageSet) else groups, len(pictures))
    where = devices.pick(device)
    dtype = choose(precision, model, pictures, names, where)
    kept = _Kept(samples, len(pictures), len(names), debiased)
    measure(Tapped(model, names, dtype, where), pictures, kept, reduce=kept.reduce, memory=memory, report=report)
    if precision == "auto" and dtype != torch.float32 and kept.faint:
        dtype = torch.float32
        kept = _Kept(samples, len(pictures), len(names), debiased)
        measure(Tapped(model, names, dtype, where), pictures, kept, reduce=kept.reduce, memory=memory, report=report)
    return {name: kept.grams(name, pictures, lesions, str(dtype).removeprefix("torch.")) for name in samples}


class _Kept:
    """Takes the layers' Gram matrices as they come and keeps them, for each sample, centred and of norm n."""

    def __init__(self, samples: Mapping[str, np.ndarray | None], images: int, layers: int, debiased: bool):
        self.rows = {
            name: None if rows is None else torch.from_numpy(np.array(rows, np.int64, order="C"))
            for name, rows in samples.items()
        }
        self.debiased, self.faint = debiased, False
        self.names: list[str] = []
        self.reasons: dict[str, list[str]] = {name: [] for name in samples}
        self.values: dict[str, Tensor] = {}
        for name, rows in self.rows.items():
            n = images if rows is None else len(rows)
            self.values[name] = torch.empty(n, layers, n, dtype=_kind(n))

    def reduce(self, features: Tensor) -> "_Parts":
        """The Gram matrix of each sample."""
        flat = as_rows(features)
        return _Parts(gram(flat if rows is None else flat[rows]) for rows in self.rows.values())

    def __call__(self, name: str, parts: "_Parts") -> None:
        for sample, part in zip(self.rows, parts, strict=True):
            reason = _undefined(part)
            k = None if reason else centred(part.products, debiased=self.debiased, sums=part.sums)
            if k is not None and self.debiased and part.vanishes(k):
                reason = "it tells one image from all others and nothing else: its unbiased HSIC is 0"
            if not reason:
                self.values[sample][:, len(self.names)] = k.mul_(len(k) / k.norm()).cpu()
            else:
                self.values[sample][:, len(self.names)] = 0
            self.reasons[sample].append(reason)
            self.faint |= faint(part)
        self.names.append(name)

    def grams(self, sample: str, pictures: Tensor, lesions: np.ndarray | None, precision: str) -> Grams:
        """What is kept of a sample."""
        rows, values = self.rows[sample], self.values[sample]
        if rows is not None:
            pictures = pictures[rows]
            lesions = None if lesions is None else np.unique(lesions[rows], return_inverse=True)[1]
        unsure = support.reasons(values, lesions, debiased=self.debiased)
        reasons = tuple(own or other for own, other in zip(self.reasons[sample], unsure, strict=True))
        return Grams(tuple(self.names), values, reasons, lesions, _digest(pictures), self.debiased, precision)


class _Parts(tuple[Gram, ...]):
    """A layer's Gram matrices, one a sample, each taken from near its own mean.

    Not cut out of that of all images: a class may lie far from the mean of all, in the last layer by a hundred times what
    its images differ by, and what is subtracted then takes four digits with it.
    """

    def __add__(self, other: "_Parts") -> "_Parts":
        return _Parts(map(operator.add, self, other))


def _undefined(matrix: Gram) -> str:
    if not matrix.finite:
        return "it gives NaN or infinite values"
    if matrix.constant:
        return "it gives the same features for every image: a dead layer"
    return ""


def _lesions(groups, n: int) -> np.ndarray | None:
    if groups is None:
        return None
    names = np.asarray(groups, dtype=object)
    if names.shape != (n,):
        raise InvalidValue("The groups do not match the images", given=list(names.shape), expected=[n])
    # An image whose lesion is not known is a lesion of its own.
    own = [
        f"image {row}" if missing else f"lesion {name}"
        for row, (name, missing) in enumerate(zip(names, pd.isna(names), strict=True))
    ]
    return np.unique(own, return_inverse=True)[1]


def _kind(n: int) -> torch.dtype:
    return torch.float32 if n <= FULL else torch.float16


def _check_room(n: int, count: int) -> None:
    each = _kind(n).itemsize * count  # bytes for the square of each image
    if each * n * n > LIMIT:
        raise InvalidValue(
            "These are too many images to compare on",
            given=f"{n:,} images, {count} layers: {each * n * n / 2**30:.1f} GiB",
            expected=f"at most {LIMIT >> 30} GiB",
            remedy=f"take {int((LIMIT / each) ** 0.5):,} images or fewer, or fewer layers",
        )


def _digest(images: Tensor) -> str:
    state = hashlib.blake2b(str(tuple(images.shape)).encode(), digest_size=8)
    state.update(np.ascontiguousarray(images.cpu().numpy()))
    return state.hexdigest()
