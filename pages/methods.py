"""Which way of pruning keeps a network good? The paper's results and claims beside ours."""

import streamlit as st

from core import paper
from pages.components import loaders, methods_controls, navigation, panels, state

navigation.require()
st.title("Which way of pruning is best?")
study = state.study()
if study is None:
    panels.no_study()
    st.stop()
st.markdown(
    "A paper compared three ways to prune. Networks like its own were made here with the same training for every "
    "method, tested on images that no network had trained on (of lesions: on lesions that none had seen), with an interval for each result. Where *The "
    "paper's table* and *The leak* show networks made in the paper's own way, they say so."
)
st.caption(paper.CITATION)
section = methods_controls.section()

with panels.guard():
    loaders.engine()  # with torch; the title is on the screen by now
    panels.left_out(study)
    from pages.components import (
        methods_claims,
        methods_curves,
        methods_data,
        methods_leak,
        methods_table,
        methods_training,
    )

    DRAW = {
        "claims": methods_claims.draw,
        "table": methods_table.draw,
        "curves": methods_curves.draw,
        "layerwise": methods_training.layerwise,
        "training": methods_training.draw,
        "leak": methods_leak.draw,
    }
    if not methods_data.lines(study):
        panels.no_study()
    else:
        DRAW[section](study)
