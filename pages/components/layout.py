"""Columns that stand side by side only where there is room for them.

Streamlit puts columns below each other on phones alone, so beside its sidebar a window of 1024 pixels squeezed charts and cut words.
How wide the page is only the browser knows: these rules leave it to it. No container queries: they would hold a table that is shown
on the whole screen within its column.
"""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_WIDTHS = (140, 220, 260, 300, 380)
_ROW = "> [data-testid='stLayoutWrapper'] > [data-testid='stHorizontalBlock']"


def columns(spec: int | Sequence[float], *, least: int, key: str, gap: str = "medium", **more) -> list[DeltaGenerator]:
    """Columns like those of ``st.columns``, in as many rows as it takes to give each ``least`` pixels.

    Args:
        spec: how many of one width, which they keep in every row; or shares of one row, then each may fill a row of its own.
        least: pixels, one of 140, 220, 260, 300 and 380.
        key: unique on the page.
        gap, more: see ``st.columns``.
    """
    assert least in _WIDTHS
    kind = "even" if isinstance(spec, int) else "share"
    return st.container(key=f"{kind}-{least}-{key}").columns(spec, gap=gap, **more)


def style() -> str:
    """The rules of all such columns, and less empty room at the sides where a window is narrow, as CSS."""
    rules = [
        # From 737 pixels on Streamlit leaves 80 at each side, of 724 beside the sidebar.
        "@media (min-width: 737px) and (max-width: 1200px) { [data-testid='stMainBlockContainer'] "
        "{ padding-left: 2rem; padding-right: 2rem; } }"
    ]
    for least in _WIDTHS:
        even, share = (f"[class*='st-key-{kind}-{least}-'] {_ROW}" for kind in ("even", "share"))
        tracks = f"repeat(auto-fit, minmax(min({least}px, 100%), 1fr))"
        rules += [
            f"{even} {{ display: grid; grid-template-columns: {tracks}; }}",
            f"{even} > [data-testid='stColumn'] {{ width: auto; min-width: 0; }}",
            f"{share} > [data-testid='stColumn'] {{ min-width: min({least}px, 100%); }}",
        ]
    return " ".join(rules)
