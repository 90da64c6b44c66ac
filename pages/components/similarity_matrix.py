"""One large matrix with all that is known of its cells."""

import numpy as np
import pandas as pd
import streamlit as st

from core.similarity import CKAMatrix
from pages.components import charts, look, panels, similarity_charts, similarity_colours, similarity_words


def draw(matrix: CKAMatrix, titles: tuple[str, str], *, name: str, key: str) -> None:
    """CKA of every layer with every layer.

    Args:
        matrix: what to draw.
        titles: of the sides, rows first.
        name: of the CSV file.
        key: unique on the page.
    """
    _draw(matrix, matrix.values, matrix.supported, _table(matrix), titles, name, key, difference=False)


def draw_difference(
    matrix: CKAMatrix, other: CKAMatrix, titles: tuple[str, str], *, words: tuple[str, str], name: str, key: str
) -> None:
    """``matrix`` less ``other``, cell by cell; arguments as for :func:`draw`, ``words`` name the two."""
    table = _table(matrix)
    table["value"] = (matrix.values - other.values).ravel()
    table["band"] = [
        f"{words[0]}: {a:.3f}; {words[1]}: {b:.3f}"
        for a, b in zip(matrix.values.ravel(), other.values.ravel(), strict=True)
    ]
    reasons = np.where(matrix.supported, other.reasons, matrix.reasons)
    table["reason"] = reasons.ravel()
    supported = matrix.supported & other.supported
    _draw(matrix, matrix.values - other.values, supported, table, titles, name, key, difference=True)


def _draw(matrix, values, supported, table, titles, name, key, *, difference: bool) -> None:
    table = table.assign(shown=np.where(supported.ravel(), table["value"], np.nan))
    rows, columns = (
        tuple(look.short_layer(name, layers) for name in layers) for layers in (matrix.rows, matrix.columns)
    )
    what = "Difference of two CKA matrices" if difference else "CKA"
    middle = table["shown"].mean()
    alt = f"{what}, {len(rows)} layers of {titles[0]} down, {len(columns)} layers of {titles[1]} across; mean {middle:.2f}"
    if max(len(rows), len(columns)) > similarity_charts.MOST:
        pixels = similarity_colours.rgb(values, supported, difference=difference)
        middle = {"x": len(columns) / 2, "y": len(rows) / 2}
        form = similarity_charts.picture((len(rows), len(columns)), titles)
        with st.container(width=720):
            charts.show(form, pd.DataFrame([{"picture": similarity_colours.url(pixels, 1024)} | middle]), alt=alt)
        _look_up(matrix, key)
    else:
        grey = not bool(supported.all())
        form = similarity_charts.cells(rows, columns, titles, difference=difference, grey=grey)
        with st.container(width=similarity_charts.width(len(columns))):
            charts.show(form, table, alt=alt)
    columns_out = ["layer_a", "layer_b", "value", "band", "needed", "reason", "n"]
    frame = table[columns_out].rename(columns={"value": "difference"}) if difference else matrix.table()
    panels.table(frame.round(4), name=name, title=alt, key=key)


def _table(matrix: CKAMatrix) -> pd.DataFrame:
    table = matrix.table().rename(columns={"row": "layer_a", "column": "layer_b", "cka": "value"})
    bands = [
        "none" if np.isnan(low) else f"{low:.3f} to {high:.3f}"
        for low, high in zip(table["low"], table["high"], strict=True)
    ]
    return table.assign(
        row=table["layer_a"].apply(look.short_layer, layers=matrix.rows),
        column=table["layer_b"].apply(look.short_layer, layers=matrix.columns),
        code=table["layer_a"] + ", " + table["layer_b"],
        band=bands,
        needed=[f"{count:,} images" if count else "not known" for count in table["needed"]],
    )


def _look_up(matrix: CKAMatrix, key: str) -> None:
    """A picture has no cells to point at: read one by the names of its layers."""
    left, right = st.columns(2)
    row = left.selectbox(
        "Layer, down", matrix.rows, key=f"row-{key}", format_func=lambda name: look.short_layer(name, matrix.rows)
    )
    column = right.selectbox(
        "Layer, across",
        matrix.columns,
        key=f"column-{key}",
        format_func=lambda name: look.short_layer(name, matrix.columns),
    )
    cell = matrix.cell(row, column)
    at = matrix.rows.index(row), matrix.columns.index(column)
    needed = matrix.needed[at]
    more = f", {needed:,} needed for ± 0.05" if needed else ""
    note = f" {matrix.reasons[at].capitalize()}." if matrix.reasons[at] else ""
    st.markdown(look.together(f"CKA **{similarity_words.number(cell)}**, n = {matrix.n:,}{more}.{note}"))
