"""Stored answers of a study's networks, each at its own sparsity: measured, and compared on the same images."""

from collections.abc import Callable, Sequence

import numpy as np

from core.checkpoints import Entry
from core.cohort import Cohort
from core.errors import PruneScopeError
from core.evaluation import METRICS, Interval
from core.evaluation.checks import Predictions, checked
from core.evaluation.metrics import Settings
from core.evaluation.paired import DIFFERENCES
from core.evaluation.repeats import mean_over_trainings
from core.responses import Response

MEASURES = ("accuracy", "balanced_accuracy")
"""What the paper measured, and what it did not: names in :data:`core.evaluation.METRICS`."""


class Stored:
    """What is stored about the answers of a study's networks to its test images.

    Args:
        cohort: who was asked; None where that is not known, and then nothing is.
        read: from a checkpoint to its stored response, or None; :func:`core.responses.read`, or one that keeps them.
    """

    def __init__(self, cohort: Cohort | None, read: Callable[[Entry], Response | None]):
        self.cohort, self._read = cohort, read
        self._responses: dict[str, Response | None] = {}
        self._known: dict[str, Predictions | None] = {}

    @property
    def lesions(self) -> int | None:
        """How many lesions the test images show; None where that is not known."""
        groups = self.cohort.groups if self.cohort else None
        return None if groups is None else len(np.unique(groups))

    def response(self, entry: Entry) -> Response | None:
        """The response of ``entry`` to exactly these images; None where there is none that can be read."""
        if entry.id not in self._responses:
            try:
                response = self._read(entry)
            except PruneScopeError:
                response = None
            fits = response is not None and self.cohort is not None and response.cohort == self.cohort.digest
            self._responses[entry.id] = response if fits else None
        return self._responses[entry.id]

    def at(self, entry: Entry, sparsity: float, recalibrated: bool) -> Predictions | None:
        """The answers of ``entry`` pruned on to ``sparsity``, if they are stored."""
        response = self.response(entry)
        answers = response.at(sparsity, recalibrated) if response else None
        if answers is None:
            return None
        cohort = self.cohort
        return checked(answers, cohort.labels, cohort.groups, cohort.class_names)

    def own(self, entry: Entry) -> Predictions | None:
        """The answers of ``entry`` as it is, if they are stored; checked once."""
        if entry.id not in self._known:
            self._known[entry.id] = self.at(entry, entry.card.sparsity, False)
        return self._known[entry.id]

    def measure(self, entry: Entry, measure: str) -> Interval | None:
        """``measure`` of ``entry`` as it is, with its 95% interval; None where nothing is stored."""
        own = self.own(entry)
        return None if own is None else METRICS[measure].measure(own, Settings())

    def difference(self, first: Entry, second: Entry, measure: str) -> Interval | None:
        """``measure`` of ``first`` less that of ``second`` on the same images, with the paired 95% interval.

        As :func:`core.evaluation.compare`, of one measure. None where the answers of one of them are not stored.
        """
        a, b = self.own(second), self.own(first)
        if a is None or b is None:
            return None
        if np.array_equal(a.probabilities, b.probabilities):
            return Interval(0.0, 0.0, 0.0, a.images, "the same probabilities")
        return DIFFERENCES[measure](a, b, Settings())

    def mean_difference(self, pairs: Sequence[tuple[Entry, Entry]], measure: str) -> Interval | None:
        """The mean over trainings of :meth:`difference`, with its own 95% interval.

        As :func:`core.evaluation.repeats.mean_over_trainings`. None where the answers of a network are not stored.

        Args:
            pairs: first and second network of each training.
            measure: a name in :data:`MEASURES`.
        """
        answers = [(self.own(second), self.own(first)) for first, second in pairs]
        if any(a is None or b is None for a, b in answers):
            return None
        return mean_over_trainings(answers, measure)
