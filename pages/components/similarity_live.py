"""Live computation on the page: its progress, and how it stops when the user moves on."""

from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from core.progress import Progress, Report, clock


@contextmanager
def progress() -> Iterator[Report]:
    """A report that draws a bar while something is computed, and nothing if nothing is.

    To draw is also what lets Streamlit stop the run once the user has moved on.
    """
    place = st.empty()

    def report(moment: Progress) -> None:
        left = moment.seconds_left
        more = f", about {clock(left)} left" if left and left > 1.5 else ""
        place.progress(moment.fraction, f"{moment.stage}{more}")

    yield report
    place.empty()
