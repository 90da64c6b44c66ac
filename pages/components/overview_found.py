"""What was found, in sentences: what can be told at a sparsity, from where on a loss can, and what became of the paper's claims."""

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import loaders, look, panels


def ask() -> DeltaGenerator:
    """A place for the sentences. Nothing heavy: the page shows before torch is imported."""
    place = st.empty()
    place.caption("Comparing the networks on the same images …")
    return place


def fill(place: DeltaGenerator, study: str) -> None:
    """Put the sentences into their place, once all else is on the page.

    Args:
        place: of :func:`ask`.
        study: the one that was picked.
    """
    place.empty()
    with panels.guard(), place.container():
        from pages.components import learn_material, methods_data  # with torch

        paths = loaders.studies().get(study, {})
        known = learn_material.trained(paths)
        if known is not None and methods_data.lines(study):
            _told(study, *known, look.drawn(next(iter(paths.values())).dense))
        _paper(study)


def _told(study: str, sparsity: float, methods: dict, drawn: str) -> None:
    """What can be told at ``sparsity``, and from where on a loss can."""
    from core.paths import PRUNE_ONLY
    from core.replication.losses import BALANCED, WATCHED
    from core.words import WATCHED as MELANOMA
    from pages.components import methods_data

    table = methods_data.losses(study, MELANOMA)
    table = table[table["method"].isin([*methods, PRUNE_ONLY])]
    here = table[(table["sparsity"].sub(sparsity).abs() < 1e-6) & (table["method"] != PRUNE_ONLY)]
    if here.empty:
        return
    words = {BALANCED: "balanced accuracy", WATCHED: f"{drawn}melanomas found"}
    words = {measure: text for measure, text in words.items() if measure in set(here["measure"])}
    percent = look.sparsity(sparsity)
    st.markdown(f"**{conclusion(here, words, percent)}**")
    for measure, what in words.items():
        mine = table[table["measure"] == measure]
        st.markdown(
            f"- **{what[0].upper()}{what[1:]}**: {_here(here[here['measure'] == measure], what, percent)}{_from(mine)}"
        )
    st.caption(
        "Pruned less dense, with paired 95% intervals on the same test images. A loss is told where the interval lies below zero; “from 90% on” "
        "says that it does at all sparser networks too. Not corrected for how many are looked at; the claims below are."
    )


def conclusion(here: pd.DataFrame, words: dict[str, str], percent: str) -> str:
    """In one sentence: of what a loss can be told at this sparsity, and for which methods.

    Args:
        here: rows of :func:`core.replication.losses` at it, of trained networks.
        words: measure -> what may be lost.
        percent: the sparsity in words.
    """
    told = here[here["high"] < 0]
    if told.empty:
        of = " nor of ".join(words.values())
        return f"At {percent} no loss can be told from chance, {'neither ' if len(words) > 1 else ''}of {of}."
    parts = []
    for measure, what in words.items():
        names = look.listed(
            [_name(name) for name in sorted(set(told[told["measure"] == measure]["method"]), key=look.order)]
        )
        parts.append(f"of {what} for {names}" if names else f"of {what} for none")
    return f"At {percent} a loss can be told from chance: {', '.join(parts)}."


def _here(rows: pd.DataFrame, what: str, percent: str) -> str:
    """What each method loses or gains, and what that leaves open."""
    ordered = sorted(rows.itertuples(), key=lambda row: look.order(row.method))
    values = (f"{_name(row.method)} {look.points(row.change, row.low, row.high)}" for row in ordered)
    text = (
        f"at {percent} "
        + ", ".join(value.replace(", ", ",\u00a0").replace(" [", "\u00a0[") for value in values)
        + " points."
    )
    left = [-100 * row.low for row in ordered if row.low < 0 <= row.high]
    if left and what.endswith("found"):
        text += f" Where no loss is told none is ruled out: the intervals leave room for {max(left):.0f} fewer of 100."
    return text


def _from(rows: pd.DataFrame) -> str:
    """From which sparsity on a loss can be told, method by method."""
    from core.replication import told_from

    at: dict[float | None, list[str]] = {}
    for method in sorted(set(rows["method"]), key=look.order):
        at.setdefault(told_from(rows[rows["method"] == method]), []).append(method)
    never = at.pop(None, [])
    parts = [f"{_for(methods)} from {look.sparsity(begin)} on" for begin, methods in sorted(at.items())]
    if never:
        most = rows[rows["method"].isin(never)]["sparsity"].max()
        parts.append(f"{_for(never)} not up to {look.sparsity(most)}")
    return f" A loss can be told {'; '.join(parts)}."


def _for(methods: list[str]) -> str:
    """Methods, and pruning without any, after "told"."""
    from core.paths import PRUNE_ONLY

    names = [_name(method) for method in methods if method != PRUNE_ONLY]
    return look.listed(
        [*([f"for {look.listed(names)}"] if names else []), *(["without fine-tuning"] * (PRUNE_ONLY in methods))]
    )


def _name(method: str) -> str:
    """A method within a sentence."""
    return look.title(method).lower()


def _paper(study: str) -> None:
    """How many of the paper's claims hold, as *Methods* counts them, and the way there."""
    from core import claims
    from pages.components import methods_controls, methods_data

    if not methods_data.lines(study):
        return
    measure = next(iter(methods_controls.MEASURES))
    found = methods_data.findings(study, measure)
    st.markdown(
        f"**The paper whose claims are tested here** compared these three ways to prune. {claims.summary(found)} "
        f"({methods_controls.MEASURES[measure]}, as the paper measures.)"
    )
    query = {"study": study} if "study" in st.query_params else {}
    st.page_link(
        "pages/methods.py", label="The paper's claims, one by one", icon=":material/fact_check:", query_params=query
    )
