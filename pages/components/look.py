"""The visual language: one colour a method on every page, readable on light and on dark, and apart for the colour-blind."""

import streamlit as st

from core.data.ham10000 import TITLES as DIAGNOSES
from core.words import METHOD_TITLES

# Chosen from Okabe & Ito's palette and moved towards the middle, so that each has a contrast of 3:1 or more on both themes.
COLOURS = {
    "dense": "#7d8f99",
    "one_shot": "#2f7fc1",
    "layerwise": "#c9781a",
    "iterative": "#16906c",
    "prune_only": "#b0609c",
    "random": "#8a8f94",
}
WORSE, BETTER = "#c9503f", "#16906c"

TITLES = {
    "dense": "Dense",
    "dense_trained_on": "Dense, trained on",
    **METHOD_TITLES,
    "prune_only": "No fine-tuning",
}
_ORDER = ("dense", "one_shot", "layerwise", "iterative", "prune_only")


def ink() -> str:
    """The theme's colour of text, for drawings that cannot inherit it."""
    return "#e6efee" if st.context.theme.type == "dark" else "#182424"


def colour(method: str) -> str:
    """The colour of a method; controls by random pruning are grey."""
    return COLOURS.get(method, COLOURS["random"])


def title(method: str) -> str:
    """A method's name as people read it."""
    if method.endswith("-random"):
        return f"{title(method.removesuffix('-random'))}, random weights (control)"
    return TITLES.get(method, method.replace("_", " ").capitalize())


def order(method: str) -> tuple[int, str]:
    """Key that sorts methods as every page lists them."""
    return (_ORDER.index(method) if method in _ORDER else len(_ORDER), method)


def diagnosis(name: str) -> str:
    """A class as people read it: a diagnosis in full, anything else as it is called with spaces."""
    return DIAGNOSES.get(name, name.replace("_", " "))
