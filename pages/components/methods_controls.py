"""What the user chooses on the page about methods; all of it lives in the URL."""

import streamlit as st

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
    return st.segmented_control(
        "Part of the page",
        list(SECTIONS),
        default="claims",
        required=True,
        format_func=SECTIONS.get,
        key="part",
        bind="query-params",
        label_visibility="collapsed",
    )


def measure(extra: dict[str, str] | None = None) -> str:
    """What is measured: a key of :data:`MEASURES`, or of ``extra``."""
    choices = MEASURES | (extra or {})
    return st.segmented_control(
        "Measure",
        list(choices),
        default="accuracy",
        required=True,
        format_func=choices.get,
        key="measure" if extra is None else "curve",
        bind="query-params",
        help=_MEASURE,
    )


def trained(sparsities: list[float], key: str) -> float:
    """One of the sparsities that were trained; asked only where there is a choice."""
    texts = {f"{100 * value:g}%": value for value in sparsities}
    if len(texts) == 1:
        return sparsities[0]
    chosen = st.segmented_control(
        "Weights removed",
        list(texts),
        default="80%" if "80%" in texts else list(texts)[-1],
        required=True,
        key=key,
        bind="query-params",
    )
    return texts.get(chosen, sparsities[-1])
