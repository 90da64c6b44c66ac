"""The chart of claims: paired differences against the edge beyond which a claim holds. No data is fetched or computed here."""

from collections.abc import Collection

import altair as alt
import pandas as pd

from pages.components import charts
from pages.components.methods_charts import VERDICT_COLOURS, VERDICT_SHAPES, names_above

# On a phone every second label of many would be left out, and with them that of 0.
_FEW = alt.ExprRef("width < 420 ? 4 : 8")
_LANES = alt.Scale(domain=["name", "value"], paddingOuter=0.1)
_NUMBERS = ["points", "points_low", "points_high", "edge_points"]


def domain(frame: pd.DataFrame) -> tuple[float, float]:
    """From where to where the axis of charts of these differences goes, in points."""
    least, most = frame[_NUMBERS].min(axis=None), frame[_NUMBERS].max(axis=None)
    room = 0.05 * (most - least)
    return least - room, most + room


def forest(frame: pd.DataFrame, ends: tuple[float, float], legend: Collection[str], ink: str) -> alt.LayerChart:
    """Differences with their intervals, a line each, against the edge beyond which the claim holds.

    Args:
        frame: columns label, points, points_low, points_high, edge_points (percentage points), verdict, n, seeds.
        ends: of the axis, the same for all charts that are read together.
        legend: the verdicts that the legend explains; of several charts only the first needs one.
        ink: the theme's colour of text.
    """
    order = list(dict.fromkeys(frame["label"]))
    names = list(VERDICT_COLOURS)
    y = alt.Y("label:N", sort=order, title=None, axis=None)
    lower = alt.YOffsetDatum("value", scale=_LANES)
    shown = [name for name in names if name in legend]
    key = alt.Legend(title=None, orient="top", symbolOpacity=1, columns=3, labelLimit=320, values=shown)
    key = key if shown else None
    scale = alt.Scale(domain=list(ends), nice=True)
    base = alt.Chart(frame).encode(
        y=y,
        yOffset=lower,
        color=alt.Color("verdict:N", scale=alt.Scale(domain=names, range=list(VERDICT_COLOURS.values())), legend=key),
        tooltip=[
            alt.Tooltip("label:N", title="Difference"),
            alt.Tooltip("seeds:Q", title="Seeds"),
            alt.Tooltip("n:Q", title="Images", format=","),
            alt.Tooltip("verdict:N", title="This part"),
        ],
    )
    span = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("points_low:Q", scale=scale, title="Difference in percentage points", axis=alt.Axis(tickCount=_FEW)),
        x2="points_high:Q",
    )
    shape = alt.Shape("verdict:N", scale=alt.Scale(domain=names, range=list(VERDICT_SHAPES.values())), legend=key)
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(x=alt.X("points:Q", scale=scale), shape=shape)
    # Beside the marks only: through the names it would be read as a letter.
    edge = (
        alt.Chart(frame)
        .mark_tick(thickness=2, height=20, color=ink, opacity=0.7)
        .encode(x=alt.X("edge_points:Q", scale=scale), y=y, yOffset=lower, tooltip=alt.value(None))
    )
    # A letter of 12 pixels is about 6 wide: where the longest name would run out of the chart, all stand in two lines.
    narrow = f"(width < {6 * max(map(len, order))})"
    text = names_above("label", order, y, _LANES, ink, breaks=narrow)
    return charts.sized(edge + span + dot + text, f"{len(order)} * ({narrow} ? 62 : 46)")
