"""Do the stored answers come out again? Recompute them from the shipped weights and the real images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core import checkpoints, responses
from core.checkpoints import Entry
from core.data import ImageSet
from core.errors import InvalidValue
from core.progress import Progress, Report, silent
from core.whatif import Bench, Subject

TOLERANCE = 0.13
"""Two classes whose log-probabilities are closer than this count as a tie.

bfloat16 keeps eight bits: logits between 8 and 16 come in steps of 1/16. Sums in another order (another processor, a GPU) round
each of two logits to the next step, so their difference may move by two: 1/8.
"""
_LEAST = 1e-6  # a probability that 16 bits have rounded to 0


@dataclass(frozen=True)
class Check:
    """One step of a stored response, recomputed.

    Attributes:
        id: of the checkpoint.
        percent, recalibrated: the step.
        images: how many were asked.
        equal: of those, how many get the same answer.
        ties: how many get another, between two classes that are a tie (:data:`TOLERANCE`) in the stored or the new answer.
        largest: the largest difference of a probability that is stored.
    """

    id: str
    percent: int
    recalibrated: bool
    images: int
    equal: int
    ties: int
    largest: float

    @property
    def holds(self) -> bool:
        """Whether every answer is the same but for ties."""
        return self.equal + self.ties == self.images


def verify(
    entry: Entry,
    test: ImageSet,
    train: ImageSet,
    *,
    steps: int | None = None,
    images: int | None = None,
    device=None,
    report: Report = silent,
) -> Iterator[Check]:
    """Recompute the stored answers of a checkpoint, step by step.

    Args:
        entry: a checkpoint whose weights and response are here.
        test, train: image sets of its study.
        steps: so many of its steps, drawn with a fixed seed; all by default.
        images: so many of the test images, drawn with a fixed seed; all by default.
        device: as for :func:`core.device.pick`.
        report: told after each step; may raise Cancelled.

    Yields:
        A :class:`Check` for each step.

    Raises:
        CheckpointNotFound, CheckpointDamaged, DataDamaged: as for loading.
        InvalidValue: less than one step or image.
    """
    stored = responses.read(entry)
    if stored is None or stored.cohort != test.digest:
        return
    subject = Subject(checkpoints.load(entry.path))
    bench = Bench(subject, test, train, device=device)
    chosen = _some(sorted(stored.answers), steps)
    rows = np.array(_some(list(range(len(test))), images))
    labels = None if stored.labels is None else stored.labels[rows]
    for number, (percent, recalibrated) in enumerate(chosen):
        report(Progress(f"Verifying {entry.id}", number, len(chosen), "steps"))
        new = bench.answers(subject, percent / 100, recalibrated, report, rows=rows)
        old = stored.at(percent / 100, recalibrated)[rows]
        yield Check(entry.id, percent, recalibrated, *_compare(old, new, labels))


def _some(items: list, count: int | None) -> list:
    """``count`` of them in their order, the same each time; all if None."""
    if count is not None and count < 1:
        raise InvalidValue("Nothing would be verified", given=count, expected="at least 1")
    if count is None or count >= len(items):
        return items
    rows = np.random.default_rng(0).choice(len(items), count, replace=False)
    return [items[row] for row in sorted(rows)]


def _compare(old: np.ndarray, new: np.ndarray, labels: Sequence[int] | None) -> tuple[int, int, int, float]:
    rows, was, now = np.arange(len(old)), old.argmax(axis=1), new.argmax(axis=1)
    equal = was == now
    # Near a tie in either of the two: the networks are one, and rounding decides.
    logs, new_logs = np.log(np.maximum(old, _LEAST)), np.log(np.maximum(new, _LEAST))
    near = np.minimum(logs[rows, was] - logs[rows, now], new_logs[rows, now] - new_logs[rows, was]) < TOLERANCE
    apart = np.abs(old - new)
    if labels is not None:  # short answers: only these two were stored
        apart = np.stack([apart[rows, was], apart[rows, np.asarray(labels)]])
    return len(old), int(equal.sum()), int((~equal & near).sum()), float(apart.max(initial=0.0))
