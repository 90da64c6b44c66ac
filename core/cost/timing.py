"""Timing several kinds of work against each other, so that a busy or throttled machine slows all of them alike."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import InvalidValue
from core.progress import Progress, Report, silent

WARM_UP = 2
LEAST, MOST = 11, 60
"""Rounds: fewer tell nothing of the spread, and more cost time without telling more."""


@dataclass(frozen=True)
class Times:
    """How long one kind of work took.

    Attributes:
        seconds: float64 [rounds], one value a round, in their order.
    """

    seconds: np.ndarray

    @property
    def rounds(self) -> int:
        """How often it was timed."""
        return len(self.seconds)

    @cached_property
    def quartiles(self) -> tuple[float, float, float]:
        """First quartile, median and third quartile, in seconds."""
        return tuple(map(float, np.quantile(self.seconds, (0.25, 0.5, 0.75))))

    @property
    def median(self) -> float:
        """In seconds."""
        return self.quartiles[1]

    def over(self, other: "Times") -> "Times":
        """These times as multiples of ``other``'s, round by round: what slowed both in a round cancels out.

        Raises:
            InvalidValue: they were not timed together.
        """
        if self.rounds != other.rounds:
            raise InvalidValue(
                "These were not timed together", given=f"{self.rounds} and {other.rounds} rounds", expected="as many"
            )
        return Times(self.seconds / other.seconds)


def interleaved(
    works: Mapping[str, Callable[[], object]],
    *,
    seconds: float = 5.0,
    least: int = LEAST,
    most: int = MOST,
    turn: AbstractContextManager | None = None,
    stage: str = "Measuring",
    report: Report = silent,
) -> dict[str, Times]:
    """Time each of ``works`` once a round, round after round, after rounds that do not count.

    The order within a round rotates, so that none of them always comes after the one that fills the caches most.

    Args:
        works: name -> what to time; it returns when its work is done.
        seconds: stop after the round in which this much time has passed, but not before
        least: rounds are done; and
        most: rounds in any case.
        turn: entered before each clock starts, such as :func:`core.device.turn`: other users of the device wait meanwhile.
        stage, report: told after each round; may raise Cancelled.

    Returns:
        Name -> times, all of as many rounds.
    """
    names = list(works)
    for _ in range(WARM_UP):
        for name in names:
            with turn or nullcontext():
                works[name]()
    taken: dict[str, list[float]] = {name: [] for name in names}
    start = time.perf_counter()
    for number in range(most):
        spent = time.perf_counter() - start
        if number >= least and spent >= seconds:
            break
        # On a slow machine the least number of rounds takes longer than the time that is asked for.
        whole = max(seconds, spent / number * least) if number else seconds
        report(Progress(stage, min(spent, whole), whole, "s", spent))
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            with turn or nullcontext():
                begin = time.perf_counter()
                works[name]()
                taken[name].append(time.perf_counter() - begin)
    return {name: Times(np.array(values)) for name, values in taken.items()}
