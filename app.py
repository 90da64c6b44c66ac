"""PruneScope: navigation. Pages draw, ``core`` computes; nothing heavy is imported here, so the first page shows at once."""

import os

# One pool of threads waits without burning a core while another user's batch is computed. Must precede torch.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import streamlit as st

from pages.components import loaders, navigation, panels, stylesheet

page = navigation.current()
# Pages have no icons of their own: the browser would fetch them from a font server for its tab.
st.set_page_config(f"{getattr(page, 'title', '')} · PruneScope", page_icon=".streamlit/icon.png", layout="wide")
loaders.warm_up()
stylesheet.apply()
with panels.guard():
    page.run()
panels.footer()
