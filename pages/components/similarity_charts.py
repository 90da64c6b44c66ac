"""Forms of the charts of CKA. Data comes as tables, see :mod:`pages.components.charts`; nothing is computed here."""

import json

import altair as alt
import numpy as np

from pages.components import charts
from pages.components import similarity_colours as colours

MOST = 170  # rows or columns that are drawn as cells; more are a picture
_UNIT = alt.Scale(domain=[0, 1])
_STEPS = [0, 0.2, 0.4, 0.6, 0.8, 1]
_SMALL = 78  # pixels that each small matrix is wide, and high
_SIDES = 130  # that names, titles and the legend of a large one take


def width(layers: int) -> int:
    """Pixels for a large matrix of so many columns, at which its cells are about square; wider, it would be drawn out."""
    return _step(layers) * layers + _SIDES


def small_width(networks: int) -> int:
    """The same for the small matrices of so many networks."""
    return (_SMALL + 6) * networks + 80


def _step(layers: int) -> int:
    return 26 if layers <= 16 else 13 if layers <= 45 else max(3, 620 // layers)


@charts.form
def small(names: tuple[str, ...], ink: str) -> alt.LayerChart:
    """A picture of each network against each, as steps of a stair; a click picks one.

    Table: row, column (networks as people read them), picture (URL), pair (what a click picks), picked (bool), and of the tooltip
    title, mean, of, n.

    Args:
        names: of the networks, in order.
        ink: the theme's colour of text.
    """
    side = {name: {"expr": f"bandwidth('{axis}') - 6"} for name, axis in (("width", "x"), ("height", "y"))}
    scale = alt.Scale(domain=list(names), padding=0)
    base = alt.Chart(charts.table()).encode(
        x=alt.X("column:N", title=None, scale=scale, axis=_names("top")),
        y=alt.Y("row:N", title=None, scale=scale, axis=_names("left")),
    )
    picture = base.mark_image(aspect=False, smooth=False, **side).encode(url="picture:N", tooltip=alt.value(None))
    frame = base.mark_rect(fillOpacity=0, strokeWidth=3, cursor="pointer", **side).encode(
        stroke=alt.condition("datum.picked", alt.value(ink), alt.value("transparent")),
        tooltip=[
            alt.Tooltip("title:N", title="Networks"),
            alt.Tooltip("mean:N", title="Mean CKA"),
            alt.Tooltip("of:N", title="Mean"),
            alt.Tooltip("n:Q", title="Images", format=","),
        ],
    )
    return charts.sized(picture + frame.add_params(charts.clickable("pair")), "width")


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


@charts.form
def cells(
    rows: tuple[str, ...], columns: tuple[str, ...], titles: tuple[str, str], *, difference: bool, grey: bool
) -> alt.LayerChart:
    """Every layer of one network against every layer of another, as coloured cells.

    Table: row, column (short names of layers), value (CKA, or a difference of two), shown (value, none where grey), band, n, needed,
    reason, code (texts: the last has the layers' whole names).

    Args:
        rows, columns: short names in execution order.
        titles: of the two axes.
        difference: of two matrices, on the diverging scale: blue where the first is lower, orange where it is higher.
        grey: whether a cell is grey, so that its reason has to be told.
    """
    # Of names that would run into each other only some are shown; the tooltip has all.
    few = max(len(rows), len(columns)) <= 45
    axis = {"ticks": few, "labelFontSize": 10, "labelLimit": 110, "labelOverlap": "greedy", "labelFlush": False}
    title, scale = ("Difference", colours.DIFFERENCE) if difference else ("CKA", colours.CKA)
    marks = [-0.3, -0.15, 0, 0.15, 0.3] if difference else _STEPS
    legend = alt.Legend(
        title=title,
        orient="top",
        gradientLength=alt.ExprRef("min(220, width - 24)"),
        gradientThickness=10,
        values=marks,
        format=".2~f",
    )
    base = alt.Chart(charts.table()).encode(
        x=alt.X("column:N", sort=list(columns), title=titles[1], axis=alt.Axis(labelAngle=-90, **axis)),
        y=alt.Y("row:N", sort=list(rows), title=titles[0], axis=alt.Axis(**axis)),
    )
    tooltip = [
        alt.Tooltip("row:N", title="Layer, down"),
        alt.Tooltip("column:N", title="Layer, across"),
        alt.Tooltip("code:N", title="In the code"),
        alt.Tooltip("value:Q", title=title, format=".3f"),
        alt.Tooltip("band:N", title="Of" if difference else "95% band"),
        alt.Tooltip("n:Q", title="Images", format=","),
        alt.Tooltip("needed:N", title="Needed for ± 0.05"),
        *([alt.Tooltip("reason:N", title="Grey because")] if grey else []),
    ]
    drawn = base.mark_rect().encode(color=alt.Color("shown:Q", scale=scale, legend=legend), tooltip=tooltip)
    # A layer of their own: what has no value, Vega-Lite leaves out, or gives the colour of 0.
    unsupported = base.transform_filter("!isValid(datum.shown)").encode(tooltip=tooltip)
    layers = [drawn]
    if grey:  # an empty layer would be a picture without a name to screen readers
        layers.append(unsupported.mark_rect(color=colours.UNSUPPORTED))
    if grey and few:
        layers.append(unsupported.mark_text(text="×", color="white", fontSize=11))
    return charts.sized(alt.layer(*layers), f"width * {len(rows)} / {len(columns)}")


@charts.form
def picture(size: tuple[int, int], titles: tuple[str, str]) -> alt.Chart:
    """A matrix too large for cells, as a picture with the layers counted along its sides.

    Table, one row: picture (URL), x, y (its middle).

    Args:
        size: rows and columns.
        titles: of the two axes.
    """
    side = {"width": {"expr": "width"}, "height": {"expr": "height"}}
    drawn = (
        alt.Chart(charts.table())
        .mark_image(aspect=False, smooth=False, **side)
        .encode(
            x=alt.X("x:Q", scale=alt.Scale(domain=[0, size[1]], nice=False), title=titles[1]),
            y=alt.Y("y:Q", scale=alt.Scale(domain=[size[0], 0], nice=False), title=titles[0]),
            url="picture:N",
            tooltip=alt.value(None),
        )
    )
    return charts.sized(drawn, f"width * {size[0]} / {size[1]}")


@charts.form
def survival(layers: tuple[str, ...], ink: str) -> alt.LayerChart:
    """One line a layer: CKA with the same layer of the dense network, over sparsity. It is broken where training came between.

    Table: layer (short name), depth (from 1, input), sparsity (in [0, 1]), cka, low, high, n, whole (the layer's name), checkpoint
    (which it is pruned on from), trained (whether it is that checkpoint itself). Table "slider", one row: at, in [0, 1].

    Args:
        layers: short names in execution order.
        ink: the theme's colour of text.
    """
    hover = alt.selection_point(on="pointerover", nearest=True, fields=["layer"], empty=False)
    stops = np.linspace(1, max(2, len(layers)), len(colours.DEPTH)).tolist()
    depth = alt.Scale(domain=stops, range=list(colours.DEPTH), interpolate="rgb")
    legend = alt.Legend(
        title="Layer, from input to output",
        titleLimit=320,
        orient="top",
        columns=alt.ExprRef(f"clamp(floor(width / {7 * max(map(len, layers)) + 30}), 1, 5)"),
        values=sorted({round(place) for place in np.linspace(1, len(layers), min(len(layers), 5))}),
        labelExpr=f"{json.dumps(layers)}[datum.value - 1]",
    )
    base = alt.Chart(charts.table()).encode(
        x=alt.X("sparsity:Q", scale=_UNIT, axis=alt.Axis(format="%", values=_STEPS), title="Weights removed"),
        y=alt.Y("cka:Q", scale=_UNIT, axis=alt.Axis(values=_STEPS), title="CKA with the dense network"),
        detail=["layer:N", "checkpoint:N"],
        color=alt.Color("depth:Q", scale=depth, legend=legend),
        tooltip=[
            alt.Tooltip("layer:N", title="Layer"),
            alt.Tooltip("whole:N", title="In the code"),
            alt.Tooltip("depth:Q", title="Counted from the input"),
            alt.Tooltip("sparsity:Q", title="Weights removed", format=".0%"),
            alt.Tooltip("cka:Q", title="CKA with its dense twin", format=".3f"),
            alt.Tooltip("low:Q", title="95% from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("n:Q", title="Images", format=","),
        ],
    )
    lines = base.mark_line().encode(strokeWidth=alt.condition(hover, alt.value(4), alt.value(1.8)))
    size = alt.Size("trained:N", scale=alt.Scale(domain=[False, True], range=[16, 60]), legend=None, type="ordinal")
    dots = (
        base.mark_circle(opacity=1)
        .encode(
            size=alt.condition(hover, alt.value(110), size),
        )
        .add_params(hover)
    )
    here = alt.Chart(charts.table("slider")).mark_rule(color=ink, strokeDash=[4, 3])
    here = here.encode(x="at:Q", tooltip=alt.value(None))
    return (here + lines + dots).properties(height=440)


@charts.form
def by_layer(layers: tuple[str, ...], series: tuple[tuple[str, str, str], ...]) -> alt.LayerChart:
    """CKA of each layer with its dense twin, from input to output, for several groups of images.

    Table: layer (short name), series (name), cka, low, high, n, whole (the layer's name).

    Args:
        layers: short names in execution order.
        series: name, colour and shape of each, in the order of the legend.
    """
    names, shades, shapes = (list(part) for part in zip(*series, strict=True))
    many = len(layers) > 45
    axis = alt.Axis(labels=not many, ticks=not many, labelAngle=-60, labelFontSize=10, labelOverlap=len(layers) > 20)
    legend = alt.Legend(title=None, orient="top", columns=2, symbolOpacity=1)  # in half a page, more would be cut off
    base = alt.Chart(charts.table()).encode(
        x=alt.X("layer:N", sort=list(layers), title="Layers from input to output", axis=axis),
        y=alt.Y("cka:Q", scale=_UNIT, axis=alt.Axis(values=_STEPS), title="CKA with the dense network"),
        color=alt.Color("series:N", scale=alt.Scale(domain=names, range=shades), legend=legend),
        tooltip=[
            alt.Tooltip("layer:N", title="Layer"),
            alt.Tooltip("whole:N", title="In the code"),
            alt.Tooltip("series:N", title="Images"),
            alt.Tooltip("cka:Q", title="CKA", format=".3f"),
            alt.Tooltip("low:Q", title="95% from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("n:Q", title="n", format=","),
        ],
    )
    lines = base.mark_line(strokeWidth=1.5, opacity=0.7)
    spans = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=alt.Y("low:Q", scale=_UNIT), y2="high:Q")
    shape = alt.Shape("series:N", scale=alt.Scale(domain=names, range=shapes), legend=legend)
    dots = base.mark_point(filled=True, size=55, opacity=1).encode(shape=shape)
    return (lines + spans + dots).properties(height=420)
