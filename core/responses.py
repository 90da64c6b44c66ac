"""Responses: a network's answers to every test image at every step of sparsity, computed once and stored small.

A response belongs to a checkpoint and holds its answers from its own sparsity upwards, pruned on without fine-tuning: raw,
and with batch norm recalibrated. A path's answers at any sparsity are those of the checkpoint that it is reached from.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.answers import MANY, Short, shorten, widen
from core.checkpoints import Entry
from core.cohort import Cohort
from core.data import ImageSet
from core.errors import DataDamaged, PruneScopeError
from core.paths import first_percent
from core.progress import Progress, Report, saved_often, silent
from core.whatif import Bench, Estimate, Subject

SUFFIX = ".response.parquet"
COHORT = "test.parquet"
ROW_COHORT = "test-row.parquet"
"""Of networks trained under the row split, whose test images are others."""


@dataclass(frozen=True)
class Response:
    """Stored answers of one checkpoint.

    Attributes:
        digest: of the checkpoint's card.
        cohort: digest of the test images.
        recalibrated_on: training images behind recalibrated batch norm; 0 where the network has none.
        answers: (percent, recalibrated) -> float16 [N, classes], or :class:`Short` where there are many classes.
        classes: how many.
        labels: int64 [N] where answers are short, else None.
    """

    digest: str
    cohort: str
    recalibrated_on: int
    answers: dict[tuple[int, bool], np.ndarray | Short]
    classes: int
    labels: np.ndarray | None = None

    @property
    def short(self) -> bool:
        """Whether only the likeliest and the true class's probabilities are stored."""
        return self.classes > MANY

    def mode(self, recalibrated: bool) -> bool:
        """The switch as far as it means anything: a network without batch norm has nothing to re-estimate."""
        return recalibrated and self.recalibrated_on > 0

    def percents(self, recalibrated: bool) -> list[int]:
        """The steps that are stored, in percent, rising."""
        return sorted(percent for percent, mode in self.answers if mode == self.mode(recalibrated))

    def at(self, sparsity: float, recalibrated: bool) -> np.ndarray | None:
        """Probabilities float32 [N, classes] at ``sparsity``, or None if this step is not stored.

        What was rounded to 16 bits is scaled to sum to 1 again.
        """
        percent = round(100 * sparsity)
        stored = self.answers.get((percent, self.mode(recalibrated))) if abs(percent - 100 * sparsity) < 1e-6 else None
        if stored is None:
            return None
        if self.short:
            return widen(stored, self.labels, self.classes)
        wide = stored.astype(np.float32)
        return wide / wide.sum(axis=1, keepdims=True)


def path_of(entry: Entry) -> Path:
    """Where the response of a checkpoint lies: beside it."""
    return entry.path.with_name(entry.path.name.removesuffix(".safetensors") + SUFFIX)


def cohort_path(entry: Entry) -> Path:
    """Where the study's list of test images lies: beside its networks' folders."""
    return entry.path.parent.parent / (ROW_COHORT if entry.card.data.split_by == "row" else COHORT)


def read(entry: Entry) -> Response | None:
    """The stored response of a checkpoint; None if there is none, or if it is of an earlier version of the checkpoint.

    Raises:
        DataDamaged: the file is not a response, or the list of test images, which answers of many classes need, is damaged.
        DataNotFound: that list is missing.
    """

    def labels(digest: str) -> np.ndarray | None:
        known = Cohort.load(cohort_path(entry))
        return known.labels if known.digest == digest else None

    return _read(entry, labels)


def _read(entry: Entry, labels_of: Callable[[str], np.ndarray | None]) -> Response | None:
    """The stored response, if it is of this version of the checkpoint; ``labels_of`` gives the labels of the images of a digest."""
    from core import answerfile  # brings pyarrow, which costs time to import

    path = path_of(entry)
    if not path.exists():
        return None
    with _damage_named(path):
        facts, table = answerfile.open_file(path)
        if facts["digest"] != entry.card.digest:
            return None
        short = facts["classes"] > MANY
    labels = labels_of(facts["cohort"]) if short else None
    if short and labels is None:
        return None
    with _damage_named(path):
        answers = answerfile.answers_in(facts, table, labels)
        return Response(facts["digest"], facts["cohort"], facts["recalibrated_on"], answers, facts["classes"], labels)


@contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    from core import answerfile

    try:
        yield
    except answerfile.ERRORS as error:
        raise DataDamaged(
            f"{path.name} is not a response",
            given=error,
            remedy="delete it and make it again with `python -m core respond`",
        ) from error


def estimate(dense: Response | None, own: Response | None, sparsity: float, recalibrated: bool) -> Estimate | None:
    """What is stored about one position of the slider, or None if it has to be computed.

    Args:
        dense: response of the dense network, which is compared with.
        own: response of the checkpoint that ``sparsity`` is reached from.
        sparsity: in [0, 1).
        recalibrated: with batch norm re-estimated, of both networks.
    """
    if dense is None or own is None or dense.cohort != own.cohort:
        return None
    was, now = dense.at(0.0, recalibrated), own.at(sparsity, recalibrated)
    if was is None or now is None:
        return None
    return Estimate(np.arange(len(now)), was, now, own.recalibrated_on if recalibrated else 0, True, own.short)


def make(
    entry: Entry,
    test: ImageSet,
    train: ImageSet,
    *,
    percents=range(100),
    device=None,
    report: Report = silent,
) -> Response:
    """Compute what is missing of a checkpoint's response and store it beside the checkpoint.

    Coarse steps come first (every 10%, then 5, 2, 1), and what is done is stored every minute: cancelled or killed, it
    goes on from there.

    Args:
        entry: the checkpoint.
        test, train: image sets of its study; batch norm is recalibrated on images of ``train``.
        percents: steps wanted, in percent; those below the checkpoint's own sparsity are left out.
        device: as for :func:`core.device.pick`.
        report: told after each step; may raise Cancelled.

    Raises:
        CheckpointDamaged, StorageFull: as for loading and writing.
    """
    from core import checkpoints

    subject = Subject(checkpoints.load(entry.path))
    bench = Bench(subject, test, train, device=device)
    own = first_percent(entry.card.sparsity)
    known = _known(entry, test)
    answers = dict(known.answers) if known else {}
    classes = len(test.class_names)
    short = classes > MANY
    modes = (False, True) if bench.recalibrates else (False,)
    wanted = [(p, mode) for p in sorted({own, *percents}, key=_coarseness) if p >= own for mode in modes]
    missing = [step for step in wanted if step not in answers]
    start = time.monotonic()

    def tell(done: int) -> None:
        report(Progress(f"Responses of {entry.id}", done, len(missing), "steps", time.monotonic() - start))

    with saved_often(lambda: _write(entry, test, bench.recalibrates, answers)) as made:
        for number, (percent, recalibrated) in enumerate(missing):
            tell(number)
            given = bench.answers(subject, percent / 100, recalibrated)
            answers[percent, recalibrated] = shorten(given, test.labels) if short else given.astype(np.float16)
            made()
        tell(len(missing))
    return Response(
        entry.card.digest, test.digest, bench.recalibrates, answers, classes, test.labels if short else None
    )


def _known(entry: Entry, test: ImageSet) -> Response | None:
    try:
        known = _read(entry, lambda digest: test.labels if digest == test.digest else None)
    except PruneScopeError:
        return None  # damaged: made anew
    return known if known and known.cohort == test.digest else None


def _coarseness(percent: int) -> tuple[int, int]:
    return next(i for i, step in enumerate((10, 5, 2, 1)) if percent % step == 0), percent


def _asked(cohort: Path) -> str | None:
    """The digest of the images in a list of test images; None if there is none, or it is damaged and has to be written anew."""
    try:
        return Cohort.load(cohort).digest
    except PruneScopeError:
        return None


def _write(entry: Entry, test: ImageSet, recalibrated_on: int, answers: dict) -> None:
    from core import answerfile

    cohort = cohort_path(entry)
    if _asked(cohort) != test.digest:
        Cohort.of(test).save(cohort)
    facts = {
        "digest": entry.card.digest,
        "cohort": test.digest,
        "recalibrated_on": recalibrated_on,
        "classes": len(test.class_names),
    }
    answerfile.write(path_of(entry), facts, answers, test.labels)
