"""Charts: a DataFrame in, an Altair chart out. No data is fetched or computed here."""

import altair as alt
import pandas as pd

from pages.components.look import COLOURS

_PERCENT = alt.Axis(format="%", grid=True, tickCount=5)


def sensitivities(frame: pd.DataFrame, colour: str, pruned: str, ink: str) -> alt.LayerChart:
    """Sensitivity by class with intervals, dense and pruned one above the other.

    Args:
        frame: columns label (class in full, with n), network ("Dense" or ``pruned``), sensitivity, low, high, n.
        colour: of the pruned network.
        pruned: what the pruned network is called in ``frame`` and legend.
        ink: the theme's colour of text.
    """
    networks = ["Dense", pruned]
    order = list(dict.fromkeys(frame["label"]))
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    # The name stands above its two lines and not beside them, so that a phone has room for the lines.
    y = alt.Y("label:N", sort=order, title=None, axis=None)
    offset = {"scale": alt.Scale(domain=["name", *networks], paddingOuter=0.2)}
    base = alt.Chart(frame).encode(
        y=y,
        yOffset=alt.YOffset("network:N", **offset),
        color=alt.Color("network:N", scale=alt.Scale(domain=networks, range=[COLOURS["dense"], colour]), legend=legend),
        tooltip=[
            alt.Tooltip("label:N", title="Diagnosis"),
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("sensitivity:Q", title="Recognised", format=".1%"),
            alt.Tooltip("low:Q", title="95% from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
            alt.Tooltip("n:Q", title="Images", format=","),
        ],
    )
    x = {"scale": alt.Scale(domain=[0, 1]), "axis": _PERCENT, "title": "Recognised"}
    span = base.mark_rule(strokeWidth=2, opacity=0.6).encode(x=alt.X("low:Q", **x), x2="high:Q")
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(
        x="sensitivity:Q",
        shape=alt.Shape("network:N", scale=alt.Scale(domain=networks, range=["circle", "diamond"]), legend=legend),
    )
    names = (
        alt.Chart(pd.DataFrame({"label": order}))
        .mark_text(align="left", baseline="middle", dx=2, dy=-2, fontSize=12)
        .encode(y=y, yOffset=alt.YOffsetDatum("name", **offset), x=alt.XDatum(0), text="label:N", color=alt.value(ink))
    )
    return (span + dot + names).properties(height=60 * len(order) + 20)


def layers(frame: pd.DataFrame, colour: str) -> alt.Chart:
    """Share of zeros in each layer, in execution order.

    Args:
        frame: columns layer, weights, zeros, sparsity (in [0, 1]), in execution order.
        colour: of the method.
    """
    order = list(frame["layer"])
    many = len(order) > 40
    axis = alt.Axis(labels=not many, ticks=not many, labelAngle=-60, labelOverlap=len(order) > 20, labelLimit=120)
    return (
        alt.Chart(frame)
        .mark_bar(color=colour, cornerRadiusEnd=0 if many else 2)
        .encode(
            x=alt.X(
                "layer:N",
                sort=order,
                axis=axis,
                title="Layers from input to output",
                scale=alt.Scale(paddingInner=0.15),
            ),
            y=alt.Y("sparsity:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Weights that are zero"),
            tooltip=[
                alt.Tooltip("layer:N", title="Layer"),
                alt.Tooltip("sparsity:Q", title="Zero", format=".1%"),
                alt.Tooltip("zeros:Q", title="Zeros", format=","),
                alt.Tooltip("weights:Q", title="Weights", format=","),
            ],
        )
        .properties(height=260)
    )


def training(frame: pd.DataFrame, colour: str) -> alt.Chart:
    """Balanced accuracy on validation over the epochs of a run.

    Args:
        frame: columns epoch, balanced_accuracy.
        colour: of the method.
    """
    return (
        alt.Chart(frame)
        .mark_line(color=colour, point=True)
        .encode(
            x=alt.X("epoch:Q", title="Epochs of training"),
            y=alt.Y("balanced_accuracy:Q", axis=_PERCENT, title="Balanced accuracy, validation"),
            tooltip=[alt.Tooltip("epoch:Q"), alt.Tooltip("balanced_accuracy:Q", format=".1%")],
        )
        .properties(height=220)
    )
