"""What the user chooses on the page about similarity; all of it lives in the URL."""

from collections.abc import Collection

import streamlit as st

from core import matrices
from pages.components import address, look, similarity_words

PARTS = {
    "networks": "Networks compared",
    "survival": "What pruning leaves",
    "claims": "The paper's claims",
}
_LEVELS = {"blocks": "Blocks", "standard": "Layers", "convolutions": "Every convolution", "all": "Every module"}
_LEVEL = (
    "Blocks are the stages of a network. Layers are its convolutions, of a large network some of them. Every module takes in "
    "norms, activations and pools."
)
_COUNT = (
    f"{matrices.N} are stored and shown at once. Other numbers are computed now and need the images. More images narrow the "
    "bands: four times as many halve them."
)
COUNTS = (64, 128, 256, 512, 1024, 2048)
_BETWEEN = "-"  # stands between two networks of a pair in the address


def part() -> str:
    """Which part of the page is shown."""
    return address.choose(
        st.segmented_control,
        "similarity-part",
        "Part of the page",
        PARTS,
        "networks",
        name="view",
        label_visibility="collapsed",
    )


def sparsity(known: list[float]) -> float | None:
    """Of the pruned networks that are compared with each other; None where there are none."""
    usual = matrices.nearest(known)
    if len(known) < 2:
        return usual
    titles = {_percent(value): look.sparsity(value) for value in known}
    found = address.choose(
        st.segmented_control,
        "pruned",
        "Pruned to",
        titles,
        _percent(usual),
        help=f"The paper shows {matrices.USUAL:.0%}.",
    )
    return next(value for value in known if _percent(value) == found)


def _percent(sparsity: float) -> str:
    return f"{100 * sparsity:g}"


def sample(known: Collection[str], usual: str) -> str:
    """Which images the networks are compared on: of all diagnoses, these without outliers, of melanoma, of all others."""
    if len(known) < 2:
        return usual
    titles = {name: title for name, title in similarity_words.SAMPLES.items() if name in known}
    return address.choose(st.segmented_control, "sample", "Images", titles, usual)


def level(known: dict[str, list[str]]) -> str:
    """Level of detail."""
    titles = {name: f"{_LEVELS[name]} ({len(layers)})" for name, layers in known.items()}
    return address.choose(st.segmented_control, "detail", "Detail", titles, "standard", help=_LEVEL)


def other() -> str:
    """Whether the pruned network is compared with the dense one or with itself."""
    titles = {"dense": "with the dense network", "itself": "with itself"}
    return address.choose(
        st.segmented_control,
        "similarity-against",
        "The pruned network compared",
        titles,
        "dense",
        name="against",
    )


def count() -> int:
    """How many images."""
    known = {str(number): number for number in COUNTS}
    address.hold("images", known.get, matrices.N)
    chosen = st.select_slider("Number of images", COUNTS, key="images", help=_COUNT, persist_state="session")
    address.tell("images", str(chosen) if chosen != matrices.N else None)
    return chosen


def pair(names: list[str]) -> tuple[str, str]:
    """The two networks of the large matrix; a click on a small one chooses them too."""
    left, right = st.columns(2)
    with left:
        first = address.choose(st.selectbox, "first", "Network", names, names[0], title=look.title)
    with right:
        second = address.choose(
            st.selectbox, "second", "compared with", names, names[min(1, len(names) - 1)], title=look.title
        )
    return first, second


def picked(text: str) -> None:
    """Take over a click on a small matrix, before the boxes above are made; ``text`` is of :func:`joined`."""
    st.session_state["first"], st.session_state["second"] = text.split(_BETWEEN)


def joined(first: str, second: str) -> str:
    """Two networks as one text."""
    return f"{first}{_BETWEEN}{second}"


def less(names: list[str], own: tuple[str, str]) -> tuple[str, str] | None:
    """Another pair, whose matrix is taken away from the one shown; None for none."""
    every = [(a, b) for place, a in enumerate(names) for b in names[place:]]
    pairs = {joined(*found): found for found in every if found not in (own, own[::-1])}
    chosen = address.choose(
        st.selectbox,
        "less",
        "Minus the matrix of",
        ["nothing", *pairs],
        "nothing",
        title=lambda name: similarity_words.pair(*pairs[name]) if name in pairs else "Nothing",
        help="Shows the difference of two matrices, cell by cell.",
    )
    return pairs.get(chosen)
