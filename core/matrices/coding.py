"""How a comparison of two networks becomes a few small numbers, and back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.similarity import CKAMatrix, Images, Mean

FULL, SYMMETRIC, TWINS = "full", "symmetric", "twins"
"""How much is kept: every cell; those on and above the diagonal (of a network with itself); the diagonal only."""
_CKA, _ERROR = 1e-4, 2e-5  # steps; a standard error is at most 1.3 then
_NO_CKA, _NO_ERROR = np.iinfo(np.int16).min, np.iinfo(np.uint16).max
_MEANS = ("off_diagonal", "twins_mean")


@dataclass(frozen=True, eq=False)
class Record:
    """A comparison as it is kept.

    Attributes:
        form: :data:`FULL`, :data:`SYMMETRIC` or :data:`TWINS`.
        cka: int16 [cells], in steps of 0.0001.
        error: uint16 [cells], standard errors in steps of 0.00002.
        shares: float16 [2, n], for the two means of a matrix what each image adds to them; None where not kept.
        means: estimate, standard error and number of cells of each of the two.
        reasons: for rows and columns, layer -> why the images cannot support it.
        precision: of the two forward passes.
    """

    form: str
    cka: np.ndarray
    error: np.ndarray
    shares: np.ndarray | None
    means: tuple
    reasons: tuple[dict[str, str], dict[str, str]]
    precision: tuple[str, str]

    def facts(self) -> dict:
        """All but the arrays, for JSON."""
        means = [[None if np.isnan(value) else value for value in mean] for mean in self.means]
        return {
            "form": self.form,
            "shares": self.shares is not None,
            "means": means,
            "reasons": self.reasons,
            "precision": self.precision,
        }


def encode(matrix: CKAMatrix, form: str, shares: bool) -> Record:
    """A comparison as it is kept; arguments as for :meth:`core.matrices.Stored.add`."""
    cells = _cells(form, len(matrix.rows))
    values, errors = matrix.values[cells], matrix.errors[cells]
    means = [getattr(matrix, name) for name in _MEANS]
    return Record(
        form=form,
        cka=np.where(np.isnan(values), _NO_CKA, np.round(np.nan_to_num(values) / _CKA)).astype(np.int16),
        error=np.where(
            np.isnan(errors), _NO_ERROR, np.minimum(np.round(np.nan_to_num(errors) / _ERROR), _NO_ERROR - 1)
        ).astype(np.uint16),
        shares=np.stack([_shares(mean) for mean in means]) if shares else None,
        means=tuple((mean.estimate, mean.error, mean.cells) for mean in means),
        reasons=(_named(matrix.rows, matrix.row_reasons), _named(matrix.columns, matrix.column_reasons)),
        precision=matrix.precision,
    )


def decode(record: Record, layers: Sequence[str], images: Images) -> CKAMatrix:
    """The comparison that ``record`` keeps. Cells that are not kept (:data:`TWINS`) are NaN.

    Args:
        record: made by :func:`encode`.
        layers: names of the layers of both networks.
        images: what it rests on.
    """
    values, errors = (
        _whole(np.where(coded == missing, np.nan, coded * step), record.form, len(layers))
        for coded, missing, step in ((record.cka, _NO_CKA, _CKA), (record.error, _NO_ERROR, _ERROR))
    )
    means = {
        name: Mean(estimate, error, _without(estimate, record.shares, place), cells, images)
        for place, (name, (estimate, error, cells)) in enumerate(zip(_MEANS, record.means, strict=True))
    }
    rows, columns = (tuple(found.get(layer, "") for layer in layers) for found in record.reasons)
    return CKAMatrix(
        values=values,
        errors=errors,
        rows=tuple(layers),
        columns=tuple(layers),
        row_reasons=rows,
        column_reasons=columns,
        images=images,
        precision=tuple(record.precision),
        **means,
    )


def join(records: Sequence[Record]) -> dict[str, np.ndarray]:
    """The arrays of many comparisons, one behind the other."""
    shares = [record.shares.ravel() for record in records if record.shares is not None]
    return {
        "cka": _planes(np.concatenate([record.cka for record in records])),
        "error": _planes(np.concatenate([record.error for record in records])),
        "shares": np.concatenate(shares) if shares else np.empty(0, np.float16),
    }


def split(facts: Sequence[Mapping], sizes: Sequence[tuple[int, int]], arrays: Mapping[str, np.ndarray]) -> list[Record]:
    """What :func:`join` joined.

    Args:
        facts: of each comparison, from :meth:`Record.facts`.
        sizes: of each, number of layers and number of images.
        arrays: of all.

    Raises:
        ValueError, KeyError, TypeError: they do not fit together.
    """
    cka, error = _unplaned(arrays["cka"], np.int16), _unplaned(arrays["error"], np.uint16)
    shares = arrays["shares"]
    records, cell, share = [], 0, 0
    for about, (layers, n) in zip(facts, sizes, strict=True):
        count = len(_cells(about["form"], layers)[0])
        own = shares[share : share + 2 * n].reshape(2, n) if about["shares"] else None
        means = tuple(tuple(np.nan if value is None else value for value in mean) for mean in about["means"])
        here = slice(cell, cell + count)
        rows, columns = about["reasons"]
        if len(cka[here]) < count or len(error[here]) < count:
            raise ValueError("it is shorter than its index says")
        records.append(Record(about["form"], cka[here], error[here], own, means, (rows, columns), about["precision"]))
        cell, share = cell + count, share + (2 * n if about["shares"] else 0)
    return records


def _cells(form: str, layers: int) -> tuple[np.ndarray, np.ndarray]:
    if form == TWINS:
        return np.arange(layers), np.arange(layers)
    if form == SYMMETRIC:
        return np.triu_indices(layers)
    if form != FULL:
        raise ValueError(f"there is no form {form!r}")
    rows, columns = np.indices((layers, layers))
    return rows.ravel(), columns.ravel()


def _whole(kept: np.ndarray, form: str, layers: int) -> np.ndarray:
    whole = np.full((layers, layers), np.nan)
    rows, columns = _cells(form, layers)
    whole[rows, columns] = kept
    if form == SYMMETRIC:
        whole[columns, rows] = kept
    return whole


def _shares(mean: Mean) -> np.ndarray:
    # Without an image a mean moves by about 1/n: times n − 1 it is of a size that half precision holds well.
    return ((len(mean.without) - 1) * (mean.without - mean.estimate)).astype(np.float16)


def _without(estimate: float, shares: np.ndarray | None, place: int) -> np.ndarray | None:
    return None if shares is None else estimate + shares[place].astype(np.float64) / (shares.shape[1] - 1)


def _named(layers: Sequence[str], reasons: Sequence[str]) -> dict[str, str]:
    return {layer: reason for layer, reason in zip(layers, reasons, strict=True) if reason}


def _planes(values: np.ndarray) -> np.ndarray:
    """High bytes apart from low ones, which makes the file a fifth smaller: the high ones repeat."""
    return values.view(np.uint8).reshape(-1, 2).T.copy()


def _unplaned(planes: np.ndarray, kind: type) -> np.ndarray:
    return np.ascontiguousarray(planes.T).view(kind).ravel()
