"""Who is asked in the lab: networks that learned from phantoms, and on request those that learned from photographs."""

from dataclasses import dataclass

import numpy as np
import streamlit as st

from core import lab
from core.checkpoints import Card, Entry
from core.data.phantom import CLASSES, RANGES, Parameters
from core.data.phantom.parameters import check_size
from core.errors import DataNotFound, InvalidValue
from core.evaluation import Predictor
from core.lab import Answers
from core.paths import PRUNE_ONLY, Path
from core.studies import Study
from pages.components import address, loaders, look, phantoms, state

SIZE = 64  # pixels of the phantoms that ship; shown where there is no network yet
_ALL = "all"


@dataclass(frozen=True)
class Asked:
    """The networks that the user compares.

    Attributes:
        paths: method -> path, those chosen.
        sparsity: of the slider.
        recalibrated: batch norm re-estimated where a network was pruned on.
    """

    paths: dict[str, Path]
    sparsity: float
    recalibrated: bool

    @property
    def dense(self) -> Entry:
        """The dense network's checkpoint."""
        return next(iter(self.paths.values())).dense

    @property
    def size(self) -> int:
        """Of their images, in pixels."""
        return self.dense.card.data.size

    @property
    def drawings(self) -> bool:
        """Whether they learned from drawings, such as the lab's."""
        return self.dense.card.data.name == "phantom"


def asked(chosen: str | None) -> Asked | None:
    """Study, methods, sparsity and the switch for batch norm, as the user sets them; None, and a way out, if there is no network.

    Args:
        chosen: the study of the sidebar.
    """
    st.header("Who is asked")
    study = _study(chosen)
    if study is None:
        _nobody()
        return None
    paths = loaders.studies()[study]
    trained = sorted((method for method in paths if method != PRUNE_ONLY), key=look.order)
    choices = [*trained, *([_ALL] if len(trained) > 1 else []), PRUNE_ONLY]
    default = "iterative" if "iterative" in choices else choices[0]
    method = address.choose(
        st.selectbox,
        "lab-against",
        "The dense network against",
        choices,
        default,
        name="against",
        title=lambda name: "All methods" if name == _ALL else look.title(name),
    )
    sparsity = state.sparsity()
    compared = {key: paths[key] for key in (trained if method == _ALL else [method])}
    pruned_on = any(not path.is_checkpoint(sparsity) for path in compared.values())
    return Asked(compared, sparsity, state.recalibrate(useful=pruned_on) and pruned_on)


def _study(chosen: str | None) -> str | None:
    """The study that the lab asks: the one chosen if it learned from phantoms, else one that did; it says so.

    One that learned from photographs is asked on request only. None if there is none to ask.
    """
    known = {name: paths[PRUNE_ONLY].dense.card for name, paths in loaders.studies().items()}
    known = {name: card for name, card in sorted(known.items()) if _draws(card)}
    of_phantoms = [name for name in phantoms.studies() if name in known]
    of_photographs = [name for name in known if name not in of_phantoms]
    own = chosen if chosen in of_phantoms else phantoms.nearest(chosen, of_phantoms)
    photographs = chosen if chosen in of_photographs else phantoms.nearest(own, of_photographs)
    note = st.empty()
    if photographs and address.toggle(
        "photographs",
        "Ask a network of photographs",
        help=f"{_title(photographs)}: it learned from photographs of real lesions, and never saw a drawing.",
    ):
        note.warning(
            f"**{_title(photographs)} never saw a drawing.** It learned from photographs. What it says of a drawing tells how it "
            "judges something unlike all it knows; how well it recognises real lesions is on the other pages.",
            icon=":material/photo_library:",
        )
        return photographs
    if own:
        note.caption(f"**{_title(own)}**, which learned from drawings like these.{_aside(chosen, own, of_photographs)}")
    return own


def _aside(chosen: str | None, own: str, of_photographs: list[str]) -> str:
    """What becomes of the study of the sidebar, where it is not the one asked."""
    if chosen is None or chosen == own:
        return ""
    if chosen in of_photographs:
        return f" {_title(chosen)}, chosen in the sidebar, learned from photographs: the switch asks it instead."
    return f" {_title(chosen)}, chosen in the sidebar, cannot be asked: it tells other things apart, or at a size that is not drawn."


def _nobody() -> None:
    st.info(
        "**No network has learned from phantoms yet.** You can draw, but there is nobody to ask. Train one; it needs no download, "
        "and appears here without a restart:",
        icon=":material/model_training:",
    )
    st.code("python -m core train phantom-64/densenet169", language="bash", wrap_lines=True)


def answers(asked: Asked, lesion: Parameters, along: str) -> Answers:
    """What the networks answer to the lesion, and to it as one parameter changes. Keys: ``dense``, and the methods.

    Each picture is drawn once, and each network asked once about all of them.
    """
    networks = {"dense": _network(asked, asked.dense, 0.0)}
    for method, path in asked.paths.items():
        networks[method] = _network(asked, path.start(asked.sparsity), asked.sparsity)
    without = lesion.but(**{along: RANGES[along][0]})
    drawings = _drawings(lab.encode(without), along, asked.size)
    return lab.ask(networks, lesion, along, asked.size, drawings=drawings)


def recalibration(asked: Asked) -> str:
    """What was done about batch norm, in a sentence without its full stop."""
    images = _images(asked)
    if images is None:
        return "batch norm is as it was trained: the photographs to re-estimate it on are not on this machine"
    kind = "newly drawn phantoms" if asked.drawings else "training images"
    return f"batch norm of the networks that were not fine-tuned here re-estimated on {len(images):,} {kind}"


@st.cache_data(max_entries=64, show_spinner=False)
def _drawings(text: str, along: str, size: int) -> np.ndarray:
    """The lesion of a text as one parameter changes: the same ones, while that parameter itself is moved."""
    return lab.sweep(lab.decode(text), along, size)


def _network(asked: Asked, entry: Entry, sparsity: float) -> Predictor:
    images = _images(asked) if asked.recalibrated else None
    if abs(sparsity - entry.card.sparsity) < 1e-6 and sparsity > 0:
        images = None  # a trained checkpoint is asked as it was trained
    return _ready(str(entry.path), entry.card.digest, round(sparsity, 6), images is not None, entry, images)


@st.cache_resource(max_entries=12, show_spinner="Getting a network ready")
def _ready(path: str, digest: str, sparsity: float, recalibrated: bool, _entry: Entry, _images) -> Predictor:
    return lab.network(loaders.subject(_entry), sparsity, _images)


def _images(asked: Asked) -> np.ndarray | None:
    if asked.drawings:
        return _calibration(asked.dense.card.digest, asked.dense.card)
    try:
        return loaders.bench(asked.dense).calibration
    except DataNotFound:
        return None


@st.cache_resource(max_entries=4, show_spinner="Drawing phantoms to re-estimate batch norm on")
def _calibration(digest: str, _card: Card) -> np.ndarray:
    return lab.calibration(_card)


def _draws(card: Card) -> bool:
    try:
        check_size(card.data.size)
    except InvalidValue:
        return False
    return card.data.class_names == CLASSES


def _title(name: str) -> str:
    return Study.parse(name).title
