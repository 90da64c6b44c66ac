"""The arithmetic of CKA: Gram matrices, their centring, HSIC.

HSIC asks whether two sets of features of the same n images vary together; it needs only which images look alike to each,
that is, the Gram matrices K = XXᵀ and L = YYᵀ [n, n]. CKA is HSIC(K, L) / √(HSIC(K, K) HSIC(L, L)), in [−1, 1].

Unbiased (the default), with K̃ and L̃ the Gram matrices with a zero diagonal::

    HSIC₁ = [ tr(K̃L̃) + 1ᵀK̃1 · 1ᵀL̃1 / ((n−1)(n−2)) − 2 · 1ᵀK̃L̃1 / (n−2) ] / (n(n−3))

Nguyen, T., Raghu, M. & Kornblith, S. (2021). Do wide and deep networks learn the same things? ICLR, eq. 3; Song, L. et al.
(2012). Feature selection via dependence maximization. JMLR 13. Székely, G. & Rizzo, M. (2014). Partial distance correlation
with methods for dissimilarities. Annals of Statistics 42 show that this is an inner product, ⟨U(K), U(L)⟩ / (n(n−3)), of
matrices each centred on its own, :func:`centred`: so all pairs of layers are one matrix product, and neither exceeds 1.

Biased: the same with HKH, H = 1 − 11ᵀ/n, and 1/n². With few images and many features it tends to 1 for anything at all.
Kornblith, S. et al. (2019). Similarity of neural network representations revisited. ICML.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from core.errors import InvalidValue
from core.similarity.features import as_features

LEAST = {True: 4, False: 2}  # images that HSIC is defined for, unbiased and biased
_BLOCK = 16384  # features at once: 8 MB of 256 images, and few products to round and add up
# Stripes of a triangle, by number of features: four take 5/8 of the products of the square. With few features the calls cost more
# than the products do.
_STRIPES = {256: 1, 4096: 2, math.inf: 4}
_LEAST, _MOST = 1e-12, 1e12  # sums of squares whose squares and sums float32 holds with all its digits
_STRIPED = 128  # images; with fewer, stripes are too thin to pay


@dataclass(frozen=True)
class Gram:
    """Which images look alike to one layer.

    Attributes:
        products: [n, n], float32 (float64 of float64 features): scalar products of the images' features, each taken from
            one common point near their mean. HSIC does not depend on that point; rounding does.
        level: sum of squares of that point, a measure of how large the features are.
        eps: the relative rounding of the features' format.
        exponent: both are of features divided by 2 to this power: 0, but for features so small or large that their squares
            would leave the format.
    """

    products: Tensor
    level: float
    eps: float
    exponent: int = 0

    def __add__(self, other: "Gram") -> "Gram":
        """The Gram matrix of both sets of features side by side."""
        exponent = max(self.exponent, other.exponent)
        a, b = (part.divided(exponent - part.exponent) for part in (self, other))
        return Gram(a.products + b.products, a.level + b.level, max(a.eps, b.eps), exponent)

    def divided(self, exponent: int) -> "Gram":
        """That of the features divided by 2 to the power of ``exponent``."""
        if not exponent:
            return self
        share = 4.0**-exponent
        return Gram(self.products * share, self.level * share, self.eps, self.exponent + exponent)

    @cached_property
    def sums(self) -> Tensor:
        """float64 [n]: of each row."""
        return self.products.sum(1, dtype=torch.float64)

    @cached_property
    def _spread(self) -> float:
        n = len(self.products)
        return float(self.products.diagonal().sum(dtype=torch.float64) / n - self.sums.sum() / n**2)

    @property
    def largest(self) -> float:
        """The largest sum of squares of an image's features, from the common point."""
        return float(self.products.diagonal().amax())

    @property
    def finite(self) -> bool:
        """Whether no feature is NaN or infinite: either outlives the sums."""
        return math.isfinite(self._spread) and math.isfinite(self.level)

    @property
    def relief(self) -> float:
        """How much features differ between images, against how large they are, in [0, 1]; NaN where not finite."""
        if not self.finite:
            return math.nan
        return (self._spread / (self._spread + self.level)) ** 0.5 if self._spread > 0 else 0.0

    @property
    def constant(self) -> bool:
        """Whether all images have the same features, up to what rounding makes of equal ones."""
        return self.relief <= self.eps

    def vanishes(self, matrix: Tensor) -> bool:
        """Whether nothing but rounding is left of it in ``matrix``, from :func:`centred`: unbiased HSIC is 0 then, and CKA 0/0.

        So it is where one image differs from others that are all alike: a unit that fires once.
        """
        return bool(matrix.norm() <= 32 * torch.finfo(matrix.dtype).eps * self.products.norm())


def as_rows(features: Tensor) -> Tensor:
    """Features [n, p] or [n, c, h, w] as [n, p], the channels of a place side by side: no copy if they lie so in memory."""
    return (features.permute(0, 2, 3, 1) if features.ndim == 4 else features).reshape(len(features), -1)


def gram(features: Tensor, *, exact: bool = False) -> Gram:
    """The Gram matrix of features, in blocks of them: beside the result it needs a few megabytes.

    The products of a block are summed in float32 or better and the blocks in float32; in bfloat16 a block's result is
    rounded once before that. As the features are taken from near their mean, this rounding is relative to how images
    differ: it moved no CKA by more than 1e-4 (8e-5 between layers of VGG16 at n = 64; less with more images).

    Args:
        features: [n, p] or [n, c, h, w] of any floating type, any memory format.
        exact: compute in float64.
    """
    found = _gram(as_rows(features), exact)
    if _LEAST < found.largest < _MOST or not features.numel():
        return found
    # Few layers come here: their squares would leave the format, or the squares of these would.
    most = float(features.abs().amax())
    exponent = math.frexp(most)[1] if 0 < most < math.inf else 0
    if features.dtype != torch.float64:
        exponent = max(-126, min(exponent, 126))  # beyond, the factor itself would leave the format
    return replace(_gram(as_rows(features) * 2.0**-exponent, exact), exponent=exponent) if exponent else found


def _gram(rows: Tensor, exact: bool) -> Gram:
    n, count = rows.shape
    kind = torch.float64 if exact or rows.dtype == torch.float64 else torch.float32
    near_kind = kind if exact else rows.dtype
    # Any common point gives the same HSIC, so the mean of some images is as good as that of all, and costs less.
    some = rows[:: max(1, n // 8)]
    products, level = torch.empty(n, n, dtype=kind, device=rows.device), 0.0
    # One place for all blocks: fresh memory would have to be fetched from the system for each.
    room = rows.new_empty(n * min(_BLOCK, count), dtype=near_kind)
    # The matrix is symmetric: of each stripe only what lies on and below the diagonal is multiplied, the rest is its mirror image.
    stripes = _stripes(n, count, rows.device)
    for start in range(0, count, _BLOCK):
        block = slice(start, start + _BLOCK)
        point = some[:, block].mean(0, dtype=kind).to(near_kind)
        near = torch.sub(rows[:, block], point, out=room[: n * len(point)].view(n, -1))
        for top, bottom in stripes:
            place, part = products[top:bottom, :bottom], near[top:bottom] @ near[:bottom].T
            place.add_(part) if start else place.copy_(part)
        level += float(point.to(kind).square().sum())
    for top, bottom in stripes[1:]:
        products[:top, top:bottom] = products[top:bottom, :top].T
    # A sum of many products is rounded more than once: equal images may differ by a few units.
    eps = torch.finfo(rows.dtype).eps * (1 if rows.dtype.itemsize == 2 else 8)
    return Gram(products, level, eps)


def _stripes(n: int, features: int, device: torch.device) -> list[tuple[int, int]]:
    """The rows of a matrix in parts. A GPU is quicker with one large product."""
    count = next(parts for most, parts in _STRIPES.items() if features <= most)
    if n < _STRIPED or device.type != "cpu":
        count = 1
    return list(pairwise(n * stripe // count for stripe in range(count + 1)))


def centred(products: Tensor, *, debiased: bool = True, sums: Tensor | None = None) -> Tensor:
    """U(K), with zero diagonal and rows that sum to 0 (Székely & Rizzo 2014); HKH if not ``debiased``.

    Sums of the rows are taken in float64, unless they are given as :attr:`Gram.sums`; the result [n, n] has the dtype of
    ``products``. As features are taken from near their mean, what is subtracted is of the size of what is left, so float32
    loses nothing that could be seen.
    """
    n, sums = len(products), products.sum(1, dtype=torch.float64) if sums is None else sums
    if not debiased:
        rows = sums / n
        total = rows.mean()
        return products - (rows - total / 2).to(products.dtype)[:, None] - (rows - total / 2).to(products.dtype)
    rows = (sums - products.diagonal()) / (n - 2)
    share = (rows - rows.sum() / (2 * (n - 1))).to(products.dtype)
    return (products - share[:, None] - share).fill_diagonal_(0)


def hsic(x, y, *, debiased: bool = True) -> float:
    """HSIC of two sets of features with a linear kernel; arguments and errors as :func:`cka`, constant features give 0."""
    first, second = _grams(x, y, debiased)
    n = len(first.products)
    k, l = (centred(part.products, debiased=debiased).double() for part in (first, second))  # noqa: E741
    own = float((k * l).sum()) / (n * (n - 3) if debiased else n * n)
    with np.errstate(over="ignore"):  # infinite, where it leaves float64
        return float(np.ldexp(own, 2 * (first.exponent + second.exponent)))


def cka(x, y, *, debiased: bool = True) -> float:
    """How alike two sets of features of the same images are, whatever rotation and scale separates them.

    Args:
        x, y: [n, p] and [n, q], or [n, c, h, w], arrays or tensors; row i of both belongs to the same image. Computed in float64:
            beside an image far from the others float32 would lose these.
        debiased: the unbiased HSIC of Nguyen et al. 2021, which needs 4 images, or the biased one, which needs 2.

    Returns:
        Linear CKA: 1 for features equal up to rotation and scale, about 0 for independent ones. The unbiased one scatters
        around 0 for those, so it may be slightly negative; it is not clipped.

    Raises:
        InvalidValue: other shapes, too few rows, values that are NaN or infinite, features that are the same for every
            image (their CKA is 0/0).
    """
    first, second = _grams(x, y, debiased)
    for name, matrix in (("first", first), ("second", second)):
        if matrix.constant:
            raise InvalidValue(
                f"CKA is not defined for the {name} features",
                given="the same features for every image, but for rounding",
                expected="features that differ between images",
            )
    k, l = (centred(matrix.products, debiased=debiased) for matrix in (first, second))  # noqa: E741
    for name, matrix, own in (("first", first, k), ("second", second, l)):
        if debiased and matrix.vanishes(own):
            raise InvalidValue(
                f"CKA is not defined for the {name} features",
                given="one image that differs from others that are all alike: its unbiased HSIC is 0",
                expected="features that tell more than one image from the others",
            )
    k, l = k.double(), l.double()  # noqa: E741
    return float((k * l).sum() / (k.norm() * l.norm()))


def check_count(n: int, debiased: bool = True) -> None:
    """Raise InvalidValue where HSIC is not defined for ``n`` images."""
    least = LEAST[bool(debiased)]
    if n < least:
        raise InvalidValue(
            "There are no images to compare on" if n == 0 else "There are too few images to compare on",
            given=f"{n} image{'' if n == 1 else 's'}",
            expected=f"at least {least}" + (" (the unbiased estimate divides by n − 3)" if debiased else ""),
            remedy="choose more images; a few hundred give a narrow band",
        )


def _grams(x, y, debiased: bool) -> tuple[Gram, Gram]:
    first, second = as_features(x), as_features(y)
    if len(first) != len(second):
        raise InvalidValue(
            "The two sets of features belong to different images",
            given=f"{len(first)} and {len(second)} rows",
            expected="a row for each image, in the same order",
        )
    check_count(len(first), debiased)
    with torch.inference_mode():
        found = gram(first, exact=True), gram(second, exact=True)
    for matrix in found:
        if not matrix.finite:
            raise InvalidValue("The features are not finite", given="NaN or infinite values", expected="numbers")
    return found
