"""The fields of the form. Each keeps what was put in, in the session and in the address, whether it is right or wrong."""

import streamlit as st

from core.errors import InvalidValue
from core.words import METHOD_TITLES
from pages.components import address, loaders, look

SIZES = (32, 64, 96, 128, 192, 256)
MAKES = {"dense": "A dense network", **METHOD_TITLES, "dense_trained_on": "Trained on without pruning (control)"}
FRESH = "new"
SETTINGS = {
    "rate": ("Learning rate", "The highest; it falls from there along half a cosine."),
    "warmup": ("Warm-up, epochs", "Epochs over which the learning rate rises."),
    "floor": ("Last learning rate", "As a share of the highest."),
    "batch": ("Images a step", "Fewer need less memory."),
    "momentum": ("Momentum", "Of gradient descent."),
    "decay": ("Weight decay", "Pulls weights towards zero while training."),
    "norm_decay": (
        "Decay of batch norm's scales",
        "Lets whole channels die, which compaction can then remove; 0 leaves them alone.",
    ),
    "balance": ("Balance of the classes", "0 draws images as they are, 1 every class equally often."),
    "smoothing": ("Label smoothing", "Share of the label that is spread over the other classes."),
    "precise": (
        "Images for batch norm",
        "Its averages are estimated anew on so many after each epoch; 0 keeps the running ones.",
    ),
}


def choice(name: str, label: str, known: dict, default, **options):
    """A field with a list: one of the keys of ``known``, shown as its values."""
    key = f"new-{name}"
    names = {str(value): value for value in known}
    default = default if default in known else next(iter(known))
    address.hold(key, names.get, default)
    if st.session_state[key] not in known:
        st.session_state[key] = default
    chosen = st.selectbox(label, list(known), format_func=known.get, key=key, persist_state="session", **options)
    address.tell(key, None if chosen == default else str(chosen))
    return chosen


def text(name: str, label: str, default, **options) -> str:
    """A field with a line of text; empty means ``default``, which it shows in grey."""
    key = f"new-{name}"
    address.hold(key, lambda text: text[:40] or None, "")
    given = st.text_input(
        label, key=key, placeholder=_plain(default), max_chars=40, persist_state="session", **options
    ).strip()
    address.tell(key, given or None)
    return given


def percent() -> float:
    """The field with the share of weights to remove, in [0, 1)."""
    key = "new-remove"
    address.hold(
        key, lambda text: int(text) if text.isascii() and text.isdigit() and 1 <= int(text) <= 99 else None, 80
    )
    chosen = st.slider("Weights to remove", 1, 99, format="%d%%", key=key, persist_state="session")
    address.tell(key, None if chosen == 80 else str(chosen))
    return chosen / 100


def number(label: str, given: str) -> float:
    """What was written into a field as a number.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return float(given.replace(",", "."))
    except ValueError as error:
        raise InvalidValue(
            f"{label} is not a number", given=repr(given), expected="a number such as 8 or 0.05"
        ) from error


def networks(study: str) -> dict:
    """What pruning can start from: recipe hash -> words, for the study's dense networks that are here; then a new one."""
    from pages.components import generate_parents

    found = {id: words for id, (words, _) in generate_parents.known(study).items()}
    return {**found, FRESH: "A new dense network, made first"}


def heading(values: dict) -> str:
    """A recipe, as plain values, in words."""
    from core.pruning import labels
    from core.studies import Study

    study = Study.parse(values["study"]).title
    if values.get("parent") is None:
        return f"{study}, dense"
    if values["method"] == "dense":
        return f"{study}, dense, trained on"
    given = {name: values[name] for name in ("scope", "criterion") if name in values}
    variant = labels.variant(labels.written(values["method"], **given))
    return f"{study}, {look.title(values['method']).lower()} to {100 * values['sparsity']:g}%{variant}"


def shown(id: str | None, values: dict) -> dict:
    """Where a network that was made is to be seen, as what ``st.page_link`` is given.

    *What if* slides along one dense network of a study and what was made of it; controls and repeats with other seeds are on
    *Methods*, beside what they are compared with.

    Args:
        id: of its checkpoint.
        values: its recipe, as plain values.
    """
    from core.paths import PRUNE_ONLY, first_percent
    from core.studies import Study

    study = Study.parse(values["study"]).name
    for method, path in loaders.studies().get(study, {}).items():
        for entry in (*path.entries, *path.results):
            if entry.id == id:
                link = {"study": study, "sparsity": str(first_percent(entry.card.sparsity))}
                link |= {} if method == PRUNE_ONLY else {"method": method}
                return {"page": "pages/what_if.py", "label": "What if", "icon": ":material/tune:", "query_params": link}
    link = {"study": study, "part": "curves"}
    return {"page": "pages/methods.py", "label": "Methods", "icon": ":material/query_stats:", "query_params": link}


def _plain(value) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)
