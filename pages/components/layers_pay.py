"""Which layers pay: what it costs to prune one layer alone."""

import streamlit as st

from core import sensitivity
from core.errors import WeightsNotHere
from pages.components import address, layers_charts, layers_state, loaders, look, panels


def draw(study: str) -> None:
    """The stored loss of each layer; where none is stored, how to make it."""
    entry = next(iter(loaders.studies()[study].values())).dense
    found = loaders.results().make(("sensitivity", *_stamp(entry)), lambda: sensitivity.read(entry) or "none")
    if (found == "none" or found.rows.empty) and not entry.weights:
        panels.missing_weights(
            WeightsNotHere(
                "What pruning each layer alone costs is not stored, and to compute it takes weights that are not here",
                given=entry.id,
                remedy=f"make the weights again with `python -m core reproduce {entry.id}`, then `python -m core sensitivity {study}`",
            )
        )
        return
    if found == "none" or found.rows.empty:
        st.info(
            "**Nobody has asked yet what pruning each layer of this network alone costs.** It is computed once from the validation images, "
            "and stored. Minutes for VGG16, longer for DenseNet169:",
            icon=":material/query_stats:",
        )
        st.code(f"python -m core sensitivity {study}", language="bash", wrap_lines=True)
        panels.offer_photographs(study)
        return
    left, right = st.columns(2, gap="medium")
    with left:
        sparsity = layers_state.alone(sorted(found.rows["sparsity"].unique()))
    with right:
        measure = layers_state.measure()
    recalibrated = bool(found.recalibrated_on) and address.toggle(
        "recalibrate",
        "Recalibrate batch norm",
        True,
        help="Re-estimate batch norm's averages after pruning, on about a thousand training images; of both networks.",
    )
    rows = found.rows
    frame = rows[(rows["sparsity"] == sparsity) & (rows["recalibrated"] == recalibrated)]
    if frame.empty:
        st.caption("Not stored yet for this choice.")
        return
    frame = frame.assign(value=frame[measure], low=frame[f"{measure}_low"], high=frame[f"{measure}_high"])
    frame = frame[["part", "layers", "weights", "value", "low", "high"]]
    table = frame.rename(columns={"value": f"{measure}_difference"})
    frame = frame.assign(part=frame["part"].apply(look.short_layer, layers=list(frame["part"])))
    st.markdown(_sentence(frame, layers_state.MEASURES[measure].lower(), sparsity))
    st.markdown(f"**What pruning one {_one(frame)} alone changes: {layers_state.MEASURES[measure].lower()}**")
    st.altair_chart(
        layers_charts.pays(frame, layers_state.MEASURES[measure], look.COLOURS["prune_only"], look.ink()),
        alt=f"Change of {measure.replace('_', ' ')} when one layer alone is pruned to {sparsity:.0%}, with 95% intervals",
    )
    st.caption(
        f"{_basis(found, measure, recalibrated)} Layers stand from the input, {frame['part'].iloc[0]}, to the output, {frame['part'].iloc[-1]}."
    )
    panels.table(
        table,
        name=f"layers-that-pay-{study}-{sparsity:.0%}",
        title="What pruning one layer alone costs",
        key="pays",
    )


def _stamp(entry) -> tuple:
    path = sensitivity.path_of(entry)
    return entry.card.digest, path.stat().st_mtime_ns if path.exists() else 0


def _one(frame) -> str:
    """What is pruned alone: a layer, or where there are many, a part of several."""
    return "layer" if (frame["layers"] == 1).all() else "part"


def _sentence(frame, measure: str, sparsity: float) -> str:
    worst = frame.loc[frame["value"].idxmin()]
    loss, gain = int((frame["high"] < 0).sum()), int((frame["low"] > 0).sum())
    text = (
        f"Pruned alone to {sparsity:.0%}, **{worst['part']}** changes most for the worse: {look.points(worst['value'], worst['low'], worst['high'])} "
        f"points of {measure} (the worst of {len(frame)} looks worse than it is). "
    )
    told = f"Of {len(frame)} {_one(frame)}s these images show a loss for {loss or 'none'}"
    if gain:
        told += f" and a gain for {gain}"
    left = len(frame) - loss - gain
    return (
        text
        + told
        + (
            f"; for {'the other ' if loss + gain else 'all '}{left} the interval reaches zero: whether they lose cannot be told."
            if left
            else "."
        )
    )


def _basis(found: sensitivity.Sensitivity, measure: str, recalibrated: bool) -> str:
    lesions = f" of {found.lesions:,} lesions" if found.lesions else ""
    base = found.base[measure][int(recalibrated)]
    return (
        f"n = {found.n:,} **validation** images{lesions}, the same for every layer, with paired 95% intervals; test images chose nothing. "
        f"The dense network has {base:.1%} there (no interval is stored). No fine-tuning; {'batch norm of both re-estimated' if recalibrated else 'batch norm as trained'}."
    )
