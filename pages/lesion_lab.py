"""Draw a lesion, and see what dense and pruned networks call it."""

import streamlit as st

from pages.components import layout, loaders, navigation, panels, state

navigation.require()
st.title("Draw a lesion: who recognises it?")
st.markdown(
    "Make the border ragged, add a blue-white veil, darken the skin: the picture changes at once, and so do the answers of the whole "
    "network and of one that lost most of its weights."
)


def explore() -> None:
    """The lesion, its sliders and the answers side by side; below, who is asked, and one parameter from end to end."""
    loaders.engine()  # with torch; the title is on the screen by now
    from pages.components import lab_answers, lab_controls, lab_networks, lab_picture, lab_state

    chosen = state.study()
    panels.left_out(chosen)
    toolbar, stage = st.container(), st.container()
    with stage:
        left, middle, right = layout.columns([5, 6, 6], least=180, key="stage", gap="small")
    picture = left.container()
    with left:
        lesion = lab_state.lesion()
    with toolbar:
        lab_controls.toolbar(lesion)
    with middle:
        lab_controls.sliders(lesion)
    who, along = layout.columns([2, 3], least=300, key="asked", gap="large")
    with who:
        asked = lab_networks.asked(chosen)
    with picture:
        lab_picture.draw(lesion, asked.size if asked else lab_networks.SIZE)
    if asked:
        lab_answers.draw(lesion, asked, right, along)


with panels.guard():
    explore()
