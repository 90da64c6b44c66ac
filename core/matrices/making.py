"""Make what is stored: every network with every other, then the steps of the slider. Stopped, it goes on from there."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from core import checkpoints, evaluation
from core.checkpoints import Entry
from core.data import ImageSet
from core.errors import CheckpointNotFound, PruneScopeError
from core.matrices import stored
from core.matrices.planning import LEVELS, Wanted, plan
from core.matrices.positions import (
    ALL,
    PERCENTS,
    Position,
    chosen,
    nearest,
    percent_of,
    position,
    samples,
    sparsities,
)
from core.matrices.stored import STANDARD, Key, Stored
from core.paths import Path
from core.progress import Progress, Report, saved_often, silent
from core.replication import Line, lines
from core.similarity import Grams, Influence, cka_matrix, grams_of_samples, influential, layer_names
from core.whatif import Bench, Subject

_MEMORY = 2 << 30  # bytes of activations: with less, VGG16 would see its 600 images in several passes
_KEPT = 4  # networks in memory at a time


def network(
    subject: Subject, place: Position, calibration: np.ndarray, *, device=None, report: Report = silent
) -> nn.Module:
    """The network at ``place``: its checkpoint as it is, or pruned on, and recalibrated if it says so.

    Args:
        subject: the checkpoint in memory.
        place: whose network is ``subject``.
        calibration: training images, uint8 [N, H, W, 3], for batch norm.
        device, report: as for :func:`core.evaluation.recalibrate`.
    """
    own = percent_of(subject.card.sparsity)
    model = subject.model if place.percent == own else subject.at(place.percent / 100)
    return evaluation.recalibrate(model, calibration, device=device, report=report) if place.recalibrated else model


def make(
    paths: Mapping[str, Path],
    entries: Iterable[Entry],
    test: ImageSet,
    train: ImageSet,
    *,
    percents: Sequence[int] = PERCENTS,
    anew: bool = False,
    device=None,
    report: Report = silent,
) -> Stored:
    """Compute what is missing of a study's comparisons and store it beside the checkpoints.

    Networks whose weights are not here are passed over; what was stored of them stays. What is done is stored every minute.

    Args:
        paths: of the study, from :func:`core.paths.of`.
        entries: from :func:`core.checkpoints.list`.
        test, train: image sets of the study; batch norm is recalibrated on images of ``train``.
        percents: steps of the slider, in percent.
        anew: forget what is stored.
        device: as for :func:`core.device.pick`.
        report: told after each network; may raise Cancelled.

    Raises:
        CheckpointNotFound: the dense network's weights are not here.
        CheckpointDamaged, StorageFull: as for loading and writing.
    """
    dense = next(iter(paths.values())).dense
    if not dense.weights:
        raise CheckpointNotFound(
            "Only the results of the dense network are here, not its weights",
            given=dense.id,
            remedy=f"`python -m core reproduce {dense.id}` makes the weights again",
        )
    entries = list(entries)
    known = None if anew else _known(dense, entries)
    if known is None or known.cohort != test.digest:
        known = Stored(test.digest)
    maker = _Maker(paths, lines(dense.card.study, entries), test, train, known, percents, device, report)
    maker.run(stored.path_of(dense), report)
    return known


def _known(dense: Entry, entries: list[Entry]) -> Stored | None:
    try:
        return stored.read(stored.path_of(dense), entries)
    except PruneScopeError:
        return None  # damaged: made anew


@dataclass(frozen=True)
class _Job:
    """Networks to look at once, and what to compare them for."""

    places: tuple[Position, ...]
    pairs: tuple[Wanted, ...]


class _Maker:
    """Carries out the jobs of one study."""

    def __init__(
        self,
        paths: Mapping[str, Path],
        family: list[Line],
        test: ImageSet,
        train: ImageSet,
        known: Stored,
        percents: Sequence[int],
        device,
        report: Report,
    ):
        self.paths, self.family, self.known, self.percents, self.device = paths, family, known, percents, device
        self.entries = {entry.id: entry for path in paths.values() for entry in path.entries}
        self.sparsities = sparsities(family[0], lambda entry: entry.weights)
        self.entries |= {
            entry.id: entry
            for line in family
            for sparsity in (None, *self.sparsities)
            for entry in chosen(line, sparsity).values()
        }
        self.dense = position(family[0].dense)
        self._subjects: dict[str, Subject] = {}
        self._planned: set[Key] = set()
        subject = self._subject(self.dense.network)
        self.calibration = Bench(subject, test, train).calibration
        self.levels = {level: layer_names(subject.model, level) for level in LEVELS}
        asked = self._compared()
        new = not {entry.id for entry in asked.values()} <= set(known.digests)
        if known.influential is None or (new and not self._irreplaceable()):
            known.influential = self._influential(asked, test, report)
        rows = samples(test, without={name: [item.row for item in own] for name, own in known.influential.items()})
        known.keep_samples(rows)
        seen = np.unique(np.concatenate(list(rows.values())))
        self.images = test.take(seen)
        self.samples = {name: np.searchsorted(seen, own) for name, own in rows.items()}
        self._dense_grams: dict[tuple[str, str], Grams] = {}

    def _irreplaceable(self) -> bool:
        """Whether comparisons on chosen images are kept of networks whose weights are not here: with other images they would be lost.

        Then a network that is new is compared on the images of before; layers of it that these cannot show are grey, with the reason.
        """
        without = {
            entry.id
            for line in self.family
            for by_sparsity in line.pruned.values()
            for entry in by_sparsity.values()
            if not entry.weights
        }
        return any(key.sample != ALL and {key.a.network, key.b.network} & without for key in self.known.records)

    def _compared(self) -> dict[str, Entry]:
        """The networks that no layer should be grey in: dense and pruned to the usual sparsity, the study's own and of other seeds."""
        usual = nearest(self.sparsities)
        found = chosen(self.family[0], usual, lambda entry: entry.weights)
        for line in self.family[1:]:
            seed = chosen(line, usual, lambda entry: entry.weights)
            found |= {f"{name}_seed_{line.seed}": entry for name, entry in seed.items() if entry.weights}
        return found

    def _influential(self, networks: Mapping[str, Entry], test: ImageSet, report: Report) -> dict[str, list[Influence]]:
        """Of each sample, the images that alone decide what a layer of one of the networks tells apart."""
        rows = samples(test)
        seen = np.unique(np.concatenate(list(rows.values())))
        at = {name: np.searchsorted(seen, own) for name, own in rows.items()}
        options = {"layers": self.levels[STANDARD], "device": self.device, "memory": _MEMORY}
        found: dict[str, dict[str, Grams]] = {name: {} for name in rows}
        start = time.monotonic()
        for number, (name, entry) in enumerate(networks.items()):

            def tell(_, number=number) -> None:
                stage = "Looking for images that decide alone"
                report(Progress(stage, number, len(networks), "networks", time.monotonic() - start))

            model = self._subject(entry.id).model
            for sample, own in grams_of_samples(model, test.take(seen), at, report=tell, **options).items():
                found[sample][name] = own
        return {
            sample: [item._replace(row=int(rows[sample][item.row])) for item in influential(own)]
            for sample, own in found.items()
        }

    def run(self, path, report: Report) -> None:
        """Carry out what is missing and write it."""
        jobs = [job for job in self.jobs() if job]
        start = time.monotonic()

        def tell(done: int) -> None:
            stage = f"Comparing the networks of {self.family[0].study}"
            report(Progress(stage, done, len(jobs), "steps", time.monotonic() - start))

        with saved_often(lambda: stored.write(path, self.known)) as made:
            for number, job in enumerate(jobs):
                tell(number)
                # Each layer and each batch is a moment to be cancelled at; what is told stays the number of steps.
                self.carry_out(job, lambda _, number=number: tell(number))
                made()
            tell(len(jobs))

    def jobs(self) -> Iterator[_Job | None]:
        """All that is to be stored; None where it is known or its weights are missing."""
        for group in plan(self.family, self.paths, self.sparsities, self.samples, self.percents):
            yield self._job(group)

    def _job(self, pairs: Iterable[Wanted]) -> _Job | None:
        missing = [pair for pair in pairs if pair.key not in self.known and pair.key not in self._planned]
        missing = [pair for pair in missing if all(self._here(place) for place in pair.key[:2])]
        self._planned |= {key for key, _, _ in missing}
        places = dict.fromkeys(place for key, _, _ in missing for place in key[:2])
        return _Job(tuple(places), tuple(missing)) if missing else None

    def _here(self, place: Position) -> bool:
        return self.entries[place.network].weights

    def carry_out(self, job: _Job, report: Report) -> None:
        """Look at the networks and keep the comparisons."""
        levels = {key.level for key, _, _ in job.pairs}
        found = {place: self._grams(place, levels, report) for place in job.places}
        for key, form, shares in job.pairs:
            a, b = (found[place][key.sample, key.level] for place in key[:2])
            digests = {place.network: self.entries[place.network].card.digest for place in key[:2]}
            self.known.add(key, cka_matrix(a, a if key.a == key.b else b), digests, form=form, shares=shares)

    def _grams(self, place: Position, levels: Iterable[str], report: Report) -> dict[tuple[str, str], Grams]:
        """Of a network: for each sample and level of detail. The dense one's are kept, for all are compared with it."""
        if place == self.dense and self._dense_grams:
            return self._dense_grams
        wanted = self.levels if place == self.dense else {level: self.levels[level] for level in levels}
        subject = self._subject(place.network)
        model = network(subject, place, self.calibration, device=self.device, report=report)
        every = list(dict.fromkeys(name for names in wanted.values() for name in names))
        options = {"layers": every, "device": self.device, "memory": _MEMORY, "report": report}
        found = grams_of_samples(model, self.images, self.samples, **options)
        result = {
            (sample, level): own.select(names) for sample, own in found.items() for level, names in wanted.items()
        }
        if place == self.dense:
            self._dense_grams = result
        return result

    def _subject(self, id: str) -> Subject:
        if id not in self._subjects:
            # As many as a slider has methods; a network at hand needs no second sorting of its weights.
            while len(self._subjects) >= _KEPT:
                self._subjects.pop(next(iter(self._subjects)))
            self._subjects[id] = Subject(checkpoints.load(self.entries[id].path))
        return self._subjects[id]
