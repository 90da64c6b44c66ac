"""The pages and their order."""

import streamlit as st

_INSIDE = "_inside_app"


def current() -> st.Page:
    """Draw the navigation and return the page that the address asks for."""
    st.session_state[_INSIDE] = True
    return st.navigation(
        [
            st.Page("pages/overview.py", title="Overview", default=True),
            st.Page("pages/what_if.py", title="What if"),
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
