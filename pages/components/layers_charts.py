"""Charts of the page about layers: a DataFrame in, an Altair chart out. No data is fetched or computed here."""

import altair as alt
import numpy as np
import pandas as pd

from pages.components import look

_PERCENT = alt.Axis(format="%", tickCount=5)
MANY = 40
"""Layers above which not every one has room for its name."""
FAINT = 0.14
CONSTANT, UNREAD = "dead: the same for every image", "dead: no weight reads it"
_MARKS = {CONSTANT: "cross", UNREAD: "circle"}


def spread(frame: pd.DataFrame, colour: str, width: str, *, last: bool) -> alt.LayerChart:
    """Zeros in each layer as area: as wide as the layer, as high as the share that is zero.

    Args:
        frame: from :func:`core.inspection.spread`.
        colour: of the method.
        width: ``"weights"``, the layer's share of all weights, or ``"equal"``.
        last: whether it is the lowest of several charts, which names the axis.
    """
    rows = frame.assign(whole=1.0)
    if width == "equal":
        rows = rows.assign(start=np.arange(len(rows)) / len(rows), stop=(1 + np.arange(len(rows))) / len(rows))
    what = "Share of all weights, layers from input to output" if width == "weights" else "Layers from input to output"
    shown = width == "weights"
    axis = alt.Axis(format="%", tickCount=5, labels=shown, ticks=shown, grid=width == "weights")
    x = alt.X("start:Q", scale=alt.Scale(domain=[0, 1], nice=False), axis=axis, title=what if last else None)
    base = alt.Chart(rows).encode(
        x=x,
        x2="stop:Q",
        tooltip=[
            alt.Tooltip("layer:N", title="Layer"),
            alt.Tooltip("sparsity:Q", title="Zero", format=".1%"),
            alt.Tooltip("zeros:Q", title="Zeros", format=","),
            alt.Tooltip("weights:Q", title="Weights", format=","),
            alt.Tooltip("share:Q", title="Of all weights", format=".2%"),
        ],
    )
    edge = {"stroke": colour, "strokeWidth": 0.6 if len(rows) <= MANY else 0.1, "strokeOpacity": 0.8}
    scale = alt.Scale(domain=[0, 1])
    whole = base.mark_rect(color=colour, opacity=FAINT, **edge).encode(
        y=alt.Y("whole:Q", scale=scale, axis=_PERCENT), y2=alt.datum(0)
    )
    zero = base.mark_rect(color=colour, **edge).encode(
        y=alt.Y("sparsity:Q", scale=scale, title="Zero"), y2=alt.datum(0)
    )
    # Of the plots, not of the charts: what names the axis would otherwise make the last one's bars shorter than all the others'.
    fit = alt.AutoSizeParams(type="fit-x", contains="padding")
    return (whole + zero).properties(height=76, autosize=fit)


def together(frame: pd.DataFrame, order: list[str]) -> alt.LayerChart:
    """Zeros in each layer by every method: a line a method.

    Args:
        frame: from :func:`core.inspection.spread` for each method, with the column method.
        order: the layers from input to output.
    """
    methods = list(dict.fromkeys(frame["method"]))
    names = [look.short(method) for method in methods]
    legend = alt.Legend(
        title=None, orient="top", symbolOpacity=1, columns=alt.ExprRef("max(2, floor(width / 150))"), labelLimit=220
    )
    base = alt.Chart(frame.assign(name=frame["method"].map(look.short))).encode(
        x=alt.X("layer:N", sort=order, title=None, axis=alt.Axis(labelAngle=-50, labelOverlap=False)),
        # Side by side: methods may take just the same, and the last would cover all others.
        xOffset=alt.XOffset("name:N", sort=names, scale=alt.Scale(paddingOuter=0.4)),
        y=alt.Y("sparsity:Q", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Zero"),
        color=alt.Color("name:N", scale=alt.Scale(domain=names, range=list(map(look.colour, methods))), legend=legend),
        tooltip=[
            alt.Tooltip("name:N", title="Method"),
            alt.Tooltip("layer:N", title="Layer"),
            alt.Tooltip("sparsity:Q", title="Zero", format=".1%"),
            alt.Tooltip("zeros:Q", title="Zeros", format=","),
            alt.Tooltip("weights:Q", title="Weights", format=","),
            alt.Tooltip("share:Q", title="Of all weights", format=".2%"),
        ],
    )
    shape = alt.Shape("name:N", scale=alt.Scale(domain=names, range=list(map(look.shape, methods))), legend=legend)
    line = base.mark_line(strokeWidth=1, opacity=0.5).encode(tooltip=alt.value(None))
    return (line + base.mark_point(filled=True, size=60, opacity=1).encode(shape=shape)).properties(height=360)


def histogram(frame: pd.DataFrame, cutoff: float | None, colour: str, ink: str) -> alt.LayerChart:
    """Weights kept and removed by their size, and the cutoff where there is one.

    Args:
        frame: from :func:`core.inspection.histogram`.
        cutoff: from :func:`core.inspection.cutoff`.
        colour: of the method, for the weights that it keeps.
        ink: the theme's colour of text.
    """
    names = {"removed": "Removed", "kept": "Kept"}
    rows = frame.melt(["low", "high"], list(names), "which", "weights")
    rows["which"] = rows["which"].map(names)
    bars = (
        alt.Chart(rows)
        .mark_bar(binSpacing=0)
        .encode(
            x=alt.X("low:Q", bin="binned", title="Weight", axis=alt.Axis(tickCount=7)),
            x2="high:Q",
            y=alt.Y("weights:Q", title="Weights", axis=alt.Axis(format=",.0f", tickCount=5)),
            color=alt.Color(
                "which:N",
                scale=alt.Scale(domain=list(names.values()), range=["#8a8f94", colour]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            tooltip=[
                alt.Tooltip("low:Q", title="From", format=".3g"),
                alt.Tooltip("high:Q", title="to", format=".3g"),
                alt.Tooltip("which:N", title="These are"),
                alt.Tooltip("weights:Q", title="Weights", format=","),
            ],
        )
    )
    if cutoff is None:
        return alt.layer(bars).properties(height=300)
    lines = (
        alt.Chart(pd.DataFrame({"x": [-cutoff, cutoff]}))
        .mark_rule(strokeDash=[5, 4], color=ink)
        .encode(x="x:Q", tooltip=alt.value(None))
    )
    return (bars + lines).properties(height=300)


def filters(frame: pd.DataFrame, colour: str, ink: str) -> alt.LayerChart:
    """A square for each filter: the stronger the darker, dead ones hollow with a mark.

    Args:
        frame: from :func:`core.inspection.filters`, with states in words.
        colour: of the method.
        ink: the theme's colour of text.
    """
    across = 16 if len(frame) <= 128 else 32
    rows = frame.assign(x=frame["channel"] % across, y=frame["channel"] // across)
    alive = rows["state"] == "alive"
    place = {
        "x": alt.X("x:O", axis=None),
        "y": alt.Y("y:O", axis=None),
        "tooltip": [
            alt.Tooltip("channel:Q", title="Filter"),
            alt.Tooltip("norm:Q", title="Norm", format=".3g"),
            alt.Tooltip("kept:Q", title="Weights left", format=","),
            alt.Tooltip("sparsity:Q", title="Zero", format=".1%"),
            alt.Tooltip("state:N", title="It is"),
        ],
    }
    strength = alt.Color(
        "norm:Q",
        scale=alt.Scale(range=[f"{colour}30", colour], nice=False),
        legend=alt.Legend(title="Norm", orient="bottom", gradientLength=160),
    )
    squares = alt.Chart(rows[alive]).mark_rect(cornerRadius=1).encode(color=strength, **place)
    chart = [squares]
    if not alive.all():
        kinds = [kind for kind in _MARKS if kind in set(rows["state"])]
        shape = alt.Shape(
            "state:N",
            scale=alt.Scale(domain=kinds, range=[_MARKS[kind] for kind in kinds]),
            legend=alt.Legend(title=None, orient="top", labelLimit=300, columns=1),
        )
        marks = alt.Chart(rows[~alive]).mark_point(color=ink, opacity=0.6, size=60, strokeWidth=1.5, filled=False)
        chart.append(marks.encode(shape=shape, **place))
    return alt.layer(*chart).properties(height=(26 if across == 16 else 16) * int(rows["y"].max() + 1) + 130)


def pays(frame: pd.DataFrame, measure: str, colour: str, ink: str) -> alt.LayerChart:
    """The change that pruning one part alone makes, with its interval, from input to output.

    Args:
        frame: columns part, layers, weights, value, low, high (shares; below 0 is a loss).
        measure: what is lost, for the axis.
        colour, ink: of the dots, and the theme's colour of text.
    """
    order = list(frame["part"])
    rows = frame.assign(**{name: 100 * frame[name] for name in ("value", "low", "high")})
    y = alt.Y("part:N", sort=order, title=None, axis=_names(len(order)))
    base = alt.Chart(rows).encode(
        y=y,
        tooltip=[
            alt.Tooltip("part:N", title="Pruned alone"),
            alt.Tooltip("weights:Q", title="Weights", format=","),
            alt.Tooltip("value:Q", title="Points", format="+.1f"),
            alt.Tooltip("low:Q", title="95% from", format="+.1f"),
            alt.Tooltip("high:Q", title="to", format="+.1f"),
        ],
    )
    span = base.mark_rule(strokeWidth=2, opacity=0.6, color=colour).encode(
        x=alt.X("low:Q", title=f"{measure}, change in points", axis=alt.Axis(tickCount=7)), x2="high:Q"
    )
    dot = base.mark_point(filled=True, size=70, opacity=1, color=colour).encode(x="value:Q")
    zero = (
        alt.Chart(pd.DataFrame({"x": [0]})).mark_rule(color=ink, opacity=0.6).encode(x="x:Q", tooltip=alt.value(None))
    )
    return (zero + span + dot).properties(height=(26 if len(order) <= MANY else 5) * len(order) + 50)


def overlap(
    frame: pd.DataFrame, names: tuple[str, str], colours: tuple[str, str], ink: str, paper: str
) -> alt.LayerChart:
    """For each layer the weights that both methods remove, only one, the other, and neither.

    Args:
        frame: from :func:`core.inspection.overlap`.
        names, colours: of the two methods.
        ink, paper: the theme's colours of text and page.
    """
    kinds = {"both": "Both", "only_first": f"Only {names[0]}", "only_second": f"Only {names[1]}", "neither": "Neither"}
    order = list(frame["layer"])
    rows = frame.melt(["layer", "weights"], list(kinds), "kind", "count")
    rows["share"] = rows["count"] / rows["weights"]
    rows["place"] = rows["kind"].map({kind: number for number, kind in enumerate(kinds)})
    rows["kind"] = rows["kind"].map(kinds)
    few = len(order) <= MANY
    y = alt.Y("layer:N", sort=order, title=None, axis=_names(len(order)))
    colour = alt.Color(
        "kind:N",
        scale=alt.Scale(domain=list(kinds.values()), range=[_between(*colours, paper), *colours, "#9aa3a833"]),
        sort=list(kinds.values()),
        legend=alt.Legend(title="Removed by", orient="top", columns=2, labelLimit=220),
    )
    bars = (
        alt.Chart(rows)
        .mark_bar(height=alt.RelativeBandSize(0.75) if few else alt.RelativeBandSize(1.0))
        .encode(
            y=y,
            x=alt.X(
                "share:Q", stack="zero", scale=alt.Scale(domain=[0, 1]), axis=_PERCENT, title="Of the layer's weights"
            ),
            color=colour,
            order="place:Q",
            tooltip=[
                alt.Tooltip("layer:N", title="Layer"),
                alt.Tooltip("kind:N", title="Removed by"),
                alt.Tooltip("count:Q", title="Weights", format=","),
                alt.Tooltip("share:Q", title="Of the layer", format=".1%"),
            ],
        )
    )
    chance = alt.Chart(frame.assign(chance=frame["by_chance"] / frame["weights"])).encode(
        y=y, x="chance:Q", tooltip=[alt.Tooltip("chance:Q", title="Both, by chance", format=".1%")]
    )
    # Framed in the colour of the page, for it stands on dark bars and on light ones.
    height = alt.RelativeBandSize(0.95 if few else 1.0)
    frames = chance.mark_tick(color=paper, thickness=5, height=height)
    ticks = chance.mark_tick(color=ink, thickness=2, height=height)
    return (bars + frames + ticks).properties(height=(26 if few else 5) * len(order) + 90)


def _names(count: int) -> alt.Axis:
    """An axis of layers. Of many only those are written that do not run into each other."""
    return alt.Axis(
        labelLimit=170,
        labelFontSize=12 if count <= MANY else 10,
        labelOverlap=False if count <= MANY else "greedy",
        labelSeparation=2,
        labelFlush=False,
        labelBound=False,
        ticks=count <= MANY,
    )


def _between(one: str, two: str, paper: str) -> str:
    """The colour half way between two, moved away from that of the page: what both have in common."""
    *parts, page = [[int(text[place : place + 2], 16) for place in (1, 3, 5)] for text in (one, two, paper)]
    away, share = (0, 0.3) if sum(page) > 3 * 128 else (255, 0.5)
    mixed = ((1 - share) * (a + b) / 2 + share * away for a, b in zip(*parts, strict=True))
    return "#" + "".join(f"{round(value):02x}" for value in mixed)
