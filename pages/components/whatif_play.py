"""Playing the path: the slider steps by itself through what is stored, until it is stopped, touched or at its end."""

import time

import streamlit as st

SECONDS = 0.8  # between two steps: time to read a number
_PLAYING, _NEXT, _SHOWN = "_playing", "_next_percent", "_shown_at"


def take_step() -> None:
    """Put the slider where the next step goes. To be called before the slider is made."""
    if (percent := st.session_state.pop(_NEXT, None)) is not None:
        st.session_state["sparsity"] = percent


def stop() -> None:
    """Stop playing: the user has taken the slider."""
    st.session_state[_PLAYING] = False


def button(percents: list[int], here: int) -> None:
    """Play, or Stop while it plays.

    Args:
        percents: the stored steps, rising; nothing to play with fewer than two.
        here: where the slider stands.
    """
    playing = st.session_state.get(_PLAYING, False) and len(percents) > 1
    st.button(
        "Stop" if playing else "Play",
        key="play",
        icon=":material/stop:" if playing else ":material/play_arrow:",
        on_click=stop if playing else _start,
        args=() if playing else (percents, here),
        disabled=len(percents) < 2,
        help="Walks through the sparsities whose answers are stored, from here to the sparsest.",
        width=100,
    )
    if playing:
        st.session_state[_SHOWN] = time.monotonic()
        _walk(percents, here)


def _start(percents: list[int], here: int) -> None:
    st.session_state[_PLAYING] = True
    if here >= percents[-1]:
        st.session_state[_NEXT] = percents[0]


@st.fragment(run_every=SECONDS)
def _walk(percents: list[int], here: int) -> None:
    """Runs with the page, and then by itself every so often; only the latter takes a step."""
    if time.monotonic() - st.session_state[_SHOWN] < SECONDS / 2:
        return
    following = [percent for percent in percents if percent > here]
    if not following or not st.session_state.get(_PLAYING):
        stop()
    else:
        st.session_state[_NEXT] = following[0]
    st.rerun()
