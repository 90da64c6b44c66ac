"""Do pruned networks still learn the same features? Layers compared by CKA."""

import streamlit as st

from pages.components import loaders, navigation, panels, state

navigation.require()
st.title("Do pruned networks still learn the same features?")
study = state.study()
if study is None:
    panels.no_study()
    st.stop()
st.markdown(
    "**CKA** compares what two layers make of the same images: **1** means that both find the same images alike and the same images "
    "different, **0** that what the one sees tells nothing about what the other sees. It says what a layer can tell apart, not whether "
    "the diagnosis is right."
)

with panels.guard():
    loaders.engine()  # with torch; the title is on the screen by now
    panels.left_out(study)
    from pages.components import (
        similarity_choices,
        similarity_claims_view,
        similarity_networks,
        similarity_survival,
    )

    DRAW = {
        "networks": similarity_networks.draw,
        "survival": similarity_survival.draw,
        "claims": similarity_claims_view.draw,
    }
    part = similarity_choices.part()
    if study not in loaders.studies():
        panels.no_study()
    else:
        DRAW[part](study)
