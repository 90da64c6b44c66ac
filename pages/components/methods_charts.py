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
# Legends do not wrap by themselves: as many names a line as there is room for, two on a phone.
_TWO = alt.Legend(
    title=None, orient="top", symbolOpacity=1, columns=alt.ExprRef("max(2, floor(width / 150))"), labelLimit=220
)
_LINE = "M-1,-.15L1,-.15L1,.15L-1,.15Z"  # what has no points, only a line, stands in the legend as one
# Entries of the legend alone, as shapes: a ring, whose hole runs the other way round, and a dot.
_RING = "M-.9,0A.9,.9,0,1,1,.9,0A.9,.9,0,1,1,-.9,0ZM-.8,0A.8,.8,0,1,0,.8,0A.8,.8,0,1,0,-.8,0Z"
_DOT = "M-.5,0A.5,.5,0,1,1,.5,0A.5,.5,0,1,1,-.5,0Z"
PAPER, AGAIN = "The paper's", "Other trainings"
LONG = alt.Legend(title=None, orient="top", symbolOpacity=1, columns=1, labelLimit=320)


def by_sparsity(frame: pd.DataFrame, published: pd.DataFrame, title: str, ink: str) -> alt.LayerChart:
    """A measure against sparsity: trained networks with intervals, thin lines where networks are pruned on, the dense one.

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
    shades = [look.colour(name) for name in names]
    shapes = [_LINE if name == PRUNE_ONLY else look.shape(name) for name in names]
    several = (frame["trained"] & (frame["training"] > 1)).any()
    for name, mark, needed in ((PAPER, _RING, len(published)), (AGAIN, _DOT, several)):
        if needed:
            titles, shades, shapes = [*titles, name], [*shades, ink], [*shapes, mark]
    colour = alt.Color("network:N", scale=alt.Scale(domain=titles, range=shades), legend=_TWO)
    x = alt.X("shown:Q", scale=alt.Scale(domain=[-0.03, 1.0], nice=False), axis=PERCENT, title="Weights removed")
    y = {"axis": PERCENT, "scale": alt.Scale(zero=False, nice=True)}
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("sparsity:Q", title="Weights removed", format=".0%"),
        alt.Tooltip("estimate:Q", title=title, format=".1%"),
        alt.Tooltip("interval:N", title="95% interval"),
        alt.Tooltip("n:Q", title="Images", format=","),
        alt.Tooltip("seed:N", title="Seed"),
    ]
    base = alt.Chart(with_interval(frame)).encode(color=colour, tooltip=tooltip)
    path = (
        base.transform_filter(~alt.datum.trained)
        .mark_line(strokeWidth=1.5, opacity=0.6)
        .encode(x=alt.X("sparsity:Q"), y=alt.Y("estimate:Q", title=title, **y), detail="id:N")
    )
    trained = base.transform_filter(alt.datum.trained)
    points, repeats = (trained.transform_filter(test) for test in (alt.datum.training == 1, alt.datum.training > 1))
    span = points.mark_rule(strokeWidth=2).encode(x=x, y=alt.Y("low:Q", **y), y2="high:Q")
    shape = alt.Shape("network:N", scale=alt.Scale(domain=titles, range=shapes), legend=_TWO)
    dot = points.mark_point(filled=True, size=80, opacity=1).encode(x=x, y=alt.Y("estimate:Q", **y), shape=shape)
    again = repeats.mark_point(filled=True, size=28, opacity=0.75).encode(x=x, y=alt.Y("estimate:Q", **y), shape=shape)
    level = points.transform_filter(alt.datum.method == "dense").mark_rule(strokeDash=[5, 4], opacity=0.6)
    layers = alt.layer(span, dot)
    # A layer of nothing would make Vega warn of an axis without end.
    if not frame["trained"].all():
        layers = path + layers
    if (frame["trained"] & (frame["method"] == "dense") & (frame["training"] == 1)).any():
        layers = level.encode(y=alt.Y("estimate:Q", **y)) + layers
    if several:
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
    base = alt.Chart(with_interval(frame)).encode(
        x=alt.X("unit:N", sort=order, title="Layers from input to output", axis=alt.Axis(labelAngle=-50)),
        color=alt.Color("who:N", scale=scale, legend=LONG),
        tooltip=[
            alt.Tooltip("unit:N", title="After"),
            alt.Tooltip("who:N", title="Network"),
            alt.Tooltip("accuracy:Q", title="Accuracy", format=".1%"),
            alt.Tooltip("interval:N", title="95% interval"),
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
        rule.encode(x="epoch:Q", tooltip=alt.value(None))
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
    base = alt.Chart(with_interval(frame)).encode(
        y=y,
        yOffset=alt.YOffset("group:N", scale=offset),
        color=alt.Color("group:N", scale=alt.Scale(domain=order, range=colours), legend=LONG),
        tooltip=[
            alt.Tooltip("measure:N", title="Measure"),
            alt.Tooltip("group:N", title="Images"),
            alt.Tooltip("estimate:Q", title="Score", format=".1%"),
            alt.Tooltip("interval:N", title="95% interval"),
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


def with_interval(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame with its columns low and high in words as well, for pointers: what the paper tells of has no interval."""
    ends = zip(frame["low"], frame["high"], strict=True)
    return frame.assign(interval=["none" if pd.isna(low) else f"{look.span(low, high)}%" for low, high in ends])


def names_above(
    column: str, order: list[str], y: alt.Y, offset: alt.Scale, ink: str, *, breaks: str = "false"
) -> alt.LayerChart:
    """The name of each line, above it and not beside it, so that a phone has room for the line.

    Args:
        column: of the names, and what they are.
        order: the names.
        y, offset: of the lines; names stand at "name".
        ink: the theme's colour of text.
        breaks: an expression of Vega: where it is true, a name stands in two lines, broken after its colon.
    """
    name = f"datum['{column}']"
    text = (
        alt.Chart(pd.DataFrame({column: order}))
        .transform_calculate(shown=f"{breaks} ? split({name}, ': ') : [{name}]")
        .mark_text(
            align="left", baseline="middle", dx=2, dy=alt.ExprRef(f"{breaks} ? -9 : -3"), fontSize=12, lineHeight=15
        )
        .encode(
            y=y, yOffset=alt.YOffsetDatum("name", scale=offset), x=alt.value(0), text="shown:N", tooltip=alt.value(None)
        )
    )
    return charts.haloed(text, ink)
