"""Charts of the page about size and speed: a DataFrame in, an Altair chart out. No data is fetched or computed here."""

from collections.abc import Mapping

import altair as alt
import pandas as pd

from pages.components import look

WORTH = "Balanced accuracy, test images"


def sizes(frame: pd.DataFrame, colour: str, ink: str) -> alt.LayerChart:
    """Bytes of each kind of file.

    Args:
        frame: columns file, bytes, the largest first.
        colour, ink: of the method, and the theme's colour of text.
    """
    rows = frame.assign(mb=frame["bytes"] / 1e6, text=[f"{size / 1e6:,.1f} MB" for size in frame["bytes"]])
    y = alt.Y("file:N", sort=list(frame["file"]), title=None, axis=None)
    offset = {"scale": alt.Scale(domain=["name", "bar"], paddingOuter=0.15)}
    tooltip = [alt.Tooltip("file:N", title="File"), alt.Tooltip("bytes:Q", title="Bytes", format=",")]
    bars = (
        alt.Chart(rows)
        .mark_bar(color=colour, cornerRadiusEnd=2, height=14)
        .encode(
            y=y,
            yOffset=alt.YOffsetDatum("bar", **offset),
            x=alt.X("mb:Q", title="MB (1,000,000 bytes)", axis=alt.Axis(tickCount=5)),
            tooltip=tooltip,
        )
    )
    names = (
        alt.Chart(rows.assign(label=rows["file"] + ": " + rows["text"]))
        .mark_text(align="left", baseline="middle", dx=2, fontSize=12, color=ink)
        .encode(
            y=y, yOffset=alt.YOffsetDatum("name", **offset), x=alt.datum(0), text="label:N", tooltip=alt.value(None)
        )
    )
    return (bars + names).properties(height=46 * len(frame) + 40)


def speed(frame: pd.DataFrame, colour: str, ink: str) -> alt.LayerChart:
    """The time of each network as a share of the first one's in the same round, median and quartiles, as the text gives it.

    Args:
        frame: rows of :func:`core.cost.as_table`, of one batch size.
        colour, ink: of the method, and the theme's colour of text.
    """
    order = list(frame["network"])
    colours = [look.COLOURS["dense"] if name == "Dense" else colour for name in order]
    shapes = ["circle", "diamond", "square"] if len(order) == 3 else ["circle", "square"]
    y = alt.Y(
        "network:N",
        sort=order,
        title=None,
        axis=alt.Axis(labelLimit=170, labelColor=ink, labelFlush=False, labelBound=False),
    )
    base = alt.Chart(frame).encode(
        y=y,
        color=alt.Color("network:N", scale=alt.Scale(domain=order, range=colours), legend=None),
        tooltip=[
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("share:Q", title=f"Time, of that of {order[0].lower()}", format=".1%"),
            alt.Tooltip("share_low:Q", title="First quartile", format=".1%"),
            alt.Tooltip("share_high:Q", title="Third quartile", format=".1%"),
            alt.Tooltip("milliseconds:Q", title="Milliseconds, median", format=",.2f"),
            alt.Tooltip("images_per_second:Q", title="Images a second", format=",.1f"),
            alt.Tooltip("rounds:Q", title="Rounds"),
        ],
    )
    x = alt.X(
        "share_low:Q",
        scale=alt.Scale(zero=True),
        title=f"Share of the time of {order[0].lower()}",
        axis=alt.Axis(tickCount=6, format="%"),
    )
    span = base.mark_rule(strokeWidth=3, opacity=0.5).encode(x=x, x2="share_high:Q")
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(
        x="share:Q", shape=alt.Shape("network:N", scale=alt.Scale(domain=order, range=shapes), legend=None)
    )
    return (span + dot).properties(height=40 * len(order) + 60)


def pareto(frame: pd.DataFrame, axis: str, marks: Mapping[str, tuple[str, str]], ink: str) -> alt.LayerChart:
    """Balanced accuracy against a cost, a point a network; those that no other beats are joined.

    Args:
        frame: from :func:`core.cost.pareto`, with x, cost (x before neighbours were moved apart), title, best, hollow (how its mark is drawn) and, for times, x_low and x_high.
        axis: what x is, with its unit.
        marks: short name of a method -> its colour and shape, in the order of the legend.
        ink: the theme's colour of text.
    """
    rows = frame.assign(name=frame["method"].map(look.short))
    x = alt.X(
        "x:Q", title=axis[0].upper() + axis[1:], scale=alt.Scale(zero=False, nice=True), axis=alt.Axis(tickCount=6)
    )
    y = alt.Y(
        "balanced_accuracy:Q",
        title=WORTH,
        scale=alt.Scale(zero=False),
        axis=alt.Axis(format="%"),
    )
    legend = alt.Legend(title=None, orient="top", columns=2, labelLimit=240, symbolOpacity=1)
    base = alt.Chart(rows).encode(
        x=x,
        color=alt.Color(
            "name:N", scale=alt.Scale(domain=list(marks), range=[own[0] for own in marks.values()]), legend=legend
        ),
        tooltip=[
            alt.Tooltip("title:N", title="Network"),
            alt.Tooltip("balanced_accuracy:Q", title="Balanced accuracy", format=".1%"),
            alt.Tooltip("low:Q", title="95% from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
            alt.Tooltip("cost:Q", title=axis, format=",.2f"),
            alt.Tooltip("effective:Q", title="Can be left out", format=".1%"),
        ],
    )
    front = (
        alt.Chart(rows[rows["best"]].sort_values("x"))
        .mark_line(interpolate="step-after", color=ink, strokeDash=[4, 4], opacity=0.5)
        .encode(x=x, y=y, tooltip=alt.value(None))
    )
    chart = front + base.mark_rule(opacity=0.35, strokeWidth=2).encode(y=alt.Y("low:Q", title=WORTH), y2="high:Q")
    if "x_low" in rows:
        chart += base.mark_rule(opacity=0.35, strokeWidth=2).encode(x=alt.X("x_low:Q"), x2="x_high:Q", y=y)
    shape = alt.Shape(
        "name:N", scale=alt.Scale(domain=list(marks), range=[own[1] for own in marks.values()]), legend=legend
    )
    # A layer of nothing would make Vega warn of an axis without end.
    if not rows["hollow"].all():
        full = base.transform_filter("!datum.hollow")
        chart += full.mark_point(filled=True, size=110, opacity=1).encode(y=y, shape=shape)
    if rows["hollow"].any():
        hollow = base.transform_filter("datum.hollow")
        chart += hollow.mark_point(filled=False, size=110, strokeWidth=2.5, opacity=1).encode(y=y, shape=shape)
    return chart.properties(height=420)
