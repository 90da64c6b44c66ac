"""Below the maps: how far they agree, whether they can be believed, and on phantoms whether they are right."""

import numpy as np
import pandas as pd
import streamlit as st

from core import attribution
from core.attribution import Trust
from core.attribution.trust import INCOMPLETE, LIKENESS
from pages.components import attribution_charts, attribution_maps, attribution_words, look, panels
from pages.components.attribution_controls import Question
from pages.components.attribution_networks import Network
from pages.components.attribution_sources import Picture

_HELP = {
    "Rank correlation": "Of the pixels of this map with the dense network's: 1 for the same order, 0 for none (Spearman).",
    "Top 10% shared": "Of the brightest tenth of the pixels; by chance it is 10%.",
    "On the lesion": "The share of all that speaks for the class that lies on the lesion.",
    "Brightest pixel on a sign": "The pointing game: whether the brightest pixel lies on a true sign of this class.",
    "Precision on the signs": "Area under the precision-recall curve of the pixels against the true signs of this class.",
}


def agreement(picture: Picture, networks: list[Network], maps: list[np.ndarray], question: Question) -> None:
    """The measures of these maps, one line a network."""
    frame, notes = _measures(picture, networks, maps, question)
    if frame.shape[1] < 2:
        return
    st.markdown("**Do the networks look at the same places?**")
    # A plain table, whose words wrap: on a phone the last columns of a grid lie off the screen.
    st.table(frame.set_index("Network"))
    meanings = [f"**{name}**: {_HELP[name]}" for name in frame if name in _HELP]
    st.caption(" ".join([*meanings, "One image: no interval.", *notes]))


def _measures(picture, networks, maps, question) -> tuple[pd.DataFrame, list[str]]:
    stack = np.stack(maps)
    first = np.broadcast_to(maps[0], stack.shape)
    frame, notes = pd.DataFrame({"Network": [network.title for network in networks]}), []
    if len(maps) > 1:
        frame["Rank correlation"] = _numbers(attribution.rank_correlation(first, stack))
        # An empty map has no brightest pixels: among ties it would share what chance does.
        some = np.ptp(stack.reshape(len(stack), -1), axis=1) > 0
        frame["Top 10% shared"] = _shares(np.where(some & some[0], attribution.top_overlap(first, stack), np.nan))
    if picture.lesion is not None and picture.lesion.any():
        frame["On the lesion"] = _shares(attribution.share_inside(stack, np.broadcast_to(picture.lesion, stack.shape)))
        notes.append(
            f"The lesion covers {picture.lesion.mean():.0%} of the picture, which an even map would have on it."
        )
    target = networks[0].entry.card.data.class_names[question.target]
    signs = picture.signs.get(target)
    if signs is not None:
        inside = np.broadcast_to(signs, stack.shape)
        hits = attribution.pointing_game(stack, inside)
        frame["Brightest pixel on a sign"] = ["yes" if hit == 1 else "no" if hit == 0 else "in part" for hit in hits]
        frame["Precision on the signs"] = _numbers(attribution.average_precision(stack, inside))
        notes.append(
            f"The true signs of {look.diagnosis(target).lower()} cover {signs.mean():.0%} of the picture: a map at random would reach a "
            f"precision of {signs.mean():.2f}."
        )
    elif picture.signs:
        notes.append(
            f"This phantom has no sign of {look.diagnosis(target).lower()}, so there is no true place to look at."
        )
    return frame, notes


def _numbers(values: np.ndarray) -> list[str]:
    return ["–" if np.isnan(value) else f"{value:.2f}".replace("-", "−") for value in values]


def _shares(values: np.ndarray) -> list[str]:
    return ["–" if np.isnan(value) else f"{value:.0%}" for value in values]


def draw(
    picture: Picture,
    networks: list[Network],
    maps: list[np.ndarray],
    question: Question,
    found: list[Trust],
    report,
) -> None:
    """The checks of these maps: a verdict each, and on request every number."""
    st.markdown("**Can these maps be believed?**")
    rows = []
    for network, trust in zip(networks, found, strict=True):
        row = {
            "Network": network.title,
            "What the checks say": f"{'✓' if trust.passed else '✗'} {attribution_words.verdict(trust)}",
            "Likeness to random": _numbers([trust.likeness])[0],
        }
        rows.append(row | ({} if trust.missing is None else {"Sum off by": attribution_words.percent(trust.missing)}))
    st.table(pd.DataFrame(rows).set_index("Network"))
    st.caption(
        f"**Likeness to random**: mean rank correlation of the map with those of {found[0].networks} networks whose upper half "
        f"({', '.join(found[0].stages)}) was replaced by random weights. "
        + (
            "**Sum off by**: the map should sum to the score of the class less that of a plain picture. "
            if "Sum off by" in rows[0]
            else ""
        )
        + f"A map fails where networks whose upper half is random give nearly the same one (a rank correlation of {LIKENESS} or more; "
        f"Adebayo et al. 2018), or if it misses its sum by more than {INCOMPLETE:.0%}; both limits are conventions. To pass says that a map "
        "depends on the network, not that it is right. One image: no interval."
    )
    with st.expander("Every check, with its numbers", key="every-check", on_change="rerun") as place:
        if place.open:
            _details(picture, networks, maps, question, report)


def _details(picture, networks, maps, question, report) -> None:
    rows, steps = [], []
    for network, values in zip(networks, maps, strict=True):
        infidelity, sensitivity = attribution_maps.faithfulness(network, picture, question, values, report)
        rows.append({"Network": network.title, "Infidelity": infidelity, "Change under noise": sensitivity})
        for number, step in enumerate(attribution_maps.cascade(network, picture, question, report), 1):
            method = network.names[0]
            steps.append(
                {
                    "network": network.title,
                    "colour": look.colour(method),
                    "shape": look.shape(method),
                    "step": number,
                    "stage": step.stage,
                    "share": step.share,
                    "correlation": step.correlation,
                }
            )
    frame = pd.DataFrame(rows)
    number = st.column_config.NumberColumn
    st.dataframe(
        frame,
        hide_index=True,
        column_config={
            "Infidelity": number(
                format="%.2f",
                help="Squares of the picture are covered: 0 if the map foretells what that does to the score, 1 if it is no better than "
                "foretelling nothing (Yeh et al. 2019, here as a share).",
            ),
            "Change under noise": number(
                format="%.2f",
                help="The largest change of the map, relative to its size, when no pixel changes by more than 2% (Yeh et al. 2019, who call it sensitivity).",
            ),
        },
        alt="Infidelity of the maps and their change under noise",
    )
    st.caption(
        "Infidelity: 0 where a map foretells what covering parts of the picture does to the score, 1 where it is no better than nothing. "
        "Change under noise: how much of itself a map changes when no pixel changes by more than 2%. One image: no interval."
    )
    cascade = pd.DataFrame(steps)
    st.markdown("**What is left of the map as the network forgets what it learnt, stage by stage from the output**")
    st.altair_chart(
        attribution_charts.cascade(cascade.dropna(), look.ink()),
        alt="Rank correlation of each map with that of the network randomised from the output down, by stage",
    )
    st.caption(
        "One image and one draw of random weights: no interval. A map of what the network has learnt falls towards 0."
    )
    panels.table(
        cascade.drop(columns=["colour", "shape"]),
        name=f"cascade-{networks[0].entry.card.study}-{question.method}",
        title="Rank correlation by stage",
        key="cascade",
    )
