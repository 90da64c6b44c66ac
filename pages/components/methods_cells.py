"""The chart of the paper's table: a line a cell, the paper's accuracy and ours. No data is fetched or computed here."""

import altair as alt
import pandas as pd

from pages.components import look
from pages.components.methods_charts import LONG, PERCENT, names_above, with_interval

_SOURCES = {
    "iterative": "circle",
    "layerwise": "square",
    "prune_only": "triangle-up",
    "one_shot": "triangle-down",
    "dense_trained_on": "cross",
}
"""Colours and shapes of networks of ours that differ in more than their method, in order."""
_ROW = 18  # pixels for each of several networks in one line, and for its name


def cells(frame: pd.DataFrame, ink: str) -> alt.LayerChart:
    """The paper's accuracy and ours with its interval, a line a method.

    Args:
        frame: columns label (of the line), title (of the method), source ("The paper" or "Ours …"), place ("value" for the
            first network of ours in a line, "value 1" for the one drawn beneath it), value, low, high, n.
        ink: the theme's colour of text.
    """
    order = list(dict.fromkeys(frame["label"]))
    # By size, whichever networks are here: "32 px", "64 px", "128 px", and those of the row split, whose names are longer.
    sources = sorted(set(frame["source"]) - {"The paper"}, key=lambda name: (len(name), name))
    names = ["The paper", *sources]
    colours = [ink, *(look.COLOURS[name] for name in _SOURCES)][: len(names)]
    y = alt.Y("label:N", sort=order, title=None, axis=None)
    places = ["name", *sorted(frame["place"].unique())]
    offset = alt.Scale(domain=places, paddingOuter=0.15)
    base = alt.Chart(with_interval(frame)).encode(
        y=y,
        yOffset=alt.YOffset("place:N", scale=offset),
        color=alt.Color("source:N", scale=alt.Scale(domain=names, range=colours), legend=LONG),
        tooltip=[
            alt.Tooltip("label:N", title="Network"),
            alt.Tooltip("source:N", title="Source"),
            alt.Tooltip("value:Q", title="Accuracy", format=".1%"),
            alt.Tooltip("interval:N", title="95% interval"),
            alt.Tooltip("n:Q", title="Images", format=","),
        ],
    )
    x = {"scale": alt.Scale(zero=False, nice=True), "axis": PERCENT, "title": "Accuracy"}
    shape = alt.Shape("source:N", scale=alt.Scale(domain=names, range=["diamond", *_SOURCES.values()]), legend=LONG)
    span = (
        base.transform_filter("isValid(datum.low)")
        .mark_rule(strokeWidth=2.5)
        .encode(x=alt.X("low:Q", **x), x2="high:Q")
    )
    dot = base.mark_point(filled=True, size=75, opacity=1).encode(x=alt.X("value:Q", **x), shape=shape)
    text = names_above("label", order, y, offset, ink)
    return (span + dot + text).properties(height=max(42, _ROW * len(places)) * len(order) + 160)
