"""Did pruning make the network smaller or faster? Counted, measured on this machine, and to take home."""

import streamlit as st

from pages.components import cost_state, loaders, navigation, panels, state

navigation.require()
st.title("Is it smaller? Is it faster?")
study = state.study()
if study is None:
    panels.no_study()
    st.stop()
part = cost_state.part()

with panels.guard():
    loaders.engine()  # with torch; the title is on the screen by now
    panels.left_out(study)
    from pages.components import cost_now, cost_take, cost_tradeoff

    DRAW = {"now": cost_now.draw, "tradeoff": cost_tradeoff.draw, "take": cost_take.draw}
    if study not in loaders.studies():
        panels.no_study()
    else:
        DRAW[part](study)
