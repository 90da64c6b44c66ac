"""The leak as a lesson: what the row split hides."""

import pandas as pd
import streamlit as st

from core import leak, paper
from core.checkpoints import Card, Entry
from core.evaluation import METRICS
from core.leak import ALL, LIKE, ONCE, SEEN, SEVERAL, UNSEEN, Leak
from core.studies import Study
from pages.components import address, loaders, look, methods_charts, methods_data, panels

_GROUPS = {
    ALL: "all its test images",
    UNSEEN: "lesions it never saw",
    LIKE: "lesions it never saw, of several images",
    SEEN: "lesions it was trained on",
}
_MELANOMA = "Melanomas recognised"


def draw(study: str) -> None:
    """The section about the leak."""
    st.markdown(
        "Many lesions of HAM10000 have several images. The paper split row by row of their table, image by image: under this **row split** "
        "a lesion can be in training and in test at once, and the network is asked about lesions that it has met. Except for the "
        "networks made like the paper's, all numbers in this tool come from a split **by lesion**. How much does the difference matter?"
    )
    known = methods_data.leaks(study)
    cohort = methods_data.stored(study).cohort
    if not known and cohort is not None and cohort.groups is None:
        st.info(
            "**Nothing can leak in this study.** Each of its images stands for itself, so that no lesion is in two splits. Pick a study of HAM10000 to see the lesson.",
            icon=":material/info:",
        )
        panels.offer_photographs(study)
        return
    if not known:
        _empty(study)
    else:
        entry = _chosen([entry for entry in loaders.cards() if entry.id in known])
        _lesson(study, entry, known[entry.id])
    _control(study)


def _chosen(entries: list[Entry]) -> Entry:
    """One of the networks that were trained under the row split; the dense one first. Asked only where there is a choice."""
    ordered = sorted(entries, key=lambda entry: (entry.card.sparsity, look.order(entry.card.method), entry.id))
    by_name = {entry.id.rpartition("/")[2]: entry for entry in ordered}
    if len(by_name) == 1:
        return ordered[0]
    titles = {name: _title(entry.card) for name, entry in by_name.items()}
    if len(set(titles.values())) < len(titles):  # trained twice in one way: only its name tells one from the other
        titles = {name: f"{title} ({name})" for name, title in titles.items()}
    return by_name[
        address.choose(st.segmented_control, "leaky", "Trained under the row split", titles, next(iter(titles)))
    ]


def _title(card: Card) -> str:
    return look.title(card.method) + (f", {look.sparsity(card.sparsity)}" if card.sparsity else "")


def _counterpart(study: str, card: Card) -> Entry | None:
    """The study's own network, of the lesion split, that was made in the same way."""
    line = methods_data.lines(study)[0]
    return line.at(card.method, card.sparsity) if card.sparsity else line.dense


def _own_name(card: Card) -> str:
    return "the study's own network" if card.sparsity else "the study's own dense network"


def _made(card: Card, own: Entry | None) -> str:
    """How the study's own network was made beside this one, and what the paper has."""
    if not card.sparsity:
        return ""
    text = ""
    if own is not None:
        text = f" The study's own network is {look.title(card.method).lower()} to {look.sparsity(card.sparsity)} too, "
        text += f"fine-tuned for {own.card.epochs:g} epochs; this one for {card.epochs:g}."
    study = Study.parse(card.study)
    cells = paper.accuracy().set_index(["model", "dataset", "method", "sparsity"])["accuracy"]
    theirs = cells.get((study.architecture, study.data, card.method, card.sparsity))
    return (
        text
        if theirs is None
        else f"{text} The paper's, under the row split, has **{theirs:.2%}**, without an interval."
    )


def _empty(study: str) -> None:
    st.info(
        "**The lesson is not here yet.** It takes a network trained under the row split, asked about its test images:",
        icon=":material/model_training:",
    )
    st.code(f"python -m core train {study} --split-by row\npython -m core leak", language="bash", wrap_lines=True)


def _lesson(study: str, entry: Entry, found: Leak) -> None:
    id, own = entry.id, _counterpart(study, entry.card)
    exposed, scores = leak.exposure(found).set_index("class"), leak.scores(found)
    everything = exposed.loc["all"]
    text = f"Of its {everything['images']:,.0f} test images **{everything['share']:.0%}** show a lesion "
    text += "that it was trained on"
    if "mel" in exposed.index and exposed.at["mel", "images"]:
        text += f"; of the {exposed.at['mel', 'images']:,.0f} images of melanoma **{exposed.at['mel', 'share']:.0%}**"
    st.markdown(f"## {_headline(entry.card, own, scores)}\n\n{text}.{_made(entry.card, own)}")
    st.markdown(f"**The same network, `{id}`, on sets of its own test images**")
    _chart(scores, _GROUPS, [look.ink(), look.BETTER, look.COLOURS["one_shot"], look.WORSE])
    table, few = leak.comparable(found, SEEN, LIKE)
    for row in leak.gaps(table, SEEN, LIKE).itertuples():
        st.markdown(
            f"- {_name(row.measure)}: **{_points(row)}** points on lesions it was trained on, against lesions it never "
            f"saw that have several images too (n = {row.n_first:,} and {row.n_second:,} images)."
        )
    if few:
        st.caption(
            f"In balanced accuracy each class counts alike, so those with fewer than {leak.LEAST} lesions on a side are left out of its "
            f"gap: {look.listed([look.diagnosis(name) for name in few])}."
        )
    st.caption(
        "Lesions of several images are compared with each other, for they are not like others: see below. Each "
        "interval is that of a difference between two groups of lesions."
    )
    panels.table(scores, name=f"leak-{id}", title="The same network on sets of its images", key=f"leak-{id}")
    if own is not None:
        _side_by_side(study, entry, own, found)


def _headline(card: Card, own: Entry | None, scores: pd.DataFrame) -> str:
    here = scores[scores["measure"] == "accuracy"].set_index("group").loc[ALL]
    text = f"Under the row split, this network scores **{here['estimate']:.1%}** {look.span(here['low'], here['high'])} in accuracy."
    metric = (own.card.metrics.get("accuracy") if own else None) or {}
    if metric.get("estimate") is not None:
        text += (
            f" Under the split by lesion, {_own_name(card)} scores **{metric['estimate']:.1%}** "
            f"{look.span(metric['low'], metric['high'])}."
        )
    return text


def _side_by_side(study: str, entry: Entry, own: Entry, found: Leak) -> None:
    """The two networks on the images that are test images of both."""
    id, stored = entry.id, methods_data.stored(study)
    answers = stored.own(own)
    table = leak.side_by_side(found, answers.probabilities, stored.cohort) if answers is not None else pd.DataFrame()
    if table.empty:
        return
    st.markdown(
        f"**On the same images: this network, and {_own_name(entry.card)} (`{own.id}`), which saw none of them**"
    )
    for row in table.itertuples():
        who = "lesions that this network was trained on" if row.group == SEEN else "lesions that neither was trained on"
        st.markdown(
            f"- Accuracy on images of {who}: {row.row:.1%} against {row.lesion:.1%}, **{_points(row)}** points, n = {row.n:,} "
            f"images of {row.lesions:,} lesions."
        )
    panels.table(table, name=f"same-images-{id}", title="Two networks on the same images", key=f"same-{id}")


def _control(study: str) -> None:
    """Whether lesions with several images are like others."""
    line, stored = methods_data.lines(study)[0], methods_data.stored(study)
    own = stored.own(line.dense)
    table = leak.control(own.probabilities, stored.cohort) if own is not None else pd.DataFrame()
    if set(table.get("group", ())) != {ONCE, SEVERAL}:
        return
    st.header("Are lesions with several images like others?")
    st.markdown(
        "A lesion leaks only if it has several images. If such lesions were easier or harder for every network, the "
        "gap between seen and unseen lesions would tell more of that than of the leak. This is the study's own dense "
        "network, which saw **none** of its test lesions:"
    )
    _chart(table, {ONCE: ONCE, SEVERAL: SEVERAL}, [look.COLOURS["one_shot"], look.COLOURS["layerwise"]])
    for row in leak.gaps(table, SEVERAL, ONCE).itertuples():
        st.markdown(
            f"- {_name(row.measure)}: **{_points(row)}** points on lesions of several images, against those of one "
            f"(n = {row.n_first:,} and {row.n_second:,} images)."
        )
    panels.table(
        table,
        name=f"control-{study}",
        title="Lesions of one image and of several",
        key="control",
    )


def _chart(table: pd.DataFrame, names: dict[str, str], colours: list[str]) -> None:
    frame = table.assign(measure=table["measure"].map(_name), group=table["group"].map(names))
    st.altair_chart(
        methods_charts.groups(frame, list(names.values()), colours, look.ink()),
        alt="Accuracy, balanced accuracy and melanomas recognised, with 95% intervals, by group of images",
    )
    sizes = table[table["measure"] == "accuracy"].itertuples()
    told = [f"{names[row.group]}: {int(row.n):,} images of {int(row.lesions):,} lesions" for row in sizes]
    st.caption(f"Intervals are 95%. Images: {'; '.join(told)}.")


def _name(measure: str) -> str:
    return METRICS[measure].title if measure in METRICS else _MELANOMA


def _points(row) -> str:
    return look.points(row.estimate, row.low, row.high)
