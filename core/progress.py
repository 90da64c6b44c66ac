"""How long work tells of its progress, and how it is stopped.

Anything long takes ``report``, a function that gets a :class:`Progress` now and then. To cancel, ``report`` raises
:class:`core.errors.Cancelled`: the work stops there, and what it had finished is kept.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """A moment of some long work.

    Attributes:
        stage: what is being done, in words for a person ("Training", "Reading images").
        done, total: how much of it, counted in ``unit``.
        elapsed: seconds since this stage began.
        numbers: figures that go with the moment, such as ``{"loss": 1.2}``.
    """

    stage: str
    done: float
    total: float
    unit: str = ""
    elapsed: float = 0.0
    numbers: Mapping[str, float] = field(default_factory=dict)

    @property
    def fraction(self) -> float:
        """Share done, in [0, 1]."""
        return min(1.0, self.done / self.total) if self.total else 1.0

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the mean speed so far; None before anything is done."""
        if not self.done or not self.elapsed:
            return None
        return self.elapsed * max(0.0, self.total - self.done) / self.done


Report = Callable[[Progress], None]


def silent(_: Progress) -> None:
    """Report to nobody."""


@contextmanager
def saved_often(write: Callable[[], None], every: float = 60.0) -> Iterator[Callable[[], None]]:
    """Keep what long work has made: yields a function to be called after each piece of it.

    Args:
        write: saves all that was made so far. Called at most every ``every`` seconds, and in the end if anything came after that,
            whether the work ended, was cancelled or failed.
        every: seconds.
    """
    saved, unsaved = time.monotonic(), False

    def made() -> None:
        nonlocal saved, unsaved
        unsaved = True
        if time.monotonic() - saved > every:
            write()
            saved, unsaved = time.monotonic(), False

    try:
        yield made
    finally:
        if unsaved:
            write()


def clock(seconds: float | None) -> str:
    """Seconds as people write them: ``"42 s"``, ``"3 min 05 s"``, ``"1 h 20 min"``; ``"?"`` for None."""
    if seconds is None:
        return "?"
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def terminal(stream=None, every: float | None = None) -> Report:
    """A report that writes to a terminal: one line rewritten in place, or a line now and then in a log file.

    Args:
        stream: where to write; standard error by default.
        every: least seconds between two lines; 0.2 on a terminal, 15 elsewhere by default.
    """
    stream = stream or sys.stderr
    live = stream.isatty()
    pause = (0.2 if live else 15.0) if every is None else every
    last = {"time": 0.0, "stage": None}

    def show(progress: Progress) -> None:
        now = time.monotonic()
        ended = progress.done >= progress.total
        if now - last["time"] < pause and not ended and progress.stage == last["stage"]:
            return
        last.update(time=now, stage=progress.stage)
        numbers = "".join(f"  {name} {value:.4g}" for name, value in progress.numbers.items())
        left = "" if ended else f"  {clock(progress.seconds_left)} left"
        line = f"{progress.stage}: {progress.done:g}/{progress.total:g} {progress.unit}{numbers}{left}"
        stream.write(f"\r\x1b[K{line}" + ("\n" if ended else "") if live else line + "\n")
        stream.flush()

    return show
