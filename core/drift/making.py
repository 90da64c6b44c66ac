"""Measure how maps drift along the paths of a study, over a sample of each class. Stopped, it goes on from there."""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from core import checkpoints
from core.attribution import (
    METHODS,
    attribute_all,
    average_precision,
    pointing_game,
    random_maps,
    rank_correlation,
    share_inside,
    top_overlap,
)
from core.checkpoints import Entry
from core.data import ImageSet
from core.data.phantom import SIGNS_OF, sign_masks
from core.drift.stored import Drift, read, write
from core.errors import CheckpointNotFound, DataNotFound, InvalidValue, PruneScopeError, check_choice
from core.evaluation import has_batch_norm, predict
from core.matrices import Position, on_path, position
from core.matrices.making import network
from core.paths import PRUNE_ONLY, Path, first_percent
from core.progress import Progress, Report, saved_often, silent
from core.whatif import Bench, Subject

PERCENTS = (*range(0, 100, 10), 95)
USUAL = ("grad_cam", "saliency", "integrated_gradients", "deeplift", "guided_backprop")
"""Methods that are measured unless others are asked for; SmoothGrad and Occlusion take as long as all of these together."""
PER_CLASS = 12


def sample(test: ImageSet, per_class: int) -> np.ndarray:
    """Which test images are explained: one of each of up to ``per_class`` lesions of each class, drawn at random.

    Always the same ones, and each smaller sample is a part of every larger one.

    Args:
        test: a study's test images.
        per_class: how many of each class at most.

    Returns:
        int64 [n], rows of ``test``, rising.
    """
    groups = np.arange(len(test)) if test.groups is None else np.asarray(test.groups)
    order = np.random.default_rng(0).permutation(len(test))
    _, first = np.unique(groups[order], return_index=True)
    order = order[np.sort(first)]  # the first image of each lesion that the lot meets
    chosen = [order[test.labels[order] == index][:per_class] for index in range(len(test.class_names))]
    return np.sort(np.concatenate(chosen))


def make(
    paths: Mapping[str, Path],
    test: ImageSet,
    train: ImageSet,
    *,
    per_class: int = PER_CLASS,
    methods: Sequence[str] = USUAL,
    percents: Sequence[int] = PERCENTS,
    anew: bool = False,
    device=None,
    report: Report = silent,
) -> Drift:
    """Compute what is missing of a study's measures and store it beside the checkpoints.

    A network between two checkpoints has its batch norm recalibrated, as on the pages unless it is switched off. Coarse
    steps come first, and what is done is stored every minute.

    Args:
        paths: of the study, from :func:`core.paths.of`.
        test, train: image sets of the study.
        per_class: lesions of each class.
        methods: attribution methods.
        percents: steps of the slider.
        anew: forget what is stored.
        device: as for :func:`core.device.pick`.
        report: told after each step; may raise Cancelled.

    Raises:
        CheckpointNotFound: the dense network's weights are not here.
        UnknownName: no such attribution method.
        InvalidValue: no images a class.
        CheckpointDamaged, StorageFull: as for loading and writing.
    """
    check(methods, per_class)
    maker = _Maker(paths, test, train, per_class, methods, percents, device)
    drift = None if anew else maker.known()
    drift = drift or Drift(test.digest, maker.dense.id)
    start = time.monotonic()
    known = drift.known()
    todo = [(place, m) for place in maker.places() for m in methods if (*place, m) not in known]

    def tell(done: int) -> None:
        stage = f"Attribution maps of {maker.dense.card.study}"
        report(Progress(stage, done, len(todo), "steps", time.monotonic() - start))

    with saved_often(lambda: write(maker.dense, drift)) as made:
        for number, (place, method) in enumerate(todo):
            tell(number)
            columns = maker.measures(place, method, lambda _, number=number: tell(number))
            digests = {id: maker.entries[id].card.digest for id in (maker.dense.id, place.network)}
            drift.add((*place, method), digests, METHODS[method].options, columns)
            made()
        tell(len(todo))
    return drift


def check(methods: Sequence[str], per_class: int) -> None:
    """Raise what :func:`make` would raise of these arguments."""
    for method in methods:
        check_choice("attribution method", method, METHODS)
    if not 1 <= per_class <= 1000:
        raise InvalidValue("The number of lesions is out of range", given=per_class, expected="1 to 1,000 a class")


class _Maker:
    """What one study's measures are made from."""

    def __init__(self, paths, test: ImageSet, train: ImageSet, per_class: int, methods, percents, device):
        self.paths, self.methods, self.percents, self.device = paths, methods, percents, device
        self.dense = paths[PRUNE_ONLY].dense
        self._subjects: dict[str, Subject] = {}
        self.entries: dict[str, Entry] = {entry.id: entry for path in paths.values() for entry in path.entries}
        if not self.dense.weights:
            raise CheckpointNotFound("The weights of the dense network are not here", given=self.dense.id)
        self.test_digest, self.rows = test.digest, sample(test, per_class)
        self.images = test.take(self.rows)
        self.lesions, self.signs = _lesions(self.images), _signs(self.images)
        subject = self._subject(self.dense.id)
        bench = Bench(subject, test, train, device=device)
        self.calibration = bench.calibration
        self.targets = predict(subject.model, self.images, device=device).argmax(axis=1)
        self._maps: dict[str, np.ndarray] = {}  # of the dense network
        self._last: tuple[Position, object] | None = None

    def known(self) -> Drift | None:
        """What is stored of the same test images and the same sample."""
        try:
            drift = read(self.dense, self.entries.values())
        except PruneScopeError:
            return None  # damaged: made anew
        if drift is None or drift.cohort != self.test_digest:
            return None
        own = {method for method in drift.methods() if drift.options[method] == dict(METHODS[method].options)}
        rows = drift.frame.groupby("method")["row"].unique()
        own = {method for method in own if np.array_equal(np.sort(rows[method]), self.rows)}
        drift.frame = drift.frame[drift.frame["method"].isin(own)].reset_index(drop=True)
        return drift

    def places(self) -> list[Position]:
        """Every position to measure: the dense network and the checkpoints, then every step, coarse ones first."""
        trained = [position(entry) for entry in self.entries.values()]
        norm = has_batch_norm(self._subject(self.dense.id).model)
        steps = [
            on_path(path, percent, norm)
            for percent in sorted(self.percents, key=lambda percent: (percent % 20 != 0, percent))
            for path in self.paths.values()
        ]
        dense = Position(self.dense.id, 0)
        found = dict.fromkeys([dense, *trained, *steps])
        return [place for place in found if self.entries[place.network].weights]

    def measures(self, place: Position, method: str, report: Report) -> dict[str, np.ndarray]:
        """The columns of one position and method."""
        model, options = self._network(place, report), {"device": self.device, "report": report}
        given = {"method": method, "targets": self.targets}
        if method not in self._maps:
            dense = self._subject(self.dense.id).model
            self._maps[method] = attribute_all(dense, self.images.images, **given, **options)
        before = self._maps[method]
        is_dense = place == Position(self.dense.id, 0)
        maps = before if is_dense else attribute_all(model, self.images.images, **given, **options)
        groups = self.images.groups if self.images.groups is not None else self.images.ids
        columns = {
            "row": self.rows,
            "class": self.images.labels,
            "lesion": np.asarray(groups, str),
            "rank": rank_correlation(before, maps),
            "overlap": top_overlap(before, maps),
        }
        if self.lesions is not None:
            columns |= {"inside": share_inside(maps, self.lesions), "area": self.lesions.mean(axis=(1, 2))}
        if self.signs is not None:
            columns |= {"hit": pointing_game(maps, self.signs), "precision": average_precision(maps, self.signs)}
        own = first_percent(self.entries[place.network].card.sparsity)
        if place.percent == own and not place.recalibrated:  # trained: does what was learnt show?
            other = random_maps(model, self.images.images, networks=1, **given, **options)[0]
            columns["likeness"] = rank_correlation(maps, other)
        return columns

    def _network(self, place: Position, report: Report):
        if self._last is None or self._last[0] != place:
            subject = self._subject(place.network)
            self._last = (place, network(subject, place, self.calibration, device=self.device, report=report))
        return self._last[1]

    def _subject(self, id: str) -> Subject:
        if id not in self._subjects:
            self._subjects[id] = Subject(checkpoints.load(self.entries[id].path))
        return self._subjects[id]


def _lesions(images: ImageSet) -> np.ndarray | None:
    try:
        return np.asarray(images.masks())
    except DataNotFound:
        return None


def _signs(images: ImageSet) -> np.ndarray | None:
    """Where the signs of each phantom's own class are, bool [N, H, W]; None for other images."""
    if images.name != "phantom":
        return None
    every = sign_masks(images)
    found = np.zeros(images.images.shape[:3], bool)
    for index, label in enumerate(images.labels):
        for sign in SIGNS_OF[images.class_names[label]]:
            if sign in every:
                found[index] |= every[sign][index]
    return found
