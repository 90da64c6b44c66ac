"""Charts of attribution: a DataFrame in, an Altair chart out."""

import altair as alt
import pandas as pd

from pages.components import charts

_PERCENT = alt.Axis(format="d", labelExpr="datum.value + '%'", grid=True, values=[0, 20, 40, 60, 80, 100])
_PLOT = 240  # pixels, without names and legend


def drift(
    frame: pd.DataFrame, title: str, low: float, high: float, chance: float | None, sparsity: float, ink: str
) -> alt.LayerChart:
    """A measure of maps against sparsity, one line a pruning method, with its interval.

    Args:
        frame: columns network (for people), colour, shape, percent, estimate, low, high, n, trained.
        title: of the measure.
        low, high: ends of the scale.
        chance: what unrelated maps reach; None where that is not one number.
        sparsity: of the slider, in percent.
        ink: the theme's colour of text.
    """
    colour, shape = _methods(frame)
    x = alt.X("percent:Q", title="Weights removed (sparsity)", axis=_PERCENT, scale=alt.Scale(domain=[0, 100]))
    y = {"title": title, "scale": alt.Scale(domain=[low, high])}
    tooltip = [
        alt.Tooltip("network:N", title="Method"),
        alt.Tooltip("percent:Q", title="Sparsity, %"),
        alt.Tooltip("estimate:Q", title=title, format=".3f"),
        alt.Tooltip("low:Q", title="95% from", format=".3f"),
        alt.Tooltip("high:Q", title="to", format=".3f"),
        alt.Tooltip("n:Q", title="Images"),
        alt.Tooltip("told:N", title="Trained here"),
    ]
    rows = frame.assign(told=frame["trained"].map({True: "yes", False: "no"}))
    base = alt.Chart(rows).encode(x=x, color=colour, tooltip=tooltip)
    band = base.mark_area(opacity=0.14).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    line = base.mark_line().encode(y=alt.Y("estimate:Q", **y))
    dots = base.mark_point(filled=True, opacity=1).encode(
        y="estimate:Q", size=alt.condition("datum.trained", alt.value(120), alt.value(26)), shape=shape
    )
    layers = [band, line, dots, _rule(pd.DataFrame({"x": [sparsity]}), "x", ink, vertical=True)]
    if chance is not None:
        layers.append(_rule(pd.DataFrame({"y": [chance]}), "y", ink, vertical=False))
    return charts.sized(alt.layer(*layers), str(_PLOT))


def cascade(frame: pd.DataFrame, ink: str) -> alt.LayerChart:
    """What is left of maps as stages are randomised.

    Args:
        frame: columns network, colour, shape, step, stage, share, correlation.
        ink: the theme's colour of text.
    """
    colour, shape = _methods(frame)
    order = list(dict.fromkeys(frame.sort_values("step")["stage"]))
    base = alt.Chart(frame).encode(
        x=alt.X("stage:N", sort=order, title="Randomised down to", axis=alt.Axis(labelAngle=-30)),
        y=alt.Y("correlation:Q", title="Rank correlation", scale=alt.Scale(domain=[-0.5, 1])),
        color=colour,
        tooltip=[
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("stage:N", title="Randomised down to"),
            alt.Tooltip("share:Q", title="Of its layers", format=".0%"),
            alt.Tooltip("correlation:Q", title="Rank correlation", format=".2f"),
        ],
    )
    line = base.mark_line()
    dots = base.mark_point(filled=True, size=70, opacity=1).encode(shape=shape)
    zero = _rule(pd.DataFrame({"y": [0.0]}), "y", ink, vertical=False)
    return charts.sized(alt.layer(zero, line, dots), str(_PLOT))


def _methods(frame: pd.DataFrame) -> tuple[alt.Color, alt.Shape]:
    """Colour and mark of each network of a frame, in one legend."""
    known = frame.drop_duplicates("network")
    names = list(known["network"])
    columns = alt.ExprRef(
        "width < 300 ? 1 : width < 620 ? 2 : 4"
    )  # on a phone two long names side by side would be cut off
    legend = alt.Legend(title=None, orient="top", columns=columns, symbolOpacity=1, labelLimit=280)
    colour = alt.Color("network:N", scale=alt.Scale(domain=names, range=list(known["colour"])), legend=legend)
    return colour, alt.Shape("network:N", scale=alt.Scale(domain=names, range=list(known["shape"])), legend=legend)


def _rule(frame: pd.DataFrame, column: str, ink: str, *, vertical: bool) -> alt.Chart:
    mark = alt.Chart(frame).mark_rule(color=ink, opacity=0.55, strokeDash=[4, 4])
    place = {"x" if vertical else "y": f"{column}:Q"}
    return mark.encode(tooltip=alt.value(None), **place)
