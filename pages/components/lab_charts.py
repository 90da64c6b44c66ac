"""The lab's charts: a DataFrame in, an Altair chart out."""

import altair as alt
import pandas as pd

from pages.components import charts, look

Networks = dict[str, tuple[str, str]]
"""What a network is called in the frame -> its colour, its mark; the dense one first."""
_PERCENT = alt.Axis(format="%", grid=True, tickCount=5)


def answers(frame: pd.DataFrame, networks: Networks, ink: str) -> alt.LayerChart:
    """The probability of each diagnosis, a bar a network; the first network's are hollow.

    Args:
        frame: columns label (diagnosis), network, probability; diagnoses and networks in the order to show.
        networks: see :data:`Networks`.
        ink: the theme's colour of text.
    """
    labels = list(dict.fromkeys(frame["label"]))
    offset = {"scale": alt.Scale(domain=["name", *networks], paddingInner=0.12, paddingOuter=0.1)}
    y = alt.Y("label:N", sort=labels, axis=None)
    legend = alt.Legend(title=None, orient="top", columns=2)
    edges = [colour for colour, _ in networks.values()]
    fills = [f"{edges[0]}28", *edges[1:]]
    bars = (
        alt.Chart(frame)
        .mark_bar(cornerRadiusEnd=2, strokeWidth=1)
        .encode(
            y=y,
            yOffset=alt.YOffset("network:N", **offset),
            x=alt.X("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Probability"),
            fill=alt.Fill("network:N", scale=alt.Scale(domain=list(networks), range=fills), legend=legend),
            stroke=alt.Stroke("network:N", scale=alt.Scale(domain=list(networks), range=edges), legend=legend),
            tooltip=[
                alt.Tooltip("label:N", title="Diagnosis"),
                alt.Tooltip("network:N", title="Network"),
                alt.Tooltip("probability:Q", title="Probability", format=".1%"),
            ],
        )
    )
    names = (
        alt.Chart(pd.DataFrame({"label": labels}))
        .mark_text(align="left", baseline="middle", dx=2, fontSize=12)
        .encode(
            y=y,
            yOffset=alt.YOffsetDatum("name", **offset),
            x=alt.XDatum(0),
            text="label:N",
            color=alt.value(ink),
            tooltip=alt.value(None),
        )
    )
    return (bars + names).properties(height=len(labels) * (17 + 11 * len(networks)) + 105)


def along(
    frame: pd.DataFrame, networks: Networks, *, position: float, axis: str, question: str, ink: str
) -> alt.LayerChart:
    """The probability of one diagnosis as a parameter changes, a line a network; the first network's is dashed.

    Args:
        frame: columns value, network, probability, called (whether the network's call is that diagnosis).
        networks: see :data:`Networks`.
        position: where the drawn lesion stands.
        axis: what the parameter is called, with its unit.
        question: title of the other axis.
        ink: the theme's colour of text.
    """
    ends = [float(frame["value"].min()), float(frame["value"].max())]
    names, (shades, marks) = list(networks), zip(*networks.values(), strict=True)
    legend = alt.Legend(title=None, orient="top", columns=2, symbolType="stroke", symbolStrokeWidth=2.5, symbolSize=500)
    colour = alt.Color("network:N", scale=alt.Scale(domain=names, range=list(shades)), legend=legend)
    dashes = alt.Scale(domain=names, range=[look.dash(place) for place in (1, 0, *range(2, len(names)))])
    base = alt.Chart(frame.assign(mark=frame["network"].map(dict(zip(names, marks, strict=True))))).encode(
        x=alt.X(
            "value:Q", scale=alt.Scale(domain=ends, nice=False), axis=alt.Axis(grid=False, tickCount=6), title=axis
        ),
        y=alt.Y("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title=question),
        color=colour,
        tooltip=[
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("value:Q", title=axis, format=".3~g"),
            alt.Tooltip("probability:Q", title=question, format=".1%"),
            alt.Tooltip("call:N", title="Its call"),
        ],
    )
    lines = base.mark_line(strokeWidth=2).encode(strokeDash=alt.StrokeDash("network:N", scale=dashes, legend=legend))
    # Shapes as they stand in the rows: a scale of them would take the dashes' place in the legend.
    called = base.transform_filter("datum.called").mark_point(size=65, filled=True, opacity=1, aria=False)
    called = called.encode(shape=alt.Shape("mark:N", scale=None))
    here = alt.Chart(pd.DataFrame({"value": [position], "text": ["your lesion"]})).encode(
        x="value:Q", tooltip=alt.value(None)
    )
    rule = here.mark_rule(strokeDash=[4, 3], opacity=0.8, color=ink)
    left = position > sum(ends) / 2
    text = here.mark_text(align="right" if left else "left", dx=-4 if left else 4, color=ink, fontSize=11).encode(
        y=alt.value(-7), text="text:N"
    )
    return charts.sized(rule + lines + called + text, "240")
