"""CKA of every layer of one model with every layer of another, with its band."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from core import device as devices
from core.data import ImageSet
from core.errors import InvalidValue
from core.evaluation.intervals import Interval
from core.progress import Report, silent
from core.similarity import jackknife
from core.similarity.grams import Grams, grams
from core.similarity.means import Images, Mean
from core.similarity.memory import give_back

NARROW = 0.05  # the band that `needed` aims at: the value ± this
WIDEST = 0.5  # a band wider than this leaves the cell open
_MANY = 16_000_000  # numbers gone through whose remains are worth giving back


@dataclass(frozen=True, eq=False)
class CKAMatrix:
    """CKA between layers, and how sure it is. Made by :func:`cka_matrix`.

    A cell that the images cannot support has a text in ``reasons``: show it grey. Its value stays as computed, never clipped;
    it is NaN only where CKA is 0/0 (a dead layer), and then there is always a reason.

    Attributes:
        values: float64 [La, Lb].
        errors: float64 [La, Lb], standard errors; NaN where there is none.
        rows, columns: names of the layers, in execution order.
        row_reasons, column_reasons: why the images cannot support a layer; empty where they can.
        images: which images it rests on.
        precision: of the forward passes of the two models.
        off_diagonal: mean CKA over supported layers of different name.
        twins_mean: mean CKA over supported layers of equal name.
    """

    values: np.ndarray
    errors: np.ndarray
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    row_reasons: tuple[str, ...]
    column_reasons: tuple[str, ...]
    images: Images
    precision: tuple[str, str]
    off_diagonal: Mean
    twins_mean: Mean

    @property
    def n(self) -> int:
        """Number of images."""
        return self.images.n

    @property
    def digest(self) -> str:
        """Names exactly the images, in their order."""
        return self.images.digest

    @property
    def method(self) -> str:
        """Of the bands, in words."""
        return self.images.method

    @cached_property
    def _band(self) -> tuple[np.ndarray, np.ndarray]:
        return jackknife.band(self.values, self.errors, self.images.quantile)

    @property
    def low(self) -> np.ndarray:
        """float64 [La, Lb], lower ends of the 95% band; NaN where there is none."""
        return self._band[0]

    @property
    def high(self) -> np.ndarray:
        """float64 [La, Lb], upper ends of the 95% band; NaN where there is none."""
        return self._band[1]

    @cached_property
    def needed(self) -> np.ndarray:
        """int64 [La, Lb], images for a band of ± 0.05, from the width at n; 0 where not known."""
        halves = (self.high - self.low) / 2
        least = jackknife.LEAST[self.images.debiased]
        with np.errstate(invalid="ignore"):
            counts = np.maximum(least, np.ceil(self.n * (halves / NARROW) ** 2))
        return np.where(np.isnan(halves), 0, counts).astype(np.int64)

    @cached_property
    def reasons(self) -> np.ndarray:
        """str [La, Lb]: why the images cannot support a cell; empty where they can."""
        reasons = np.full(self.values.shape, "", dtype=object)
        width = self.high - self.low
        for a, b in zip(*np.nonzero(width > WIDEST), strict=True):
            needed = int(np.ceil(self.n * (width[a, b] / WIDEST) ** 2))
            span = f"between {self.low[a, b]:.2f} and {self.high[a, b]:.2f}"
            reasons[a, b] = f"{self.n:,} images leave it open {span}; about {needed:,} are needed"
        for b, (name, reason) in enumerate(zip(self.columns, self.column_reasons, strict=True)):
            if reason:
                reasons[:, b] = f"{name}: {reason}"
        for a, (name, reason) in enumerate(zip(self.rows, self.row_reasons, strict=True)):
            if reason:
                reasons[a] = f"{name}: {reason}"
        return reasons

    @property
    def supported(self) -> np.ndarray:
        """Bool [La, Lb]: cells without a reason against them."""
        return self.reasons == ""

    @property
    def transposed(self) -> "CKAMatrix":
        """The same with the two models in each other's place."""
        return replace(
            self,
            values=self.values.T,
            errors=self.errors.T,
            rows=self.columns,
            columns=self.rows,
            row_reasons=self.column_reasons,
            column_reasons=self.row_reasons,
            precision=self.precision[::-1],
        )

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
        return self.off_diagonal.interval()

    def mean_twins(self) -> Interval:
        """How alike the two models are: mean CKA over supported layers of equal name, with a 95% interval."""
        return self.twins_mean.interval()


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
        found = _compare(left, right)
    if left.n * found.values.size > _MANY:
        give_back()
    return found


def _compare(left: Grams, right: Grams) -> CKAMatrix:
    n, shape = left.n, (len(left.names), len(right.names))
    usable = np.array([[not (a or b) for b in right.reasons] for a in left.reasons])
    same = np.array(left.names)[:, None] == np.array(right.names)
    chosen = {"off_diagonal": usable & ~same, "twins_mean": usable & same}
    values, errors = np.empty(shape), np.empty(shape)
    without = {name: torch.zeros(n, dtype=torch.float64) for name in chosen}
    for part in jackknife.leave_out(left.values, right.values, debiased=left.debiased):
        at = (part.rows, part.columns)
        values[at], errors[at] = part.values, jackknife.standard_errors(part.without, left.groups)
        weights = np.ones(part.values.shape)
        if right is left:  # only what lies on and above the diagonal comes: the rest is its mirror image
            row, column = np.ogrid[at]
            weights[:] = np.where(row < column, 2, row == column)
            values.T[at], errors.T[at] = values[at], errors[at]
        for name, cells in chosen.items():
            without[name] += _total(part.without, weights * cells[at])
    images = Images(n, left.digest, left.groups, left.debiased)
    if n < jackknife.LEAST[left.debiased]:
        errors[:] = np.nan
    means = {name: _mean(values, cells, without[name], images) for name, cells in chosen.items()}
    return CKAMatrix(
        values=values,
        errors=errors,
        rows=left.names,
        columns=right.names,
        row_reasons=left.reasons,
        column_reasons=right.reasons,
        images=images,
        precision=(left.precision, right.precision),
        **means,
    )


def _mean(values: np.ndarray, cells: np.ndarray, without: Tensor, images: Images) -> Mean:
    count = int(cells.sum())
    estimate = float(values[cells].mean()) if count else float("nan")
    return Mean.of(estimate, (without / max(1, count)).numpy(), count, images)


def _total(without: Tensor, weights: np.ndarray) -> Tensor:
    """Weighted sum of the cells of [n, rows, columns], for each image; cells of weight 0 may be NaN."""
    if 2 * np.count_nonzero(weights) > weights.size:
        total = without.flatten(1) @ torch.from_numpy(weights).flatten()  # reads what an index would copy
        if not total.isnan().any():
            return total
    rows, columns = (torch.from_numpy(where) for where in np.nonzero(weights))
    return without[:, rows, columns] @ torch.from_numpy(weights[weights != 0])


def compare_means(first: CKAMatrix, second: CKAMatrix) -> Interval:
    """By how much more alike the layers are in ``first`` than in ``second``: paired, on the same images.

    Raises:
        InvalidValue: the two are of different images or of another kind of HSIC.
    """
    return first.off_diagonal.minus(second.off_diagonal)
