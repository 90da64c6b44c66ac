"""Where are the zeros? Layers, filters and single weights, and what each layer can spare."""

import streamlit as st

from pages.components import layers_state, loaders, navigation, panels, state

navigation.require()
st.title("Where are the zeros?")
study = state.study()
if study is None:
    panels.no_study()
    st.stop()
st.markdown(
    "Pruning need not take the same share from every layer, and methods that reach the same sparsity differ in what they take."
)
part = layers_state.part()

with panels.guard():
    loaders.engine()  # with torch; the title is on the screen by now
    panels.left_out(study)
    from pages.components import layers_masks, layers_one, layers_pay, layers_zeros

    DRAW = {"zeros": layers_zeros.draw, "layer": layers_one.draw, "pays": layers_pay.draw, "masks": layers_masks.draw}
    if study not in loaders.studies():
        panels.no_study()
    else:
        DRAW[part](study)
