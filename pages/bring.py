"""Images and weights of one's own: brought, checked, kept, measured and deleted."""

import streamlit as st

from core import jobs
from pages.components import address, loaders, navigation, panels

navigation.require()
st.title("Your own images and weights")
if jobs.read_only():
    st.info("**This PruneScope is for looking only.** Run it on your own machine to bring images and weights.")
    st.stop()
st.markdown(
    "Bring **images** sorted by folders or a list, and train and prune networks on them. Or bring the **weights** of a "
    "VGG16 or DenseNet169 that you trained elsewhere, and see what pruning does to it."
)
if not jobs.single_user():
    st.warning(
        "What you keep here can be seen by everybody who can open this app. Bring no images of patients who could be "
        "recognised, and none that you may not share.",
        icon=":material/group:",
    )

KINDS = {"images": "Images", "weights": "Weights"}
kind = address.choose(st.segmented_control, "bring", "What to bring", KINDS, "images")

with panels.guard(of_study=False):
    loaders.engine()  # with torch; the title is on the screen by now
    from pages.components import bring_images, bring_weights

    bring_images.draw() if kind == "images" else bring_weights.draw()

with panels.guard(of_study=False):
    from pages.components import bring_list

    bring_list.draw()
