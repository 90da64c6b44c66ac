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
    loaders.engine()  # with torch; the title is on the screen by now
    panels.left_out(study)
    from pages.components import report_file, whatif_controls, whatif_top, whatif_view, whatif_words

    selection = whatif_controls.position(loaders.studies()[study])
    whatif_words.position(selection)
    top = whatif_top.start(selection)
    st.divider()
    whatif_controls.diagnosis(selection)
    whatif_view.draw(whatif_controls.view(), selection, top)
    report_file.draw(selection)
    whatif_top.aloud()


with panels.guard():
    explore()
