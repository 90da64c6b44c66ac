"""Pictures in rows, or a table in their place where the pictures are not on this machine."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import streamlit as st

from core.cohort import Cohort
from pages.components import layout, look

SHOWN = 12
SIDE = 160  # pixels, of one picture that stands by itself


def show(
    rows: Sequence[int],
    test: Cohort,
    picture: Callable[[int], np.ndarray] | None,
    *,
    words: Callable[[int], str],
    frame: Callable[[], pd.DataFrame],
    key: str,
    opened: Callable[[str], None] | None = None,
    action: str = "Follow",
    order: str = "",
) -> None:
    """Show some test images.

    Args:
        rows: their places in ``test``, the most telling first.
        test: who was asked.
        picture: from a row to its picture, uint8 [H, W, 3]; None where they are not on this machine.
        words: from a place in ``rows`` to what stands below its picture, Markdown.
        frame: makes the table that takes the place of the pictures: a line for each of ``rows``, with a column image (its id).
        key: unique on the page.
        opened: called with an image's id when its button, or its line of the table, is clicked.
        action: on the button, before the image's id.
        order: by which the first ones are shown, in words.
    """
    if not len(rows):
        return
    if picture is None:
        _lines(frame(), key, opened)
        return
    shown = rows[:SHOWN]
    for place, column in enumerate(layout.columns(len(shown), least=140, key=key, gap="small", most=6)):
        with column:
            id, below = str(test.ids[shown[place]]), words(place)
            st.image(picture(shown[place]), width="stretch", alt=f"Test image {id}. {spoken(below)}")
            st.caption(below)
            if opened:
                # Twelve buttons of one name are one to who hears them.
                st.button(f"{action} {look.plain(id)}", key=f"{key}-{id}", on_click=opened, args=(id,), type="tertiary")
    if len(rows) > SHOWN:
        st.caption(f"{SHOWN} of {len(rows):,} shown{order and ', '}{order}.")


def spoken(text: str) -> str:
    """Markdown of a few lines as one line without signs, for those who cannot see it: ``"Naevus; Pruned: Melanoma, 54%"``."""
    return text.replace("**", "").replace("  \n", "; ")


def _lines(frame: pd.DataFrame, key: str, opened: Callable[[str], None] | None) -> None:
    percent = st.column_config.NumberColumn(format="percent")
    shares = [name for name in frame if frame[name].dtype.kind == "f" and frame[name].max() <= 1]
    columns = dict.fromkeys(shares, percent)
    given = {"hide_index": True, "column_config": columns, "alt": "Test images, one a line"}
    if opened is None:
        st.dataframe(frame, **given)
        return

    def pass_on() -> None:
        lines = st.session_state[key].selection.rows
        if lines:
            opened(str(frame["image"].iloc[lines[0]]))

    st.caption("Tick a line to follow its image.")
    st.dataframe(frame, key=key, on_select=pass_on, selection_mode="single-row", height=320, **given)
