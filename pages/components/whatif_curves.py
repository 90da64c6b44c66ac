"""Charts of What if with a continuous axis: thresholds, sparsity, confidence; and the tables of answers and layers."""

import altair as alt

from pages.components.charts import clickable, form, table
from pages.components.look import COLOURS

MANY = 20
"""Classes above which a table of answers has no names and no counts in its cells."""
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
        .encode(x=x, y=y, order="threshold:Q", color=_networks(colour), tooltip=tooltip)
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
def unbroken(labels: tuple[str, ...], colours: tuple[str, ...], ink: str, clicks: bool) -> dict:
    """The share of images whose answer has not changed permanently, along the sparsity.

    Args:
        labels, colours: of the lines.
        ink: the theme's colour of text.
        clicks: whether a click on a line picks its ``name``.

    Tables: "table" with name, label, percent, unbroken, low, high, images, strength; "band" with the same of one line; "here" with
    one row, percent.
    """
    columns = 2 if len(labels) > 4 else 4
    legend = alt.Legend(
        title=None,
        orient="bottom",
        columns=columns,
        labelLimit=240,
        labelExpr=_BROKEN,
        symbolOpacity=1,
        symbolStrokeWidth=3,
    )
    colour = alt.Color("label:N", scale=alt.Scale(domain=list(labels), range=list(colours)), legend=legend)
    y = alt.Y("unbroken:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Answers not changed permanently")
    opacity = alt.Opacity("strength:Q", scale=None, legend=None)
    base = alt.Chart(table()).encode(x=_SPARSITY, color=colour)
    band = (
        alt.Chart(table("band"))
        .mark_area(opacity=0.18, interpolate="step-after")
        .encode(x=_SPARSITY, y="low:Q", y2="high:Q", color=colour)
    )
    lines = base.mark_line(interpolate="step-after", strokeWidth=2.5).encode(y=y, opacity=opacity)
    tooltip = [
        alt.Tooltip("label:N", title=" "),
        alt.Tooltip("percent:Q", title="Weights removed, %"),
        alt.Tooltip("unbroken:Q", title="Not changed yet", format=".1%"),
        alt.Tooltip("low:Q", title="95% from", format=".1%"),
        alt.Tooltip("high:Q", title="to", format=".1%"),
        alt.Tooltip("images:Q", title="Images", format=","),
    ]
    spots = base.mark_point(size=120, filled=True, opacity=0).encode(y=y, tooltip=tooltip)
    if clicks:
        spots = spots.add_params(clickable("name"))
    here = alt.Chart(table("here")).mark_rule(strokeDash=[4, 3], opacity=0.8).encode(x=_SPARSITY, color=alt.value(ink))
    return alt.layer(band, lines, here, spots).properties(height=380 + 26 * -(-len(labels) // columns))


@form
def probabilities(labels: tuple[str, ...], colours: tuple[str, ...], ink: str) -> dict:
    """The probabilities of a few classes for one image along the sparsity; the dense network's as dashed lines.

    Args:
        labels, colours: of the classes.
        ink: the theme's colour of text.

    Tables: "table" with percent, label, network ("Dense" or "Pruned"), probability; "marks" with percent, what.
    """
    legend = alt.Legend(title=None, orient="bottom", columns=2, labelLimit=240, labelExpr=_BROKEN, symbolStrokeWidth=3)
    networks = ["Pruned", "Dense"]
    base = alt.Chart(table()).encode(
        x=_SPARSITY,
        y=alt.Y("probability:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Probability"),
        color=alt.Color("label:N", scale=alt.Scale(domain=list(labels), range=list(colours)), legend=legend),
        strokeDash=alt.StrokeDash(
            "network:N", scale=alt.Scale(domain=networks, range=[[1, 0], [5, 4]]), legend=_TOP, title=None
        ),
        tooltip=[
            alt.Tooltip("label:N", title="Class"),
            alt.Tooltip("network:N", title="Network"),
            alt.Tooltip("percent:Q", title="Weights removed, %"),
            alt.Tooltip("probability:Q", title="Probability", format=".1%"),
        ],
    )
    marks = alt.Chart(table("marks")).encode(x=_SPARSITY, color=alt.value(ink))
    rules = marks.mark_rule(strokeDash=[2, 3], opacity=0.8)
    words = marks.mark_text(align="right", dx=-4, baseline="top", fontSize=11).encode(y=alt.value(2), text="what:N")
    return alt.layer(base.mark_line(strokeWidth=2.5), rules, words).properties(height=400)


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
        .encode(x=alt.X("x:Q", title="Confidence of the answer"), y=alt.Y("x:Q"), color=alt.value(ink))
    )
    line = base.mark_line(strokeWidth=2).encode(y=y)
    span = base.mark_rule(strokeWidth=1.5, opacity=0.6).encode(y=alt.Y("low:Q"), y2="high:Q")
    dot = base.mark_point(filled=True, size=70, opacity=1).encode(y=y, shape=shape)
    return alt.layer(diagonal, line, span, dot).properties(height=360)


@form
def answers(names: tuple[str, ...], difference: bool, ink: str, dark: bool) -> dict:
    """A confusion matrix, or the difference of two: rows are the truth, columns the answers.

    Args:
        names: of the classes, in order.
        difference: colours around 0 and counts with their sign; otherwise shares of the row.
        ink: the theme's colour of text.
        dark: whether the theme is dark: what is near nothing takes the colour of the ground.

    Tables: "table" with truth, answer, name (of the truth, for a click), shade, text, count, share, strength.
    """
    ground = "#0f1717" if dark else "#ffffff"
    order = list(names)
    many = len(order) > MANY
    axis = alt.Axis(labels=not many, ticks=False, domain=False, labelAngle=-45, labelLimit=110, labelOverlap=False)
    if difference:
        # Of many classes each takes its wrong answers from many others: a few points a cell, which were invisible.
        most = 0.1 if many else 0.5
        colours = alt.Scale(
            domain=[-most, 0, most], range=["#c9781a", ground, "#2f7fc1"], clamp=True, interpolate="rgb"
        )
    else:
        shades = [ground, "#5b6b8c" if dark else "#41597f"]
        colours = alt.Scale(domain=[0, 1], range=shades, interpolate="rgb", type="sqrt" if many else "linear")
    base = alt.Chart(table()).encode(
        x=alt.X("answer:N", sort=order, scale=alt.Scale(domain=order), axis=axis, title="Answer"),
        y=alt.Y(
            "truth:N",
            sort=order,
            scale=alt.Scale(domain=order),
            axis=alt.Axis(labels=not many, ticks=False, domain=False, labelLimit=90),
            title="Truth",
        ),
        opacity=alt.Opacity("strength:Q", scale=None, legend=None),
        tooltip=[
            alt.Tooltip("truth:N", title="Truth"),
            alt.Tooltip("answer:N", title="Answer"),
            alt.Tooltip("count:Q", title="Images", format="+," if difference else ","),
            alt.Tooltip("share:Q", title="Of its truth", format="+.1%" if difference else ".1%"),
        ],
    )
    cells = (
        base.mark_rect().encode(color=alt.Color("shade:Q", scale=colours, legend=None)).add_params(clickable("name"))
    )
    if many:
        return cells.properties(height=420)
    strong = alt.datum.shade > 0.8  # up to here dark words are the more legible ones on the light theme's shades
    words = base.mark_text(fontSize=11).encode(
        text="text:N",
        color=alt.value(ink) if difference else alt.condition(strong, alt.value("#ffffff"), alt.value(ink)),
    )
    return (cells + words).properties(height=320)


@form
def layers(names: tuple[str, ...], colour: str, ink: str) -> dict:
    """The share of zeros in each layer, from input to output; where layers are set by hand, what they would be without.

    Args:
        names: of the layers, in that order.
        colour: of the method.
        ink: the theme's colour of text.

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
            legend=_TOP,
        ),
    )
    ticks = (
        base.mark_tick(thickness=2, color=ink, aria=False)
        .encode(y="otherwise:Q")
        .transform_filter(alt.datum.by == "by hand")
    )
    return (bars + ticks).properties(height=300)
