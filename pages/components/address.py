"""Choices that the address holds under names of our own.

A button group that is bound to the address writes the text of its button there, so a link would break with every change of
words. Here a link holds identifiers (``method=one_shot``): :func:`hold` before the widget is made takes over what the address
says when somebody arrives at a page, :func:`tell` after it writes the choice back.

Each choice is a step in the browser's history, as Streamlit writes one for every change of the address. So its Back button takes
the last choice back: :func:`choose`, :func:`slider` and :func:`toggle` follow an address that is no longer what was told.

A widget's key is kept for the whole session, so each must be of one page, or of one meaning on all pages. In the address several pages
may use one name: ``show=`` is a part of a page here and signs on a picture there.
"""

import time
from collections.abc import Callable, Collection, Mapping

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.components import look

_ARRIVAL = "_arrival"  # the page that is open, what was read of its address since it was opened, and what was told it
_ON_ITS_WAY = (
    1.5  # seconds that an address may take to the browser: until then an older one comes back with other choices
)


def hold(key: str, read: Callable[[str], object | None], default, name: str | None = None) -> None:
    """Give the widget ``key`` its value: the address's on arrival, else what it was, else ``default``.

    Args:
        key: of the widget. It is made without a default of its own, and with ``persist_state="session"``.
        read: from a text to a value; None for a text that means nothing here, which is then passed over.
        default: where nothing else is known.
        name: in the address; by default the key.
    """
    arrival = _arrival()
    if key not in arrival["read"]:
        arrival["read"].add(key)
        text = st.query_params.get(name or key, "")
        found = read(text)
        if text and found is None:
            st.toast(
                f'The link asks for {name or key} "{look.literal(text[:60])}", which there is not here. This page shows something else.',
                icon=":material/link_off:",
                duration="long",
            )
        # Set even if it stays: on another page the widget is a new one, and would begin with its own default.
        st.session_state[key] = st.session_state.get(key, default) if found is None else found
        if (name or key) not in st.query_params:
            arrival["came"].setdefault(key, st.session_state[key])
    st.session_state.setdefault(key, default)


def arriving(key: str) -> bool:
    """Whether the page was just opened, so that the next :func:`hold` of ``key`` reads the address."""
    return key not in _arrival()["read"]


def hold_choice(
    key: str,
    known: Collection[str],
    default: str | None,
    former: Mapping[str, str] | None = None,
    name: str | None = None,
) -> None:
    """:func:`hold` for one of several names; a choice that is none of them any more falls back to ``default``.

    Args:
        key, default, name: as for :func:`hold`.
        known: the identifiers.
        former: what older links call them.
    """
    names = {own: own for own in known} | {
        text: own for text, own in (former or {}).items() if own in known and text not in known
    }
    hold(key, names.get, default, name)
    if st.session_state[key] not in list(known):
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
    name: str | None = None,
    **options,
) -> str:
    """One of several names, chosen on the page or by the address: the widget between :func:`hold_choice` and :func:`tell`.

    Args:
        widget: ``st.selectbox``, ``st.segmented_control`` or ``st.pills``; of the buttons one is always pressed.
        key, default, former, name: as for :func:`hold_choice`.
        label: of the widget.
        known: the identifiers, or a mapping from them to what the page calls them.
        title: what the page calls an identifier; by default by the mapping, else as it is.
        options: more of the widget.
    """
    _follow(key, name or key)
    hold_choice(key, known, default, former, name)
    title = title or (known.get if isinstance(known, Mapping) else str)
    if widget is not st.selectbox:
        options["required"] = True
    chosen = widget(label, list(known), format_func=title, key=key, persist_state="session", **options)
    tell(name or key, chosen if chosen != default else None)
    return chosen


def slider(key: str, label: str, low: float, high: float, default: float, **options) -> float:
    """A number from ``low`` to ``high``: a slider that a link sets, and that stands where it stood when one comes back to the page.

    One that Streamlit itself binds to the address forgets its place on the way back: browsers then ask for the page without what stood
    behind the question mark, and Streamlit takes that for the default.

    Args:
        key: of the widget, and its name in the address.
        label: of the widget.
        low, high, default: of one type, int or float.
        options: more of the widget.
    """
    _follow(key, key)
    hold(key, lambda text: _number(text, low, high), default)
    value = st.slider(label, low, high, key=key, persist_state="session", **options)
    tell(key, f"{value:g}" if value != default else None)
    return value


def toggle(key: str, label: str, default: bool = False, **options) -> bool:
    """A switch, as :func:`slider`; ``true`` or ``false`` in the address."""
    _follow(key, key)
    hold(key, {"true": True, "false": False}.get, default)
    value = st.toggle(label, key=key, persist_state="session", **options)
    tell(key, str(value).lower() if value != default else None)
    return value


def tell(name: str, text: str | None) -> None:
    """Write a choice into the address; None, for a default, takes it out."""
    arrival = _arrival()
    if st.query_params.get(name) != text:
        arrival["at"] = time.monotonic()
        if text is None:
            del st.query_params[name]
        else:
            st.query_params[name] = text
    arrival["told"][name] = text


def _follow(key: str, name: str) -> None:
    """Let :func:`hold` read the address again where the browser went back or forward on this page: it says something else than it was told.

    So does one that was on its way when another choice was made; such a one must not take a choice back.
    """
    arrival = _arrival()
    told = arrival["told"]
    if name in told and st.query_params.get(name) != told[name] and time.monotonic() - arrival["at"] > _ON_ITS_WAY:
        arrival["read"].discard(key)
        if name not in st.query_params:
            st.session_state.pop(key, None)  # a default, which no address says
            if key in arrival["came"] and not told.keys() & st.query_params.keys():
                # It says nothing at all: it is the one by which one came here, perhaps with what was chosen on another page.
                st.session_state[key] = arrival["came"].pop(key)


def _number(text: str, low: float, high: float) -> float | None:
    try:
        value = type(low)(float(text))
    except (ValueError, OverflowError):
        return None
    return value if low <= value <= high else None


def _arrival() -> dict:
    page = get_script_run_ctx().page_script_hash
    arrival = st.session_state.setdefault(_ARRIVAL, {"page": page, "read": set(), "came": {}, "told": {}, "at": 0.0})
    if arrival["page"] != page:
        arrival = st.session_state[_ARRIVAL] = {"page": page, "read": set(), "came": {}, "told": {}, "at": 0.0}
    return arrival
