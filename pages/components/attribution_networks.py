"""The networks that are asked where they look: the dense one, and each method's at the sparsity of the slider."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from core import lab
from core.checkpoints import Card, Entry
from core.errors import DataNotFound
from core.evaluation import Predictor, has_batch_norm, recalibrate
from core.matrices import Position, on_path
from core.paths import Path
from core.progress import Report
from pages.components import loaders, look
from pages.components.memory import Memory

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True)
class Network:
    """One network on the page.

    Attributes:
        names: the methods whose slider is at this very network; ``("dense",)`` for the dense one.
        entry: the checkpoint that it is reached from.
        place: where it stands.
        trained: whether it is a checkpoint, and nothing was pruned on.
        calibrated: training images behind its batch norm; 0 for a network as it was trained.
    """

    names: tuple[str, ...]
    entry: Entry
    place: Position
    trained: bool
    calibrated: int = 0

    @property
    def title(self) -> str:
        """For people: ``"Iterative, 80%"``."""
        if self.names == ("dense",):
            return "Dense"
        return f"{' = '.join(map(look.title, self.names))}, {self.place.percent}%"

    @property
    def key(self) -> tuple:
        """What names exactly this network."""
        return (self.entry.card.digest, self.place.percent, self.calibrated)


def chosen(paths: dict[str, Path], methods: list[str], sparsity: float, switch: bool) -> list[Network]:
    """The dense network, then one for each method; methods that stand at the same network share it.

    Args:
        paths: of the study.
        methods: those to show.
        sparsity: of the slider.
        switch: whether batch norm is to be re-estimated where a network was pruned on.
    """
    dense = next(iter(paths.values())).dense
    images = calibration(dense) if switch and any(not paths[name].is_checkpoint(sparsity) for name in methods) else None
    found = {Position(dense.id, 0): Network(("dense",), dense, Position(dense.id, 0), True)}
    for name in methods:
        path, percent = paths[name], round(100 * sparsity)
        trained = path.is_checkpoint(sparsity)
        place = on_path(path, percent, images is not None)
        known = found.get(place)
        if known is None:
            count = len(images) if place.recalibrated and images is not None else 0
            found[place] = Network((name,), path.start(sparsity), place, trained, count)
        elif known.names != ("dense",):
            found[place] = Network((*known.names, name), known.entry, place, trained, known.calibrated)
    return list(found.values())


def ready(network: Network, report: Report) -> tuple["Module", Predictor]:
    """The network itself, shared and never to be changed, and the same made ready to answer.

    Args:
        network: which.
        report: told how far batch norm is re-estimated, which takes seconds; may raise what stops the page.
    """
    return _kept().make(network.key, lambda: _made(network, report))


@st.cache_resource(show_spinner=False)
def _kept() -> Memory:
    return Memory(size=8)


def _made(network: Network, report: Report) -> tuple["Module", Predictor]:
    subject = loaders.subject(network.entry)
    found = subject.model if network.trained else subject.at(network.place.percent / 100)
    if network.calibrated:
        images = calibration(network.entry)
        found = recalibrate(
            found, images, report=lambda moment: report(replace(moment, stage=f"Batch norm of {network.title}"))
        )
    return found, Predictor(found)


def calibration(entry: Entry) -> np.ndarray | None:
    """Images to re-estimate batch norm on; None where there is nothing to do, or no training image on this machine."""
    if not has_batch_norm(loaders.subject(entry).model):
        return None
    if entry.card.data.name == "phantom":
        return _drawn(entry.card.digest, entry.card)
    dense = next(path.dense for path in loaders.studies()[entry.card.study].values())
    try:
        return loaders.bench(dense).calibration
    except DataNotFound:
        return None


@st.cache_resource(max_entries=4, show_spinner="Drawing phantoms to re-estimate batch norm on")
def _drawn(digest: str, _card: Card) -> np.ndarray:
    return lab.calibration(_card)
