"""Images are decoded, or phantoms drawn, once on each machine: in a thread of its own, which goes on wherever its users go."""

import threading
from collections.abc import Callable

import streamlit as st

from core.progress import Progress, Report, clock

_LOOK = 0.2  # seconds between two looks at how far it is
_running: dict[tuple, "Preparation"] = {}
_lock = threading.Lock()


class Preparation:
    """Work that several users wait for.

    Args:
        work: given a report; carried out at once, in a thread.
    """

    def __init__(self, work: Callable[[Report], object]):
        self.moment: Progress | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        threading.Thread(target=self._carry_out, args=(work,), name="prepares-images", daemon=True).start()

    def _carry_out(self, work: Callable[[Report], object]) -> None:
        try:
            work(self._tell)
        except BaseException as error:  # of whatever kind: it is raised where somebody waits
            self._error = error
        finally:
            self._done.set()

    def _tell(self, moment: Progress) -> None:
        self.moment = moment

    @property
    def done(self) -> bool:
        """Whether nobody need wait any more."""
        return self._done.is_set()

    def wait(self, tell: Callable[[Progress | None], None]) -> None:
        """Wait for its end, telling how far it is; what it raised is raised here too."""
        while not self._done.wait(_LOOK):
            tell(self.moment)
        if self._error is not None:
            raise self._error


def together(key: tuple, work: Callable[[Report], object]) -> None:
    """Have ``work`` done once for all who ask for ``key`` at the same time, with a bar for each of them.

    Who moves on leaves it running, and finds it further on when they come back.

    Raises:
        whatever ``work`` raises; the next to ask begins anew.
    """
    with _lock:
        own = _running.get(key)
        if own is None or own.done:
            own = _running[key] = Preparation(work)
    place = st.empty()
    try:
        own.wait(lambda moment: place.progress(moment.fraction if moment else 0.0, _words(moment)))
    finally:
        if own.done:
            with _lock:
                if _running.get(key) is own:
                    del _running[key]
            place.empty()


def _words(moment: Progress | None) -> str:
    if moment is None:
        return "Getting the images ready, once on this machine"
    left = moment.seconds_left
    more = f", about {clock(left)} left" if left and left > 1.5 else ""
    return (
        f"{moment.stage}, once on this machine: {moment.done:,.0f} of {moment.total:,.0f} images{more}. "
        "It goes on if you look at something else."
    )
