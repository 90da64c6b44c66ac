"""CSV that spreadsheets open as it is meant: no cell of it is taken for a formula.

Names of classes and images may be a stranger's, and a spreadsheet carries out what begins with =, +, - or @. The usual remedy is
an apostrophe before it (OWASP, "CSV injection"). Numbers never get one, those that are written as text included.
"""

import re

import pandas as pd

_FORMULA = re.compile(r"[=+\-@\t\r\n]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?%?")


def cell(value):
    """``value`` with an apostrophe before it if it is a text that a spreadsheet would carry out; anything else as it is."""
    carried_out = isinstance(value, str) and _FORMULA.match(value) and not _NUMBER.fullmatch(value)
    return f"'{value}" if carried_out else value


def csv_text(frame: pd.DataFrame) -> str:
    """``frame`` without its index as CSV, its headings and texts through :func:`cell`."""
    safe = frame.copy(deep=False)
    for place, kind in enumerate(frame.dtypes):
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_datetime64_any_dtype(kind)):
            safe.isetitem(place, frame.iloc[:, place].astype(object).map(cell))
    safe.columns = [cell(name) for name in frame.columns]
    return safe.to_csv(index=False)
