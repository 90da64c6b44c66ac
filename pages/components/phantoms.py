"""Studies of phantoms: where images are missing, they are the way to see everything without a download."""

import streamlit as st
from streamlit.errors import StreamlitDuplicateElementKey

from core.errors import PruneScopeError
from pages.components import loaders


def studies() -> list[str]:
    """Studies whose networks learned from phantoms; their images are drawn wherever the app runs."""
    from core.paths import PRUNE_ONLY

    known = loaders.studies()
    return sorted(name for name, paths in known.items() if paths[PRUNE_ONLY].dense.card.data.name == "phantom")


def nearest(name: str | None, others: list[str]) -> str | None:
    """Of ``others`` the study with the same architecture as ``name``, else the first; None if there are none."""
    from core.studies import Study

    own = Study.parse(name).architecture if name else None
    same = [other for other in others if Study.parse(other).architecture == own]
    return next(iter([*same, *others]), None)


def offer() -> None:
    """A button that opens this page with a study of phantoms, once a page; nothing where there is none to open."""
    from core.studies import Study

    try:
        study = nearest(st.session_state.get("study"), studies())
    except PruneScopeError:
        return
    if study is None:
        return
    try:
        st.button(
            f"Open this page with {Study.parse(study).title}",
            key="phantom-offer",
            icon=":material/draw:",
            on_click=_open,
            args=(study,),
            help="Phantoms are drawn by formula on this machine, so nothing is missing. The first time takes about a minute.",
        )
    except StreamlitDuplicateElementKey:
        return  # another panel of this page has offered it already


def _open(study: str) -> None:
    # The picker in the sidebar is bound to the address, which follows.
    st.session_state["study"] = study
