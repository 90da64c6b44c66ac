"""Sparsity by layer, for every method of a study at one sparsity."""

import pandas as pd
import streamlit as st

from core.paths import PRUNE_ONLY
from pages.components import layers_charts, layers_data, layers_state, loaders, look, panels, state


def draw(study: str) -> None:
    """Few layers: one chart of all methods. Else, or by weights, a chart for each method, all with the layers in the same places."""
    paths = loaders.studies()[study]
    left, right = st.columns([3, 2], gap="medium")
    with left:
        sparsity = state.sparsity()
    with st.spinner("Counting the zeros of every network …"):
        tables = {method: layers_data.spread(paths[method], sparsity) for method in sorted(paths, key=look.order)}
    few = len(tables[PRUNE_ONLY]) <= layers_charts.MANY
    with right:
        # By weights a few large layers leave no room for all others, and where there are few each has room for its name.
        width = layers_state.width("equal" if few else "weights")
    alike = [
        method for method in tables if method != PRUNE_ONLY and paths[method].start(sparsity) == paths[method].dense
    ]
    shown = [method for method in tables if method not in alike]
    named = {}
    for method in shown:
        names = tables[method]["layer"]
        named[method] = tables[method].assign(layer=names.apply(look.short_layer, layers=list(names)))
    together = few and width == "equal"
    if together:
        _together(named, sparsity)
    for method, table in named.items():
        if together:
            st.markdown(f"- **{look.title(method)}**: {_sentence(table, paths[method], sparsity)}")
            if method == PRUNE_ONLY and alike:
                st.caption(_same(paths, alike))
            continue
        st.markdown(f"**{look.title(method)}**")
        st.caption(_sentence(table, paths[method], sparsity))
        if method == PRUNE_ONLY and alike:
            st.caption(_same(paths, alike))
        st.altair_chart(
            layers_charts.spread(table, look.colour(method), width, last=method == shown[-1]),
            alt=f"{look.title(method)}: share of zeros in each of {len(table)} layers from input to output at {sparsity:.0%} sparsity",
        )
    st.page_link(
        "pages/methods.py",
        label="The paper's accuracy after each layer",
        icon=":material/bar_chart:",
        query_params={name: st.query_params[name] for name in ("study",) if name in st.query_params}
        | {"part": "layerwise"},
    )
    whole = pd.concat([table.assign(method=look.title(method)) for method, table in tables.items()])
    panels.table(
        whole[["method", "layer", "weights", "share", "zeros", "sparsity"]],
        name=f"layers-{study}-{sparsity:.0%}",
        title="Weights and zeros by layer and method",
        key="spread",
        sparsity=st.column_config.NumberColumn("zero", format="percent"),
        share=st.column_config.NumberColumn("of all weights", format="percent"),
    )


def _together(named: dict[str, pd.DataFrame], sparsity: float) -> None:
    """All methods in one chart: who looks for what they do differently need not compare four."""
    st.markdown("**Share of zeros in each layer, from input to output**")
    frame = pd.concat([table.assign(method=method) for method, table in named.items()])
    layers = next(iter(named.values()))["layer"]
    st.altair_chart(
        layers_charts.together(frame, list(layers)),
        alt=f"Share of zeros in each of {len(layers)} layers from input to output at {sparsity:.0%} sparsity, by "
        + look.listed([look.title(method) for method in named]),
    )


def _same(paths, alike: list[str]) -> str:
    """Why some methods are not drawn: below their first checkpoint they are the dense network, pruned at once."""
    first = {look.title(method): paths[method].sparsities[1] for method in alike}
    return (
        f"The same for {', '.join(f'{title} (trained from {look.sparsity(value)} on)' for title, value in first.items())}: below its first "
        "checkpoint every method is the dense network, pruned at once."
    )


def _sentence(table: pd.DataFrame, path, sparsity: float) -> str:
    from core.own import pruned

    most, least = (table.loc[table["sparsity"].agg(how)] for how in ("idxmax", "idxmin"))
    zeros, weights = int(table["zeros"].sum()), int(table["weights"].sum())
    trained = "fine-tuned" if path.is_checkpoint(sparsity) and sparsity else "not fine-tuned here"
    if path.result(sparsity):
        trained += f" (the network trained at {sparsity:.0%} is here without its weights)"
    before = pruned.already(path.start(sparsity).card)
    are = "are removed" if zeros < before * weights else "are zero"
    text = f"{zeros:,} of {weights:,} weights {are} ({zeros / weights:.1%}), {trained}. "
    if before:
        text += f"{pruned.sentence(before)} Which zeros go first means nothing: those nearer to the input do. "
    if most["sparsity"] - least["sparsity"] < 0.01:
        return text + "The same share in every layer."
    return (
        text
        + f"Most in {most['layer']} ({look.share(most['sparsity'])}), fewest in {least['layer']} ({look.share(least['sparsity'])})."
    )
