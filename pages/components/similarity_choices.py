"""What the user chooses on the page about similarity; all of it lives in the URL."""

import streamlit as st

from core import matrices
from pages.components import look, similarity_words

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
COUNTS = (64, 128, 256, 512, 1024, 2048)


def part() -> str:
    """Which part of the page is shown."""
    return st.segmented_control(
        "Part of the page",
        list(PARTS),
        default="networks",
        required=True,
        format_func=PARTS.get,
        key="view",
        bind="query-params",
        label_visibility="collapsed",
    )


def sample(known: list[str]) -> str:
    """Which images the networks are compared on: of all diagnoses, of melanoma, of all others."""
    if len(known) < 2:
        return known[0]
    return st.segmented_control(
        "Images of",
        known,
        default="all",
        required=True,
        format_func=similarity_words.SAMPLES.get,
        key="sample",
        bind="query-params",
    )


def level(known: dict[str, list[str]]) -> str:
    """Level of detail."""
    return st.segmented_control(
        "Detail",
        list(known),
        default="standard",
        required=True,
        format_func=lambda name: f"{_LEVELS[name]} ({len(known[name])})",
        key="detail",
        bind="query-params",
        help=_LEVEL,
    )


def count() -> int:
    """How many images."""
    return st.select_slider(
        "Number of images",
        COUNTS,
        value=matrices.N,
        key="images",
        bind="query-params",
        help=f"{matrices.N} are stored and shown at once. Other numbers are computed now and need the images. More images "
        "narrow the bands: four times as many halve them.",
    )


def pair(names: list[str]) -> tuple[str, str]:
    """The two networks of the large matrix; a click on a small one chooses them too."""
    left, right = st.columns(2)
    options = {"bind": "query-params", "format_func": look.title}
    with left:
        first = st.selectbox("Network", names, index=0, key="first", **options)
    with right:
        second = st.selectbox("compared with", names, index=min(1, len(names) - 1), key="second", **options)
    return first, second


def picked() -> None:
    """Take over a click on a small matrix. A callback: it runs before the widgets above do."""
    found = (st.session_state["small"].get("selection") or {}).get("pick") or []
    if found:
        titles = {look.title(name): name for name in ("dense", *look.METHOD_TITLES)}
        first, second = (titles.get(found[0].get(side)) for side in ("row", "column"))
        if first and second:
            st.session_state["first"], st.session_state["second"] = first, second
            # A widget that is set from here reaches the address one step late by itself.
            st.query_params["first"], st.query_params["second"] = look.title(first), look.title(second)


def less(names: list[str], own: tuple[str, str]) -> tuple[str, str] | None:
    """Another pair, whose matrix is taken away from the one shown; None for none."""
    pairs = {
        similarity_words.pair(a, b): (a, b)
        for place, a in enumerate(names)
        for b in names[place:]
        if {a, b} != set(own)
    }
    chosen = st.selectbox(
        "Less the matrix of",
        ["Nothing", *pairs],
        key="less",
        bind="query-params",
        help="Shows the difference of two matrices, cell by cell.",
    )
    return pairs.get(chosen)


def other() -> str:
    """Whether the pruned network is compared with the dense one or with itself."""
    choices = {"dense": "with the dense network", "itself": "with itself"}
    return st.segmented_control(
        "The pruned network compared",
        list(choices),
        default="dense",
        required=True,
        format_func=choices.get,
        key="against",
        bind="query-params",
    )
