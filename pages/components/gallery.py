"""Pictures whose diagnosis pruning changed."""

import pandas as pd
import streamlit as st

from core.cohort import Cohort
from core.data import ImageSet
from pages.components import look

SHOWN = 12
_KINDS = {"newly wrong": "Newly wrong", "newly right": "Newly right", "wrong either way": "Wrong either way"}


def changed(flips: pd.DataFrame, test: Cohort, images: ImageSet | None) -> None:
    """The images on which the two networks disagree, surest dense answers first.

    Args:
        flips: of :func:`core.evaluation.flips`, with a column row: the image's place in ``test``.
        test: who was asked.
        images: the pictures; None where they are not on this machine, and a table takes their place.
    """
    st.subheader(f"{len(flips):,} image{'' if len(flips) == 1 else 's'} got another answer")
    if flips.empty:
        st.caption("Both networks give the same answer to every test image.")
        return
    counts = flips["kind"].value_counts()
    _browser(flips, test, images, [kind for kind in _KINDS if kind in counts], counts)


@st.fragment
def _browser(flips: pd.DataFrame, test: Cohort, images: ImageSet | None, kinds: list[str], counts: pd.Series) -> None:
    kind = st.segmented_control(
        "Which changes",
        kinds,
        default=kinds[0],
        required=True,
        format_func=lambda kind: f"{_KINDS[kind]} ({counts[kind]})",
        key="changed-" + "-".join(kinds),
        label_visibility="collapsed",
    )
    some = flips[flips["kind"] == kind]
    truths = sorted(some["truth"].unique())
    picked = st.pills("Truth", truths, format_func=look.diagnosis, key="changed-truth", selection_mode="multi")
    picked = [name for name in picked if name in truths]
    some = (some[some["truth"].isin(picked)] if picked else some).sort_values("dense_probability", ascending=False)
    if images is None:
        _rows(some, test)
    else:
        _cards(some, images)


def _rows(some: pd.DataFrame, test: Cohort) -> None:
    names = {name: some[name].map(look.diagnosis) for name in ("truth", "dense_answer", "pruned_answer")}
    frame = some.assign(image=test.ids[some["row"]], **names).drop(columns=["row", "kind"])
    percent = st.column_config.NumberColumn(format="percent")
    st.dataframe(
        frame,
        hide_index=True,
        column_config={"dense_probability": percent, "pruned_probability": percent},
        alt="Test images to which the two networks give different answers",
    )


def _cards(some: pd.DataFrame, test: ImageSet) -> None:
    shown = some.head(SHOWN)
    with st.container(horizontal=True, gap="small"):
        for flip in shown.itertuples():
            with st.container(width=160):
                truth = look.diagnosis(flip.truth)
                st.image(test.images[flip.row], width=160, alt=f"Test image {test.ids[flip.row]}: {truth}")
                st.caption(
                    f"**{truth}**  \nDense: {look.diagnosis(flip.dense_answer)}, {flip.dense_probability:.0%}  \n"
                    f"Pruned: {look.diagnosis(flip.pruned_answer)}, {flip.pruned_probability:.0%}"
                )
    if len(some) > SHOWN:
        st.caption(f"{SHOWN} of {len(some):,} shown, those of which the dense network was surest.")
