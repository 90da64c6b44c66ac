"""What the user has chosen. Every choice lives in the URL, so that a copied link opens the same view."""

from collections.abc import Callable

import streamlit as st

from core.errors import PruneScopeError
from pages.components import address, loaders, look


def study() -> str | None:
    """The study picked in the sidebar; None if nothing was trained yet."""
    # The first visit to a fresh server waits here for torch; later ones end before the spinner would show.
    with st.spinner("Opening the studies …"):
        try:
            names = sorted(loaders.studies())
        except PruneScopeError:
            names = []
    if not names:
        return None
    default = _DEFAULT if _DEFAULT in names else names[0]
    with st.sidebar:
        return address.choose(
            st.selectbox,
            "study",
            "Study",
            names,
            default,
            title=_title,
            former={_title(name): name for name in names},  # links of the first version hold the text of the list
            help="A data set at an image size, and the network that was trained on it.",
        )


def method(known: list[str]) -> str:
    """The pruning method, of those that the study has."""
    choices = sorted(known, key=look.order)
    default = next((name for name in ("iterative", "one_shot") if name in choices), choices[0])
    return address.choose(
        st.segmented_control,
        "method",
        "Pruning method",
        choices,
        default,
        title=look.title,
        former={look.title(name): name for name in choices},  # those of the first version hold the text of the button
    )


def sparsity(on_change: Callable[[], None] | None = None) -> float:
    """The sparsity of the slider, in [0, 1).

    Args:
        on_change: called when the user moves it, before the page is drawn again.
    """
    percent = address.slider(
        "sparsity",
        "Weights removed (sparsity)",
        0,
        99,
        80,
        format="%d%%",
        help=_SPARSITY,
        on_change=on_change or "rerun",
    )
    return percent / 100


def recalibrate(useful: bool) -> bool:
    """Whether batch norm is re-estimated after pruning on."""
    return address.toggle(
        "recalibrate",
        "Recalibrate batch norm",
        True,
        disabled=not useful,
        help="Pruning shifts what each layer puts out, and batch norm still expects the old averages. Re-estimating them on "
        "about a thousand training images needs no training and removes that part of the damage. Switch it off to see the "
        "raw effect.",
    )


_DEFAULT = "ham10000-64/vgg16"
_SPARSITY = "The share of all convolution and linear weights that are zero."


def _title(name: str) -> str:
    from core.studies import Study

    return Study.parse(name).title
