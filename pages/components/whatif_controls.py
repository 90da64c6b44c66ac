"""The controls of What if. Each writes itself into the address, so that a copied link opens the same view."""

import streamlit as st

from core.breaking import stored_steps
from core.errors import PruneScopeError
from core.paths import Path
from core.pruning.fixed import as_text, from_text
from pages.components import address, loaders, look, state, whatif_play
from pages.components.whatif_selection import Selection

VIEWS = {
    "harm": "Harm",
    "mistaken": "Mistaken for",
    "threshold": "Threshold",
    "subgroups": "Subgroups",
    "breaking": "Breaking points",
    "exemplars": "Forgotten",
    "layers": "Layers",
    "calibration": "Calibration",
}
MANY = 12  # classes from which on a list to search takes the place of buttons
_LAYERS = "layers"


def position(paths: dict[str, Path]) -> Selection:
    """Method, sparsity, batch norm; and what the address says of class and layers."""
    method = state.method(list(paths))
    path = paths[method]
    whatif_play.take_step()
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        sparsity = state.sparsity(whatif_play.stop)
        place = st.container(width=100)
    fixed = _fixed(path)
    switch = state.recalibrate(useful=not Selection(path, sparsity, True, fixed=fixed).trained)
    with place:
        steps = [] if fixed else stored_steps(path, loaders.response, switch)
        whatif_play.button([step.percent for step in steps], round(100 * sparsity))
    return Selection(path, sparsity, switch, diagnosis=_diagnosis(path), fixed=fixed)


def view() -> str:
    """Which part of the page is open."""
    return address.choose(st.segmented_control, "view", "Look at", VIEWS, "harm", label_visibility="collapsed")


def turn_to(name: str, label: str, icon: str) -> None:
    """A button that opens another view of the page, key of :data:`VIEWS`, on what is selected."""
    st.button(label, key=f"to-{name}", on_click=_turn, args=(name,), type="tertiary", icon=icon)


def _turn(name: str) -> None:
    st.session_state["view"] = name


def diagnosis(selection: Selection) -> None:
    """The class that all charts bring out; a click on a class in a chart sets it too."""
    names = list(selection.path.dense.card.data.class_names)
    label = {"label": "Bring out", "format_func": look.diagnosis, "key": "diagnosis", "persist_state": "session"}
    if len(names) > MANY:
        st.selectbox(options=names, index=None, placeholder="All classes", **label)
    else:
        st.pills(options=names, **label)


def pick(name: str) -> None:
    """Bring out a class, as a click on it in a chart does; once more for all."""
    st.session_state["diagnosis"] = None if st.session_state.get("diagnosis") == name else name


def fix(fixed: dict[int, int]) -> None:
    """Set units of layers by hand."""
    st.session_state[_LAYERS] = as_text(fixed)
    whatif_play.stop()


def _diagnosis(path: Path) -> str | None:
    names = path.dense.card.data.class_names
    address.hold("diagnosis", lambda text: text if text in names else None, None)
    if st.session_state["diagnosis"] not in names:
        st.session_state["diagnosis"] = None
    address.tell("diagnosis", st.session_state["diagnosis"])
    return st.session_state["diagnosis"]


def _fixed(path: Path) -> tuple[tuple[int, int], ...]:
    address.hold(_LAYERS, lambda text: text or None, "")
    if not st.session_state[_LAYERS]:
        address.tell(_LAYERS, None)
        return ()
    try:
        count = len(loaders.units(path.dense))
    except PruneScopeError:
        count = 0  # without the weights no layer can be set; the page says so where layers are set
    fixed = from_text(st.session_state[_LAYERS], count)
    address.tell(_LAYERS, as_text(fixed) or None)
    return tuple(sorted(fixed.items()))
