"""Whether pruning costs some patients more than others: by age, sex, body site, skin, and how often a lesion was pictured."""

import pandas as pd
import streamlit as st

from core import evaluation, subgroups
from core.evaluation.outcomes import METHOD
from core.whatif import Estimate
from pages.components import address, charts, layout, loaders, look, panels, whatif_charts
from pages.components.whatif_selection import Selection


def draw(selection: Selection, estimate: Estimate) -> None:
    """One kind of groups at a time: what is found in each, and how that changed."""
    test = selection.cohort
    members = loaders.groups(test.digest, test)
    if members.empty:
        st.caption(
            "Age, sex, body site, skin type and the number of images of a lesion are not known of these images, so there are no groups "
            "to compare."
        )
        panels.offer_photographs(selection.path.study)
        return
    kind = address.choose(
        st.segmented_control, "by", "Compare by", members, next(iter(members)), title=subgroups.TITLES.get
    )
    table = selection.result(
        "subgroups",
        lambda: evaluation.in_groups(
            estimate.dense,
            estimate.pruned,
            test.labels,
            members[[kind]],
            test.class_names,
            test.groups,
            only=selection.diagnosis,
        ),
        kind,
        selection.diagnosis,
    )
    thing = "lesions" if test.groups is not None else "images"
    shown = table[table["lesions"] > 0].reset_index(drop=True)
    whom = look.diagnosis(selection.diagnosis).lower() if selection.diagnosis else f"all {selection.words[1]} together"
    if shown.empty:
        st.caption(f"No test image of {whom} is in any group.")
        return
    st.markdown(f"**How much is found by {_lowered(subgroups.TITLES[kind])}: {whom}**")
    st.caption(
        f"Share of {thing} found, with 95% intervals (Wilson). Grey: groups of fewer than {subgroups.SMALL} {thing}, where one "
        "more or less moves the share by over three points."
    )
    left, right = layout.columns([3, 2], least=300, key="subgroups", gap="large")
    frame = _rows(shown, kind)
    with left:
        charts.show(
            whatif_charts.found(len(shown), selection.colour, look.ink(), False),
            {"table": frame, "names": whatif_charts.names_of(frame)},
            alt=f"Share of {thing} found in {len(shown)} groups by {subgroups.TITLES[kind].lower()}, dense and pruned",
        )
    with right:
        st.table(_changes(shown, kind))
        st.caption(
            f"Change in points with 95% intervals ({METHOD}) and n. Several groups are compared at once: one of twenty "
            "intervals misses by chance. Groups differ in their diagnoses, too: bring one out to compare like with like."
        )
    panels.table(lambda: table, name=f"subgroups-{kind}-{selection.name}", title=f"By {kind}", key="subgroups")


def _name(kind: str, group: str) -> str:
    return group.capitalize() if kind not in ("age", "skin") else group


def _rows(shown: pd.DataFrame, kind: str) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "row": place,
                "name": row.group,
                "label": f"{_name(kind, row.group)} ({row.lesions:,})",
                "network": network.capitalize(),
                "share": getattr(row, network),
                "low": getattr(row, f"{network}_low"),
                "high": getattr(row, f"{network}_high"),
                "lesions": row.lesions,
                "strength": 0.35 if row.lesions < subgroups.SMALL else 1.0,
            }
            for place, row in enumerate(shown.itertuples())
            for network in ("dense", "pruned")
        ]
    )


def _changes(shown: pd.DataFrame, kind: str) -> pd.DataFrame:
    lines = []
    for row in shown.itertuples():
        change = look.points(row.change, row.change_low, row.change_high)
        small = row.lesions < subgroups.SMALL
        lines.append(
            {
                subgroups.TITLES[kind]: _name(kind, row.group),
                "Change": f":gray[{change}]" if small else change,
                "Missed / caught": f"{row.newly_missed} / {row.newly_caught}",
                "n": f"{row.lesions:,}",
            }
        )
    return pd.DataFrame(lines).set_index(subgroups.TITLES[kind])


def _lowered(title: str) -> str:
    """Within a sentence; a name in brackets keeps its capital."""
    return title[0].lower() + title[1:]
