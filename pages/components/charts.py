"""Charts that are drawn again and again: a form that is made once, and tables that change.

Making and checking an Altair chart took a third of the time of a move of the slider. Here a chart's specification is built
once for each form and kept; a move only sends new tables, which the browser puts into the chart that is there: nothing flickers.
"""

import copy
from collections.abc import Callable, Mapping
from functools import wraps

import altair as alt
import pandas as pd
import streamlit as st

from pages.components import look

PICK = "pick"
"""Name of the selection by which a click picks something; see :func:`clickable`."""


def form(build: Callable[..., alt.TopLevelMixin]) -> Callable[..., dict]:
    """Turn a function that makes a chart of named tables into one that gives its specification, made once for each call.

    The arguments must be hashable, and the chart takes its data from :func:`table`.
    """
    known: dict[tuple, dict] = {}

    @wraps(build)
    def made(*args, **kwargs) -> dict:
        key = (*args, *sorted(kwargs.items()))
        if key not in known:
            spec = build(*args, **kwargs).to_dict()
            spec.pop("config", None)  # Altair's default theme; the app's is applied in the browser
            if len(known) > 256:
                known.clear()
            known[key] = spec
        return known[key]

    return made


def table(name: str = "table") -> alt.NamedData:
    """The data of a chart: the table of this name given to :func:`show`."""
    return alt.NamedData(name=name)


def haloed(text: alt.Chart, ink: str) -> alt.LayerChart:
    """A layer of text that stays legible where lines run behind it: on a halo of the ground's colour.

    Args:
        text: of one mark_text.
        ink: the theme's colour of text.
    """
    if text.encoding.tooltip is alt.Undefined:  # else Streamlit lists the columns of the table
        text = text.encode(tooltip=alt.value(None))
    halo, words = text.copy(), text.encode(color=alt.value(ink))
    halo.mark = halo.mark.copy()
    halo.mark.stroke, halo.mark.strokeWidth, halo.mark.strokeJoin = look.paper(), 4, "round"
    return halo.encode(color=alt.value(look.paper())) + words


def sized(chart: alt.LayerChart | alt.Chart, height: str) -> alt.LayerChart | alt.Chart:
    """A chart whose plot is as high as an expression of Vega says, mostly of ``width``.

    How wide a plot is, beside names and below a legend of any length, is known in the browser alone. So the signal of Vega that
    is its height is computed there.
    """
    # With a number for its height: of names Vega-Lite would else make bands of 20 pixels each.
    fitted = chart.properties(height=300, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"))
    return fitted.add_params(alt.param(name="height", expr=height))


def clickable(field: str) -> alt.Parameter:
    """A click on a mark picks what it shows in ``field``."""
    return alt.selection_point(name=PICK, fields=[field], empty=False)


def show(
    spec: dict,
    tables: pd.DataFrame | Mapping[str, pd.DataFrame],
    *,
    alt: str,
    key: str | None = None,
    picked: Callable[[str], None] | None = None,
) -> None:
    """Draw a chart.

    Args:
        spec: of a function made by :func:`form`.
        tables: name -> rows; a single one is called "table".
        alt: what the chart shows, for those who cannot see it.
        key: of the chart; needed with ``picked``.
        picked: called with what a click picked, before the page is drawn again. Of a chart without :func:`clickable` marks, as where
            one line stands for all, nothing can be picked.
    """
    named = {"table": tables} if isinstance(tables, pd.DataFrame) else dict(tables)
    whole = copy.deepcopy(spec) | {"datasets": named}
    if picked is None or PICK not in {parameter["name"] for parameter in spec.get("params", ())}:
        st.vega_lite_chart(spec=whole, alt=alt, key=key)
        return

    def pass_on() -> None:
        chosen = st.session_state[key].selection.get(PICK)
        if chosen:  # a click beside the marks picks nothing
            picked(next(iter(chosen[0].values())))

    st.vega_lite_chart(spec=whole, alt=alt, key=key, on_select=pass_on, selection_mode=PICK)
