"""Choices that the address holds under names of our own.

A button group that is bound to the address writes the text of its button there, so a link would break with every change of
words. Here a link holds identifiers (``method=one_shot``): :func:`hold` before the widget is made takes over what the address
says when somebody arrives at a page, :func:`tell` after it writes the choice back.
"""

from collections.abc import Callable, Collection, Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

_ARRIVAL = "_arrival"  # the page that is open, and what was read of its address since it was opened


def hold(key: str, read: Callable[[str], object | None], default) -> None:
    """Give the widget ``key`` its value: the address's on arrival, else what it was, else ``default``.

    Args:
        key: of the widget, and the name in the address. The widget is made without a default of its own, and with
            ``persist_state="session"``.
        read: from a text to a value; None for a text that means nothing here, which is then passed over.
        default: where nothing else is known.
    """
    arrival = _arrival()
    if key not in arrival["read"]:
        arrival["read"].add(key)
        found = read(st.query_params.get(key, ""))
        # Set even if it stays: on another page the widget is a new one, and would begin with its own default.
        st.session_state[key] = st.session_state.get(key, default) if found is None else found
    st.session_state.setdefault(key, default)


def arriving(key: str) -> bool:
    """Whether the page was just opened, so that the next :func:`hold` of ``key`` reads the address."""
    return key not in _arrival()["read"]


def hold_choice(key: str, known: Collection[str], default: str | None, former: Mapping[str, str] | None = None) -> None:
    """:func:`hold` for one of several names; a choice that is none of them any more falls back to ``default``.

    Args:
        key, default: as for :func:`hold`.
        known: the identifiers.
        former: what older links call them.
    """
    names = {name: name for name in known} | {
        text: name for text, name in (former or {}).items() if name in known and text not in known
    }
    hold(key, names.get, default)
    if st.session_state[key] not in known:
        st.session_state[key] = default


def choose(
    widget: Callable[..., str],
    key: str,
    label: str,
    known: Collection[str],
    default: str,
    *,
    title: Callable[[str], str] | None = None,
    former: Mapping[str, str] | None = None,
    **options,
) -> str:
    """One of several names, chosen on the page or by the address: the widget between :func:`hold_choice` and :func:`tell`.

    Args:
        widget: ``st.selectbox``, ``st.segmented_control`` or ``st.pills``; of the buttons one is always pressed.
        key, default, former: as for :func:`hold_choice`.
        label: of the widget.
        known: the identifiers, or a mapping from them to what the page calls them.
        title: what the page calls an identifier; by default by the mapping, else as it is.
        options: more of the widget.
    """
    hold_choice(key, known, default, former)
    title = title or (known.get if isinstance(known, Mapping) else str)
    if widget is not st.selectbox:
        options["required"] = True
    chosen = widget(label, list(known), format_func=title, key=key, persist_state="session", **options)
    tell(key, chosen if chosen != default else None)
    return chosen


def tell(key: str, text: str | None) -> None:
    """Write a choice into the address; None, for a default, takes it out."""
    if text is None:
        if key in st.query_params:
            del st.query_params[key]
    elif st.query_params.get(key) != text:
        st.query_params[key] = text


def _arrival() -> dict:
    page = get_script_run_ctx().page_script_hash
    arrival = st.session_state.setdefault(_ARRIVAL, {"page": page, "read": set()})
    if arrival["page"] != page:
        arrival = st.session_state[_ARRIVAL] = {"page": page, "read": set()}
    return arrival
