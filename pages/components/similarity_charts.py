"""Charts of CKA: a DataFrame in, an Altair chart out. No data is fetched or computed here."""

import altair as alt
import numpy as np
import pandas as pd

from pages.components import similarity_colours as colours
from pages.components.methods_charts import VERDICT_COLOURS

MOST = 170  # rows or columns that are drawn as cells; more are a picture
_UNIT = alt.Scale(domain=[0, 1])
_STEPS = [0, 0.2, 0.4, 0.6, 0.8, 1]


def small(frame: pd.DataFrame, names: list[str], ink: str) -> alt.LayerChart:
    """A picture of each network against each, as steps of a stair; a click picks one.

    Args:
        frame: columns row, column (names of networks), picture (URL), text (of the mean), picked (bool), and of the tooltip pair,
            mean, n.
        names: of the networks, in order.
        ink: the theme's colour of text.

    Returns:
        A chart with the selection ``pick`` on row and column.
    """
    side = {expression: {"expr": f"bandwidth('{axis}') - 6"} for expression, axis in (("width", "x"), ("height", "y"))}
    pick = alt.selection_point(name="pick", fields=["row", "column"])
    x = alt.X("column:N", sort=names, title=None, scale=alt.Scale(domain=names, padding=0), axis=_names("top"))
    y = alt.Y("row:N", sort=names, title=None, scale=alt.Scale(domain=names, padding=0), axis=_names("left"))
    base = alt.Chart(frame).encode(x=x, y=y)
    picture = base.mark_image(aspect=False, smooth=False, **side).encode(url="picture:N")
    frame_mark = base.mark_rect(fillOpacity=0, strokeWidth=3, cursor="pointer", **side).encode(
        stroke=alt.condition("datum.picked", alt.value(ink), alt.value("transparent")),
        tooltip=[
            alt.Tooltip("pair:N", title="Networks"),
            alt.Tooltip("mean:N", title="Mean CKA"),
            alt.Tooltip("of:N", title="Mean"),
            alt.Tooltip("n:Q", title="Images", format=","),
        ],
    )
    return (picture + frame_mark.add_params(pick)).properties(height=78 * len(names) + 30)


def _names(orient: str) -> alt.Axis:
    # "Layer by layer" takes two lines: broken at its first space.
    return alt.Axis(
        orient=orient,
        labelExpr="split(replace(datum.label, ' ', '|'), '|')",
        labelAngle=0,
        labelFontSize=12,
        domain=False,
        ticks=False,
        labelOverlap=False,
    )


def matrix(frame: pd.DataFrame, rows: list[str], columns: list[str], titles: tuple[str, str], ink: str) -> alt.Chart:
    """Every layer of one network against every layer of another, as coloured cells.

    Args:
        frame: columns row, column (short names of layers), value (CKA or a difference), shown (value, NaN where grey), band, images,
            needed and reason (texts); layer_a, layer_b (whole names).
        rows, columns: short names in execution order.
        titles: of the two axes.
        ink: the theme's colour of text.
    """
    return _cells(frame, rows, columns, titles, ink, colours.CKA, "CKA", _STEPS)


def difference(
    frame: pd.DataFrame, rows: list[str], columns: list[str], titles: tuple[str, str], ink: str
) -> alt.Chart:
    """As :func:`matrix`, for the difference of two: blue where the first is lower, orange where it is higher."""
    return _cells(frame, rows, columns, titles, ink, colours.DIFFERENCE, "Difference", [-0.5, -0.25, 0, 0.25, 0.5])


def _cells(frame, rows, columns, titles, ink, scale, title, ticks) -> alt.LayerChart:
    many = max(len(rows), len(columns)) > 45
    step = 26 if len(rows) <= 16 else 13 if len(rows) <= 45 else max(3, 620 // len(rows))
    axis = {"labels": not many, "ticks": not many, "labelFontSize": 10, "labelLimit": 110, "labelOverlap": False}
    x = alt.X("column:N", sort=columns, title=titles[1], axis=alt.Axis(labelAngle=-90, **axis))
    y = alt.Y("row:N", sort=rows, title=titles[0], axis=alt.Axis(**axis))
    legend = alt.Legend(
        title=title, orient="top", gradientLength=220, gradientThickness=10, values=ticks, format=".2~f"
    )
    base = alt.Chart(frame).encode(x=x, y=y)
    cells = base.mark_rect().encode(
        color=alt.condition(
            "isValid(datum.shown)",
            alt.Color("shown:Q", scale=scale, legend=legend),
            alt.value(colours.UNSUPPORTED),
        ),
        tooltip=[
            alt.Tooltip("layer_a:N", title="Layer, down"),
            alt.Tooltip("layer_b:N", title="Layer, across"),
            alt.Tooltip("value:Q", title=title, format=".3f"),
            alt.Tooltip("band:N", title="95% band"),
            alt.Tooltip("n:Q", title="Images", format=","),
            alt.Tooltip("needed:N", title="Needed for ± 0.05"),
            *([alt.Tooltip("reason:N", title="Grey because")] if frame["shown"].isna().any() else []),
        ],
    )
    crosses = base.transform_filter("!isValid(datum.shown)").mark_text(text="×", color="white", fontSize=11)
    return (cells + crosses).properties(height=step * len(rows) + 130)


def picture(pixels: np.ndarray, titles: tuple[str, str]) -> alt.LayerChart:
    """A matrix too large for cells, as a picture with the layers counted along its sides.

    Args:
        pixels: uint8 [rows, columns, 3].
        titles: of the two axes.
    """
    height, width = pixels.shape[:2]
    data = pd.DataFrame({"picture": [colours.url(pixels, 1024)], "x": [width / 2], "y": [height / 2]})
    side = {"width": {"expr": "width"}, "height": {"expr": "height"}}
    return (
        alt.Chart(data)
        .mark_image(aspect=False, smooth=False, **side)
        .encode(
            x=alt.X("x:Q", scale=alt.Scale(domain=[0, width], nice=False), title=titles[1]),
            y=alt.Y("y:Q", scale=alt.Scale(domain=[height, 0], nice=False), title=titles[0]),
            url="picture:N",
        )
        .properties(height=620)
    )


def survival(frame: pd.DataFrame, layers: list[str], at: float, ink: str) -> alt.LayerChart:
    """One line a layer: CKA with the same layer of the dense network, over sparsity. It is broken where training came between.

    Args:
        frame: columns layer (short name), depth (from 1, input), sparsity (in [0, 1]), cka, low, high, n, whole (the layer's name),
            checkpoint (which it is pruned on from), trained (whether it is that checkpoint itself).
        layers: short names in execution order.
        at: where the slider stands, in [0, 1].
        ink: the theme's colour of text.
    """
    hover = alt.selection_point(on="pointerover", nearest=True, fields=["layer"], empty=False)
    depth = alt.Scale(
        domain=np.linspace(1, max(2, len(layers)), len(colours.DEPTH)).tolist(),
        range=list(colours.DEPTH),
        interpolate="rgb",
    )
    legend = alt.Legend(title="Layer, from input to output", orient="top")
    base = alt.Chart(frame).encode(
        x=alt.X("sparsity:Q", scale=_UNIT, axis=alt.Axis(format="%", values=_STEPS), title="Weights removed"),
        y=alt.Y("cka:Q", scale=_UNIT, axis=alt.Axis(values=_STEPS), title="CKA with the dense network"),
        detail=["layer:N", "checkpoint:N"],
        color=alt.Color("depth:Q", scale=depth, legend=legend),
    )
    lines = base.mark_line().encode(strokeWidth=alt.condition(hover, alt.value(4), alt.value(1.8)))
    dots = (
        base.mark_circle(opacity=1)
        .encode(
            size=alt.condition(
                hover,
                alt.value(110),
                alt.Size("trained:N", scale=alt.Scale(domain=[False, True], range=[16, 60]), legend=None),
            ),
            tooltip=[
                alt.Tooltip("whole:N", title="Layer"),
                alt.Tooltip("sparsity:Q", title="Weights removed", format=".0%"),
                alt.Tooltip("cka:Q", title="CKA with its dense twin", format=".3f"),
                alt.Tooltip("low:Q", title="95% from", format=".3f"),
                alt.Tooltip("high:Q", title="to", format=".3f"),
                alt.Tooltip("n:Q", title="Images", format=","),
            ],
        )
        .add_params(hover)
    )
    here = alt.Chart(pd.DataFrame({"at": [at]})).mark_rule(color=ink, strokeDash=[4, 3]).encode(x="at:Q")
    return (here + lines + dots).properties(height=440)


def by_layer(frame: pd.DataFrame, layers: list[str], series: dict[str, tuple[str, str]]) -> alt.LayerChart:
    """CKA of each layer with its dense twin, from input to output, for several groups of images.

    Args:
        frame: columns layer (short name), series (name), cka, low, high, n, whole.
        layers: short names in execution order.
        series: name -> colour and shape, in the order of the legend.
    """
    many = len(layers) > 45
    names, colours_of, shapes = (
        list(series),
        [look[0] for look in series.values()],
        [look[1] for look in series.values()],
    )
    axis = alt.Axis(labels=not many, ticks=not many, labelAngle=-60, labelFontSize=10, labelOverlap=len(layers) > 20)
    legend = alt.Legend(title=None, orient="top", symbolOpacity=1)
    base = alt.Chart(frame).encode(
        x=alt.X("layer:N", sort=layers, title="Layers from input to output", axis=axis),
        y=alt.Y("cka:Q", scale=_UNIT, axis=alt.Axis(values=_STEPS), title="CKA with the dense network"),
        color=alt.Color("series:N", scale=alt.Scale(domain=names, range=colours_of), legend=legend),
        tooltip=[
            alt.Tooltip("whole:N", title="Layer"),
            alt.Tooltip("series:N", title="Images"),
            alt.Tooltip("cka:Q", title="CKA", format=".3f"),
            alt.Tooltip("low:Q", title="95% from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("n:Q", title="n", format=","),
        ],
    )
    lines = base.mark_line(strokeWidth=1.5, opacity=0.7)
    spans = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=alt.Y("low:Q", scale=_UNIT), y2="high:Q")
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(
        shape=alt.Shape("series:N", scale=alt.Scale(domain=names, range=shapes), legend=legend)
    )
    return (lines + spans + dots).properties(height=420)


def forest(frame: pd.DataFrame, ink: str) -> alt.LayerChart:
    """Differences of mean CKA with their intervals; right of the dashed line the paper's claim holds.

    Args:
        frame: columns label, difference, low, high, verdict, n.
        ink: the theme's colour of text.
    """
    order, verdicts = list(frame["label"]), list(VERDICT_COLOURS)
    # The label stands above its line and not beside it, so that a phone has room for the line.
    y = alt.Y("label:N", sort=order, title=None, axis=None)
    offset = alt.Scale(domain=["name", "value"], paddingOuter=0.15)
    reach = max(0.05, 1.1 * float(frame[["low", "high"]].abs().max().max()))
    scale = alt.Scale(domain=[-reach, reach])
    base = alt.Chart(frame).encode(
        y=y,
        yOffset=alt.YOffsetDatum("value", scale=offset),
        color=alt.Color(
            "verdict:N", scale=alt.Scale(domain=verdicts, range=list(VERDICT_COLOURS.values())), legend=None
        ),
        tooltip=[
            alt.Tooltip("label:N", title="Difference"),
            alt.Tooltip("n:Q", title="Images", format=","),
            alt.Tooltip("verdict:N", title="Verdict"),
        ],
    )
    span = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", scale=scale, axis=alt.Axis(tickCount=6), title="Difference of mean CKA"), x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(x=alt.X("difference:Q", scale=scale))
    names = (
        alt.Chart(pd.DataFrame({"label": order}))
        .mark_text(align="left", baseline="middle", fontSize=12)
        .encode(
            y=y,
            yOffset=alt.YOffsetDatum("name", scale=offset),
            x=alt.XDatum(-reach),
            text="label:N",
            color=alt.value(ink),
        )
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(strokeDash=[5, 4], color=ink, opacity=0.7).encode(x="x:Q")
    return (zero + span + dot + names).properties(height=52 * len(order) + 70)
