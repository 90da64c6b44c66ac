"""What the page about layers shows, made by the engine and kept. No number is computed here."""

import streamlit as st

from core import inspection
from core.paths import Path
from pages.components import loaders


def masks(path: Path, sparsity: float):
    """The masks of a method at a sparsity."""
    return loaders.subject(path.start(sparsity)).masks_at(sparsity)


def spread(path: Path, sparsity: float):
    """Zeros by layer, and each layer's place among all weights."""
    return _kept("spread", path, sparsity, lambda: inspection.spread(masks(path, sparsity)))


def overlap(first: Path, second: Path, sparsity: float):
    """Where two methods' zeros are the same."""
    key = ("overlap", *_key(first, sparsity), *_key(second, sparsity))
    return loaders.results().make(key, lambda: inspection.overlap(masks(first, sparsity), masks(second, sparsity)))


def histogram(path: Path, sparsity: float, layer: str, before: bool):
    """A layer's weights, kept and removed, and the cutoff between them.

    Args:
        path, sparsity, layer: what to show.
        before: the dense network's weights; else those of the checkpoint that this position is reached from.
    """

    def work():
        model = loaders.subject(path.dense if before else path.start(sparsity)).model
        weight, keep = model.get_submodule(layer).weight, masks(path, sparsity)[layer]
        return inspection.histogram(weight, keep), inspection.cutoff(weight, keep)

    return _kept(f"histogram/{layer}/{before}", path, sparsity, work)


def states(path: Path, sparsity: float):
    """What becomes of every channel."""
    from core.pruning import channel_states

    def work():
        with st.spinner("Following every channel through the network"):
            return channel_states(loaders.subject(path.start(sparsity)).model, masks(path, sparsity))

    return _kept("states", path, sparsity, work)


def filters(path: Path, sparsity: float, layer: str):
    """The filters of a layer."""
    known = states(path, sparsity)

    def work():
        weight = loaders.subject(path.start(sparsity)).model.get_submodule(layer).weight
        return inspection.filters(weight, masks(path, sparsity)[layer], known[layer])

    return _kept(f"filters/{layer}", path, sparsity, work)


def parts(path: Path) -> dict[str, tuple[str, ...]]:
    """Dense blocks and what lies between them, or single layers where there are no blocks: name -> layers."""
    from core import sensitivity

    return sensitivity.parts(loaders.subject(path.dense).model, "unit")


def layers(path: Path) -> list[str]:
    """Names of the layers, from input to output."""
    return list(loaders.subject(path.dense).masks)


def _kept(what: str, path: Path, sparsity: float, work):
    return loaders.results().make((what, *_key(path, sparsity)), work)


def _key(path: Path, sparsity: float) -> tuple:
    return path.dense.card.digest, path.start(sparsity).card.digest, round(sparsity, 6)
