"""Live computation on the page: its progress, and how it stops when the user moves on."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from core.progress import Progress, Report, clock

LONG = 10  # seconds: what takes longer is asked for first
_AGREED = "similarity-agreed"


def agreed(work: tuple, seconds: float) -> bool:
    """Whether to compute now what takes ``seconds`` or so: at once if that is short, else once a button was pressed for it.

    Args:
        work: names what is computed; one that this visitor asked for before is not asked about again.
        seconds: a rough estimate.
    """
    if seconds < LONG or work in st.session_state.get(_AGREED, ()):
        return True
    minutes = round(seconds / 60)
    time = "about a minute" if minutes == 1 else f"about {minutes} minutes" if minutes else "less than a minute"
    st.caption(
        "This is not stored, but can be computed from the images, on the machine that runs this page. How long that takes depends on "
        "the machine; once begun, a bar tells, and it can be cancelled."
    )
    st.button(f"Compute, {time}", key="similarity-compute", icon=":material/calculate:", on_click=_agree, args=(work,))
    return False


def _agree(work: tuple) -> None:
    st.session_state.setdefault(_AGREED, set()).add(work)


def cancel(work: tuple) -> None:
    """Take back what :func:`agreed` was told: the button is there again. The run that computes ends with the press of Cancel."""
    st.session_state.get(_AGREED, set()).discard(work)


@contextmanager
def progress(stop: Callable[[], None] | None = None, *, after: float = 0) -> Iterator[Report]:
    """A report that draws a bar while something is computed, and nothing if nothing is.

    To draw is also what lets Streamlit stop the run once the user has moved on.

    Args:
        stop: called by a button beside the bar, if given; any press of a button ends the run.
        after: seconds from which on there is the button: one that comes and goes with each step of a slider is in the way.
    """
    place, beside, buttons = st.empty(), st.empty(), []
    start = time.monotonic()

    def report(moment: Progress) -> None:
        if stop is not None and not buttons and time.monotonic() - start >= after:
            buttons.append(beside.button("Cancel", key="live-cancel", icon=":material/cancel:", on_click=stop))
        left = moment.seconds_left
        more = f", about {clock(left)} left" if left and left > 1.5 else ""
        place.progress(moment.fraction, f"{moment.stage}{more}")

    yield report
    place.empty()
    beside.empty()
