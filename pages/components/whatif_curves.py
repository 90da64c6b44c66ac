"""Charts of What if with a continuous axis: thresholds, sparsity, confidence; and the table of layers."""

import altair as alt

from pages.components import look
from pages.components.charts import clickable, form, haloed, table
from pages.components.look import COLOURS
from pages.components.whatif_charts import HEADED, SILENT

BROKEN = "changed permanently"
"""What is written at the line where the answer to one image changes for good."""
_PERCENT = alt.Axis(format="%", grid=True, tickCount=5)
_SPARSITY = alt.X(
    "percent:Q",
    scale=alt.Scale(domain=[0, 100]),
    axis=alt.Axis(labelExpr="datum.value + '%'", tickCount=6),
    title="Weights removed",
)
# Two long names do not fit a phone side by side: "Actinic keratosis / Bowen's disease" takes two lines.
_BROKEN = "split(replace(datum.label, ' / ', ' /|'), '|')"
_TOP = alt.Legend(title=None, orient="top", symbolOpacity=1)


def _networks(colour: str) -> alt.Color:
    return alt.Color(
        "network:N", scale=alt.Scale(domain=["Dense", "Pruned"], range=[COLOURS["dense"], colour]), legend=_TOP
    )


def _dashed() -> alt.StrokeDash:
    """Dense networks' lines are dashed: printed in grey, two colours may be one. Legends have the marks, which dashes would break."""
    return alt.StrokeDash("network:N", scale=alt.Scale(domain=["Dense", "Pruned"], range=[[6, 4], [1, 0]]), legend=None)


@form
def operating(colour: str, ink: str) -> dict:
    """What is found against how often it is a false alarm, for every threshold, and the threshold that is set.

    Tables: "table" with network, threshold, found, alarms, sorted by threshold; "points" with the same and label.
    """
    x = alt.X("alarms:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Flagged among those without it")
    y = alt.Y("found:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Flagged among those with it")
    tooltip = [
        alt.Tooltip("network:N", title="Network"),
        alt.Tooltip("threshold:Q", title="Threshold", format=".1%"),
        alt.Tooltip("found:Q", title="Sensitivity", format=".1%"),
        alt.Tooltip("specificity:Q", title="Specificity", format=".1%"),
    ]
    lines = (
        alt.Chart(table())
        .mark_line(strokeWidth=2)
        .encode(x=x, y=y, order="threshold:Q", color=_networks(colour), strokeDash=_dashed(), tooltip=tooltip)
    )
    shape = alt.Shape(
        "network:N", scale=alt.Scale(domain=["Dense", "Pruned"], range=["circle", "diamond"]), legend=_TOP
    )
    points = (
        alt.Chart(table("points"))
        .mark_point(filled=True, size=160, stroke=ink, strokeWidth=1.5, opacity=1)
        .encode(x=x, y=y, color=_networks(colour), shape=shape, tooltip=tooltip)
    )
    return (lines + points).properties(height=360)


@form
def unbroken(
    labels: tuple[str, ...], colours: tuple[str, ...], dashes: tuple[tuple[int, ...], ...], ink: str, clicks: bool
) -> dict:
    """The share of images whose answer has not changed permanently, along the sparsity.

    Args:
        labels, colours, dashes: of the lines.
        ink: the theme's colour of text.
        clicks: whether a click on a line picks its ``name``.

    Tables: "table" with name, label (short), title (in full), percent, unbroken, low, high, images, strength; "band" with the same of one line; "here" with
    one row, percent.
    """
    # Legends do not wrap: a phone has room for two names, beside the sidebar of a larger window there is some for four.
    legend = alt.Legend(
        title=None,
        orient="bottom",
        columns=alt.ExprRef("width < 480 ? 2 : 4"),
        labelLimit=240,
        symbolOpacity=1,
        columnPadding=6,
        symbolStrokeWidth=3,
        symbolType="stroke",
        symbolSize=500,  # long enough for its dashes
    )
    dash = alt.StrokeDash(
        "label:N", scale=alt.Scale(domain=list(labels), range=[list(one) for one in dashes]), legend=legend
    )
    colour = alt.Color("label:N", scale=alt.Scale(domain=list(labels), range=list(colours)), legend=legend)
    y = alt.Y("unbroken:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Answers not changed permanently")
    opacity = alt.Opacity("strength:Q", scale=None, legend=None)
    base = alt.Chart(table()).encode(x=_SPARSITY, color=colour, tooltip=SILENT)  # its points speak
    band = (
        alt.Chart(table("band"))
        .mark_area(opacity=0.18, interpolate="step-after")
        .encode(x=_SPARSITY, y="low:Q", y2="high:Q", color=colour, tooltip=SILENT)
    )
    # That of all images runs among the others: it is drawn last, on a line of the ground's colour that keeps them off.
    one, every = alt.datum.label != labels[0], alt.datum.label == labels[0]
    step = {"interpolate": "step-after"}
    lines = base.transform_filter(one).mark_line(strokeWidth=2, **step).encode(y=y, opacity=opacity, strokeDash=dash)
    ground = base.transform_filter(every).mark_line(strokeWidth=7, opacity=0.8, **step)
    ground = ground.encode(y=y, color=alt.value(look.paper()), tooltip=SILENT)
    whole = base.transform_filter(every).mark_line(strokeWidth=3.5, **step)
    whole = whole.encode(y=y, opacity=opacity, strokeDash=dash)
    tooltip = [
        alt.Tooltip("title:N", title=HEADED),
        alt.Tooltip("percent:Q", title="Weights removed, %"),
        alt.Tooltip("unbroken:Q", title="Not changed yet", format=".1%"),
        alt.Tooltip("low:Q", title="95% from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("images:Q", title="Images", format=","),
    ]
    spots = base.mark_point(size=120, filled=True, opacity=0).encode(y=y, tooltip=tooltip)
    if clicks:
        spots = spots.add_params(clickable("name"))
    here = alt.Chart(table("here")).mark_rule(strokeDash=[4, 3], opacity=0.8)
    here = here.encode(x=_SPARSITY, color=alt.value(ink), tooltip=SILENT)
    return alt.layer(band, lines, ground, whole, here, spots).properties(height=380 + 26 * -(-len(labels) // 3))


@form
def probabilities(labels: tuple[str, ...], colours: tuple[str, ...], marks_of: tuple[str, ...], ink: str) -> dict:
    """The probabilities of a few classes for one image along the sparsity; the dense network's as dashed lines.

    Args:
        labels, colours, marks_of: of the classes.
        ink: the theme's colour of text.

    Tables: "table" with percent, label, network ("Dense" or "Pruned"), probability; "marks" with percent, what.
    """
    legend = alt.Legend(
        title=None,
        orient="bottom",
        columns=alt.ExprRef("width < 300 ? 1 : 2"),
        labelLimit=240,
        labelExpr=_BROKEN,
        symbolStrokeWidth=3,
    )
    networks, dashes = ["Pruned", "Dense"], alt.Legend(title=None, orient="top", symbolType="stroke", symbolSize=500)
    base = alt.Chart(table()).encode(
        x=_SPARSITY,
        y=alt.Y("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Probability"),
        color=alt.Color("label:N", scale=alt.Scale(domain=list(labels), range=list(colours)), legend=legend),
        strokeDash=alt.StrokeDash(
            "network:N", scale=alt.Scale(domain=networks, range=[[1, 0], [5, 4]]), legend=dashes, title=None
        ),
        tooltip=[
            alt.Tooltip("label:N", title="Class"),
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("percent:Q", title="Weights removed, %"),
            alt.Tooltip("probability:Q", title="Probability", format=".1%"),
        ],
    )
    # Dashes tell the networks apart, so the classes have marks, on every tenth step.
    dots = base.transform_filter("datum.percent % 10 == 0 && datum.network == 'Pruned'")
    dots = dots.mark_point(filled=True, size=70, opacity=1).encode(
        shape=alt.Shape("label:N", scale=alt.Scale(domain=list(labels), range=list(marks_of)), legend=legend),
        strokeDash=alt.value([1, 0]),
    )
    marks = alt.Chart(table("marks")).encode(x=_SPARSITY, color=alt.value(ink), tooltip=SILENT)
    rules = marks.mark_rule(strokeDash=[2, 3], opacity=0.8)
    # The long words stand below the short ones, and at the side where there is room for them.
    words = [
        haloed(
            marks.transform_filter(test)
            .mark_text(align=align, dx=4 if align == "left" else -4, baseline="top", fontSize=11)
            .encode(y=alt.value(down), text="what:N"),
            ink,
        )
        for test, align, down in (
            (alt.datum.what != BROKEN, "right", 2),
            ((alt.datum.what == BROKEN) & (alt.datum.percent >= 45), "right", 17),
            ((alt.datum.what == BROKEN) & (alt.datum.percent < 45), "left", 17),
        )
    ]
    return alt.layer(base.mark_line(strokeWidth=2.5), dots, rules, *words).properties(height=400)


@form
def reliability(colour: str, ink: str) -> dict:
    """How often answers are right by how sure they are; on the diagonal a network knows what it knows.

    Tables: "table" with network, confidence, accuracy, low, high, images; "diagonal" with x.
    """
    networks = ["Dense", "Pruned"]
    x = alt.X("confidence:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Confidence of the answer")
    y = alt.Y("accuracy:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Share of right answers")
    base = alt.Chart(table()).encode(
        x=x,
        color=_networks(colour),
        tooltip=[
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("confidence:Q", title="Confidence", format=".1%"),
            alt.Tooltip("accuracy:Q", title="Right", format=".1%"),
            alt.Tooltip("low:Q", title="95% from", format=".1%"),
            alt.Tooltip("high:Q", title="to", format=".1%"),
            alt.Tooltip("images:Q", title="Images", format=","),
        ],
    )
    shape = alt.Shape("network:N", scale=alt.Scale(domain=networks, range=["circle", "diamond"]), legend=_TOP)
    diagonal = (
        alt.Chart(table("diagonal"))
        .mark_line(strokeDash=[4, 3], strokeWidth=1.2, opacity=0.7)
        .encode(x=alt.X("x:Q", title="Confidence of the answer"), y=alt.Y("x:Q"), color=alt.value(ink), tooltip=SILENT)
    )
    line = base.mark_line(strokeWidth=2).encode(y=y, strokeDash=_dashed())
    span = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=alt.Y("low:Q"), y2="high:Q")
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(y=y, shape=shape)
    return alt.layer(diagonal, line, span, dot).properties(height=360)


@form
def layers(names: tuple[str, ...], colour: str, ink: str, by_hand: bool) -> dict:
    """The share of zeros in each layer, from input to output; where layers are set by hand, what they would be without.

    Args:
        names: of the layers, in that order.
        colour: of the method.
        ink: the theme's colour of text.
        by_hand: whether any is set by hand, and a legend is needed.

    Tables: "table" with layer, sparsity, zeros, weights, by ("by the slider" or "by hand"), otherwise (sparsity of the global solution).
    """
    many = len(names) > 40
    axis = alt.Axis(labels=not many, ticks=not many, labelAngle=-60, labelOverlap=len(names) > 20, labelLimit=120)
    y = alt.Y("sparsity:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Weights that are zero")
    base = alt.Chart(table()).encode(
        x=alt.X(
            "layer:N",
            sort=list(names),
            axis=axis,
            title="Layers from input to output",
            scale=alt.Scale(domain=list(names), paddingInner=0.15),
        ),
        tooltip=[
            alt.Tooltip("layer:N", title="Layer"),
            alt.Tooltip("sparsity:Q", title="Zero", format=".1%"),
            alt.Tooltip("otherwise:Q", title="By the slider alone", format=".1%"),
            alt.Tooltip("zeros:Q", title="Zeros", format=","),
            alt.Tooltip("weights:Q", title="Weights", format=","),
        ],
    )
    bars = base.mark_bar(cornerRadiusEnd=0 if many else 2).encode(
        y=y,
        color=alt.Color(
            "by:N",
            scale=alt.Scale(domain=["by the slider", "by hand"], range=[colour, COLOURS["dense"]]),
            legend=_TOP if by_hand else None,
        ),
    )
    ticks = (
        base.mark_tick(thickness=2, color=ink, aria=False)
        .encode(y="otherwise:Q")
        .transform_filter(alt.datum.by == "by hand")
    )
    return (bars + ticks).properties(height=300)
