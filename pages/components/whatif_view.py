"""What if: what a position of the slider is, and the views of it by name, each of one side of the selection."""

from collections.abc import Callable

import streamlit as st

from core.paths import Path
from core.whatif import Estimate
from pages.components import (
    look,
    whatif_breaking,
    whatif_calibration,
    whatif_exemplars,
    whatif_harm,
    whatif_layers,
    whatif_mistaken,
    whatif_subgroups,
    whatif_threshold,
)
from pages.components.whatif_selection import Selection
from pages.components.whatif_top import Places, finish, notice
from pages.components.whatif_words import in_words

OF_ANSWERS: dict[str, Callable[[Selection, Estimate], None]] = {
    "harm": whatif_harm.draw,
    "mistaken": whatif_mistaken.draw,
    "threshold": whatif_threshold.draw,
    "subgroups": whatif_subgroups.draw,
    "calibration": whatif_calibration.draw,
}
"""Views of the answers of both networks at the slider."""

OF_PATH: dict[str, Callable[[Selection], None]] = {
    "breaking": whatif_breaking.draw,
    "exemplars": whatif_exemplars.draw,
    "layers": whatif_layers.draw,
}
"""Views that need no answers at the slider, and do not wait for them."""

OF_ALL = ("threshold", "layers")
"""Views in which no class is brought out."""


OF_IMAGES = ("harm", "breaking", "exemplars", "layers")
"""Views that show images, or compute from them."""


def position(path: Path, sparsity: float) -> None:
    """Say what the point on the slider is: a trained checkpoint, or something pruned on from one."""
    st.caption(in_words(path, sparsity))


def draw(view: str, selection: Selection, top: Estimate | Places) -> None:
    """Draw one view, and fill the top of the page if that has still to be computed: what can be drawn comes first.

    Args:
        view: of :data:`OF_ANSWERS` or :data:`OF_PATH`.
        selection: of the page.
        top: of :func:`pages.components.whatif_top.start`.
    """
    if view in OF_IMAGES or isinstance(top, Places):
        notice(selection)
    if view in OF_ALL and selection.diagnosis:
        st.caption(
            f"{look.diagnosis(selection.diagnosis)} is brought out in the sentence at the top of the page; nothing below depends on it."
        )
    if view in OF_PATH:
        OF_PATH[view](selection)
    estimate = finish(top, selection) if isinstance(top, Places) else top
    if view in OF_PATH:
        return
    if estimate is None:
        st.caption("There is more to see here where the answers to all test images are stored or can be computed.")
    else:
        OF_ANSWERS[view](selection, estimate)
