"""The first page: the question, the three methods, what was found, where to go."""

import pandas as pd
import streamlit as st

from core.words import METHOD_SENTENCES
from pages.components import diagrams, layout, loaders, look, navigation, overview_answer, overview_found, panels, state

navigation.require()
st.title("What does a network forget when you prune it?")
st.markdown(
    "To run on a small device, a neural network is often **pruned**: most of its weights are set to zero. "
    "Its accuracy may hardly move, but rare diagnoses weigh little in it: whether these are still found, and up to how many "
    "zeros, has to be counted. Here you can look, on networks that were really trained and on every answer that they gave."
)

place = overview_answer.ask()

st.header("Three ways to remove 80% of the weights")
for column, name in zip(layout.columns(3, least=180, key="methods"), diagrams.FRAMES, strict=True):
    with column:
        st.markdown(f"**{look.title(name)}**")
        drawing = diagrams.method(name, look.colour(name))
        st.image(drawing, width="stretch", alt=METHOD_SENTENCES[name])
        st.markdown(METHOD_SENTENCES[name])
st.caption("All three remove the smallest weights first and are given the same amount of training.")

st.header("What was found")
study = state.study()
if study is None:
    overview_answer.fill(place, None)
    panels.no_study()
    st.stop()
found = overview_found.ask()


def interval(metric: dict | None) -> str:
    """A metric of a card in one line."""
    if not metric or metric["estimate"] is None:
        return "not measured"
    text = f"{metric['estimate']:.1%}"
    if metric["low"] is None:
        return text
    return f"{text} {look.span(metric['low'], metric['high'])}".replace(
        ", ", ",\u00a0"
    )  # it may break before the interval only


def row(entry) -> dict:
    """One checkpoint as a line of the table."""
    metrics = entry.card.metrics
    # On a phone six columns would have to be pushed aside to be read.
    line = {
        "Network": f"{look.title(entry.card.method)}  \n{entry.card.epochs:g}\u00a0epochs, {entry.size_bytes / 1e6:.1f}\u00a0MB",
        "Weights removed": f"{entry.card.actual_sparsity:.1%}",
        "Accuracy": interval(metrics.get("accuracy")),
        "Balanced accuracy": interval(metrics.get("balanced_accuracy")),
    }
    if "sensitivity/mel" in metrics:
        line["Images of melanoma recognised"] = interval(metrics["sensitivity/mel"])
    return line


paths = loaders.studies().get(study)
if paths is None:  # deleted while this page was being drawn
    st.rerun()
entries = list({entry.id: entry for path in paths.values() for entry in path.entries}.values())
ordered = sorted(entries, key=lambda entry: (entry.card.sparsity, look.order(entry.card.method)))
st.table(pd.DataFrame([row(entry) for entry in ordered]).set_index("Network"))
card = entries[0].card
n = (card.metrics.get("accuracy") or {}).get("n")
if n:
    st.caption(
        f"On {n:,} test images, on which no network was trained and by which none was chosen. In brackets 95% intervals. "
        + ("No lesion is in both training and test." if card.data.split_by == "lesion" else "")
    )
others = sorted({entry.card.sparsity for path in paths.values() for entry in path.results})
if others:
    st.caption(
        f"Networks pruned to {look.listed([look.sparsity(value) for value in others])} were trained as well; they ship without their "
        "weights. *What if* shows their answers, *Methods* compares them all."
    )
from pages.components import whatif_words  # noqa: E402 (brings torch, for which nothing above has to wait)

if again := whatif_words.repeats(study, "iterative", 0.8).strip():
    st.caption(again.replace("This is one training.", "Each line is one training."))
panels.left_out()

st.page_link("pages/what_if.py", label="Slide the sparsity and see what changes", icon=":material/tune:")
st.page_link("pages/learn.py", label="New to this? Seven short lessons", icon=":material/school:")
overview_answer.fill(place, study)
overview_found.fill(found, study)
