"""The pages and their order."""

import streamlit as st

from core import jobs

_INSIDE = "_inside_app"


def current() -> st.Page:
    """Draw the navigation and return the page that the address asks for."""
    st.session_state[_INSIDE] = True
    return st.navigation(
        [
            st.Page("pages/overview.py", title="Overview", default=True),
            st.Page("pages/what_if.py", title="What if"),
            st.Page("pages/methods.py", title="Methods"),
            st.Page("pages/layers.py", title="Layers"),
            st.Page("pages/cost.py", title="Size and speed"),
            st.Page("pages/similarity.py", title="Similarity"),
            st.Page("pages/attribution.py", title="Attribution"),
            st.Page("pages/lesion_lab.py", title="Lesion lab"),
            st.Page("pages/learn.py", title="Learn"),
            *(
                []
                if jobs.read_only()
                else [st.Page("pages/generate.py", title="Generate"), st.Page("pages/bring.py", title="Your own")]
            ),
        ]
    )


def require() -> None:
    """Start over inside the app, if this page was run by itself.

    Streamlit takes a folder called pages for pages of the old kind until a server's first visitor has met
    ``st.navigation``. If that visitor comes by a link to a page, the page runs without ``app.py`` around it.
    """
    if _INSIDE not in st.session_state:
        current()
        st.rerun()
