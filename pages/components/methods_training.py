"""How networks learn: after each step of layer by layer, and epoch by epoch."""

import pandas as pd
import streamlit as st

from core import claims, paper, replication
from core.replication.layerwise import OURS
from core.studies import Study
from pages.components import look, methods_charts, methods_controls, methods_data, panels

_LOSS = {"loss": "Training loss"}


def layerwise(study: str) -> None:
    """The section about the way of layer by layer."""
    known = methods_data.lines(study)[0].pruned.get("layerwise", {})
    if not known:
        st.info("**No network was pruned layer by layer yet.** Make one:", icon=":material/model_training:")
        st.code(f"python -m core prune {study} layerwise 0.8", language="bash", wrap_lines=True)
        return
    sparsity = methods_controls.trained(list(known), "layerwise-at")
    card = known[sparsity].card
    frame = replication.bars(card)
    n = frame["n"].max()
    ours = "Ours, validation images"
    frame = frame.assign(who=frame["source"].map({OURS: ours}).fillna("The paper, its test images"))
    units = paper.units(Study.parse(study).architecture)
    order = [*units, *(unit for unit in frame["unit"] if unit not in units)]
    st.markdown(
        f"**Accuracy after each layer was pruned to {look.sparsity(sparsity)} and trained on, from input to output**"
    )
    order = [unit for unit in order if unit in set(frame["unit"])]
    st.altair_chart(
        methods_charts.units(frame, order, look.ink()),
        alt="Accuracy after each unit of layer by layer, ours with 95% intervals, and the paper's",
    )
    in_lesions = methods_data.stored(study).lesions is not None
    alone = (
        " with images of one lesion taken for independent (only sums were kept after each layer)" if in_lesions else ""
    )
    st.caption(
        (
            f"Ours: n = {n:,.0f} validation images, Wilson's 95% intervals{alone}, {card.epochs:g} epochs in all."
            if pd.notna(n)
            else "How many validation images these rest on is not recorded."
        )
        + ("" if set(frame["source"]) == {OURS} else " The paper gives no intervals.")
    )
    st.markdown("**Share of all weights removed by then**")
    st.altair_chart(
        # Weights are counted, on no images.
        methods_charts.removed(frame.assign(who=frame["who"].str.partition(",")[0]), order, look.ink()),
        alt="Share of all weights that were removed after each unit of layer by layer",
    )
    if units and card.architecture.name == "vgg16" and card.architecture.head == "compact":
        st.caption(
            "The paper's VGG16 has three linear layers that hold most of its weights, ours has one small one: compare "
            "what happens while the bars rise, not one layer with another."
        )
    if set(frame["source"]) == {OURS}:
        st.caption(
            "The paper tells of the way to 80% only, and of its own studies."
            if sparsity != 0.8
            else "The paper has no such study."
        )
    name = f"layerwise-{study}-{100 * sparsity:g}"
    panels.table(frame.drop(columns="who"), name=name, title="Accuracy after each unit", key="layerwise")


def draw(study: str) -> None:
    """The section about training curves."""
    line = methods_data.lines(study)[0]
    if not line.sparsities:
        st.info("**Nothing was pruned and trained on yet.** Make what is missing:", icon=":material/model_training:")
        st.code(methods_data.command(study), language="bash", wrap_lines=True)
        return
    with st.container(horizontal=True, gap="medium"):
        column = methods_controls.measure(_LOSS)
        sparsity = methods_controls.trained(line.sparsities, "training-at")
    frame = replication.learning(line, sparsity)
    frame = frame.assign(network=frame["method"].map(look.short))
    title = (methods_controls.MEASURES | _LOSS)[column]
    where = "on training images" if column == "loss" else "on validation images"
    st.markdown(f"**{title} {where}, epoch by epoch: does the pruned network keep up?**")
    st.altair_chart(
        methods_charts.learning(frame, column, title, line.dense.card.epochs, look.ink()),
        alt=f"{title} over the epochs of training of the dense network, the same trained on, and the pruned ones",
    )
    n = frame["n"].max()
    alone = " and not by lesion" if methods_data.stored(study).lesions is not None else ""
    st.caption(
        f"The dashed line is where pruning to {look.sparsity(sparsity)} begins. "
        + (f"On n = {n:,.0f} validation images. " if pd.notna(n) and column != "loss" else "")
        + f"After each epoch only the means over images{alone} were kept, so no interval is drawn. Iterative and layer by layer begin each "
        "of their steps with the full learning rate again."
    )
    _verdicts(study, sparsity, "accuracy" if column == "loss" else column)
    name = f"training-{study}-{100 * sparsity:g}"
    panels.table(frame.drop(columns="network"), name=name, title="Training, epoch by epoch", key="training")


def _verdicts(study: str, sparsity: float, measure: str) -> None:
    """What the curves end in, tested on the test images."""
    found = [
        finding
        for finding in methods_data.findings(study, measure)
        if finding.claim.group == "learning" and finding.claim.sparsity == sparsity
    ]
    st.markdown(f"**Where it ends, on test images ({methods_controls.MEASURES[measure].lower()})**")
    for finding in found:
        item = finding.evidence[0]
        said = claims.headline(finding.claim)
        text = f"{said[0].upper()}{said[1:]}"
        if item.difference is None:
            st.markdown(f"- {text}: **not tested**, {item.reason}.")
        else:
            why = f" ({item.reason})" if item.reason else ""
            st.markdown(f"- {text}: {item.difference.format(signed=True)}, **{finding.verdict}**{why}.")
