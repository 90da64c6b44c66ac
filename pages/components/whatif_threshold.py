"""Watching for melanoma, or for anything malignant, at a threshold that no test image chose."""

import numpy as np
import pandas as pd
import streamlit as st

from core import evaluation
from core.data.ham10000 import MALIGNANT
from core.evaluation.outcomes import METHOD
from core.evaluation.watching import ILL, WELL
from core.whatif import Estimate
from pages.components import address, charts, layout, look, panels, whatif_curves
from pages.components.whatif_selection import Selection

WATCHED = {"mel": "Melanoma", "malignant": "Anything malignant"}
SOURCES = {"dense": "Dense network's", "own": "Pruned network's", "hand": "By hand"}
_GRID = np.linspace(0, 1, 201)


def draw(selection: Selection, estimate: Estimate) -> None:
    """Controls of the threshold, what it finds and flags, and what every other threshold would."""
    names = selection.path.dense.card.data.class_names
    known = watchable(names)
    if not known:
        st.caption(
            f"In this study nothing can be watched for. That takes a malignant class ({', '.join(MALIGNANT)}, as HAM10000 calls "
            "them) and another to tell it from."
        )
        panels.offer_photographs(selection.path.study)
        return
    watched, positive = _watched(known)
    threshold, source = _threshold(selection, watched)
    if estimate.short:
        st.caption("Only the likeliest class of each image is stored, so nothing can be flagged at a threshold.")
        return
    test = selection.cohort
    given = (estimate.dense, estimate.pruned, test.labels, positive)
    table = selection.result(
        "watch",
        lambda: evaluation.watch(*given, threshold, test.class_names, test.groups),
        watched,
        threshold,
    )
    st.markdown(_sentence(table.set_index("group").astype(object), watched, threshold, source, test.groups is not None))
    left, right = layout.columns([3, 2], least=300, key="threshold", gap="large")
    with left:
        points = selection.result(
            "curve", lambda: evaluation.curve(*given, _GRID, test.class_names, test.groups), watched
        )
        set_here = evaluation.curve(*given, [threshold], test.class_names, test.groups)
        st.markdown("**What every threshold would find, and flag in vain**")
        charts.show(
            whatif_curves.operating(selection.colour, look.ink()),
            {"table": _points(points), "points": _points(set_here)},
            alt=f"Sensitivity against false alarms of {watched} for all thresholds, dense and pruned, the set one marked",
        )
    with right:
        st.markdown("**At this threshold**")
        st.table(_rows(table))
        st.caption(
            f"Lesions, by the mean probability of their images. Intervals: Wilson for shares, {METHOD} for changes. "
            "McNemar: how likely counts of missed and caught that differ so much are by chance alone. The curves have no intervals, "
            "and the dense network's is dashed; the table below has their points."
        )
    panels.table(
        lambda: table,
        name=f"threshold-{threshold:.1%}-{watched}-{selection.name}",
        title="Flagged at the threshold",
        key="watch",
        label="The numbers behind it: this threshold",
    )
    panels.table(
        lambda: points,
        name=f"curve-{watched}-{selection.name}",
        title="Sensitivity and specificity",
        key="curve",
        label="The numbers behind it: all thresholds",
    )


def watchable(names: tuple[str, ...]) -> dict[str, list[str]]:
    """What can be watched for among these classes: a key of :data:`WATCHED` -> the classes that it takes together.

    Without a class on the other side there is nothing to flag in vain, and one malignant class is offered once.
    """
    malignant = [name for name in MALIGNANT if name in names]
    known = {"mel": ["mel"]} if "mel" in malignant else {}
    if malignant not in known.values():
        known["malignant"] = malignant
    return {name: classes for name, classes in known.items() if 0 < len(classes) < len(names)}


def _watched(known: dict[str, list[str]]) -> tuple[str, list[str]]:
    malignant = ", ".join(look.diagnosis(name) for name in known.get("malignant", ()))
    watched = address.choose(
        st.segmented_control,
        "watch",
        "Watch for",
        list(known),
        next(iter(known)),
        title=WATCHED.get,
        help=f"Malignant here: {malignant}. Their probabilities are added up." if malignant else None,
    )
    return watched, known[watched]


def _threshold(selection: Selection, watched: str) -> tuple[float, str]:
    """The threshold and where it comes from. Only melanoma's was fixed on validation; for the rest it is one half or by hand."""
    cards = {"dense": selection.path.dense.card, "own": selection.own.card}
    fixed = {
        name: card.metrics["threshold/mel"]["estimate"]
        for name, card in cards.items()
        if watched == "mel" and "threshold/mel" in card.metrics
    }
    known = [name for name in SOURCES if name in fixed or name == "hand"]
    if not fixed:
        share = _slider(0.5)
        return share, "one half, or what you set: no threshold was fixed on validation for it"
    if fixed.get("own") == fixed.get("dense"):
        known = [name for name in known if name != "own"]
    source = address.choose(
        st.segmented_control,
        "threshold",
        "Threshold",
        known,
        known[0],
        title=lambda name: SOURCES[name] + (f" ({fixed[name]:.1%})" if name in fixed else ""),
        help="Fixed on validation images, so that 90% of their melanomas are flagged. The same for both networks: pruning does "
        "not come with a new one, but whoever prunes can fix it anew on validation.",
    )
    if source == "hand":
        return _slider(fixed[known[0]]), "set by hand: on test images it describes and proves nothing"
    owner = "the dense network" if source == "dense" else "the pruned network"
    return fixed[source], f"fixed on validation for {owner}"


def _slider(start: float) -> float:
    least, most = 0.5, 99.5  # a threshold fixed on validation may lie beyond
    at = min(max(round(200 * start) / 2, least), most)
    percent = address.slider("at", "Flag from a probability of", least, most, at, step=0.5, format="%.1f%%")
    return percent / 100


def _sentence(table: pd.DataFrame, watched: str, threshold: float, source: str, grouped: bool) -> str:
    ill, well = table.loc[ILL], table.loc[WELL]
    what = "melanomas" if watched == "mel" else f"malignant {'lesions' if grouped else 'images'}"
    alarms = [well["lesions"] - well[f"found_{network}"] for network in ("dense", "pruned")]
    return (
        f"Flagging from a probability of **{threshold:.1%}** ({source}), the dense network flags **{ill['found_dense']:,} of "
        f"{ill['lesions']:,} {what}** and the pruned one **{ill['found_pruned']:,}** ({ill['newly_missed']:,}\u00a0newly\u00a0missed, "
        f"{ill['newly_caught']:,}\u00a0newly\u00a0caught). Among the {well['lesions']:,} others, false alarms go from {alarms[0]:,} to "
        f"{alarms[1]:,}."
    )


def _rows(table: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for row in table.itertuples():
        lines.append(
            {
                "": row.group.capitalize(),
                "Dense": _whole(f"{row.dense:.1%} {look.span(row.dense_low, row.dense_high)}"),
                "Pruned": _whole(f"{row.pruned:.1%} {look.span(row.pruned_low, row.pruned_high)}"),
                "Change, points": _whole(look.points(row.change, row.change_low, row.change_high)),
                "McNemar": look.chance(row.p_value).replace(" ", "\u00a0"),
                "n": f"{row.lesions:,}",
            }
        )
    return pd.DataFrame(lines).set_index("").T


def _whole(text: str) -> str:
    """A value with its interval, which may go to a line of its own but not be broken."""
    return text.replace(", ", ",\u00a0")


def _points(points: pd.DataFrame) -> pd.DataFrame:
    return points.assign(network=points["network"].str.capitalize(), found=points[ILL], alarms=1 - points[WELL])
