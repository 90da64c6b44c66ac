"""Whether the networks know how sure they may be."""

import pandas as pd
import streamlit as st

from core import evaluation
from core.whatif import Estimate
from pages.components import charts, layout, look, panels, whatif_controls, whatif_curves
from pages.components.whatif_selection import Selection


def draw(selection: Selection, estimate: Estimate) -> None:
    """The reliability diagram with its error."""
    test = selection.cohort
    both = {"Dense": estimate.dense, "Pruned": estimate.pruned}

    def diagram() -> pd.DataFrame:
        tables = [evaluation.reliability(p, test.labels, test.groups).assign(network=name) for name, p in both.items()]
        return pd.concat(tables, ignore_index=True)

    def error() -> evaluation.Score:
        given = (estimate.dense, estimate.pruned, test.labels, test.groups)
        return evaluation.scoreboard(*given, metrics=["calibration_error"])[0]

    table, score = selection.result("reliability", diagram), selection.result("calibration", error)
    left, right = layout.columns([3, 2], least=300, key="calibration", gap="large")
    with left:
        st.markdown("**How often an answer is right, by how sure the network says it is**")
        charts.show(
            whatif_curves.reliability(selection.colour, look.ink()),
            {"table": table, "diagonal": pd.DataFrame({"x": [0.0, 1.0]})},
            alt="Reliability diagram: accuracy against confidence in 15 bins, dense and pruned, with the diagonal",
        )
    with right:
        st.markdown("**Expected calibration error**")
        intervals = {"Dense": score.dense, "Pruned": score.pruned}
        lines = {name: interval.format() for name, interval in intervals.items()}
        lines["Change"] = score.change.format(signed=True)
        st.table(pd.Series(lines, name="Error, 95% interval, images").to_frame())
        adjusted = "" if selection.cohort.groups is None else ", adjusted for lesions"
        st.caption(
            f"{score.metric.description} Points above the diagonal are answers that are right more often than the network claims, below it less often: "
            f"it is overconfident. Intervals: {score.dense.method}; of the change {score.change.method}; of the points Wilson 95%{adjusted}."
        )
    panels.table(
        lambda: table,
        name=f"reliability-{selection.name}",
        title="Reliability by bin",
        key="reliability",
        label="The numbers behind it: confidence",
    )
    # The tables stood here once: who comes by an old link finds them.
    whatif_controls.turn_to("mistaken", f"Which {selection.words[1]} are taken for which", ":material/grid_on:")
