"""The harm ledger: of each diagnosis what is newly missed and newly caught, and the images whose answer changed."""

import numpy as np
import pandas as pd
import streamlit as st

from core import evaluation
from core.evaluation.changes import NEWLY_RIGHT, NEWLY_WRONG, OTHER_WRONG
from core.evaluation.intervals import CONFIDENCE
from core.evaluation.ledger import by_class, titled, total
from core.evaluation.outcomes import METHOD
from core.whatif import Estimate
from pages.components import (
    address,
    charts,
    gallery,
    layout,
    look,
    panels,
    whatif_charts,
    whatif_controls,
    whatif_followed,
    whatif_top,
    whatif_words,
)
from pages.components import whatif_selection as selecting
from pages.components.whatif_selection import Selection

MOST = 14  # rows of a chart; with more classes those hit hardest are drawn
KINDS = {"wrong": NEWLY_WRONG, "right": NEWLY_RIGHT, "either": OTHER_WRONG}
_WORDS = {"wrong": "Newly wrong", "right": "Newly right", "either": "Wrong either way"}


def draw(selection: Selection, estimate: Estimate) -> None:
    """The ledger as charts and table, then the images behind it."""
    grouped = selection.cohort.groups is not None
    thing, (one, many) = "lesions" if grouped else "images", selection.words
    table = whatif_top.ledger(selection, estimate)
    shown = shown_classes(table, selection)
    left, right = layout.columns(2, least=300, key="harm", gap="large")
    with left:
        st.markdown("**What pruning takes and gives**")
        st.caption(
            f"Bars: share of its {thing}, with 95% intervals; numbers: {thing}. Click one to bring its {one} out."
        )
        frame = change_rows(shown, selection, thing)
        reach = whatif_charts.reach(pd.concat([frame["low"], frame["high"]]))
        charts.show(
            whatif_charts.changes(len(shown), reach, look.ink(), thing),
            {"table": frame, "names": whatif_charts.names_of(frame)},
            alt=f"Newly missed and newly caught {thing} of {len(shown)} classes",
            key=f"ledger-{selection.diagnosis}",
            picked=whatif_controls.pick,
        )
    with right:
        st.markdown(f"**How much of each {one} is found**")
        st.caption(
            f"Share of its {thing}, with 95% intervals (Wilson); rarer {many} have wider ones. Click one here, too."
        )
        frame = found_rows(shown, selection, thing)
        charts.show(
            whatif_charts.found(len(shown), selection.colour, look.ink(), True),
            {"table": frame, "names": whatif_charts.names_of(frame)},
            alt=f"Share of {thing} found in {len(shown)} classes, dense and pruned, with 95% intervals",
            key=f"found-{selection.diagnosis}",
            picked=whatif_controls.pick,
        )
    st.markdown(_in_words(table, selection, thing))
    st.caption(
        f"Intervals of what is newly missed, newly caught and of the balance: {METHOD if grouped else METHOD.replace('lesion', 'image')}."
    )
    if left := left_out(shown, table):
        st.caption(left)
    if total(table)["newly_missed"]:
        whatif_controls.turn_to("mistaken", "What are the missed ones taken for?", ":material/grid_on:")
    panels.table(
        lambda: titled(table, many).rename(columns={"group": "class"}),
        name=f"ledger-{selection.name}",
        title=f"Newly missed, newly caught and unchanged {thing} by class",
        label="The numbers behind it: the ledger",
        key="ledger",
    )
    _changed_images(selection, estimate)


def shown_classes(table: pd.DataFrame, selection: Selection, told: str | None = None) -> pd.DataFrame:
    """The classes that are drawn: all, or of many those with most changes and the one that is told of.

    Args:
        table: of :func:`pages.components.whatif_top.ledger`.
        selection: of the page.
        told: the class that the words beside the chart are about; by default that of the sentence at the top of the page.
    """
    classes = by_class(table)
    classes = classes[classes["lesions"] > 0]
    if len(classes) <= MOST:
        return classes
    told = told or whatif_words.told_of(table, selection)["group"]
    hit = classes["newly_missed"] + classes["newly_caught"] + 1e9 * (classes["group"] == told)
    return classes.loc[hit.sort_values(ascending=False, kind="stable").index[:MOST]].sort_index()


def left_out(shown: pd.DataFrame, table: pd.DataFrame) -> str:
    """Which classes of a ledger are drawn, where it has more; "" where all are."""
    every = int((by_class(table)["lesions"] > 0).sum())
    if len(shown) == every:
        return ""
    return f"Of {every} classes {len(shown)} are drawn: the one that is told of above, and those with most changes. The table has all."


def _label(row, thing: str) -> str:
    count = f"{row.lesions:,} {thing if row.lesions != 1 else thing.removesuffix('s')}"
    return f"{look.diagnosis(row.group)} ({count})"


def change_rows(shown: pd.DataFrame, selection: Selection, thing: str) -> pd.DataFrame:
    """Rows for :func:`pages.components.whatif_charts.changes`."""
    rows = []
    for place, row in enumerate(shown.itertuples()):
        for side, name, sign in (("newly missed", "missed", -1), ("newly caught", "caught", 1)):
            share, *ends = (sign * getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
            outer = max(ends, key=abs)
            rows.append(
                {
                    "row": place,
                    "name": row.group,
                    "label": _label(row, thing),
                    "side": side,
                    "share": share,
                    "low": outer if sign < 0 else min(ends, key=abs),
                    "high": min(ends, key=abs) if sign < 0 else outer,
                    "count": getattr(row, f"newly_{name}"),
                    "percent": f"{abs(share):.1%} {look.span(min(map(abs, ends)), abs(outer))}",
                    "strength": selection.strength(row.group),
                }
            )
    return pd.DataFrame(rows)


def found_rows(shown: pd.DataFrame, selection: Selection, thing: str) -> pd.DataFrame:
    """Rows for :func:`pages.components.whatif_charts.found`."""
    return pd.DataFrame(
        [
            {
                "row": place,
                "name": row.group,
                "label": _label(row, thing),
                "network": network.capitalize(),
                "share": getattr(row, network),
                "low": getattr(row, f"{network}_low"),
                "high": getattr(row, f"{network}_high"),
                "lesions": row.lesions,
                "strength": selection.strength(row.group),
            }
            for place, row in enumerate(shown.itertuples())
            for network in ("dense", "pruned")
        ]
    )


def _in_words(table: pd.DataFrame, selection: Selection, thing: str) -> str:
    """The balance of the class brought out, or of all, with its interval and test."""
    classes = by_class(table)
    row = classes[classes["group"] == selection.diagnosis].iloc[0] if selection.diagnosis else total(table)
    if not row["lesions"]:
        return f"There is no test image of {look.diagnosis(row['group']).lower()}."
    who = f"All {selection.words[1]} together" if not selection.diagnosis else look.diagnosis(row["group"])
    balance = look.points(*(row[name] for name in ("change", "change_low", "change_high")))
    return (
        f"**{who}**: found {row['dense']:.1%} dense, {row['pruned']:.1%} pruned, a balance of {balance} points over {row['lesions']:,} {thing}; {row['unchanged']:,} are unchanged. McNemar "
        f"{look.chance(row['p_value'])}: {_told(row)}."
    )


def _told(row) -> str:
    """What the exact test says of a balance; where its interval says otherwise, that they differ and why."""
    apart = row["change_low"] > 0 or row["change_high"] < 0
    if row["p_value"] < 1 - CONFIDENCE:
        return "the balance differs from zero" + ("" if apart else ", though its interval just reaches it")
    return "the balance could be zero" + (
        ": with so few changes this exact test is stricter than the interval, which leaves out zero" if apart else ""
    )


def _changed_images(selection: Selection, estimate: Estimate) -> None:
    test = selection.cohort
    flips = selection.result(
        "flips", lambda: evaluation.flips(estimate.dense, estimate.pruned, test.labels, test.class_names)
    )
    if selection.diagnosis:
        flips = flips[flips["truth"] == selection.diagnosis]
    of = f" of {look.diagnosis(selection.diagnosis).lower()}" if selection.diagnosis else ""
    st.markdown(f"### {len(flips):,} image{'' if len(flips) == 1 else 's'}{of} got another answer")
    if flips.empty:
        st.caption("Both networks give them all the same answer.")
        return
    counts = flips["kind"].value_counts()
    kind = address.choose(
        st.segmented_control,
        "changes",
        "Which changes",
        KINDS,
        "wrong",
        title=lambda name: f"{_WORDS[name]} ({counts.get(KINDS[name], 0):,})",
        label_visibility="collapsed",
    )
    some = flips[flips["kind"] == KINDS[kind]].sort_values("dense_probability", ascending=False)
    if some.empty:
        st.caption("None of this kind.")
        return

    def words(place: int) -> str:
        flip = some.iloc[place]
        return (
            f"**{look.diagnosis(flip['truth'])}**  \nDense: {look.diagnosis(flip['dense_answer'])}, "
            f"{look.probability(flip['dense_probability'])}  \nPruned: {look.diagnosis(flip['pruned_answer'])}, {look.probability(flip['pruned_probability'])}"
        )

    def frame() -> pd.DataFrame:
        names = {name: some[name].map(look.diagnosis) for name in ("truth", "dense_answer", "pruned_answer")}
        lines = some.assign(**names).drop(columns=["image", "kind"])
        lines.insert(0, "image", test.ids[some["image"]])
        return lines.rename(columns=lambda name: name.replace("_", " "))

    gallery.show(
        some["image"].to_numpy(),
        test,
        selecting.picture(selection),
        words=words,
        frame=frame,
        key="changed",
        opened=whatif_followed.follow,
        order="those of which the dense network was surest",
    )
    panels.table(
        lambda: predictions(selection, estimate),
        name=f"predictions-{selection.name}",
        title="Predictions for every test image",
        label="The numbers behind it: every prediction",
        key="predictions",
    )


def predictions(selection: Selection, estimate: Estimate) -> pd.DataFrame:
    """Every prediction behind the page, to take along."""
    test = selection.cohort
    names = np.array(test.class_names)
    frame = pd.DataFrame({"id": test.ids, "truth": names[test.labels]})
    if test.groups is not None:
        frame.insert(1, "lesion", test.groups)
    for network, answers in (("dense", estimate.dense), ("pruned", estimate.pruned)):
        frame[f"{network}_answer"] = names[answers.argmax(1)]
        if estimate.short:
            frame[f"{network}_probability"] = answers.max(axis=1).round(5)
        for index, name in enumerate(() if estimate.short else names):
            frame[f"{network}_{name}"] = answers[:, index].round(5)
    return frame
