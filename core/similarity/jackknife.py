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

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.evaluation.intervals import CONFIDENCE

LEAST = {True: 5, False: 3}  # images; one less must still have an HSIC
_AT_ONCE = (
    8_000_000  # numbers in memory at one time in float32, 32 MB; an eighth of it in float64, of which there are copies
)


@dataclass(frozen=True)
class Part:
    """CKA for some rows of the matrix: ``rows``, ``values`` [rows, Lb], ``without`` [n, rows, Lb] each image, in float64."""

    rows: slice
    values: Tensor
    without: Tensor


def leave_out(left: Tensor, right: Tensor, *, debiased: bool) -> Iterator[Part]:
    """CKA of each layer of ``left`` with each of ``right``, with all images and without each.

    Args:
        left, right: float32 or float16 [n, La, n] and [n, Lb, n]: [:, a] is the centred matrix of layer a, of any norm,
            or 0 for a layer without any, whose CKA becomes NaN.
        debiased: how they were centred.
    """
    row, column = _Own(left, debiased), _Own(right, debiased)
    many, few = (max(1, numbers // (len(left) * right.shape[1])) for numbers in (_AT_ONCE, _AT_ONCE // 8))
    for first in range(0, left.shape[1], many):
        block = _shares(left[:, first : first + many], right)
        for start in range(0, block.shape[1], few):
            shares = block[:, start : start + few].double()
            rows = slice(first + start, first + start + shares.shape[1])
            whole = shares.sum(0)
            diagonals = None if debiased else row.diagonal[:, rows, None] * column.diagonal[:, None]
            without = _without(whole, shares, diagonals)
            without.div_(row.roots[:, rows, None]).div_(column.roots[:, None])
            yield Part(rows, whole / (row.whole[rows, None] * column.whole).sqrt(), without)


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


def _shares(left: Tensor, right: Tensor) -> Tensor:
    """float32 [n, La, Lb]: what each image adds to each inner product. All pairs of layers are one batched product."""
    if left.dtype == right.dtype == torch.float32:
        return torch.bmm(left, right.transpose(1, 2))
    # Some images at a time, for half precision is computed in float32 and all of it would not be half any more.
    few = max(1, _AT_ONCE // right[0].numel())
    parts = zip(left.split(few), right.split(few), strict=True)
    return torch.cat([torch.bmm(a.float(), b.float().transpose(1, 2)) for a, b in parts])


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
