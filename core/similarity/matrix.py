"""CKA of every layer of one model with every layer of another, with its band."""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from core.errors import check_choice
from core.evaluation.intervals import Interval
from core.similarity import jackknife
from core.similarity.means import Images, Mean

NARROW = 0.05  # the band that `needed` aims at: the value ± this
WIDEST = 0.5  # a band wider than this leaves the cell open


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
        """One cell with its band, or with the reason why there is none.

        Raises:
            UnknownName: no such row or column.
        """
        check_choice("row", row, self.rows)
        check_choice("column", column, self.columns)
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
