"""What is selected on What if, and what is known of it: all charts of the page are views of one selection."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from core import responses
from core.cohort import Cohort
from core.data.ham10000 import class_words
from core.paths import Path, is_trained
from core.progress import Report
from core.pruning.fixed import as_text
from core.whatif import Estimate
from pages.components import loaders, look


@dataclass(frozen=True)
class Selection:
    """A position of the controls.

    Attributes:
        path: of the study and the method.
        sparsity: of the slider, in [0, 1).
        switch: batch norm is to be recalibrated wherever that makes sense.
        diagnosis: the class that all charts bring out; None for all.
        fixed: units of layers set by hand, (number, percent).
    """

    path: Path
    sparsity: float
    switch: bool
    diagnosis: str | None = None
    fixed: tuple[tuple[int, int], ...] = ()

    @property
    def percent(self) -> int:
        """The sparsity of the slider in percent."""
        return round(100 * self.sparsity)

    @property
    def trained(self) -> bool:
        """Whether this very position was trained, so that nothing is pruned further."""
        return is_trained(self.own, self.sparsity) and not self.fixed

    @property
    def recalibrated(self) -> bool:
        """Whether batch norm is re-estimated here; a trained checkpoint has its own."""
        return self.switch and not self.trained

    @property
    def own(self):
        """The network that this position is reached from; if its answers are stored, one without weights too."""
        if self.fixed:
            return self.path.start(self.sparsity)

        def is_stored(entry) -> bool:
            response, mode = loaders.response(entry), self.switch and not is_trained(entry, self.sparsity)
            return response is not None and (self.percent, mode) in response.answers

        return self.path.standing(self.sparsity, is_stored)

    @property
    def colour(self) -> str:
        """Of the method."""
        return look.colour(self.path.method)

    @property
    def key(self) -> tuple:
        """Names the two networks that are compared, how, and the images that they are asked about."""
        digests = self.own.card.digest, self.path.dense.card.digest, loaders.asked(self.path.dense)
        return (*digests, self.percent, self.recalibrated, as_text(dict(self.fixed)))

    @property
    def cohort(self) -> Cohort:
        """The test images without their pictures."""
        return loaders.cohort(self.path.dense)

    @property
    def words(self) -> tuple[str, str]:
        """What the classes are called, one and many: diagnoses, or of other things than lesions classes."""
        return class_words(self.cohort.class_names)

    @property
    def name(self) -> str:
        """For files that hold what is shown."""
        hand = f"-layers-{as_text(dict(self.fixed))}" if self.fixed else ""
        return f"{self.path.study}-{self.path.method}-{self.percent}{hand}"

    def strength(self, name: str) -> float:
        """How strongly a class is drawn: in full if it is the one selected, or if none is."""
        return 1.0 if self.diagnosis in (None, name) else 0.4

    def result(self, kind: str, work: Callable[[], object], *more):
        """A small result that depends on the selected networks (and on ``more``), made once for all users."""
        return loaders.results().make((kind, self.key, *more), work)


def picture(selection: Selection) -> Callable[[int], np.ndarray] | None:
    """From a row to that test image; None where they are not on this machine."""
    return loaders.picture(selection.path.dense)


def stored(selection: Selection, recalibrated: bool | None = None) -> Estimate | None:
    """What is stored of the position, if anything; ``recalibrated`` as given instead of as selected."""
    if selection.fixed:
        return None
    mode = selection.recalibrated if recalibrated is None else recalibrated
    dense, own = (loaders.response(entry) for entry in (selection.path.dense, selection.own))
    return responses.estimate(dense, own, selection.sparsity, mode)


def stored_percents(selection: Selection) -> list[int]:
    """The steps of the slider whose answers are stored for this method and switch, rising."""
    found = []
    for percent in range(100):
        one = replace(selection, sparsity=percent / 100, fixed=())
        dense, own = (loaders.response(entry) for entry in (one.path.dense, one.own))
        if dense is None or own is None or own.cohort != dense.cohort:
            continue
        mode = own.mode(one.recalibrated)
        if (percent, mode) in own.answers and (0, mode) in dense.answers:
            found.append(percent)
    return found


def known(selection: Selection) -> Estimate | None:
    """The answers to all test images in their order, if they are stored or were computed before."""
    return stored(selection) or loaders.estimates().get(selection.key)


def estimates(selection: Selection, report: Report) -> Iterator[Estimate]:
    """Better and better estimates of the position, computed now.

    Stop asking and the work stops. The last one has all test images, in their order, and is known from then on.

    Raises:
        DataNotFound: the images are not on this machine.
    """
    bench, subject = loaders.bench(selection.path.dense), loaders.subject(selection.own)
    steps = bench.refine(
        subject,
        selection.sparsity,
        fixed=dict(selection.fixed),
        recalibrated=selection.recalibrated,
        report=report,
    )
    for estimate in steps:
        if not estimate.final:
            yield estimate
            continue
        order = np.argsort(estimate.rows)
        whole = replace(estimate, **{name: getattr(estimate, name)[order] for name in ("rows", "dense", "pruned")})
        loaders.estimates().put(selection.key, whole)
        yield whole
