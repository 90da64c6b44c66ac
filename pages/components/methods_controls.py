"""What the user chooses on the page about methods; all of it lives in the URL."""

import streamlit as st

from pages.components import address, look

SECTIONS = {
    "claims": "Claims",
    "table": "The paper's table",
    "curves": "By sparsity",
    "layerwise": "Layer by layer",
    "training": "While training",
    "leak": "The leak",
}
MEASURES = {"accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy"}
_MEASURE = (
    "Accuracy is what the paper reports: the share of all images answered right, which common diagnoses dominate. "
    "Balanced accuracy averages over the diagnoses, so that a rare one counts as much as a common one."
)


def section() -> str:
    """Which part of the page is shown."""
    return _buttons("part", "Part of the page", SECTIONS, "claims", label_visibility="collapsed")


def measure(extra: dict[str, str] | None = None) -> str:
    """What is measured: a key of :data:`MEASURES`, or of ``extra``."""
    key = "measure" if extra is None else "curve"
    return _buttons(key, "Measure", MEASURES | (extra or {}), "accuracy", help=_MEASURE)


def trained(sparsities: list[float], key: str) -> float:
    """One of the sparsities that were trained; asked only where there is a choice."""
    texts = {look.sparsity(value): value for value in sparsities}
    if len(texts) == 1:
        return sparsities[0]
    default = "80%" if "80%" in texts else list(texts)[-1]
    return texts[address.choose(st.segmented_control, key, "Weights removed", list(texts), default)]


def _buttons(key: str, label: str, titles: dict[str, str], default: str, **options) -> str:
    former = {title: name for name, title in titles.items()}  # older links hold what was written on the buttons
    return address.choose(st.segmented_control, key, label, titles, default, former=former, **options)
