"""How sure a CKA is: leave one image out, for every image and every pair of layers at once.

HSIC is a U-statistic: it is made of pairs of different images. A bootstrap that draws an image twice compares it with
itself, which biases every draw; leaving images out has no such flaw, and here it costs nothing. With matrices K and L as
:func:`core.similarity.hsic.centred` gives them, image i has the share rᵢ = Σⱼ Kᵢⱼ Lᵢⱼ of S = ⟨K, L⟩, and without it S is,
up to a factor that cancels in CKA, exactly::

    S₍ᵢ₎ = S − 2(n−2)/(n−3) rᵢ                              unbiased
    S₍ᵢ₎ = S − 2n/(n−1) rᵢ + (n/(n−1))² Kᵢᵢ Lᵢᵢ              biased

The shares of all pairs of layers are one batched matrix product, which is the one that gives their CKA. The scatter of the n values
gives the standard error (Arvesen 1969, Annals of Mathematical Statistics 40: the jackknife of U-statistics); of images of one
lesion, the deviations are added. CKA is a correlation of matrices, so its band is symmetric on Fisher's scale, artanh, with
Student's quantile.

Simulated on 2,500 images of HAM10000 and a trained VGG16, dense and pruned, 6 × 6 layers, n of 16 to 256 drawn by image or by
lesion: a 95% band held the value of all 2,500 in 94% to 98% of draws (without Fisher's scale and lesions 92% to 96%).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.evaluation.intervals import CONFIDENCE

LEAST = {True: 5, False: 3}  # images; one less must still have an HSIC
_AT_ONCE = 12_000_000  # numbers in memory at one time in float32, 48 MB
_WIDENED = _AT_ONCE // 8  # those that are in float64, of which there are copies, or are made float32 from float16


@dataclass(frozen=True)
class Part:
    """CKA for a rectangle of the matrix.

    Attributes:
        rows, columns: which rectangle. A matrix of a model with itself is symmetric: of it only what lies on and above the
            diagonal is computed.
        values: float64 [rows, columns].
        without: float64 [n, rows, columns], without each image.
    """

    rows: slice
    columns: slice
    values: Tensor
    without: Tensor


def leave_out(left: Tensor, right: Tensor, *, debiased: bool) -> Iterator[Part]:
    """CKA of each layer of ``left`` with each of ``right``, with all images and without each.

    Args:
        left, right: float32 or float16 [n, La, n] and [n, Lb, n]: [:, a] is the centred matrix of layer a, of any norm,
            or 0 for a layer without any, whose CKA becomes NaN. The same tensor for a model with itself.
        debiased: how they were centred.
    """
    symmetric = right is left
    row = _Own(left, debiased)
    column = row if symmetric else _Own(right, debiased)
    n, wide = len(left), right.shape[1]
    many, few = (max(1, numbers // (n * wide)) for numbers in (_AT_ONCE, _WIDENED))
    # One place for all blocks: tensors of this size, made and freed in turn, leave holes that nothing fits into again.
    place = torch.empty(n * min(many, left.shape[1]) * wide, device=left.device)
    for first in range(0, left.shape[1], many):
        columns = slice(first if symmetric else 0, wide)
        block = _shares(left[:, first : first + many], right[:, columns], place)
        for start in range(0, block.shape[1], few):
            shares = block[:, start : start + few].double()
            rows = slice(first + start, first + start + shares.shape[1])
            whole = shares.sum(0)
            diagonals = None if debiased else row.diagonal[:, rows, None] * column.diagonal[:, None, columns]
            without = _without(whole, shares, diagonals)
            without.div_(row.roots[:, rows, None]).div_(column.roots[:, None, columns])
            norms = (row.whole[rows, None] * column.whole[columns]).sqrt()
            yield Part(rows, columns, whole / norms, without)


class _Own:
    """What leaving an image out does to the layers' own inner products."""

    def __init__(self, grams: Tensor, debiased: bool):
        # Image by image, for squares of the whole take as much memory again as the matrices; into one tensor, for small
        # results between large temporaries keep the allocator from using the same place again.
        shares = torch.empty(grams.shape[:2], dtype=torch.float64, device=grams.device)
        for image, found in zip(grams, shares, strict=True):
            found.copy_(image.float().square().sum(1))
        self.diagonal = grams.diagonal(dim1=0, dim2=2).T.double()
        self.whole = shares.sum(0)
        self.without = _without(self.whole, shares, None if debiased else self.diagonal.square())
        self.roots = self.without.sqrt()


def _shares(left: Tensor, right: Tensor, place: Tensor) -> Tensor:
    """float32 [n, La, Lb], in ``place``: what each image adds to each inner product; all pairs are one batched product."""
    n, shape = len(left), (len(left), left.shape[1], right.shape[1])
    found = place[: math.prod(shape)].view(shape)
    if left.dtype == right.dtype == torch.float32:
        return torch.bmm(left, right.transpose(1, 2), out=found)
    # Some images at a time, for half precision is computed in float32 and all of it would not be half any more.
    few = max(1, _WIDENED // right[0].numel())
    for start in range(0, n, few):
        images = slice(start, start + few)
        torch.bmm(left[images].float(), right[images].float().transpose(1, 2), out=found[images])
    return found


def _without(whole: Tensor, shares: Tensor, diagonals: Tensor | None) -> Tensor:
    """Inner products without each image; takes the place of ``shares``. Unbiased if there are no diagonals."""
    n = len(shares)
    if diagonals is None:
        return shares.mul_(-2 * (n - 2) / (n - 3)).add_(whole)
    return shares.mul_(-2 * n / (n - 1)).add_(whole).add_(diagonals, alpha=(n / (n - 1)) ** 2)


def standard_errors(without: Tensor, groups: np.ndarray | None) -> Tensor:
    """The jackknife's standard error [...] of a statistic.

    Args:
        without: [n, ...], its value without each image.
        groups: int64 [n], which lesion an image shows, or None where each is its own.
    """
    n = len(without)
    deviations = (without - without.mean(0)).mul_(n - 1)
    if groups is not None:
        lesions = torch.as_tensor(groups, device=without.device)
        count = int(lesions.max()) + 1
        deviations = deviations.new_zeros(count, *deviations.shape[1:]).index_add_(0, lesions, deviations)
    count = len(deviations)
    return (deviations.square_().sum(0) * (count / max(1, count - 1))).sqrt() / n


def quantile(n: int, groups: np.ndarray | None, confidence: float = CONFIDENCE) -> float:
    """Student's two-sided quantile for as many lesions (or images) as there are; NaN for one."""
    from scipy.stats import t as student  # costs half a second to import, and only a band needs it

    count = n if groups is None else int(groups.max()) + 1
    return float(student.ppf((1 + confidence) / 2, count - 1)) if count > 1 else float("nan")


def band(values: np.ndarray, errors: np.ndarray, times: float) -> tuple[np.ndarray, np.ndarray]:
    """Ends of the interval of ``times`` standard errors on Fisher's scale. A CKA of 1 has none to speak of: [1, 1]."""
    # Rounding leaves a layer's CKA with itself a few 1e-8 from 1, where Fisher's scale has no end.
    inside = np.abs(values) < 1 - 1e-6
    value = np.where(inside, values, 0.0)
    half = times * errors / (1 - value**2)
    middle = np.arctanh(value)
    low, high = np.tanh(middle - half), np.tanh(middle + half)
    return np.where(inside, low, values), np.where(inside, high, values)


def relative_errors(grams: Tensor, groups: np.ndarray | None, *, debiased: bool) -> Tensor:
    """Standard error of each layer's own HSIC, as a share of it, [L]; NaN for a layer without any."""
    n = len(grams)
    own = _Own(grams, debiased)
    factor = n * (n - 3) / ((n - 1) * (n - 4)) if debiased else (n / (n - 1)) ** 2
    return standard_errors(own.without * factor, groups) / own.whole
