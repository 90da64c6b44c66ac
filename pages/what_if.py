"""Slide the sparsity: what would the smaller network miss?"""

import streamlit as st

from pages.components import loaders, navigation, panels, state

navigation.require()
st.title("What would the smaller network miss?")
study = state.study()
if study is None:
    panels.no_study()
    st.stop()


def explore() -> None:
    """Controls and what follows from them.

    No fragment: a move of the slider must stop the computation for where it was before, and Streamlit lets a rerun of a
    fragment wait until the run in progress has ended.
    """
    from pages.components import whatif_view  # imports torch: the title is on the screen by now

    paths = loaders.studies()[study]
    method = state.method(list(paths))
    sparsity = state.sparsity()
    path = paths[method]
    whatif_view.position(path, sparsity)
    recalibrated = state.recalibrate(useful=not path.is_checkpoint(sparsity)) and not path.is_checkpoint(sparsity)
    places = whatif_view.places()
    whatif_view.layers(places, loaders.subject(path.start(sparsity)), path, sparsity)
    whatif_view.numbers(places, path, sparsity, recalibrated)


with panels.guard():
    explore()
