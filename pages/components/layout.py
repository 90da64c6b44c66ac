"""Columns that stand side by side only where there is room for them.

Streamlit puts columns below each other on phones alone, so beside its sidebar a window of 1024 pixels squeezed charts and cut words.
How wide the page is only the browser knows: these rules leave it to it. No container queries: they would hold a table that is shown
on the whole screen within its column.
"""

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_WIDTHS = (68, 116, 140, 180, 220, 260, 300, 380)
_ROW = "> [data-testid='stLayoutWrapper'] > [data-testid='stHorizontalBlock']"


def columns(
    spec: int | Sequence[float], *, least: int, key: str, gap: str = "medium", most: int = 0, **more
) -> list[DeltaGenerator]:
    """Columns like those of ``st.columns``, in as many rows as it takes to give each ``least`` pixels.

    Args:
        spec: how many of one width, which they keep in every row; or shares of one row, then each may fill a row of its own.
        least: pixels, one of 68, 116, 140, 180, 220, 260, 300 and 380.
        key: unique on the page.
        most: for columns of one width, such as pictures: at most so many in a row (only 6 has rules), which are as wide where
            there are fewer, and what is last in each stands at one height.
        gap, more: see ``st.columns``.
    """
    assert least in _WIDTHS
    kind = f"tiles{most}" if most else "even" if isinstance(spec, int) else "share"
    return st.container(key=f"{kind}-{least}-{key}").columns(spec, gap=gap, **more)


def style() -> str:
    """The rules of all such columns, and less empty room at the sides where a window is narrow, as CSS."""
    rules = [
        # From 737 pixels on Streamlit leaves 80 at each side, of 724 beside the sidebar.
        "@media (min-width: 737px) and (max-width: 1200px) { [data-testid='stMainBlockContainer'] "
        "{ padding-left: 2rem; padding-right: 2rem; } }",
        # On a phone five columns of numbers with intervals stand side by side by this alone.
        "@media (max-width: 640px) { [data-testid='stTable'] :is(th, td) "
        "{ padding-left: 0.25rem !important; padding-right: 0.25rem !important; font-size: 0.8rem; } }",
    ]
    for least in _WIDTHS:
        even, share = (f"[class*='st-key-{kind}-{least}-'] {_ROW}" for kind in ("even", "share"))
        tracks = f"repeat(auto-fit, minmax(min({least}px, 100%), 1fr))"
        rules += [
            f"{even} {{ display: grid; grid-template-columns: {tracks}; }}",
            f"{even} > [data-testid='stColumn'] {{ width: auto; min-width: 0; }}",
            f"{share} > [data-testid='stColumn'] {{ min-width: min({least}px, 100%); }}",
        ]
    # Gaps are 1rem. Without the first number a wide window would have nine and three in place of six and six.
    tiles = "[class*='st-key-tiles6-']"
    least_tile = "max(min(140px, 100%), (100% - 5rem) / 6)"
    rules += [
        f"{tiles} {_ROW} {{ display: grid; grid-template-columns: repeat(auto-fill, minmax({least_tile}, 1fr)); }}",
        f"{tiles} {_ROW} > [data-testid='stColumn'] {{ width: auto; min-width: 0; }}",
        f"{tiles} [data-testid='stColumn'] > [data-testid='stVerticalBlock'] {{ height: 100%; }}",
        f"{tiles} [data-testid='stColumn'] > [data-testid='stVerticalBlock'] > :last-child {{ margin-top: auto; }}",
    ]
    return " ".join(rules)
