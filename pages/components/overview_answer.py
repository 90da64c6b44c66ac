"""The answer that a clinician comes for, on the first page: whom does the pruned network miss?"""

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.components import loaders, look, panels


def ask() -> DeltaGenerator:
    """The question and a place for its answer. Nothing heavy: the page shows before torch is imported."""
    with st.container(border=True):
        st.markdown("**Whom does the pruned network miss?**")
        place = st.empty()
        place.caption("Counting lesions in the stored answers …")
    return place


def fill(place: DeltaGenerator, study: str | None) -> None:
    """Put the answer into its place, once all else is on the page.

    Args:
        place: of :func:`ask`.
        study: the one that was picked; None if nothing was trained yet.
    """
    with panels.guard():
        from pages.components import learn_material  # with torch

        known = learn_material.trained(loaders.studies().get(study, {}))
        if known is None:
            place.caption("No network was pruned and trained yet. Once one is, the answer stands here.")
            return
        _answer(place, study, *known)


def _answer(place: DeltaGenerator, study: str, sparsity: float, methods: dict) -> None:
    """The sentence of What if, and the same counts for every method."""
    from pages.components import whatif_selection, whatif_top, whatif_words
    from pages.components.whatif_selection import Selection

    said, counts = (), []
    for method in sorted(methods, key=lambda name: (name != "iterative", look.order(name))):
        selection = Selection(methods[method], sparsity, True)
        estimate = whatif_selection.stored(selection)
        if estimate is None:
            continue
        table = whatif_top.ledger(selection, estimate)
        if not said:
            total, grouped = len(selection.cohort), selection.cohort.groups is not None
            alarms = whatif_top.false_alarms(selection, estimate, table)
            said = whatif_words.told(table, selection, estimate.n, total, grouped=grouped, alarms=alarms)
        counts += _counts(table, method)
        melanomas = int(table.loc[table["group"] == "mel", "lesions"].sum())
    if not said:
        place.caption(f"Its answers are not stored yet: `python -m core respond {study}`.")
        return
    drawn = look.drawn(selection.path.dense)
    with place.container():
        headline, false, rest = said
        st.markdown(headline)
        st.markdown(false)
        if counts:
            st.caption(
                f"{' · '.join(counts)}. In brackets 95% intervals, of all {melanomas:,} {drawn}melanomas (lesions) among the test images, which no network "
                "was trained on."
            )
        else:
            st.caption(rest)
        query = {"sparsity": f"{100 * sparsity:g}"} | ({"diagnosis": "mel"} if counts else {})
        if "study" in st.query_params:
            query["study"] = study
        st.page_link(
            "pages/what_if.py", label="See whom, and slide the sparsity", icon=":material/tune:", query_params=query
        )


def _counts(table: pd.DataFrame, method: str) -> list[str]:
    """How many melanomas a method newly misses and catches, with the interval of the share missed; [] without any."""
    rows = table[(table["group"] == "mel") & (table["lesions"] > 0)]
    return [
        f"{look.title(method)}: {row.newly_missed} newly missed ({row.missed:.1%} {look.span(row.missed_low, row.missed_high)}), "
        f"{row.newly_caught} newly caught"
        for row in rows.itertuples()
    ]
