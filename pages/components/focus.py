"""Where the keyboard and the reader stand, when what was pressed is no longer on the page.

A browser then falls back to the beginning of the page: who uses a keyboard or a screen reader begins again, and all others may look at
the middle of what is new.
"""

import streamlit as st

_ASKED, _TURN = "focus-asked", "focus-turn"
# Streamlit's own bar lies over the top of the page. The number makes each a new script: one that stays the same is not run again.
# In braces: a name may be declared only once in a window.
_SCRIPT = """<script>{{
const turn = {turn};
const shown = document.querySelector(".st-key-{key}");
if (shown) {{
  shown.tabIndex = -1; shown.style.outline = "none"; shown.style.scrollMarginTop = "4rem";
  shown.focus({{preventScroll: true}}); shown.scrollIntoView({{block: "start"}});
}}
}}</script>"""


def on(key: str) -> None:
    """Ask, before the page is drawn again, that the container of this key gets the focus and comes into view."""
    st.session_state[_ASKED] = key


def given(key: str) -> None:
    """Within the container of this key: do what was asked, if it was."""
    if st.session_state.get(_ASKED) == key:
        del st.session_state[_ASKED]
        st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1
        st.html(_SCRIPT.format(key=key, turn=st.session_state[_TURN]), unsafe_allow_javascript=True)
