"""Images and weights of one's own: brought, checked, kept, measured and deleted."""

import streamlit as st

from core import jobs
from pages.components import address, navigation, panels

navigation.require()
st.title("Your own images and weights")
if jobs.read_only():
    st.info("**This PruneScope is for looking only.** Run it on your own machine to bring images and weights.")
    st.stop()
st.markdown(
    "Bring **images** sorted into one folder a class, and train and prune networks on them. Or bring the **weights** of a "
    "VGG16 or DenseNet169 that you trained elsewhere, and see what pruning does to it."
)
if not jobs.single_user():
    st.warning(
        "What you keep here can be seen by everybody who can open this app. Bring no images of patients who could be "
        "recognised, and none that you may not share.",
        icon=":material/group:",
    )

KINDS = {"images": "Images", "weights": "Weights"}
address.hold_choice("bring", list(KINDS), "images")
kind = st.segmented_control(
    "What to bring", list(KINDS), required=True, format_func=KINDS.get, key="bring", persist_state="session"
)
address.tell("bring", None if kind == "images" else kind)

with panels.guard():
    # Imported here: they bring torch, and the title is on the screen by now.
    from pages.components import bring_images, bring_weights

    bring_images.draw() if kind == "images" else bring_weights.draw()

with panels.guard():
    from pages.components import bring_list

    bring_list.draw()
