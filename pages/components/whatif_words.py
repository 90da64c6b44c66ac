"""What if, in words: what a position of the slider is, and the sentence a clinician would say of it."""

import pandas as pd
import streamlit as st

from core import evaluation
from core.checkpoints import Entry
from core.evaluation.ledger import by_class
from core.paths import PRUNE_ONLY, Path, is_trained
from core.words import WATCHED
from pages.components import look, whatif_selection
from pages.components.whatif_selection import Selection


def in_words(path: Path, sparsity: float, own: Entry | None = None, *, by_hand: bool = False) -> str:
    """What a point on the slider is: a trained checkpoint, or something pruned on from one.

    Args:
        path: of the method.
        sparsity: of the slider.
        own: the network that stands for it; by default the one whose weights are here.
        by_hand: layers are set by hand, so that it is no trained network even where one was trained.
    """
    start = own or path.start(sparsity)
    if is_trained(start, sparsity) and by_hand:
        what = f"From the {'dense network' if sparsity == 0 else 'trained checkpoint'} of {sparsity:.0%}, **without fine-tuning**."
    elif is_trained(start, sparsity):
        what = (
            "This is the dense network itself."
            if sparsity == 0
            else "This is a trained checkpoint, fine-tuned after pruning."
        )
        if start in path.results:
            what += " Its answers are stored; its weights are not here."
    elif start.card.sparsity == 0:
        what = "The dense network, pruned to here **without fine-tuning**."
    else:
        what = f"The checkpoint at {look.sparsity(start.card.sparsity)}, pruned on to here **without fine-tuning**."
    if path.method != PRUNE_ONLY:
        what += f" {look.title(path.method)} was trained at {look.listed([look.sparsity(value) for value in path.trained])}."
        if start not in path.results and path.result(sparsity):
            what += f" The network of {sparsity:.0%} is here without its weights, and nothing can be computed from it."
    return what


def position(selection: Selection) -> None:
    """Say what the position is, how many weights are zero, and what recalibrating batch norm does there."""
    from core.own import pruned

    what = in_words(selection.path, selection.sparsity, selection.own, by_hand=bool(selection.fixed))
    if selection.fixed:
        what += f" It is pruned{_by_hand(selection)}, so the share of zeros is another: see **Layers**."
    else:
        card = selection.own.card
        zeros = max(round(selection.sparsity * card.weights), card.zeros)
        before = pruned.already(card)
        are = "are removed" if zeros < before * card.weights else "are zero"
        what += f" {zeros:,} of {card.weights:,} weights {are} ({zeros / card.weights:.1%})."
        if before:
            what += f" {pruned.sentence(before)}"
    if not selection.trained:
        what += _batch_norm(selection)
    elif not selection.fixed:
        what += repeats(selection.path.study, selection.path.method, selection.sparsity)
    st.caption(what)


def repeats(study: str, method: str, sparsity: float) -> str:
    """How far the trainings of this network with other seeds lie apart, in a sentence; "" where there is one alone."""
    from pages.components import methods_data

    found: dict[str, list[float]] = {"Dense": [], f"{look.title(method)}, {look.sparsity(sparsity)}": []}
    for line in methods_data.lines(study):
        for name, entry in zip(found, (line.dense, line.at(method, sparsity)), strict=True):
            metric = entry.card.metrics.get("balanced_accuracy") if entry else None
            if metric and metric["estimate"] is not None:
                found[name].append(metric["estimate"])
    spans = [
        f"{name}: from {min(values):.1%} to {max(values):.1%} in {len(values)} trainings"
        for name, values in found.items()
        if len(values) > 1
    ]
    if not spans:
        return ""
    return f" This is one training. Balanced accuracy over the seeds: {'; '.join(spans)}. The interval of one network knows nothing of that."


def told_of(table: pd.DataFrame, selection: Selection) -> pd.Series:
    """The row of a ledger that the sentence is about: the class selected, else melanoma, else the class hit hardest."""
    classes = by_class(table)
    name = selection.diagnosis or (WATCHED if WATCHED in set(classes["group"]) else None)
    if name is None:
        return classes.iloc[(classes["newly_missed"] - classes["newly_caught"]).argmax()]
    return classes[classes["group"] == name].iloc[0]


def of_class(name: str, count: int, selection: Selection, thing: str) -> str:
    """So many lesions of a class in words: ``"melanomas"``, ``"lesion that is vascular lesion"``, ``"images of class “apple”"``."""
    if name == WATCHED:
        what = "melanoma" if count == 1 else "melanomas"
    elif selection.words[0] == "diagnosis":
        what = f"{thing[:-1]} that is" if count == 1 else f"{thing} that are"
        what += f" {look.diagnosis(name).lower()}"
    else:
        what = f"{thing[:-1] if count == 1 else thing} of class “{look.diagnosis(name)}”"
    return look.drawn(selection.path.dense) + what


def sentence(*given, **named) -> str:
    """All that :func:`told` says, a paragraph each; arguments as there."""
    return "\n\n".join(filter(None, told(*given, **named)))


def told(
    table: pd.DataFrame,
    selection: Selection,
    n: int,
    total: int,
    *,
    grouped: bool,
    alarms: evaluation.FalseAlarms | None = None,
) -> tuple[str, str, str]:
    """What a clinician would say of the class selected; else of melanoma, or of the class hit hardest.

    Args:
        table: of :func:`core.evaluation.ledger`.
        selection: of the page.
        n, total: test images asked so far, and all.
        grouped: whether images come in lesions.
        alarms: of the class that it is about (:func:`told_of`), where they are known.

    Returns:
        The sentence itself, a heading; how many others are called the same, "" where that is not known; what happens to the rest.
    """
    classes, thing = by_class(table), "lesions" if grouped else "images"
    row = told_of(table, selection)
    named = selection.diagnosis or row["group"] == WATCHED
    what = of_class(row["group"], row["lesions"], selection, thing)
    others = classes[classes["group"] != row["group"]]
    missed, caught = int(others["newly_missed"].sum()), int(others["newly_caught"].sum())
    are = f"{thing[:-1]} is" if missed == 1 else f"{thing} are"
    # The worst of a hundred is bad luck too; who reads it must know that it was picked.
    picked = (
        ""
        if named or row["newly_missed"] <= row["newly_caught"]
        else f" Of {len(classes)} {selection.words[1]} this one was picked because it loses the most; the most unlucky of many looks worse than it is."
    )
    start = "Of" if n == total else f"In a first sample of {n:,} of {total:,} test images: of"
    headline = (
        f"## {start} **{row['lesions']:,} {what}**, the dense network finds **{row['found_dense']:,}**; pruned to "
        f"{selection.percent}%{_by_hand(selection)}, it finds **{row['found_pruned']:,}** ({row['newly_missed']:,}\u00a0newly\u00a0missed, "
        f"{row['newly_caught']:,}\u00a0newly\u00a0caught)."
    )
    rest = f"Of all other {selection.words[1]} together, {missed:,} {are} newly missed and {caught:,} newly caught.{picked}"
    return headline, _false(alarms, selection, row["group"], thing), rest


def _false(alarms: evaluation.FalseAlarms | None, selection: Selection, name: str, thing: str) -> str:
    """What is found is half of it: how many others are called the same."""
    if alarms is None:
        return ""
    called, others = f"“{look.diagnosis(name)}”", "of other classes"
    if selection.words[0] == "diagnosis":
        called, others = look.diagnosis(name).lower(), "that are something else"
    return (
        f"Of the {alarms.others:,} {thing} {others}, the dense network calls {alarms.dense:,} {called}, the pruned one "
        f"{alarms.pruned:,}."
    )


def _by_hand(selection: Selection) -> str:
    count = len(selection.fixed)
    return f" with {count} layer{'s' if count > 1 else ''} set by hand" if count else ""


def _batch_norm(selection: Selection) -> str:
    """What recalibration does here, in a sentence, where both ways are stored."""

    def work() -> tuple[float, float, int] | None:
        both = [whatif_selection.stored(selection, recalibrated) for recalibrated in (False, True)]
        if None in both:
            return None
        raw, recalibrated = (evaluation.balanced_accuracy(one.pruned, selection.cohort.labels) for one in both)
        return raw, recalibrated, both[1].recalibrated_on

    found = selection.result("batch norm", work)
    if found is None:
        return ""
    raw, recalibrated, images = found
    return (
        f" Batch norm expects the averages from before pruning; re-estimated on {images:,} training images, balanced accuracy "
        f"here is {recalibrated:.1%}; without that, {raw:.1%} (no interval)."
    )
