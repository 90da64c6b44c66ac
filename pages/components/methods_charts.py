"""Charts of the page about methods: a DataFrame in, an Altair chart out. No data is fetched or computed here."""

import altair as alt
import pandas as pd

from core.claims import CANNOT_TELL, FAILS, HOLDS
from core.paths import PRUNE_ONLY
from pages.components import charts, look

VERDICT_COLOURS = {HOLDS: look.BETTER, FAILS: look.WORSE, CANNOT_TELL: look.COLOURS["dense"]}
VERDICT_SHAPES = {HOLDS: "circle", FAILS: "cross", CANNOT_TELL: "diamond"}
PERCENT = alt.Axis(format="%", grid=True, tickCount=6)
VERDICTS = alt.Legend(title=None, orient="top", symbolOpacity=1, columns=3, labelLimit=320)
# Legends do not wrap: names of methods stand two a line and longer ones alone, so that a phone has room for them.
_TWO = alt.Legend(title=None, orient="top", symbolOpacity=1, columns=2, labelLimit=220)
_LINE = "M-1,-.15L1,-.15L1,.15L-1,.15Z"  # what has no points, only a line, stands in the legend as one
# On a phone every second label of many would be left out, and with them that of 0.
_FEW = alt.ExprRef("width < 420 ? 4 : 8")
LONG = alt.Legend(title=None, orient="top", symbolOpacity=1, columns=1, labelLimit=320)


def forest(frame: pd.DataFrame, ink: str) -> alt.LayerChart:
    """Differences with their intervals, a line each, against the edge beyond which the claim holds.

    Args:
        frame: columns label, points, points_low, points_high, edge_points (percentage points), verdict, n.
        ink: the theme's colour of text.
    """
    order = list(dict.fromkeys(frame["label"]))
    names = list(VERDICT_COLOURS)
    y = alt.Y("label:N", sort=order, title=None, axis=None)
    offset = alt.Scale(domain=["name", "value"], paddingOuter=0.15)
    lower = alt.YOffsetDatum("value", scale=offset)
    colour = alt.Color(
        "verdict:N", scale=alt.Scale(domain=names, range=list(VERDICT_COLOURS.values())), legend=VERDICTS
    )
    edge = float(frame["edge_points"].iloc[0])
    least, most = min(frame["points_low"].min(), edge), max(frame["points_high"].max(), edge)
    room = 0.05 * (most - least)
    scale = alt.Scale(domain=[least - room, most + room], nice=True)
    base = alt.Chart(frame).encode(
        y=y,
        yOffset=lower,
        color=colour,
        tooltip=[
            alt.Tooltip("label:N", title="Claim"),
            alt.Tooltip("points:Q", title="Difference, points", format="+.1f"),
            alt.Tooltip("points_low:Q", title="95% from", format="+.1f"),
            alt.Tooltip("points_high:Q", title="to", format="+.1f"),
            alt.Tooltip("n:Q", title="Images", format=","),
            alt.Tooltip("verdict:N", title="Verdict"),
        ],
    )
    span = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("points_low:Q", scale=scale, title="Difference in percentage points", axis=alt.Axis(tickCount=_FEW)),
        x2="points_high:Q",
    )
    shape = alt.Shape("verdict:N", scale=alt.Scale(domain=names, range=list(VERDICT_SHAPES.values())), legend=VERDICTS)
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(x=alt.X("points:Q", scale=scale), shape=shape)
    line = alt.Chart(pd.DataFrame({"x": [edge]})).mark_rule(strokeDash=[5, 4], color=ink, opacity=0.7).encode(x="x:Q")
    text = names_above("label", order, y, offset, ink)
    return (line + span + dot + text).properties(height=52 * len(order) + 110)


def by_sparsity(frame: pd.DataFrame, published: pd.DataFrame, title: str, ink: str) -> alt.LayerChart:
    """A measure against sparsity: trained networks with intervals, thin lines where they are pruned on, the dense one.

    Args:
        frame: columns network (a reader's name), method, sparsity, shown (sparsity, moved a little to the side so that
            intervals do not cover each other), estimate, low, high, n, trained, from_, epochs, seed, training (1, or higher for
            repeats, which are small points without an interval).
        published: columns network, method, shown, estimate: the paper's points; may be empty.
        title: of the measure.
        ink: the theme's colour of text.
    """
    names = sorted(dict.fromkeys(frame["method"]), key=look.order)
    titles = [look.short(name) for name in names]
    colour = alt.Color("network:N", scale=alt.Scale(domain=titles, range=[look.colour(n) for n in names]), legend=_TWO)
    x = alt.X("shown:Q", scale=alt.Scale(domain=[-0.03, 1.0], nice=False), axis=PERCENT, title="Weights removed")
    y = {"axis": PERCENT, "scale": alt.Scale(zero=False, nice=True)}
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("sparsity:Q", title="Weights removed", format=".0%"),
        alt.Tooltip("estimate:Q", title=title, format=".1%"),
        alt.Tooltip("low:Q", title="95% from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("n:Q", title="Images", format=","),
        alt.Tooltip("seed:N", title="Seed"),
    ]
    base = alt.Chart(frame).encode(color=colour, tooltip=tooltip)
    path = (
        base.transform_filter(~alt.datum.trained)
        .mark_line(strokeWidth=1.5, opacity=0.8)
        .encode(x=alt.X("sparsity:Q"), y=alt.Y("estimate:Q", title=title, **y), detail="id:N")
    )
    trained = base.transform_filter(alt.datum.trained)
    points, repeats = (trained.transform_filter(test) for test in (alt.datum.training == 1, alt.datum.training > 1))
    span = points.mark_rule(strokeWidth=2).encode(x=x, y=alt.Y("low:Q", **y), y2="high:Q")
    shape = alt.Shape(
        "network:N",
        scale=alt.Scale(domain=titles, range=[_LINE if name == PRUNE_ONLY else look.shape(name) for name in names]),
        legend=_TWO,
    )
    dot = points.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=alt.Y("estimate:Q", **y), shape=shape)
    again = repeats.mark_point(filled=True, size=28, opacity=0.75).encode(x=x, y=alt.Y("estimate:Q", **y), shape=shape)
    level = points.transform_filter(alt.datum.method == "dense").mark_rule(strokeDash=[5, 4], opacity=0.6)
    layers = alt.layer(span, dot)
    # A layer of nothing would make Vega warn of an axis without end.
    if not frame["trained"].all():
        layers = path + layers
    if (frame["trained"] & (frame["method"] == "dense") & (frame["training"] == 1)).any():
        layers = level.encode(y=alt.Y("estimate:Q", **y)) + layers
    if (frame["trained"] & (frame["training"] > 1)).any():
        layers += again
    if len(published):
        layers += (
            alt.Chart(published)
            .mark_point(size=120, strokeWidth=2, filled=False)
            .encode(x=x, y=alt.Y("estimate:Q", **y), color=colour, shape=shape, tooltip=tooltip[:3])
        )
    return layers.properties(height=500)


def units(frame: pd.DataFrame, order: list[str], ink: str) -> alt.LayerChart:
    """Accuracy after each unit.

    Args:
        frame: columns unit, who ("Ours …" or "The paper …"), accuracy, low, high, sparsity, n.
        order: the units from input to output.
        ink: the theme's colour of text.
    """
    base, names = _by_unit(frame, order, ink)
    y = {"scale": alt.Scale(zero=False, nice=True), "axis": PERCENT}
    line = base.mark_line(strokeWidth=1, opacity=0.5).encode(y=alt.Y("accuracy:Q", title="Accuracy", **y))
    span = (
        base.transform_filter("isValid(datum.low)").mark_rule(strokeWidth=2).encode(y=alt.Y("low:Q", **y), y2="high:Q")
    )
    shape = alt.Shape("who:N", scale=alt.Scale(domain=names, range=["circle", "diamond"][: len(names)]), legend=LONG)
    dot = base.mark_point(filled=True, size=80, opacity=1).encode(y=alt.Y("accuracy:Q", **y), shape=shape)
    return (line + span + dot).properties(height=380)


def removed(frame: pd.DataFrame, order: list[str], ink: str) -> alt.Chart:
    """How many weights were removed after each unit; arguments are those of :func:`units`."""
    base, names = _by_unit(frame, order, ink)
    y = alt.Y("sparsity:Q", scale=alt.Scale(domain=[0, 1]), axis=PERCENT, title="Removed by then")
    return base.mark_bar().encode(y=y, xOffset=alt.XOffset("who:N", sort=names)).properties(height=300)


def _by_unit(frame: pd.DataFrame, order: list[str], ink: str) -> tuple[alt.Chart, list[str]]:
    names = list(dict.fromkeys(frame["who"]))
    scale = alt.Scale(domain=names, range=[look.COLOURS["layerwise"], ink][: len(names)])
    base = alt.Chart(frame).encode(
        x=alt.X("unit:N", sort=order, title="Layers from input to output", axis=alt.Axis(labelAngle=-50)),
        color=alt.Color("who:N", scale=scale, legend=LONG),
        tooltip=[
            alt.Tooltip("unit:N", title="After"),
            alt.Tooltip("who:N", title="Network"),
            alt.Tooltip("accuracy:Q", title="Accuracy", format=".1%"),
            alt.Tooltip("low:Q", title="95% from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
            alt.Tooltip("sparsity:Q", title="Weights removed by then", format=".1%"),
        ],
    )
    return base, names


def learning(frame: pd.DataFrame, column: str, title: str, start: float, ink: str) -> alt.LayerChart:
    """How networks learn, epoch by epoch, with a mark where pruning begins.

    Args:
        frame: columns network, method, epoch, pruned, and ``column``.
        column, title: what is drawn, and what it is called.
        start: epoch after which the networks part.
        ink: the theme's colour of text.
    """
    names = sorted(dict.fromkeys(frame["method"]), key=look.order)
    titles = [look.short(name) for name in names]
    percent = column != "loss"
    axis = PERCENT if percent else alt.Axis(grid=True, tickCount=6)
    base = alt.Chart(frame).encode(
        x=alt.X("epoch:Q", title="Epochs of training"),
        y=alt.Y(f"{column}:Q", title=title, axis=axis, scale=alt.Scale(zero=False, nice=True)),
        color=alt.Color(
            "network:N", scale=alt.Scale(domain=titles, range=[look.colour(n) for n in names]), legend=_TWO
        ),
        tooltip=[
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("epoch:Q", title="Epochs", format=".1f"),
            alt.Tooltip(f"{column}:Q", title=title, format=".1%" if percent else ".3f"),
            alt.Tooltip("pruned:Q", title="Weights removed by then", format=".0%"),
        ],
    )
    shape = alt.Shape(
        "network:N",
        scale=alt.Scale(domain=titles, range=[look.shape(n) for n in names]),
        legend=_TWO,
    )
    rule = alt.Chart(pd.DataFrame({"epoch": [start]})).mark_rule(strokeDash=[5, 4], color=ink, opacity=0.7)
    return (
        rule.encode(x="epoch:Q")
        + base.mark_line(strokeWidth=1.5)
        + base.mark_point(filled=True, size=40).encode(shape=shape)
    ).properties(height=380)


def groups(frame: pd.DataFrame, order: list[str], colours: list[str], ink: str) -> alt.LayerChart:
    """Scores of groups of images with intervals, a block a measure.

    Args:
        frame: columns measure (a reader's name), group (a reader's name), estimate, low, high, n, lesions.
        order: of the groups.
        colours: of the groups.
        ink: the theme's colour of text.
    """
    measures = list(dict.fromkeys(frame["measure"]))
    y = alt.Y("measure:N", sort=measures, title=None, axis=None)
    offset = alt.Scale(domain=["name", *order], paddingOuter=0.2)
    base = alt.Chart(frame).encode(
        y=y,
        yOffset=alt.YOffset("group:N", scale=offset),
        color=alt.Color("group:N", scale=alt.Scale(domain=order, range=colours), legend=LONG),
        tooltip=[
            alt.Tooltip("measure:N", title="Measure"),
            alt.Tooltip("group:N", title="Images"),
            alt.Tooltip("estimate:Q", title="Score", format=".1%"),
            alt.Tooltip("low:Q", title="95% from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
            alt.Tooltip("n:Q", title="Images", format=","),
            alt.Tooltip("lesions:Q", title="Lesions", format=","),
        ],
    )
    x = {"scale": alt.Scale(domain=[0, 1]), "axis": PERCENT, "title": "Score"}
    span = base.mark_rule(strokeWidth=2.5).encode(x=alt.X("low:Q", **x), x2="high:Q")
    shapes = ["circle", "diamond", "square"][: len(order)]
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(
        x="estimate:Q", shape=alt.Shape("group:N", scale=alt.Scale(domain=order, range=shapes), legend=LONG)
    )
    text = names_above("measure", measures, y, offset, ink)
    return (span + dot + text).properties(height=24 * len(measures) * (len(order) + 1) + 110)


def names_above(column: str, order: list[str], y: alt.Y, offset: alt.Scale, ink: str) -> alt.LayerChart:
    """The name of each line, above it and not beside it, so that a phone has room for the line."""
    text = (
        alt.Chart(pd.DataFrame({column: order}))
        .mark_text(align="left", baseline="middle", dx=2, dy=-3, fontSize=12)
        .encode(y=y, yOffset=alt.YOffsetDatum("name", scale=offset), x=alt.value(0), text=f"{column}:N")
    )
    return charts.haloed(text, ink)
