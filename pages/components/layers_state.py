"""What the user chooses on the page about layers. All of it lives in the URL, under names that stay when words change."""

import streamlit as st

from pages.components import address, look

PARTS = {
    "zeros": "All layers",
    "layer": "One layer",
    "pays": "Which layers pay",
    "masks": "Two methods compared",
}
WIDTHS = {"weights": "Share of all weights", "equal": "All alike"}
MEASURES = {"balanced_accuracy": "Balanced accuracy", "accuracy": "Accuracy"}


def part() -> str:
    """Which part of the page is shown: a key of :data:`PARTS`."""
    return address.choose(
        st.segmented_control,
        "layers-part",
        "Part of the page",
        PARTS,
        "zeros",
        name="show",
        label_visibility="collapsed",
    )


def width(default: str) -> str:
    """What the width of a layer stands for, and its ``default``: keys of :data:`WIDTHS`."""
    return address.choose(st.segmented_control, "width", "Width of a layer", WIDTHS, default)


def measure() -> str:
    """What a layer pays in: a key of :data:`MEASURES`."""
    return address.choose(st.segmented_control, "loss", "Loss in", MEASURES, "balanced_accuracy")


def alone(sparsities: list[float]) -> float:
    """To which of the stored sparsities a layer was pruned alone."""
    texts = {f"{100 * value:g}": value for value in sparsities}
    default = "80" if "80" in texts else list(texts)[-1]
    titles = {text: f"{text}%" for text in texts}
    return texts[address.choose(st.segmented_control, "alone", "Each layer alone pruned to", titles, default)]


def layer(names: list[str]) -> str:
    """One of the layers; by default the largest part of the way through."""
    default = names[len(names) * 3 // 4]
    return address.choose(
        st.selectbox,
        "layers-layer",
        "Layer",
        names,
        default,
        title=lambda name: look.short_layer(name, names),
        name="layer",
    )


def pair(methods: list[str]) -> tuple[str, str]:
    """Two methods to compare."""
    known = sorted(methods, key=look.order)
    wanted = [name for name in ("one_shot", "iterative") if name in known]
    wanted += [name for name in known if name not in wanted]
    chosen = []
    for column, label, default in zip(st.columns(2), ("First", "Second"), wanted, strict=False):
        with column:
            name = label.lower()
            box = address.choose(st.selectbox, f"layers-{name}", label, known, default, title=look.title, name=name)
            chosen.append(box)
    return tuple(chosen)
