"""Breaking points: from which sparsity on each image gets another answer for good."""

import contextlib
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from streamlit.errors import StreamlitAPIException

from core import breaking
from core.breaking import Step
from core.cohort import Cohort
from pages.components import address, charts, gallery, loaders, look, panels, whatif_controls, whatif_curves
from pages.components import whatif_selection as selecting
from pages.components.whatif_selection import Selection

_IMAGE, _SHOW = "image", "show-image"
_INTO_VIEW = """<script>
const followed = document.querySelector(".st-key-followed");
if (followed) { followed.tabIndex = -1; followed.focus({preventScroll: true}); followed.scrollIntoView({block: "start"}); }
</script>"""
_ATTRIBUTION = "pages/attribution.py"
_APART = 12  # percent that two words on the chart need between them
MOST = 10  # classes with a line of their own


def draw(selection: Selection) -> None:
    """When answers break, class by class; the most fragile images; and one image along the whole path."""
    steps = breaking.stored_steps(selection.path, loaders.response, selection.switch)
    if len(steps) < 2:
        st.caption("Breaking points need the answers along the path, and none are stored for this method.")
        st.code(f"python -m core respond {selection.path.dense.id}", language="bash")
        return
    test = selection.cohort
    key = _key(selection, steps)
    table = loaders.results().make(("breaking", key), lambda: breaking.breaking_points(steps))
    _one(selection, steps, table, test)
    _curves(selection, steps, table, test, key)
    _fragile(selection, table, test)
    panels.table(
        lambda: _lines(table, np.arange(len(table)), test),
        name=f"breaking-{selection.path.study.replace('/', '-')}-{selection.path.method}",
        title="The breaking point of every test image",
        label="The numbers behind it: every breaking point",
        key="breaking",
    )


def follow(id: str) -> None:
    """Follow an image along the path: open it here, and bring it on the screen."""
    st.session_state[_IMAGE] = id
    st.session_state[_SHOW] = True
    st.session_state["view"] = "breaking"


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
    names = [("", "All images"), *((test.class_names[i], look.diagnosis(test.class_names[i])) for i in present)]
    words = {-1: names[0], **dict(zip(present, names[1:], strict=True))}
    frame = curves[curves["class"].isin(words)]
    frame = frame.assign(
        name=[words[index][0] for index in frame["class"]],
        label=[words[index][1] for index in frame["class"]],
        strength=[selection.strength(words[index][0]) for index in frame["class"]],
    )
    band = frame[frame["name"] == (selection.diagnosis or "")]
    charts.show(
        whatif_curves.unbroken(
            tuple(label for _, label in names),
            (look.ink(), *(look.series(index) for index in present)),
            look.ink(),
            len(names) > 1,
        ),
        {"table": frame, "band": band, "here": pd.DataFrame({"percent": [selection.percent]})},
        alt="Share of images whose answer has not changed for good, by sparsity, for each class",
        key=f"unbroken-{selection.diagnosis}",
        picked=lambda name: whatif_controls.pick(name) if name else None,
    )
    gaps = max(upper - lower for lower, upper in pairwise(percents))
    st.caption(
        f"Over {len(steps)} stored steps"
        + (f", up to {gaps} points apart" if gaps > 1 else "")
        + ". An answer breaks between "
        "the last step at which it held and the one shown. The band is the 95% interval (Wilson"
        + (", adjusted for lesions" if test.groups is not None else "")
        + ") of the line brought out. Answers can come back, where a trained checkpoint takes over or a class takes all: they count as broken only "
        f"from where they stay changed. How many are changed at one sparsity, for good or not, is what *Harm* shows.{_passed_over(selection, steps)}"
    )
    panels.table(
        lambda: frame[["label", "percent", "images", "unbroken", "low", "high"]].rename(
            columns={"label": selection.words[0]}
        ),
        name=f"unbroken-{selection.path.method}",
        title="Share of answers not changed, by class and sparsity",
        label="The numbers behind it: these curves",
        key="survival",
    )


def _passed_over(selection: Selection, steps: list[Step]) -> str:
    """Which trained networks are no step: their answers are stored, but not those between them and the next."""
    shown = {step.percent for step in steps if step.trained}
    others = [value for value in selection.path.trained if round(100 * value) not in shown]
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
        f"Half of them have changed for good by **{half:.0f}%**"
        if np.isfinite(half)
        else "Fewer than half of them change for good"
    )
    text = (
        f"Of {len(breaks):,} test {who}, **{1 - here['unbroken']:.1%}** have another answer for good at {selection.percent}% sparsity "
        f"{look.span(1 - here['high'], 1 - here['low'])}; {1 - so_far['unbroken']:.1%} {look.span(1 - so_far['high'], 1 - so_far['low'])} have had another "
        f"at some step up to there, for good or not. {when}; {end['unbroken']:.1%} have the dense network's answer at "
        f"{end['percent']:.0f}% {look.span(end['low'], end['high'])}."
    )
    before, after = breaking.classes_given(steps)
    if after < before:
        text += (
            f" There the network gives only **{after} of the {before} {selection.words[1]}** that the dense one gives: an image of these comes back "
            "because nearly all get this answer, not because it is recognised."
        )
    return text


def _fragile(selection: Selection, table: pd.DataFrame, test: Cohort) -> None:
    """The images that break first."""
    some = table if selection.diagnosis is None else table[test.labels == test.class_names.index(selection.diagnosis)]
    broken = some.dropna(subset="breaks").sort_values(
        ["breaks", "steps_changed"], ascending=[True, False], kind="stable"
    )
    st.markdown(f"### The most fragile of {len(broken):,} images whose answer changes for good")
    if broken.empty:
        st.caption("No answer changes for good along the stored path.")
        return

    def words(place: int) -> str:
        row = broken.iloc[place]
        truth = test.class_names[test.labels[broken.index[place]]]
        return f"**{look.diagnosis(truth)}**  \nChanged for good from {row['breaks']:.0f}%"

    gallery.show(
        broken.index.to_numpy(),
        test,
        selecting.picture(selection),
        words=words,
        frame=lambda: _lines(broken, broken.index.to_numpy(), test),
        key="fragile",
        opened=follow,
        order="those that break first",
    )


def _lines(table: pd.DataFrame, rows: np.ndarray, test: Cohort) -> pd.DataFrame:
    names = np.array([look.diagnosis(name) for name in test.class_names], object)
    return pd.DataFrame(
        {
            "image": test.ids[rows],
            "truth": names[test.labels[rows]],
            "changed for good from %": table["breaks"].to_numpy(),
            "first changed at %": table["first"].to_numpy(),
            "still held at %": table["holds"].to_numpy(),
        }
    )


def _one(selection: Selection, steps: list[Step], table: pd.DataFrame, test: Cohort) -> None:
    """One image along the path, if the address names one."""
    known = {id: row for row, id in enumerate(test.ids.tolist())}
    address.hold(_IMAGE, lambda text: text if text in known else None, None)
    id = st.session_state[_IMAGE] if st.session_state[_IMAGE] in known else None
    address.tell(_IMAGE, id)
    if id is None:
        return
    row = known[id]
    truth = test.class_names[test.labels[row]]
    with st.container(border=True, key="followed"):
        if st.session_state.pop(_SHOW, False):  # it was asked for from pictures further down the page
            st.html(_INTO_VIEW, unsafe_allow_javascript=True)
        st.markdown(f"**{look.plain(id)} along the path** · truth: {look.diagnosis(truth)}")
        picture = selecting.picture(selection)
        left, right = st.columns([1, 4]) if picture is not None else (None, st.container())
        if left:
            left.image(picture(row), width=gallery.SIDE, alt=f"Test image {id}: {look.diagnosis(truth)}")
        with right:
            _path_of(steps, row, table.iloc[row], test)
        with st.container(horizontal=True):
            st.button("Close", key="close-image", on_click=_close)
            if Path(__file__).parents[2].joinpath(_ATTRIBUTION).exists():
                with contextlib.suppress(StreamlitAPIException):  # the page is there but not in the navigation
                    st.page_link(
                        _ATTRIBUTION, label="Where do they look?", icon=":material/search:", query_params={"image": id}
                    )


def _path_of(steps: list[Step], row: int, found: pd.Series, test: Cohort) -> None:
    breaks = found["breaks"]
    frame = breaking.along(steps, row, truth=test.labels[row])
    shown = list(dict.fromkeys(frame["class"]))
    frame["label"] = [look.diagnosis(test.class_names[index]) for index in frame["class"]]
    lines = frame.melt(["percent", "label"], ["pruned", "dense"], "network", "probability").dropna()
    lines["network"] = lines["network"].str.capitalize()
    marks = [(step.percent, "trained") for step in steps if step.trained and step.percent]
    if not np.isnan(breaks):
        # Words a few points apart would be printed over each other: the line alone stays.
        marks = [
            (percent, what if abs(percent - breaks) > _APART else "") for percent, what in marks if percent != breaks
        ]
        marks.append((breaks, "changed for good"))
    st.caption(
        "Probabilities of the pruned network at each stored sparsity, the dense network's dashed: both with batch norm "
        "recalibrated, or both without. " + _of_one(found) + " One image has no interval."
    )
    charts.show(
        whatif_curves.probabilities(
            tuple(look.diagnosis(test.class_names[index]) for index in shown),
            tuple(map(look.series, shown)),
            look.ink(),
        ),
        {"table": lines, "marks": pd.DataFrame(marks, columns=["percent", "what"])},
        alt=f"Probabilities of {frame['label'].nunique()} classes for one image along the sparsity",
    )
    panels.table(
        lambda: lines,
        name=f"path-{test.ids[row]}",
        title="Probabilities along the path",
        key="path",
        label="The numbers behind it: this image",
    )


def _of_one(found: pd.Series) -> str:
    """When the answer to one image changes, and whether for good."""
    first, breaks = found["first"], found["breaks"]
    if np.isnan(first):
        return "Its answer never changes."
    if first == breaks:
        return f"Its answer is another from {breaks:.0f}% on."
    share = f"at {found['steps_changed']:.0%} of all steps, first at {first:.0f}%"
    if np.isnan(breaks):
        return f"Its answer is another {share}, and the dense network's again in the end."
    return f"Its answer is another {share}, and for good from {breaks:.0f}% on."


def _close() -> None:
    st.session_state[_IMAGE] = None
