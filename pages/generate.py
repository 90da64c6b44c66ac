"""Make a network of one's own: a form that is a recipe, and the queue that carries recipes out."""

import streamlit as st

from core import jobs
from pages.components import loaders, navigation, panels

navigation.require()
st.title("Make your own network")
if jobs.read_only():
    st.info("**This PruneScope is for looking only.** Run it on your own machine to make networks.")
    st.stop()
st.markdown(
    "Say what to make; it is made in the background, one network at a time on a device. You may leave this page, close it, or "
    "restart the app meanwhile. What is finished appears on every page at once."
)

with panels.guard():
    loaders.engine()  # with torch; the title is on the screen by now
    from pages.components import generate_form

    generate_form.draw()

with panels.guard():
    from pages.components import generate_queue

    generate_queue.draw()
