"""What was brought: where it came from, how large it is, and how to measure, open or delete it."""

import streamlit as st

from core import jobs, own
from core.own.records import WEIGHTS
from pages.components import bring_file, generate_parents, generate_state, loaders

_DELETING = "bring-deleting"


def draw() -> None:
    """All own things, newest first."""
    st.header("Kept here")
    bring_file.say()
    there = own.listing()
    generate_state.keep_key(any(_mine(one) for one in there))
    if not there:
        st.info("**Nothing yet.** What you bring appears here and on every page.", icon=":material/inbox:")
        return
    if any(_mine(one) for one in there) and not jobs.single_user():
        st.caption(
            "The address of this page now holds the key to what is yours: keep it to delete things later, and do not pass it on."
        )
    for one in there:
        _one(one)


def _one(one: own.Own) -> None:
    with st.container(border=True, key=f"own-{one.name}"):
        about, buttons = st.columns([1.1, 1.7], vertical_alignment="center")
        with about:
            st.markdown(f"**{one.study or one.name}**")
            kind = "Weights" if one.kind == WEIGHTS else "Images"
            whose = "" if _mine(one) else " · another user's"
            # As plain text: the name of the file is a stranger's.
            st.text(f"{kind} · {_size(one.bytes)} · from {one.origin} · {one.created[:10]}{whose}")
        with buttons, st.container(horizontal=True, horizontal_alignment="right"):
            _buttons(one)
        if st.session_state.get(_DELETING) == one.name and _mine(one):
            _confirm(one)


def _buttons(one: own.Own) -> None:
    if one.kind == WEIGHTS:
        measured = _metrics(one)
        if (
            measured is None
            and _mine(one)
            and st.button("Measure", icon=":material/analytics:", key=f"measure-{one.name}")
        ):
            with st.spinner("Measuring on the validation and test images…"):
                own.measure(f"{one.study}/dense")
            loaders.forget_checkpoints()
            st.rerun()
        if measured:
            st.badge(measured)
        st.page_link("pages/what_if.py", label="What if", icon=":material/tune:", query_params={"study": one.study})
        if card := _card(one):
            link = generate_parents.link(card)
            st.page_link("pages/generate.py", label="Prune", icon=":material/content_cut:", query_params=link)
    else:
        st.page_link(
            "pages/generate.py", label="Generate", icon=":material/play_arrow:", query_params={"new-data": one.name}
        )
    if _mine(one) and st.button("Delete", icon=":material/delete:", key=f"delete-{one.name}"):
        st.session_state[_DELETING] = one.name
        st.rerun()


def _confirm(one: own.Own) -> None:
    gone = (
        "The network and everything stored about it go for good."
        if one.kind == WEIGHTS
        else "The images go for good. Networks that were trained on them stay, but cannot be shown or measured on them any more."
    )
    made = own.made_of(one.name) if one.kind == WEIGHTS else []
    if made:
        gone += f" So do the networks that were made from it: {', '.join(made)}."
    st.warning(f"**Delete {one.study or one.name}?** {gone} This cannot be undone.", icon=":material/warning:")
    with st.container(horizontal=True):
        if st.button("Delete all of them" if made else "Delete for good", type="primary", key=f"really-{one.name}"):
            own.remove(one.name, generate_state.owner(), with_made=bool(made))
            st.session_state.pop(_DELETING, None)
            loaders.forget_checkpoints()
            generate_parents.data_sets.clear()
            loaders.forget_images()
            st.session_state["bring-said"] = f"**{one.study or one.name} was deleted.**"
            st.rerun()
        if st.button("Keep it", key=f"keep-{one.name}"):
            st.session_state.pop(_DELETING, None)
            st.rerun()


def _metrics(one: own.Own) -> str | None:
    """Balanced accuracy with its interval and n; None if it was not measured, empty if it cannot be told."""
    from core.evaluation import Interval

    if (card := _card(one)) is None:
        return ""
    value = card.metrics.get("balanced_accuracy")
    if not value or value.get("estimate") is None:
        return None
    return "Balanced accuracy " + Interval.from_dict(value).format()


def _card(one: own.Own):
    """The card of own weights; None where their file is gone."""
    return next((entry.card for entry in loaders.cards() if entry.id == f"{one.study}/dense"), None)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{max(1, count // 1000)} kB"


def _mine(one: own.Own) -> bool:
    return jobs.single_user() or one.owner == generate_state.owner()
