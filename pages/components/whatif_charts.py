"""Charts of What if with one row a diagnosis or a group: what is found, what is missed, what is forgotten."""

import altair as alt
import pandas as pd

from pages.components.charts import clickable, form, haloed, table
from pages.components.look import BETTER, COLOURS, WORSE

ROW = 50  # pixels a row, its name above its marks: a phone has no room for names at the side
EDGES = 90  # pixels for legend and axis
SHARES = (0.1, 0.25, 0.5, 1.0)
"""Where the axis of changes may end; it moves by these steps only, so that it seldom moves with the slider."""

_PERCENT = alt.Axis(format="%", grid=True, tickCount=5)
_FAINT = alt.Opacity("strength:Q", scale=None, legend=None)
_LEGIBLE = alt.Opacity("legible:Q", scale=None, legend=None)
HEADED = "title"
"""The name of a value that the browser's tooltips set above the others, as a heading without a colon."""
SILENT = alt.value(None)
"""The tooltip of what is no mark of its own: left to itself, it lists the columns of the table."""


_READ = {"legible": "max(datum.strength, 0.75)"}  # marks may be faint, words and numbers must be read


def _row(lanes: list[str]) -> tuple[alt.Y, dict]:
    return alt.Y("row:O", title=None, axis=None), {"domain": ["name", *lanes], "paddingOuter": 0.15}


def _names(y: alt.Y, offset: dict, x: alt.XDatum, ink: str) -> alt.LayerChart:
    names = (
        alt.Chart(table("names"))
        .transform_calculate(**_READ)
        .mark_text(align="left", baseline="middle", dx=2, fontSize=12)
        .encode(
            y=y,
            yOffset=alt.YOffsetDatum("name", scale=alt.Scale(**offset)),
            x=x,
            text="label:N",
            opacity=_LEGIBLE,
            tooltip=SILENT,
        )
    )
    return haloed(names, ink)


@form
def found(rows: int, colour: str, ink: str, clicks: bool) -> dict:
    """The share of lesions found by both networks, with intervals.

    Args:
        rows: how many.
        colour: of the pruned network.
        ink: the theme's colour of text.
        clicks: whether a click picks the row's ``name``.

    Tables: "table" with row, name, label, network ("Dense" or "Pruned"), share, low, high, lesions, strength (opacity);
    "names" with row, label, strength.
    """
    networks = ["Dense", "Pruned"]
    y, offset = _row(networks)
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    base = alt.Chart(table()).encode(
        y=y,
        yOffset=alt.YOffset("network:N", scale=alt.Scale(**offset)),
        color=alt.Color("network:N", scale=alt.Scale(domain=networks, range=[COLOURS["dense"], colour]), legend=legend),
        opacity=_FAINT,
        tooltip=[
            alt.Tooltip("label:N", title=HEADED),
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("share:Q", title="Found", format=".1%"),
            alt.Tooltip("low:Q", title="95% from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
            alt.Tooltip("lesions:Q", title="Of", format=","),
        ],
    )
    x = {"scale": alt.Scale(domain=[0, 1]), "axis": _PERCENT}
    span = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title="Found", **x), x2="high:Q")
    dot = base.mark_point(filled=True, size=70).encode(
        x="share:Q",
        shape=alt.Shape("network:N", scale=alt.Scale(domain=networks, range=["circle", "diamond"]), legend=legend),
    )
    if clicks:
        dot = dot.add_params(clickable("name"))
    return (span + dot + _names(y, offset, alt.XDatum(0), ink)).properties(height=ROW * rows + EDGES)


@form
def changes(rows: int, most: float, ink: str, thing: str) -> dict:
    """Newly missed to the left, newly caught to the right, as shares of a class's lesions, with the counts written at them.

    Args:
        rows: how many.
        most: where the axis ends on both sides; of :data:`SHARES`.
        ink: the theme's colour of text.
        thing: what is counted: "lesions" or "images".

    Tables: "table" with row, name, label, side ("newly missed" or "newly caught"), share, low, high (negative on the left), count,
    text, strength; "names" with row, label, strength.
    """
    sides = ["newly missed", "newly caught"]
    y, offset = _row(["bar"])
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    axis = alt.Axis(format="%", labelExpr="format(abs(datum.value), '.0%')", grid=True, tickCount=5)
    x = alt.X("share:Q", scale=alt.Scale(domain=[-most, most], clamp=True), axis=axis, title=f"Share of its {thing}")
    base = alt.Chart(table()).encode(
        y=y,
        yOffset=alt.YOffsetDatum("bar", scale=alt.Scale(**offset)),
        opacity=_FAINT,
        tooltip=[
            alt.Tooltip("label:N", title=HEADED),
            alt.Tooltip("side:N", title="Change"),
            alt.Tooltip("count:Q", title=thing.capitalize(), format=","),
            alt.Tooltip("percent:N", title="Share, 95% interval"),
        ],
    )
    bar = base.mark_bar(height=14, cornerRadiusEnd=2).encode(
        x=x,
        color=alt.Color("side:N", scale=alt.Scale(domain=sides, range=[WORSE, BETTER]), legend=legend),
    )
    bar = bar.add_params(clickable("name"))
    span = base.mark_rule(strokeWidth=1.5).encode(x=alt.X("low:Q"), x2="high:Q", color=alt.value(ink))
    text = {"fontSize": 12, "baseline": "middle", "fontWeight": "bold"}
    counts = [
        base.transform_filter(alt.datum.side == side)
        .transform_calculate(**_READ)
        .mark_text(align=align, dx=move, **text)
        .encode(x=alt.X(f"{end}:Q"), text="count:Q", color=alt.value(ink), opacity=_LEGIBLE)
        for side, align, move, end in ((sides[0], "right", -5, "low"), (sides[1], "left", 5, "high"))
    ]
    # Beside the bars only: one line from top to bottom would cut through the longer names.
    zero = (
        alt.Chart(table("names"))
        .mark_tick(orient="vertical", thickness=1, size=26, aria=False)
        .encode(
            x=alt.XDatum(0),
            y=y,
            yOffset=alt.YOffsetDatum("bar", scale=alt.Scale(**offset)),
            color=alt.value(ink),
            tooltip=SILENT,
        )
    )
    names = _names(y, offset, alt.XDatum(-most), ink)
    return alt.layer(bar, span, *counts, zero, names).properties(height=ROW * rows + EDGES)


@form
def rates(rows: int, colour: str, ink: str, title: str, clicks: bool) -> dict:
    """A share with its interval in each row, and the share over all as a line.

    Args:
        rows: how many.
        colour: of the marks.
        ink: the theme's colour of text.
        title: of the axis.
        clicks: whether a click picks the row's ``name``.

    Tables: "table" with row, name, label, share, low, high, count, images, strength; "names" with row, label, strength; "whole" with
    one row, share.
    """
    y, offset = _row(["bar"])
    x = alt.X("low:Q", scale=alt.Scale(zero=True), axis=_PERCENT, title=title)
    base = alt.Chart(table()).encode(
        y=y,
        yOffset=alt.YOffsetDatum("bar", scale=alt.Scale(**offset)),
        opacity=_FAINT,
        color=alt.value(colour),
        tooltip=[
            alt.Tooltip("label:N", title=HEADED),
            alt.Tooltip("share:Q", title="Share", format=".1%"),
            alt.Tooltip("low:Q", title="95% from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
            alt.Tooltip("count:Q", title="Forgotten", format=","),
            alt.Tooltip("images:Q", title="Of images", format=","),
        ],
    )
    whole = (
        alt.Chart(table("whole"))
        .mark_rule(strokeDash=[4, 3], opacity=0.7)
        .encode(x="share:Q", color=alt.value(ink), tooltip=SILENT)
    )
    span = base.mark_rule(strokeWidth=2).encode(x=x, x2="high:Q")
    dot = base.mark_point(filled=True, size=70).encode(x="share:Q")
    if clicks:
        dot = dot.add_params(clickable("name"))
    return alt.layer(whole, span, dot, _names(y, offset, alt.XDatum(0), ink)).properties(height=ROW * rows + EDGES)


def names_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The table "names" of a chart: one line a row."""
    return frame.drop_duplicates("row")[["row", "label", "strength"]]


def reach(values: pd.Series) -> float:
    """The end of an axis that holds shares such as ``values``."""
    largest = float(values.abs().max()) if len(values) else 0.0
    return next((share for share in SHARES if largest <= 0.9 * share), SHARES[-1])
