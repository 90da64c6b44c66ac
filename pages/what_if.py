"""Slide the sparsity: what would the smaller network miss?"""

import streamlit as st

from core.errors import DataNotFound
from pages.components import loaders, panels, state

st.title("What would the smaller network miss?")
study = state.study()
if study is None:
    panels.no_study()
    st.stop()


@st.fragment
def explore() -> None:
    """Controls and what follows from them; a move of the slider redraws this part alone."""
    from pages.components import whatif_view

    paths = loaders.studies()[study]
    method = state.method(list(paths))
    sparsity = state.sparsity()
    path = paths[method]
    with panels.guard():
        whatif_view.position(path, sparsity)
        recalibrated = state.recalibrate(useful=not path.is_checkpoint(sparsity))
        subject = loaders.subject(path.start(sparsity))
        slots = whatif_view.slots()
        whatif_view.layers(slots, subject, path, sparsity)
        try:
            bench = loaders.bench(path.dense)
        except DataNotFound as error:
            panels.missing_data(error)
            whatif_view.from_card(slots, path, sparsity)
            return
        whatif_view.refine(slots, bench, subject, path, sparsity, recalibrated)


explore()
