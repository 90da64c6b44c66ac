"""The top of What if: the sentence a clinician would say, and the numbers behind it."""

from dataclasses import dataclass

import pandas as pd
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import evaluation
from core.errors import DataNotFound, WeightsNotHere
from core.evaluation.ledger import total as total_of
from core.progress import Progress, clock
from core.whatif import Estimate
from pages.components import images, look, panels, whatif_selection, whatif_words
from pages.components.whatif_selection import Selection

_HEADLINE = "headline"
# What moves the slider and does not see hears nothing of the new sentence, unless its place is a live region. Streamlit has none; its
# containers stay as they are while what is in them changes.
_ALOUD = f"""<script>
document.querySelector(".st-key-{_HEADLINE}")?.setAttribute("role", "status");
</script>"""


@dataclass(frozen=True)
class Places:
    """Places for numbers that come in step by step, laid out first so that nothing jumps."""

    status: DeltaGenerator
    sentence: DeltaGenerator
    numbers: DeltaGenerator


def notice(selection: Selection) -> None:
    """Say that the images are not on this machine, and how to get them."""
    try:
        images.find(selection.path.dense.card.data)
    except DataNotFound as error:
        panels.missing_data(error)


def start(selection: Selection) -> Estimate | Places:
    """The top of the page, at once where the answers are known; else places for them.

    A place that is emptied and filled again flickers, so there are none where they are not needed.
    """
    known = whatif_selection.known(selection)
    headline = st.container(key=_HEADLINE)  # first in both cases, so that it stays the same place
    if known is None:
        sentence = headline.empty()
        return Places(st.empty(), sentence, st.empty())
    headline.markdown(_words(selection, known))
    _numbers(selection, known)
    return known


def aloud() -> None:
    """Let screen readers speak the sentence whenever it changes. Last on the page, where its empty place is not seen."""
    st.html(_ALOUD, unsafe_allow_javascript=True)


def finish(places: Places, selection: Selection) -> Estimate | None:
    """Compute what is not known: better and better estimates come in, until all test images are asked.

    The computation stops at its next sign of progress when the user moves on.

    Returns:
        The answers to all test images; None where they cannot be computed here.
    """
    last = None
    try:
        with places.status:
            images.prepare(selection.path.dense.card.data)
        for last in whatif_selection.estimates(selection, lambda progress: _tell(places, progress)):
            places.sentence.markdown(_words(selection, last))
            with places.numbers.container():
                _numbers(selection, last)
    except DataNotFound:
        _from_card(places, selection, "the images")
    except WeightsNotHere as error:
        _from_card(places, selection, f"the weights of {look.literal(error.given)}, which are not here,")
    places.status.empty()
    return last


def ledger(selection: Selection, estimate: Estimate) -> pd.DataFrame:
    """The harm ledger of the position; of a live one's first images only until all are in."""
    test = selection.cohort
    groups = None if test.groups is None else test.groups[estimate.rows]

    def work() -> pd.DataFrame:
        labels = test.labels[estimate.rows]
        return evaluation.ledger(estimate.dense, estimate.pruned, labels, test.class_names, groups)

    return selection.result("ledger", work, estimate.n)


def false_alarms(selection: Selection, estimate: Estimate, table: pd.DataFrame) -> evaluation.FalseAlarms:
    """How many lesions of other classes are called the one that the sentence is about."""
    test, name = selection.cohort, whatif_words.told_of(table, selection)["group"]
    groups = None if test.groups is None else test.groups[estimate.rows]

    def work() -> evaluation.FalseAlarms:
        labels = test.labels[estimate.rows]
        return evaluation.false_alarms(estimate.dense, estimate.pruned, labels, name, test.class_names, groups)

    return selection.result("false alarms", work, name, estimate.n)


def _tell(places: Places, progress: Progress) -> None:
    left = progress.seconds_left
    more = f", about {clock(left)} left" if left and left > 1.5 else ""
    places.status.progress(progress.fraction, f"Refining: {progress.stage.lower()}{more}")


def _words(selection: Selection, estimate: Estimate) -> str:
    total, grouped = len(selection.cohort), selection.cohort.groups is not None
    table = ledger(selection, estimate)
    return whatif_words.sentence(
        table, selection, estimate.n, total, grouped=grouped, alarms=false_alarms(selection, estimate, table)
    )


def _numbers(selection: Selection, estimate: Estimate) -> None:
    test = selection.cohort
    metrics = evaluation.headlines(short=estimate.short)

    def work() -> list[evaluation.Score]:
        groups = None if test.groups is None else test.groups[estimate.rows]
        labels = test.labels[estimate.rows]
        return evaluation.scoreboard(estimate.dense, estimate.pruned, labels, groups, metrics=metrics)

    scores = selection.result("scores", work, estimate.n)
    for column, score in zip(st.columns(max(3, len(scores))), scores, strict=False):
        with column.container(border=True):
            _card(score)
    st.caption(_basis(estimate, ledger(selection, estimate), len(test), test.groups is not None))


def _card(score: evaluation.Score) -> None:
    metric, change = score.metric, score.change
    percent = metric.unit == "%"
    told = change.low is not None and not change.low <= 0 <= change.high
    st.metric(
        metric.title,
        _number(score.pruned.estimate, percent),
        delta=_change(change, percent),
        # Told apart here: Streamlit looks for a hyphen, and this is a minus.
        delta_color=("inverse" if change.estimate < 0 else "normal") if told else "off",
        delta_arrow=("down" if change.estimate < 0 else "up") if told else "off",
        help=f"{metric.description} Here of the pruned network; below, its difference from the dense one with its 95% interval "
        f"({change.method}). Grey: the data cannot tell it from no difference.",
    )
    st.caption(f"Dense: {_in_full(score.dense, percent)}  \nPruned: {_in_full(score.pruned, percent)}")


def _basis(estimate: Estimate, table: pd.DataFrame, total: int, grouped: bool) -> str:
    whole, things = total_of(table), "lesions" if grouped else "images"
    parts = [
        f"n = {estimate.n:,} test images"
        + (f" of {whole['lesions']:,} lesions" if grouped else "")
        + ", the same for both networks.",
        f"Newly missed against newly caught {things}: McNemar {look.chance(whole['p_value'])}.",
    ]
    if grouped:
        parts.append(
            "A lesion is found if its diagnosis is the likeliest on average over its images; *Threshold* asks for less than that."
        )
    if not estimate.final:
        parts.insert(0, f"**First estimate**, {estimate.n / total:.0%} of the images.")
    if estimate.recalibrated_on:
        parts.append(
            f"Batch norm of both networks was re-estimated on {estimate.recalibrated_on:,} training images, so the dense one may "
            "differ a little from its checkpoint."
        )
    if estimate.short:
        parts.append("Macro AUC is not stored where there are many classes.")
    return " ".join(parts)


def _from_card(places: Places, selection: Selection, lacking: str) -> None:
    """Without images or weights: what the checkpoint's card says, where the slider stands on one, and what is stored."""
    if selection.fixed:
        places.sentence.markdown(
            f"Layers set by hand have to be computed, and without {lacking} they cannot be. Reset them under **Layers** to see "
            "the stored answers."
        )
        return
    metrics = selection.own.card.metrics
    if not selection.trained or "accuracy" not in metrics:
        stored = whatif_selection.stored_percents(selection)
        places.sentence.markdown(
            f"Nothing is stored for {selection.percent}%, and without {lacking} it cannot be computed. "
            + (f"Stored here: {look.percents(stored)}." if stored else "No answers are stored here.")
        )
        return
    with places.numbers.container(horizontal=True):
        for name in ("balanced_accuracy", "accuracy", "sensitivity/mel"):
            if name in metrics:
                title = evaluation.METRICS[name].title if name in evaluation.METRICS else "Melanomas recognised"
                row = metrics[name]
                with st.container(border=True, width=260):
                    st.metric(title, "–" if row["estimate"] is None else f"{row['estimate']:.1%}")
                    st.caption(
                        ("" if row["low"] is None else f"{look.span(row['low'], row['high'])}, ") + f"n = {row['n']:,}"
                    )


def _number(value: float, percent: bool) -> str:
    return f"{value:.1%}" if percent else f"{value:.3f}"


def _in_full(value: evaluation.Interval, percent: bool) -> str:
    if value.low is None:
        return _number(value.estimate, percent)
    span = look.span(value.low, value.high) if percent else f"[{value.low:.3f}, {value.high:.3f}]"
    return f"{_number(value.estimate, percent)} {span}"


def _change(change: evaluation.Interval, percent: bool) -> str:
    """A difference, of shares in points, with its interval."""
    if percent:
        value, _, span = look.points(change.estimate, change.low, change.high).partition(" ")
        return f"{value} points {span}".rstrip()
    numbers = [change.estimate] if change.low is None else [change.estimate, change.low, change.high]
    # As in a report: a change too small to show has no sign.
    signed = (f"{round(number, 3) + 0.0:+.3f}".replace("-", "−") for number in numbers)
    value, *ends = ("0.000" if text == "+0.000" else text for text in signed)
    return f"{value} [{', '.join(ends)}]" if ends else value
