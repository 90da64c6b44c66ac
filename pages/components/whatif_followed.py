"""One image along the path: its probabilities at every stored sparsity, and when its answer changes."""

import contextlib
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.errors import StreamlitAPIException

from core import breaking
from core.breaking import Step
from core.cohort import Cohort
from pages.components import address, charts, focus, gallery, look, panels, whatif_curves
from pages.components import whatif_selection as selecting
from pages.components.whatif_selection import Selection

_IMAGE, _CLOSED = "image", "closed-image"
_KEY = "followed"
# The button that closed it is gone, and with it the place of the keyboard: it goes on from the part that is open.
_BACK = """<script>{
const part = document.querySelector(".st-key-view [aria-checked='true']");
if (part) part.focus();
}</script>"""
_ATTRIBUTION = "pages/attribution.py"
_APART = 20  # percent that two words on the chart need between them


def follow(id: str) -> None:
    """Follow an image along the path: open it here, and bring it on the screen."""
    st.session_state[_IMAGE] = id
    focus.on(_KEY)  # it was asked for from pictures further down the page
    st.session_state["view"] = "breaking"


def draw(selection: Selection, steps: list[Step], table: pd.DataFrame, test: Cohort) -> None:
    """One image along the path, if the address names one."""
    known = {id: row for row, id in enumerate(test.ids.tolist())}
    address.hold(_IMAGE, lambda text: text if text in known else None, None)
    id = st.session_state[_IMAGE] if st.session_state[_IMAGE] in known else None
    address.tell(_IMAGE, id)
    if st.session_state.pop(_CLOSED, False) and id is None:
        st.html(_BACK, unsafe_allow_javascript=True)
    if id is None:
        return
    row = known[id]
    truth = test.class_names[test.labels[row]]
    with st.container(border=True, key=_KEY):
        focus.given(_KEY)
        st.markdown(f"**{look.plain(id)} along the path** · truth: {look.diagnosis(truth)}")
        picture = selecting.picture(selection)
        left, right = st.columns([1, 4]) if picture is not None else (None, st.container())
        if left:
            left.image(picture(row), width=gallery.SIDE, alt=f"Test image {id}: {look.diagnosis(truth)}")
        with right:
            _path_of(f"{selection.path.study}-{selection.path.method}", steps, row, table.iloc[row], test)
        with st.container(horizontal=True):
            st.button("Close", key="close-image", on_click=_close)
            if Path(__file__).parents[2].joinpath(_ATTRIBUTION).exists():
                with contextlib.suppress(StreamlitAPIException):  # the page is there but not in the navigation
                    st.page_link(
                        _ATTRIBUTION, label="Where do they look?", icon=":material/search:", query_params={"image": id}
                    )


def _path_of(name: str, steps: list[Step], row: int, found: pd.Series, test: Cohort) -> None:
    breaks = found["breaks"]
    frame = breaking.along(steps, row, truth=test.labels[row])
    shown = list(dict.fromkeys(frame["class"]))
    frame["label"] = [look.diagnosis(test.class_names[index]) for index in frame["class"]]
    lines = frame.melt(["percent", "label"], ["pruned", "dense"], "network", "probability").dropna()
    lines["network"] = lines["network"].str.capitalize()
    marks = [(step.percent, "trained") for step in steps if step.trained and step.percent]
    trained = [percent for percent, _ in marks]
    # Words a few points apart would be printed over each other: of these the line alone stays, and the caption has all.
    marks = [
        (percent, what if number == 0 or percent - trained[number - 1] > _APART else "")
        for number, (percent, what) in enumerate(marks)
    ]
    if not np.isnan(breaks):
        marks.append((breaks, whatif_curves.BROKEN))
    st.caption(
        "Probabilities of the pruned network at each stored sparsity, the dense network's dashed: both with batch norm "
        "recalibrated, or both without. "
        + (
            f"Of the networks trained, this line passes those at {look.listed([f'{percent:g}%' for percent in trained])}. "
            if trained
            else ""
        )
        + f"{_of_one(found)} One image has no interval."
    )
    charts.show(
        whatif_curves.probabilities(
            tuple(look.diagnosis(test.class_names[index]) for index in shown),
            tuple(map(look.series, shown)),
            tuple(map(look.mark, shown)),
            look.ink(),
        ),
        {"table": lines, "marks": pd.DataFrame(marks, columns=["percent", "what"])},
        alt=f"Probabilities of {frame['label'].nunique()} classes for one image along the sparsity",
    )
    panels.table(
        lambda: lines,
        name=f"path-{name}-{test.ids[row]}",
        title="Probabilities along the path",
        key="path",
        label="The numbers behind it: this image",
    )


def _of_one(found: pd.Series) -> str:
    """When the answer to one image changes, and whether permanently."""
    first, breaks = found["first"], found["breaks"]
    if np.isnan(first):
        return "Its answer never changes."
    if first == breaks:
        return f"Its answer is another from {breaks:.0f}% on."
    share = f"at {found['steps_changed']:.0%} of all steps, first at {first:.0f}%"
    if np.isnan(breaks):
        return f"Its answer is another {share}, and the dense network's again in the end."
    return f"Its answer is another {share}, and permanently from {breaks:.0f}% on."


def _close() -> None:
    st.session_state[_IMAGE] = None
    st.session_state[_CLOSED] = True
