"""The chart of What if that shows which classes are taken for which: a table of truths and answers, or the difference of two."""

import math

import altair as alt

from pages.components.charts import clickable, form, table

MANY = 20
"""Classes above which the table has no names and no counts in its cells."""


@form
def answers(names: tuple[str, ...], difference: bool, ink: str, dark: bool) -> dict:
    """A confusion matrix, or the difference of two: rows are the truth, columns the answers.

    Args:
        names: of the classes, in order.
        difference: colours around 0 and counts with their sign; otherwise shares of the row.
        ink: the theme's colour of text.
        dark: whether the theme is dark. What is near nothing is clear, so the ground shows when the theme changes too.

    Tables: "table" with truth, answer, name (of the truth, for a click), shade (of a difference: with its sign, of its square root),
    text, count, share, strength.
    """
    order = list(names)
    many = len(order) > MANY
    axis = alt.Axis(labels=not many, ticks=False, domain=False, labelAngle=-45, labelLimit=120, labelOverlap=False)
    if difference:
        # Of many classes each takes its wrong answers from many others: a few points a cell, which were invisible.
        most = math.sqrt(0.1 if many else 0.2)
        colours = alt.Scale(
            domain=[-most, -1e-9, 1e-9, most],
            range=["#c9781a", "#c9781a00", "#2f7fc100", "#2f7fc1"],
            clamp=True,
            interpolate="rgb",
        )
    else:
        shade = "#5b6b8c" if dark else "#41597f"
        colours = alt.Scale(
            domain=[0, 1], range=[f"{shade}00", shade], interpolate="rgb", type="sqrt" if many else "linear"
        )
    base = alt.Chart(table()).encode(
        x=alt.X("answer:N", sort=order, scale=alt.Scale(domain=order), axis=axis, title="Answer"),
        y=alt.Y(
            "truth:N",
            sort=order,
            scale=alt.Scale(domain=order),
            axis=alt.Axis(labels=not many, ticks=False, domain=False, labelLimit=120, labelFlush=False),
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
    # Up to here dark words are the more legible ones on the light theme's shades, and on all that are faint.
    strong = (alt.datum.shade > 0.8) & (alt.datum.strength == 1)
    legible = base.transform_calculate(legible="max(datum.strength, 0.75)")  # cells may be faint, numbers must be read
    words = legible.mark_text(fontSize=11).encode(
        text="text:N",
        opacity=alt.Opacity("legible:Q", scale=None, legend=None),
        color=alt.value(ink) if difference else alt.condition(strong, alt.value("#ffffff"), alt.value(ink)),
    )
    return (cells + words).properties(height=320)
