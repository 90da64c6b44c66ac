"""One layer: its weights with the cutoff, and its filters, alive or dead."""

import streamlit as st

from pages.components import layers_charts, layers_data, layers_state, loaders, look, panels, state

_STATES = {"alive": "alive", "constant": layers_charts.CONSTANT, "unread": layers_charts.UNREAD}


def draw(study: str) -> None:
    """Histogram and grid of filters."""
    paths = loaders.studies()[study]
    method = state.method(list(paths))
    path = paths[method]
    left, right = st.columns([2, 1], gap="large")
    with left:
        sparsity = state.sparsity()
    with right:
        names = layers_data.layers(path)
        layer = layers_state.layer(names)
    one, two = st.columns(2, gap="large")
    with one:
        _weights(path, method, sparsity, layer, look.short_layer(layer, names))
    with two:
        _filters(path, method, sparsity, layer, look.short_layer(layer, names))


def _weights(path, method: str, sparsity: float, layer: str, short: str) -> None:
    st.header("Its weights")
    frame, cutoff = layers_data.histogram(path, sparsity, layer, before=True)
    st.caption(_about(frame, cutoff, path, sparsity))
    st.altair_chart(
        layers_charts.histogram(frame, cutoff, look.colour(method), look.ink()),
        alt=f"Histogram of the dense network's weights in {short}: those that {look.title(method)} keeps and those that it removes",
    )
    panels.table(
        frame,
        name=f"weights-{path.study}-{method}-{sparsity:.0%}-{layer}",
        title=f"Weights of {short} by size",
        key="histogram",
    )


def _about(frame, cutoff: float | None, path, sparsity: float) -> str:
    kept, removed = int(frame["kept"].sum()), int(frame["removed"].sum())
    text = f"The dense network's {kept + removed:,} weights other than zero, before pruning; {removed:,} are removed. "
    if cutoff is not None:
        return text + f"Everything below {cutoff:.2g} in size goes (dashed lines)."
    if not removed:
        return text + "None of them goes."
    if not kept:
        return text + "All of them go."
    if path.start(sparsity).card.sparsity:
        return text + (
            "There is no one cutoff: training between or before the cuts moved weights across it, so small ones stayed and "
            "larger ones went."
        )
    return text + "There is no one cutoff: the method does not go by size alone."


def _filters(path, method: str, sparsity: float, layer: str, short: str) -> None:
    st.header("Its filters")
    frame = layers_data.filters(path, sparsity, layer)
    frame = frame.assign(state=frame["state"].map(_STATES))
    dead = int((frame["state"] != "alive").sum())
    emptied = int((frame["kept"] == 0).sum())
    told = "None is dead." if not dead else f"{dead:,} {'is' if dead == 1 else 'are'} dead and can be left out"
    if dead:
        told += f", {emptied:,} of them without a weight left." if emptied else "."
    st.caption(
        f"{len(frame):,} filters after pruning, the fuller the stronger (Euclidean norm of what is left). {told}"
    )
    st.altair_chart(
        layers_charts.filters(frame, look.colour(method), look.ink()),
        alt=f"A square for each filter of {short}, by its norm; dead ones are crossed out",
    )
    panels.table(
        frame,
        name=f"filters-{path.study}-{method}-{sparsity:.0%}-{layer}",
        title=f"Filters of {short}",
        key="filters",
    )
