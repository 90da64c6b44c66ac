"""Whether the networks know how sure they may be, and which classes they take for each other."""

import numpy as np
import pandas as pd
import streamlit as st

from core import evaluation
from core.evaluation.checks import checked
from core.evaluation.report import confusion
from core.whatif import Estimate
from pages.components import charts, layout, look, panels, whatif_confusion, whatif_controls, whatif_curves
from pages.components.whatif_selection import Selection


def draw(selection: Selection, estimate: Estimate) -> None:
    """The reliability diagram with its error, then the confusion matrices and their difference."""
    _reliability(selection, estimate)
    _answers(selection, estimate)


def _reliability(selection: Selection, estimate: Estimate) -> None:
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


def _answers(selection: Selection, estimate: Estimate) -> None:
    test = selection.cohort
    one, many = selection.words
    st.markdown(f"**Which {many} are taken for which**")
    st.caption(
        f"Images; the shade is their share of the row's {one}. Counts of this sample, without intervals. Click a cell to bring "
        f"its row's {one} out."
    )

    def count() -> tuple[np.ndarray, np.ndarray]:
        return tuple(confusion(checked(p, test.labels)) for p in (estimate.dense, estimate.pruned))

    dense, pruned = selection.result("confusion", count)
    sizes = np.maximum(dense.sum(axis=1, keepdims=True), 1)
    # Short names: matrices stand side by side.
    names = tuple(map(look.brief_diagnosis, test.class_names))
    dark = st.context.theme.type == "dark"
    panes = (("Dense", dense, False), ("Pruned", pruned, False), ("Pruned minus dense", pruned - dense, True))
    columns = layout.columns(4, least=380, key="tables", gap="large")
    for column, (title, counts, difference) in zip(columns, panes, strict=False):
        with column:
            st.markdown(title)
            charts.show(
                whatif_confusion.answers(names, difference, look.ink(), dark),
                _cells(counts, sizes, names, selection, difference),
                alt=f"{title}: how often each truth got each answer, {len(names)} classes",
                key=f"answers-{title}-{selection.diagnosis}",
                picked=whatif_controls.pick,
            )
    many = len(names) > whatif_confusion.MANY
    scales = f" Shades: square roots{' of the shares;' if many else ','} of the difference up to {'ten' if many else 'twenty'} points."
    columns[-1].caption(
        f"Of the difference, blue cells are answers that the row's {one} gets more often than before pruning, orange ones less "
        "often. Blue on the diagonal is gained, orange there is lost." + scales
    )
    panels.table(
        lambda: _lines(dense, pruned, test.class_names),
        name=f"answers-{selection.name}",
        title="Counts of each truth and answer, dense and pruned",
        label="The numbers behind it: answers",
        key="answers",
    )


def _cells(counts: np.ndarray, sizes: np.ndarray, names, selection: Selection, difference: bool) -> pd.DataFrame:
    truth, answer = np.indices(counts.shape)
    values, share = counts.ravel(), (counts / sizes).ravel()
    classes = selection.path.dense.card.data.class_names
    frame = pd.DataFrame(
        {
            "truth": np.array(names, object)[truth.ravel()],
            "answer": np.array(names, object)[answer.ravel()],
            "name": np.array(classes, object)[truth.ravel()],
            "count": values,
            "share": share,
            # Most differences are of a few points: linear, they would be as good as the ground.
            "shade": np.sign(share) * np.sqrt(np.abs(share)) if difference else share,
            "text": [
                ("" if not value else f"{value:+,}" if difference else f"{value:,}").replace("-", "−")
                for value in values
            ],
            "strength": [selection.strength(classes[index]) for index in truth.ravel()],
        }
    )
    return frame if len(names) <= whatif_confusion.MANY else frame[frame["count"] != 0]


def _lines(dense: np.ndarray, pruned: np.ndarray, names) -> pd.DataFrame:
    truth, answer = (np.array(names, object)[index.ravel()] for index in np.indices(dense.shape))
    return pd.DataFrame(
        {
            "truth": truth,
            "answer": answer,
            "dense": dense.ravel(),
            "pruned": pruned.ravel(),
            "change": (pruned - dense).ravel(),
        }
    )
