"""Where does each network look, and can the map be believed?"""

import streamlit as st

from pages.components import loaders, navigation, panels, state

navigation.require()
st.title("Where does each network look?")
study = state.study()
if study is None:
    panels.no_study()
    st.stop()
st.markdown(
    "An attribution map marks the pixels that a network's answer rests on. Compare the dense network's with the pruned ones', slide "
    "the sparsity and watch them drift; and see whether a map can be believed at all."
)

with panels.guard():
    loaders.engine()  # with torch; the title is on the screen by now
    panels.left_out(study)
    from pages.components import attribution_view

    attribution_view.draw(study)
