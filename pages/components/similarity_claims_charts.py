"""Forms of the charts behind the claims about features: differences of mean CKA, by term and by sparsity."""

import altair as alt

from pages.components import charts
from pages.components.methods_charts import VERDICT_COLOURS, VERDICT_SHAPES, VERDICTS


@charts.form
def forest(labels: tuple[str, ...], reach: float, ink: str) -> alt.LayerChart:
    """Differences of mean CKA with their intervals; right of the dashed line the paper's claim holds.

    Table: label (may have a line break), plain (the same without), difference, low, high, verdict, n.

    Args:
        labels: in order.
        reach: of the axis, to both sides.
        ink: the theme's colour of text.
    """
    verdicts = list(VERDICT_COLOURS)
    # The label stands above its line and not beside it, so that a phone has room for the line.
    y = alt.Y("label:N", sort=list(labels), title=None, axis=None)
    offset = alt.Scale(domain=["name", "value"], paddingOuter=0.15)
    scale = alt.Scale(domain=[-reach, reach], nice=False)
    shades = alt.Scale(domain=verdicts, range=list(VERDICT_COLOURS.values()))
    base = alt.Chart(charts.table()).encode(
        y=y,
        yOffset=alt.YOffsetDatum("value", scale=offset),
        color=alt.Color("verdict:N", scale=shades, legend=VERDICTS),
        tooltip=[
            alt.Tooltip("plain:N", title="Difference"),
            alt.Tooltip("n:Q", title="Images", format=","),
            alt.Tooltip("verdict:N", title="Verdict"),
        ],
    )
    span = base.mark_rule(strokeWidth=2.5).encode(
        x=alt.X("low:Q", scale=scale, axis=alt.Axis(tickCount=6), title="Difference of mean CKA"), x2="high:Q"
    )
    shape = alt.Shape(
        "verdict:N", scale=alt.Scale(domain=verdicts, range=list(VERDICT_SHAPES.values())), legend=VERDICTS
    )
    dot = base.mark_point(filled=True, size=90, opacity=1).encode(x=alt.X("difference:Q", scale=scale), shape=shape)
    # A phone has no room for a difference behind a long name: there it goes below it.
    narrow = f"width < {7 * max(map(len, labels))}"
    said = alt.ExprRef(f"{narrow} ? datum.label : replace(datum.label, '\\n', ' ')")
    text = alt.Chart(charts.table()).mark_text(
        align="left", baseline="middle", dx=2, fontSize=12, lineBreak="\n", text=said
    )
    names = text.encode(y=y, yOffset=alt.YOffsetDatum("name", scale=offset), x=alt.value(0))
    zero = alt.Chart(alt.Data(values=[{"x": 0}])).mark_rule(strokeDash=[5, 4], color=ink, opacity=0.7)
    zero = zero.encode(x="x:Q", tooltip=alt.value(None))
    high = f"({narrow} ? {78 if any(chr(10) in label for label in labels) else 52} : 52) * {len(labels)}"
    return charts.sized(zero + span + dot + charts.haloed(names, ink), high)


@charts.form
def by_sparsity(series: tuple[tuple[str, str, str], ...], sparsities: tuple[float, ...], ink: str) -> alt.LayerChart:
    """Differences of mean CKA with their intervals, over sparsity; above the dashed line the paper's claim holds.

    Table: series (name), sparsity, at (the same, a little to the side), difference, low, high, n.

    Args:
        series: name, colour and mark of each.
        sparsities: those that there are.
        ink: the theme's colour of text.
    """
    names, shades, marks = (list(part) for part in zip(*series, strict=True))
    edges = [min(sparsities) - 0.04, min(1.0, max(sparsities) + 0.04)]
    # On a phone one below the other: two long names side by side would be cut off.
    legend = alt.Legend(title=None, orient="top", columns=1, symbolOpacity=1, labelLimit=320)
    base = alt.Chart(charts.table()).encode(
        x=alt.X(
            "at:Q",
            scale=alt.Scale(domain=edges, nice=False),
            axis=alt.Axis(format=".0%", values=list(sparsities), grid=False),
            title="Weights removed",
        ),
        color=alt.Color("series:N", scale=alt.Scale(domain=names, range=shades), legend=legend),
        tooltip=[
            alt.Tooltip("series:N", title="Difference"),
            alt.Tooltip("sparsity:Q", title="Weights removed", format=".0%"),
            alt.Tooltip("difference:Q", title="Of mean CKA", format="+.3f"),
            alt.Tooltip("low:Q", title="95% from", format="+.3f"),
            alt.Tooltip("high:Q", title="to", format="+.3f"),
            alt.Tooltip("n:Q", title="Images", format=","),
        ],
    )
    lines = base.mark_line(strokeWidth=1.5, opacity=0.6).encode(
        y=alt.Y("difference:Q", title="Difference of mean CKA", axis=alt.Axis(tickCount=5))
    )
    span = base.mark_rule(strokeWidth=2.5).encode(y="low:Q", y2="high:Q")
    shape = alt.Shape("series:N", scale=alt.Scale(domain=names, range=marks), legend=legend)
    dot = base.mark_point(filled=True, size=80, opacity=1).encode(y="difference:Q", shape=shape)
    zero = alt.Chart(alt.Data(values=[{"y": 0}])).mark_rule(strokeDash=[5, 4], color=ink, opacity=0.7)
    zero = zero.encode(y="y:Q", tooltip=alt.value(None))
    return (zero + lines + span + dot).properties(height=300 + 24 * len(names))
