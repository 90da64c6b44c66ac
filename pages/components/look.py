"""The visual language: one colour a method on every page, readable on light and on dark, and apart for the colour-blind."""

import re
from collections.abc import Sequence

import streamlit as st

from core.data.ham10000 import TITLES as DIAGNOSES
from core.paper import layer_name
from core.words import METHOD_TITLES

# Chosen from Okabe & Ito's palette and moved towards the middle, so that each has a contrast of 3:1 or more on both themes.
COLOURS = {
    "dense": "#7d8f99",
    "dense_trained_on": "#5b6b8c",
    "one_shot": "#2f7fc1",
    "layerwise": "#c9781a",
    "iterative": "#16906c",
    "prune_only": "#b0609c",
    "channel": "#9438ec",
    "variant": "#8a6d1d",
    "random": "#8a8f94",
}
# Of text and of the page, in the light theme and in the dark one; see .streamlit/config.toml.
INK, PAPER = ("#0e1717", "#e6efee"), ("#ffffff", "#0f1717")
WORSE, BETTER = "#c9503f", "#16906c"
# For lines that stand for classes, after Okabe & Ito; no method's page needs both at once. As light as each other, for both themes, seven
# hues cannot stay apart for the colour-blind: use them with :func:`dash` or :func:`mark`.
SERIES = ("#2f7fc1", "#c9781a", "#16906c", "#b0609c", "#c9503f", "#7b61c4", "#7d8f99")

TITLES = {
    "dense": "Dense",
    "dense_trained_on": "Dense, trained on",
    **METHOD_TITLES,
    "prune_only": "No fine-tuning",
}
# Of the same classes as SERIES; those whose colours the colour-blind confuse (blue and violet, green and rose, brown and red) are far apart.
_DASHES = ([1, 0], [7, 4], [2, 2], [12, 3], [9, 3, 2, 3], [4, 2, 1, 2, 1, 2], [1, 4])
_MARKS = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")
_SHAPES = {
    "dense": "circle",
    "dense_trained_on": "triangle-down",
    "one_shot": "square",
    "layerwise": "triangle-up",
    "iterative": "diamond",
}
_BRIEF = {"akiec": "Actinic / Bowen", "bcc": "Basal cell", "vasc": "Vascular"}
_HEADINGS = {"n": "n", "cka": "CKA", "auc": "AUC", "ece": "ECE", "p_value": "p"}
_ORDER = ("dense", "one_shot", "layerwise", "iterative", "prune_only")


def ink() -> str:
    """The theme's colour of text, for drawings that cannot inherit it; :mod:`stylesheet` turns it when the theme does."""
    return INK[st.context.theme.type == "dark"]


def paper() -> str:
    """The theme's colour of the page, for marks that need a frame to stand out."""
    return PAPER[st.context.theme.type == "dark"]


def colour(method: str) -> str:
    """The colour of a method; whole channels have one of their own, controls by random pruning are grey, other variants share one."""
    name, variant, control = _parted(method)
    if name == method or control:
        return COLOURS.get(method, COLOURS["random"])
    return COLOURS["channel" if variant == _parted(f"{name}-channel")[1] else "variant"]


def shape(method: str) -> str:
    """The mark of a method in charts of points, the same on every page; controls by random pruning have another than other variants."""
    name, _, control = _parted(method)
    return _SHAPES.get(method, "cross" if control or name == method else "triangle-right")


def title(method: str) -> str:
    """A method's name as people read it."""
    return short(method) + (" (control)" if _parted(method)[2] else "")


def short(method: str) -> str:
    """A method's name for a legend: controls are not called so."""
    name, variant, _ = _parted(method)
    return TITLES.get(name, name.replace("_", " ").capitalize()) + variant


def _parted(method: str) -> tuple[str, str, bool]:
    """The name of a method, what people read behind it, and whether it is a control."""
    if "-" not in method:
        return method, "", False
    from core.pruning import labels  # not above: no title waits for torch

    return labels.parted(method).method, labels.variant(method), labels.is_control(method)


def short_layer(name: str, layers: Sequence[str]) -> str:
    """A layer's name for readers, the same on every page: ``"conv 5"``, ``"output"``, ``"block4.layer11.conv1"``.

    Args:
        name: in the code.
        layers: all of its network's, or as many as are shown, with the last.
    """
    return layer_name(name, layers)


def order(method: str) -> tuple[int, str]:
    """Key that sorts methods as every page lists them."""
    return (_ORDER.index(method) if method in _ORDER else len(_ORDER), method)


def sparsity(value: float) -> str:
    """A sparsity in percent, with the decimals that it has: ``"80%"``, ``"87.5%"``."""
    return f"{100 * value:g}%"


def chance(p_value: float) -> str:
    """A p value as people write it."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"


def series(index: int) -> str:
    """The colour of a class, by its place among the classes: the same in every chart."""
    return SERIES[index % len(SERIES)]


def dash(index: int) -> list[int]:
    """The dashes of the line of a class, by its place among the classes, for ``mark_line(strokeDash=…)`` or a scale's range."""
    return list(_DASHES[index % len(_DASHES)])


def mark(index: int) -> str:
    """The mark of a class in charts of points, by its place among the classes: one of Vega's shapes."""
    return _MARKS[index % len(_MARKS)]


def points(value: float, low: float | None = None, high: float | None = None) -> str:
    """A difference of shares in percentage points, with its interval: ``"−2.3 [−4.8, +0.1]"``."""
    # Adding 0.0 turns a rounded −0.0 into 0.0: a change too small to show has no sign.
    texts = [f"{round(100 * share, 1) + 0.0:+.1f}" for share in (value, low, high) if share is not None]
    shown = ["0.0" if text == "+0.0" else text.replace("-", "−") for text in texts]
    return shown[0] if low is None else f"{shown[0]} [{shown[1]}, {shown[2]}]"


def share(value: float) -> str:
    """A share in percent, with the decimals that it takes to say 100% of all only, and 0% of none: ``"52%"``, ``"99.6%"``."""
    for digits in range(6):
        text = f"{value:.{digits}%}"
        if value in (0, 1) or float(text[:-1]) not in (0, 100):
            return text
    return text


def probability(value: float) -> str:
    """A network's probability in whole percent; none is said to be sure, or to rule out: ``"83%"``, ``">99%"``, ``"<1%"``.

    Nor where 1 or 0 is stored: to half precision that is what more than 0.9998, or next to nothing, is rounded to.
    """
    return ">99%" if value >= 0.995 else "<1%" if value < 0.005 else f"{value:.0%}"


def span(low: float, high: float) -> str:
    """An interval of a share as it stands behind the share in percent: ``"[1.4, 5.3]"``."""
    return f"[{100 * low:.1f}, {100 * high:.1f}]"


def listed(words: Sequence[str]) -> str:
    """Words one after the other within a sentence: ``"a, b and c"``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def percents(values: Sequence[int]) -> str:
    """Whole percents, rising, in a sentence: ``"0%, 5% and 7 to 99%"``."""
    runs: list[list[int]] = []
    for value in values:
        if runs and value == runs[-1][-1] + 1:
            runs[-1].append(value)
        else:
            runs.append([value])
    return listed([f"{run[0]}%" if len(run) == 1 else f"{run[0]} to {run[-1]}%" for run in runs])


def diagnosis(name: str) -> str:
    """A class as people read it: a diagnosis in full, anything else as it is called with spaces.

    Folders of one's own may be called anything, and the same words stand in texts, buttons and charts. So signs that a text
    would take for emphasis, a formula, a link or a picture are drawn by signs that every font has: ``$`` as ``¤``.
    """
    return DIAGNOSES.get(name) or plain(name.replace("_", " "))


def brief_diagnosis(name: str) -> str:
    """A class as people read it where there is little room: ``"Basal cell"``."""
    return _BRIEF.get(name) or diagnosis(name)


def drawn(entry) -> str:
    """ "drawn ", before what the images of a network show, where these are nobody's skin; else nothing."""
    return "drawn " if entry.card.data.name == "phantom" else ""


def file_name(stem: str, suffix: str) -> str:
    """The name of a file to download: without the slashes of studies, nor signs of percentages."""
    return f"{stem.replace('/', '-').replace('%', '')}.{suffix}"


def heading(column: str) -> str:
    """What a column of a table is called on a page; files keep the name that code reads."""
    words = column.replace("_", " ")
    return _HEADINGS.get(column, words[:1].upper() + words[1:])


def plain(text: str) -> str:
    """The name of a file or folder of one's own, for a text that would take some of its signs for Markdown."""
    return unlinked(text.translate(_LIKENESSES))


def unlinked(text: str) -> str:
    """A text in which nothing becomes a link by itself, as ``www.`` and addresses with @ do: a sign without width breaks them."""
    return re.sub(r"(?i)(?<=www)(?=\.)|(?<=@)", "\u2060", text)


def together(text: str) -> str:
    """A text in which no line ends within ``± 0.05`` or ``n = 203``."""
    return re.sub(r"\bn = (?=\d)", "n\u00a0=\u00a0", text.replace("± ", "±\u00a0"))


def literal(text) -> str:
    """A message with all its signs as they are, in a text that is Markdown: ``train/*.png and test/*.png`` is no emphasis.

    What stands between backticks is a command and stays so.
    """
    parts = re.split(r"(`[^`]*`)", str(text))
    return "".join(part if part[:1] == "`" else re.sub(r"([\\*$\[\]~])", r"\\\1", unlinked(part)) for part in parts)


_LIKENESSES = str.maketrans("$*`[]<>~#|\\:", "¤∗'()‹›∼№¦/∶")
