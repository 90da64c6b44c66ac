"""CKA of every layer of one model with every layer of another, with its band."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from core import device as devices
from core.data import ImageSet
from core.errors import InvalidValue
from core.evaluation.intervals import CONFIDENCE, Interval
from core.progress import Report, silent
from core.similarity import jackknife
from core.similarity.grams import Grams, grams

NARROW = 0.05  # the band that `needed` aims at: the value ± this
WIDEST = 0.5  # a band wider than this leaves the cell open


@dataclass(frozen=True, eq=False)
class CKAMatrix:
    """CKA between layers, and how sure it is. Made by :func:`cka_matrix`.

    A cell that the images cannot support has a text in ``reasons``: show it grey. Its value stays as computed, never clipped;
    it is NaN only where CKA is 0/0 (a dead layer), and then there is always a reason.

    Attributes:
        values: float64 [La, Lb].
        low, high: float64 [La, Lb], ends of the 95% band; NaN where there is none.
        needed: int64 [La, Lb], images for a band of ± 0.05, from the width at n; 0 where not known.
        reasons: str [La, Lb], empty for a supported cell.
        rows, columns: names of the layers, in execution order.
        n: number of images.
        method: of the band, in words.
        debiased: whether HSIC is the unbiased one.
        precision: of the forward passes of the two models.
        digest: names exactly these images in this order.
        mean: mean CKA over supported layers of different name, NaN where there are none.
        mean_without: float64 [n], that mean without each image.
        groups: int64 [n], which lesion an image shows, or None.
    """

    values: np.ndarray
    low: np.ndarray
    high: np.ndarray
    needed: np.ndarray
    reasons: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    n: int
    method: str
    debiased: bool
    precision: tuple[str, str]
    digest: str
    mean: float
    mean_without: np.ndarray
    groups: np.ndarray | None

    @property
    def supported(self) -> np.ndarray:
        """Bool [La, Lb]: cells without a reason against them."""
        return self.reasons == ""

    def cell(self, row: str, column: str) -> Interval:
        """One cell with its band, or with the reason why there is none."""
        at = self.rows.index(row), self.columns.index(column)
        if np.isnan(self.low[at]):
            return Interval.none(self.values[at], self.n, self.reasons[at])
        return Interval(
            float(self.values[at]), float(self.low[at]), float(self.high[at]), self.n, self.reasons[at] or self.method
        )

    def table(self) -> pd.DataFrame:
        """A row for each cell: row, column, cka, low, high, needed, reason, n."""
        row, column = np.meshgrid(self.rows, self.columns, indexing="ij")
        arrays = {"cka": self.values, "low": self.low, "high": self.high, "needed": self.needed, "reason": self.reasons}
        flat = {name: values.ravel() for name, values in arrays.items()}
        return pd.DataFrame({"row": row.ravel(), "column": column.ravel(), **flat, "n": self.n})

    def twins(self) -> pd.DataFrame:
        """The cells of equal names, in execution order: how much of each layer's features is left in the other model."""
        table = self.table()
        return table[table["row"] == table["column"]].reset_index(drop=True)

    def mean_off_diagonal(self) -> Interval:
        """How alike different layers are: mean CKA over supported layers of different name, with a 95% interval."""
        return _interval(self.mean, self.mean_without, self.n, self.groups, self.method)


def cka_matrix(
    model_a: nn.Module | Grams,
    model_b: nn.Module | Grams,
    images: ImageSet | np.ndarray | Tensor | None = None,
    *,
    layers: str | Sequence[str] | None = None,
    debiased: bool = True,
    groups=None,
    device=None,
    precision: str = "auto",
    report: Report = silent,
) -> CKAMatrix:
    """Compare the layers of two models, of any architecture, on the same images in the same order.

    Each model sees them once, in evaluation mode, under its own normalisation; a model with itself runs once.

    Args:
        model_a, model_b: networks of ours, untouched, or their :class:`core.similarity.Grams` for these images.
        images: uint8 [n, H, W, 3], or an image set; not needed if both models are given as Grams.
        layers: a level of detail, or names that both models have, see :func:`core.similarity.layer_names`. To compare
            other layers of each, give Grams.
        debiased, groups, device, precision, report: as for :func:`core.similarity.grams`.

    Returns:
        Rows are the layers of ``model_a``, columns those of ``model_b``.

    Raises:
        InvalidValue: as :func:`core.similarity.grams`; or Grams of other images, or of another kind of HSIC.
        UnknownName: as :func:`core.similarity.grams`.
    """

    def of(model: nn.Module | Grams) -> Grams:
        if isinstance(model, Grams):
            return model
        if images is None:
            raise InvalidValue("There are no images to compare on", given="None", expected="uint8 [n, H, W, 3]")
        options = {"debiased": debiased, "groups": groups, "device": device, "precision": precision}
        return grams(model, images, layers=layers, report=report, **options)

    left = of(model_a)
    right = left if model_b is model_a else of(model_b)
    if left.digest != right.digest:
        raise InvalidValue(
            "The two models saw different images",
            given=f"{left.n} and {right.n} images, digests {left.digest} and {right.digest}",
            expected="the same images at the same size in the same order",
            remedy="compare models of one study, and make the Grams of both from the same images",
        )
    if left.debiased != right.debiased:
        raise InvalidValue("One model has the biased HSIC and the other the unbiased one", expected="the same for both")
    with devices.turn("cpu"), torch.inference_mode():
        return _compare(left, right)


def _compare(left: Grams, right: Grams) -> CKAMatrix:
    n, shape = left.n, (len(left.names), len(right.names))
    usable = np.array([[not (a or b) for b in right.reasons] for a in left.reasons])
    others = usable & (np.array(left.names)[:, None] != np.array(right.names))
    chosen = torch.from_numpy(others)
    values, errors, without = np.empty(shape), np.empty(shape), torch.zeros(n, dtype=torch.float64)
    for part in jackknife.leave_out(left.values, right.values, debiased=left.debiased):
        values[part.rows] = part.values.numpy()
        errors[part.rows] = jackknife.standard_errors(part.without, left.groups).numpy()
        without += part.without[:, chosen[part.rows]].sum(1)
    if n < jackknife.LEAST[left.debiased]:
        errors[:] = np.nan
    low, high = jackknife.band(values, errors, jackknife.quantile(n, left.groups))
    halves = (high - low) / 2
    with np.errstate(invalid="ignore"):
        needed = np.where(
            np.isnan(halves), 0, np.maximum(jackknife.LEAST[left.debiased], np.ceil(n * (halves / NARROW) ** 2))
        )
    count = int(others.sum())
    return CKAMatrix(
        values=values,
        low=low,
        high=high,
        needed=needed.astype(np.int64),
        reasons=_reasons(left, right, low, high, n),
        rows=left.names,
        columns=right.names,
        n=n,
        method=f"jackknife by {'image' if left.groups is None else 'lesion'}, {100 * CONFIDENCE:g}%",
        debiased=left.debiased,
        precision=(left.precision, right.precision),
        digest=left.digest,
        mean=float(values[others].mean()) if count else float("nan"),
        mean_without=(without / max(1, count)).numpy(),
        groups=left.groups,
    )


def _reasons(left: Grams, right: Grams, low: np.ndarray, high: np.ndarray, n: int) -> np.ndarray:
    reasons = np.full(low.shape, "", dtype=object)
    width = high - low
    for a, b in zip(*np.nonzero(width > WIDEST), strict=True):
        needed = int(np.ceil(n * (width[a, b] / WIDEST) ** 2))
        reasons[a, b] = (
            f"{n:,} images leave it open between {low[a, b]:.2f} and {high[a, b]:.2f}; about {needed:,} are needed"
        )
    for b, (name, reason) in enumerate(zip(right.names, right.reasons, strict=True)):
        if reason:
            reasons[:, b] = f"{name}: {reason}"
    for a, (name, reason) in enumerate(zip(left.names, left.reasons, strict=True)):
        if reason:
            reasons[a] = f"{name}: {reason}"
    return reasons


def _interval(mean: float, without: np.ndarray, n: int, groups: np.ndarray | None, method: str) -> Interval:
    if np.isnan(mean):
        return Interval.none(mean, n, "no two different layers can be compared")
    half = float(jackknife.standard_errors(torch.from_numpy(without), groups)) * jackknife.quantile(n, groups)
    return Interval(mean, mean - half, mean + half, n, method)


def compare_means(first: CKAMatrix, second: CKAMatrix) -> Interval:
    """By how much more alike the layers are in ``first`` than in ``second``: paired, on the same images.

    Raises:
        InvalidValue: the two are of different images or of another kind of HSIC.
    """
    if first.digest != second.digest or first.debiased != second.debiased:
        raise InvalidValue(
            "These two matrices cannot be paired",
            given=f"{first.n} and {second.n} images, {first.method} and {second.method}",
            expected="the same images in the same order, the same HSIC",
        )
    without = first.mean_without - second.mean_without
    return _interval(first.mean - second.mean, without, first.n, first.groups, f"paired {first.method}")
