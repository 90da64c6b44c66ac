"""Slide the sparsity: what would the smaller network miss?"""

import streamlit as st

from pages.components import loaders, navigation, panels, state

navigation.require()
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
        recalibrated = state.recalibrate(useful=not path.is_checkpoint(sparsity)) and not path.is_checkpoint(sparsity)
        places = whatif_view.places()
        whatif_view.layers(places, loaders.subject(path.start(sparsity)), path, sparsity)
        whatif_view.numbers(places, path, sparsity, recalibrated)


explore()
