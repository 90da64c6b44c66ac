"""Breaking points: from which sparsity on each image gets another answer permanently."""

from itertools import pairwise

import numpy as np
import pandas as pd
import streamlit as st

from core import breaking
from core.breaking import Step
from core.cohort import Cohort
from pages.components import charts, gallery, loaders, look, panels, whatif_controls, whatif_curves, whatif_followed
from pages.components import whatif_selection as selecting
from pages.components.whatif_selection import Selection

MOST = 10  # classes with a line of their own
_WHOLE = 95  # percent: beyond it so little is left that nearly nothing comes back


def draw(selection: Selection) -> None:
    """When answers break, class by class; the most fragile images; and one image along the whole path."""
    steps = breaking.stored_steps(selection.path, loaders.response, selection.switch)
    if len(steps) < 2:
        st.caption("Breaking points need the answers along the path, and none are stored for this method.")
        st.code(f"python -m core respond {selection.path.dense.id}", language="bash", wrap_lines=True)
        return
    test = selection.cohort
    key = _key(selection, steps)
    table = loaders.results().make(("breaking", key), lambda: breaking.breaking_points(steps))
    whatif_followed.draw(selection, steps, table, test)
    _curves(selection, steps, table, test, key)
    _fragile(selection, table, test)
    panels.table(
        lambda: _lines(table, np.arange(len(table)), test),
        name=f"breaking-{selection.path.study}-{selection.path.method}",
        title="The breaking point of every test image",
        label="The numbers behind it: every breaking point",
        key="breaking",
    )


def _key(selection: Selection, steps: list[Step]) -> tuple:
    stored = tuple((step.percent, step.recalibrated) for step in steps)
    path = selection.path
    return (loaders.asked(path.dense), *(entry.card.digest for entry in (*path.entries, *path.results)), stored)


def _curves(selection: Selection, steps: list[Step], table: pd.DataFrame, test: Cohort, key: tuple) -> None:
    percents = [step.percent for step in steps]
    curves = loaders.results().make(
        ("survival", key),
        lambda: breaking.survival(table["breaks"], test.labels, len(test.class_names), percents, test.groups),
    )
    st.markdown("**When answers break**")
    ever = loaders.results().make(
        ("ever changed", key),
        lambda: breaking.survival(table["first"], test.labels, len(test.class_names), percents, test.groups),
    )
    st.markdown(_sentence(selection, steps, table, test, (curves, ever)))
    present = [index for index in curves["class"].unique() if index >= 0]
    if len(present) > MOST:
        present = [index for index in present if test.class_names[index] == selection.diagnosis]
    names = [("", "All images"), *((test.class_names[i], look.brief_diagnosis(test.class_names[i])) for i in present)]
    words = {-1: names[0], **dict(zip(present, names[1:], strict=True))}
    frame = curves[curves["class"].isin(words)]
    frame = frame.assign(
        name=[words[index][0] for index in frame["class"]],
        label=[words[index][1] for index in frame["class"]],  # short: a legend does not wrap
        title=[look.diagnosis(words[index][0]) if index >= 0 else words[index][1] for index in frame["class"]],
        strength=[selection.strength(words[index][0]) for index in frame["class"]],
    )
    band = frame[frame["name"] == (selection.diagnosis or "")]
    charts.show(
        whatif_curves.unbroken(
            tuple(label for _, label in names),
            (look.ink(), *(look.series(index) for index in present)),
            ((1, 0), *(tuple(look.dash(index)) for index in present)),
            look.ink(),
            len(names) > 1,
        ),
        {"table": frame, "band": band, "here": pd.DataFrame({"percent": [selection.percent]})},
        alt="Share of images whose answer has not changed permanently, by sparsity, for each class",
        key=f"unbroken-{selection.diagnosis}",
        picked=lambda name: whatif_controls.pick(name) if name else None,
    )
    gaps = max(upper - lower for lower, upper in pairwise(percents))
    st.caption(
        f"Over {len(steps)} stored steps"
        + (f", up to {gaps} points apart" if gaps > 1 else "")
        + ". An answer breaks between "
        "the last step at which it held and the one shown. A class that is brought out has a band, its 95% interval (Wilson"
        + (", adjusted for lesions" if test.groups is not None else "")
        + "). Answers can come back, where a trained checkpoint takes over or a class takes all: they count as broken only "
        f"from where they stay changed{_ends(percents[-1])}. How many are changed at one sparsity, permanently or not, is what *Harm* shows.{_passed_over(selection, steps)}"
    )
    panels.table(
        lambda: frame[["title", "percent", "images", "unbroken", "low", "high"]].rename(
            columns={"title": selection.words[0]}
        ),
        name=f"unbroken-{selection.path.study}-{selection.path.method}",
        title="Share of answers not changed, by class and sparsity",
        label="The numbers behind it: these curves",
        key="survival",
    )


def _ends(last: int) -> str:
    """What cannot be known where the stored path ends long before all weights are gone."""
    return (
        f", as far as is stored: up to {last}%, so of what changes near there it cannot be seen whether it comes back"
        if last < _WHOLE
        else ""
    )


def _passed_over(selection: Selection, steps: list[Step]) -> str:
    """Which trained networks are no step: their answers are stored, but not those between them and the next."""
    shown = {step.pruned.digest for step in steps}
    trained = (*selection.path.entries[1:], *selection.path.results)
    others = sorted({entry.card.sparsity for entry in trained if entry.card.digest not in shown})
    if not others:
        return ""
    which = look.listed([look.sparsity(value) for value in others])
    return (
        f" The network{'s' if len(others) > 1 else ''} trained at {which} {'are' if len(others) > 1 else 'is'} left out: only {'their' if len(others) > 1 else 'its'} own "
        "answers are stored, and not those pruned on from there. The line there is that of the trained network before."
    )


def _sentence(
    selection: Selection, steps: list[Step], table: pd.DataFrame, test: Cohort, both: tuple[pd.DataFrame, ...]
) -> str:
    index = test.class_names.index(selection.diagnosis) if selection.diagnosis else -1
    mine = np.ones(len(test), bool)
    who = "images"
    if selection.diagnosis:
        mine = test.labels == index
        who = f"images of {look.diagnosis(selection.diagnosis).lower()}"
    breaks = table["breaks"][mine]
    if breaks.empty:
        return f"There are no test {who}."
    curve, ever = (table[table["class"] == index] for table in both)
    # What is broken at a step that is not stored is what was broken at the last one before it.
    here, end = curve[curve["percent"] <= selection.percent].iloc[-1], curve.iloc[-1]
    so_far = ever[ever["percent"] <= selection.percent].iloc[-1]
    # By then half of them have broken, of an even number too, where a median would lie beyond.
    half = np.sort(breaks.fillna(np.inf))[(len(breaks) - 1) // 2]
    when = (
        f"Half of all {len(breaks):,} have changed permanently by **{half:.0f}%**"
        if np.isfinite(half)
        else f"Fewer than half of all {len(breaks):,} change permanently"
    )
    changed = f"**{1 - here['unbroken']:.1%}** have permanently another answer at {selection.percent}% sparsity {look.span(1 - here['high'], 1 - here['low'])}"
    if selection.percent >= end["percent"]:
        changed = (
            f"**{1 - here['unbroken']:.1%}** have another answer at {end['percent']:.0f}% sparsity {look.span(1 - here['high'], 1 - here['low'])}, "
            "the last that is stored: whether for good cannot be seen"
        )
    text = (
        f"Of {len(breaks):,} test {who}, {changed}; {1 - so_far['unbroken']:.1%} {look.span(1 - so_far['high'], 1 - so_far['low'])} have had another "
        f"at some step up to there, permanently or not. {when}; {end['unbroken']:.1%} have the dense network's answer at "
        f"{end['percent']:.0f}% {look.span(end['low'], end['high'])}."
    )
    before, after = breaking.classes_given(steps)
    if after <= before / 2:
        text += (
            f" There the network gives only **{after} of the {before} {selection.words[1]}** that the dense one gives: an image of these comes back "
            "because nearly all get one of these answers, not because it is recognised."
        )
    return text


def _fragile(selection: Selection, table: pd.DataFrame, test: Cohort) -> None:
    """The images that break first."""
    some = table if selection.diagnosis is None else table[test.labels == test.class_names.index(selection.diagnosis)]
    broken = some.dropna(subset="breaks").sort_values(
        ["breaks", "steps_changed"], ascending=[True, False], kind="stable"
    )
    st.markdown(f"### The most fragile of {len(broken):,} images whose answer changes permanently")
    if broken.empty:
        st.caption("No answer changes permanently along the stored path.")
        return

    def words(place: int) -> str:
        row = broken.iloc[place]
        truth = test.class_names[test.labels[broken.index[place]]]
        return f"**{look.diagnosis(truth)}**  \nChanged permanently from {row['breaks']:.0f}%"

    gallery.show(
        broken.index.to_numpy(),
        test,
        selecting.picture(selection),
        words=words,
        frame=lambda: _lines(broken, broken.index.to_numpy(), test),
        key="fragile",
        opened=whatif_followed.follow,
        order="those that break first",
    )


def _lines(table: pd.DataFrame, rows: np.ndarray, test: Cohort) -> pd.DataFrame:
    names = np.array([look.diagnosis(name) for name in test.class_names], object)
    return pd.DataFrame(
        {
            "image": test.ids[rows],
            "truth": names[test.labels[rows]],
            "changed permanently from %": table["breaks"].to_numpy(),
            "first changed at %": table["first"].to_numpy(),
            "still held at %": table["holds"].to_numpy(),
        }
    )
