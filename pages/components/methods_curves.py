"""Accuracy against sparsity, for every method and control."""

import pandas as pd
import streamlit as st

from core import paper
from core.paths import PRUNE_ONLY
from core.studies import Study
from pages.components import address, look, methods_charts, methods_controls, methods_data, panels

_ASIDE = 0.012  # how far to the side a method's point is drawn from its neighbour's, in sparsity


def draw(study: str) -> None:
    """The section about sparsity."""
    measure = methods_controls.measure()
    title = methods_controls.MEASURES[measure]
    frame = methods_data.curves(study)
    own = frame[frame["measure"] == measure]
    shown = _aside(own.assign(network=own["method"].map(look.short)))
    published = _published(study, shown) if measure == "accuracy" else pd.DataFrame()
    further = address.toggle(
        "pruned-on",
        "Show what happens to each network if it is pruned further without training",
        help="Each line begins at a trained network and ends where the next was trained: a fall says nothing of the method.",
    )
    if not further:
        shown = shown[shown["trained"] | (shown["method"] == PRUNE_ONLY)]
    st.markdown(f"**{title} on test images, against how many weights were removed**")
    st.altair_chart(
        methods_charts.by_sparsity(shown, published, title, look.ink()),
        alt=f"{title} of every method and control against sparsity, with 95% intervals at trained networks",
    )
    st.caption(_basis(shown, bool(len(published))))
    if strangers := _strangers(own):
        st.caption(strangers)
    missing = _missing(own)
    if missing:
        st.caption(f"Not trained yet: {', '.join(missing)}. They are made by `{methods_data.command(study)}`.")
    panels.table(
        own.drop(columns="measure"),
        name=f"curves-{study}-{measure}",
        title=f"{title} by sparsity",
        key="curves",
    )


def _aside(frame: pd.DataFrame) -> pd.DataFrame:
    """Move each method's points a little to its own side, so that intervals at one sparsity do not cover each other."""
    pruned = sorted(set(frame.loc[frame["sparsity"] > 0, "method"]) - {PRUNE_ONLY}, key=look.order)
    controls = sorted(set(frame.loc[(frame["sparsity"] == 0) & frame["trained"], "method"]), key=look.order)
    place = {name: index - (len(group) - 1) / 2 for group in (pruned, controls) for index, name in enumerate(group)}
    again = (frame["training"] > 1) * _ASIDE / 2  # beside the interval of the study's own network, not upon it
    return frame.assign(shown=frame["sparsity"] + _ASIDE * frame["method"].map(place).fillna(0) + again)


def _published(study: str, shown: pd.DataFrame) -> pd.DataFrame:
    """The paper's points, each beside ours of the same method; none where it has no such study."""
    named = Study.parse(study)
    table = paper.accuracy()
    table = table[(table["model"] == named.architecture) & (table["dataset"] == named.data)]
    aside = (shown["shown"] - shown["sparsity"]).groupby(shown["method"]).first().to_dict()
    rows = [
        {
            "network": look.short(cell["method"]),
            "method": cell["method"],
            "sparsity": cell["sparsity"],
            "shown": cell["sparsity"] + aside[cell["method"]],
            "estimate": cell["accuracy"],
        }
        for cell in table.to_dict("records")
        if cell["method"] in aside
    ]
    return pd.DataFrame(rows)


def _basis(own: pd.DataFrame, published: bool) -> str:
    parts = [f"n = {own['n'].max():,.0f} test images; intervals are 95%"]
    parts.append("points are trained networks, drawn a little side by side")
    if (own["trained"] & (own["training"] > 1)).any():
        parts.append("small ones have other seeds or another machine, and intervals as wide")
    if (~own["trained"]).any():
        parts.append("thin lines: not fine-tuned, batch norm re-estimated; dashed: the dense network")
    if published:
        parts.append("hollow points are the paper's, under its own split and budget")
    return " · ".join(parts)


def _strangers(own: pd.DataFrame) -> str:
    """Which points come from another training of the dense network than the one that is drawn; empty for none."""
    apart = own[own["trained"] & ~own["same_dense"]].sort_values("sparsity")
    if apart.empty:
        return ""
    names = ", ".join(f"{look.short(row.method)} at {look.sparsity(row.sparsity)}" for row in apart.itertuples())
    return (
        f"From another training of the dense network than the one drawn here: {names}. Compare these with each other, and with "
        "nothing else: the same recipe on another kind of processor ends points of accuracy away."
    )


def _missing(own: pd.DataFrame) -> list[str]:
    known = set(own.loc[own["trained"], "method"])
    wanted = ("one_shot", "layerwise", "iterative", "dense_trained_on", "one_shot-random")
    return [look.short(name) for name in wanted if name not in known]
