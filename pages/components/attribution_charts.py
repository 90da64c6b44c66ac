"""Charts of attribution: a DataFrame in, an Altair chart out."""

import altair as alt
import pandas as pd

_PERCENT = alt.Axis(format="d", labelExpr="datum.value + '%'", grid=True)


def drift(
    frame: pd.DataFrame, title: str, low: float, high: float, chance: float | None, sparsity: float, ink: str
) -> alt.LayerChart:
    """A measure of maps against sparsity, one line a pruning method, with its interval.

    Args:
        frame: columns network (for people), colour, percent, estimate, low, high, n, trained.
        title: of the measure.
        low, high: ends of the scale.
        chance: what unrelated maps reach; None where that is not one number.
        sparsity: of the slider, in percent.
        ink: the theme's colour of text.
    """
    names = list(dict.fromkeys(frame["network"]))
    colours = [frame[frame["network"] == name]["colour"].iloc[0] for name in names]
    colour = alt.Color(
        "network:N",
        scale=alt.Scale(domain=names, range=colours),
        legend=alt.Legend(title=None, orient="top", columns=2, symbolOpacity=1),
    )
    x = alt.X("percent:Q", title="Weights removed (sparsity)", axis=_PERCENT, scale=alt.Scale(domain=[0, 100]))
    y = {"title": title, "scale": alt.Scale(domain=[low, high])}
    base = alt.Chart(frame).encode(x=x, color=colour)
    band = base.mark_area(opacity=0.14).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    line = base.mark_line().encode(y=alt.Y("estimate:Q", **y))
    dots = base.mark_point(filled=True, opacity=1).encode(
        y="estimate:Q",
        size=alt.condition("datum.trained", alt.value(90), alt.value(24)),
        shape=alt.condition("datum.trained", alt.value("diamond"), alt.value("circle")),
        tooltip=[
            alt.Tooltip("network:N", title="Method"),
            alt.Tooltip("percent:Q", title="Sparsity, %"),
            alt.Tooltip("estimate:Q", title=title, format=".3f"),
            alt.Tooltip("low:Q", title="95% from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("n:Q", title="Images"),
            alt.Tooltip("trained:N", title="Trained here"),
        ],
    )
    layers = [band, line, dots, _rule(pd.DataFrame({"x": [sparsity]}), "x", ink, vertical=True)]
    if chance is not None:
        layers.append(_rule(pd.DataFrame({"y": [chance]}), "y", ink, vertical=False))
    return alt.layer(*layers).properties(height=300)


def cascade(frame: pd.DataFrame, ink: str) -> alt.LayerChart:
    """What is left of maps as stages are randomised.

    Args:
        frame: columns network, colour, step, stage, share, correlation.
        ink: the theme's colour of text.
    """
    names = list(dict.fromkeys(frame["network"]))
    colours = [frame[frame["network"] == name]["colour"].iloc[0] for name in names]
    order = list(dict.fromkeys(frame.sort_values("step")["stage"]))
    base = alt.Chart(frame).encode(
        x=alt.X("stage:N", sort=order, title="Randomised down to", axis=alt.Axis(labelAngle=-30)),
        y=alt.Y("correlation:Q", title="Rank correlation", scale=alt.Scale(domain=[-0.5, 1])),
        color=alt.Color(
            "network:N",
            scale=alt.Scale(domain=names, range=colours),
            legend=alt.Legend(title=None, orient="top", columns=2, symbolOpacity=1),
        ),
        tooltip=[
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("stage:N", title="Randomised down to"),
            alt.Tooltip("share:Q", title="Of its layers", format=".0%"),
            alt.Tooltip("correlation:Q", title="Rank correlation", format=".2f"),
        ],
    )
    line = base.mark_line(point=alt.OverlayMarkDef(size=50, filled=True))
    zero = _rule(pd.DataFrame({"y": [0.0]}), "y", ink, vertical=False)
    return alt.layer(line, zero).properties(height=240)


def _rule(frame: pd.DataFrame, column: str, ink: str, *, vertical: bool) -> alt.Chart:
    mark = alt.Chart(frame).mark_rule(color=ink, opacity=0.55, strokeDash=[4, 4])
    return mark.encode(x=f"{column}:Q") if vertical else mark.encode(y=f"{column}:Q")
