"""The report of the current view as a file to take along: the page's own charts, and what :mod:`core.report` says."""

import importlib.util
import json
from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core import report
from core.errors import PruneScopeError
from core.pruning.fixed import as_text
from core.report import Chart
from core.whatif import Estimate
from pages.components import (
    layers_charts,
    layers_data,
    look,
    whatif_charts,
    whatif_harm,
    whatif_selection,
    whatif_top,
    whatif_words,
)
from pages.components.whatif_selection import Selection

_INK = "#0e1717"
_NEEDED = "vl_convert"
_LOOKS = {
    "font": "system-ui, sans-serif",
    "background": "#ffffff",
    "view": {"stroke": None},
    "axis": {"labelColor": "#4c5c5c", "titleColor": "#4c5c5c", "gridColor": "#e3eaea", "domainColor": "#d5dfdf"},
    "legend": {"labelColor": _INK},
}


def draw(selection: Selection) -> None:
    """The button. It asks for nothing that is not known: without the answers to all test images there is no report."""
    estimate = whatif_selection.known(selection)
    if estimate is None:
        return
    if importlib.util.find_spec(_NEEDED) is None:
        st.caption("A report to take along needs vl-convert-python: `pip install vl-convert-python`.")
        return
    with st.sidebar:
        st.download_button(
            "Report of this position",
            # Called in a thread of its own when the button is clicked.
            lambda: text(selection, estimate),
            look.file_name(f"prunescope-{selection.name}", "html"),
            "text/html",
            key="report",
            on_click="ignore",
            icon=":material/description:",
            help="One file on the method, sparsity and diagnosis chosen here, whichever part is open: the charts of Harm, the numbers with intervals, the recipe and the commands. It opens without a network.",
        )


def address(selection: Selection) -> str:
    """Path and query of the view, to be put after the address of any PruneScope.

    Made from the selection alone: what else stands in the address, such as the key to somebody's jobs, is not passed on.
    """
    query = {"study": selection.path.study, "method": selection.path.method, "sparsity": selection.percent}
    if selection.diagnosis:
        query["diagnosis"] = selection.diagnosis
    if not selection.switch:
        query["recalibrate"] = "false"
    if selection.fixed:
        query["layers"] = as_text(dict(selection.fixed))
    return f"/what_if?{urlencode(query)}"


def text(selection: Selection, estimate: Estimate) -> str:
    """The file."""
    table = whatif_top.ledger(selection, estimate)
    content = report.assemble(
        selection.path,
        selection.sparsity,
        selection.own,
        estimate,
        selection.cohort,
        diagnosis=selection.diagnosis,
        fixed=selection.fixed,
        link=address(selection),
    )
    grouped, total = selection.cohort.groups is not None, len(selection.cohort)
    alarms = whatif_top.false_alarms(selection, estimate, table)
    sentence = whatif_words.sentence(table, selection, estimate.n, total, grouped=grouped, alarms=alarms)
    sentence = sentence.removeprefix("## ")
    return report.html(content, sentence, charts(selection, table), scripts())


def charts(selection: Selection, table: pd.DataFrame) -> list[Chart]:
    """The charts of the view: what pruning takes and gives, what is found, where the zeros are."""
    thing = "lesions" if selection.cohort.groups is not None else "images"
    shown = whatif_harm.shown_classes(table, selection)
    changes, found = whatif_harm.change_rows(shown, selection, thing), whatif_harm.found_rows(shown, selection, thing)
    reach = whatif_charts.reach(pd.concat([changes["low"], changes["high"]]))
    made = [
        Chart(
            f"Newly missed and newly caught {thing}, by {selection.words[0]}",
            f"Newly missed and newly caught {thing} of {len(shown)} classes; the numbers are in the table below",
            _filled(whatif_charts.changes(len(shown), reach, _INK, thing), changes),
        ),
        Chart(
            f"Share of {thing} found, dense and pruned, with 95% intervals",
            f"Share of {thing} found in {len(shown)} classes by both networks; the numbers are in the table below",
            _filled(whatif_charts.found(len(shown), selection.colour, _INK, False), found),
        ),
    ]
    return made + _zeros(selection)


def _zeros(selection: Selection) -> list[Chart]:
    """Where the zeros are; nothing where the weights are not here or cannot be read, or layers are set by hand."""
    if selection.fixed or selection.own in selection.path.results:
        return []
    try:
        spread = layers_data.spread(selection.path, selection.sparsity)
    except PruneScopeError:
        return []
    # By weights nine of VGG16's fourteen layers would share an eighth of the width; of many layers single ones are not told apart anyway.
    width = "equal" if len(spread) <= layers_charts.MANY else "weights"
    drawn = layers_charts.spread(spread, look.colour(selection.path.method), width, last=True)
    spec = json.loads(drawn.to_json()) | {"width": "container"}
    spec["config"] = _LOOKS
    words = f"Share of zeros in each of {len(spread)} layers from input to output"
    return [Chart("Where the zeros are", words, spec)]


def _filled(spec: dict, frame: pd.DataFrame) -> dict:
    """A form of :mod:`pages.components.charts` with its tables in it."""
    tables = {"table": frame, "names": whatif_charts.names_of(frame)}
    rows = {name: json.loads(rows.to_json(orient="records")) for name, rows in tables.items()}
    return spec | {"datasets": rows, "width": "container", "config": _LOOKS}


@st.cache_resource(show_spinner=False)
def scripts() -> str:
    """Vega, Vega-Lite and vega-embed as one script, in the versions that Altair draws for; made once."""
    import vl_convert

    return vl_convert.javascript_bundle()
