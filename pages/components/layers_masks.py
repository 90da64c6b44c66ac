"""Two methods compared: do they remove the same weights?"""

import streamlit as st

from core import inspection
from pages.components import address, layers_charts, layers_data, layers_state, loaders, look, panels, state


def draw(study: str) -> None:
    """Zeros in both, in one and in the other, by layer, with what chance would give."""
    paths = loaders.studies()[study]
    if len(paths) < 2:
        st.info("There is only one way of pruning here yet, and nothing to compare it with.", icon=":material/compare:")
        st.code(f"python -m core prune {study} one_shot 0.8", language="bash", wrap_lines=True)
        return
    first, second = layers_state.pair(list(paths))
    sparsity = state.sparsity()
    if first == second:
        st.info("These are the same. Choose another second method.", icon=":material/compare:")
        return
    frame = layers_data.overlap(paths[first], paths[second], sparsity)
    names = look.title(first), look.title(second)
    st.markdown(_sentence(inspection.total(frame), names))
    st.markdown("**Weights that both remove, one of them, or neither, in each layer**")
    shown = frame
    if len(frame) > layers_charts.MANY and not address.toggle("each-layer", "Every layer by itself", False):
        shown = inspection.grouped(frame, layers_data.parts(paths[first]))
    drawn = shown.assign(layer=shown["layer"].apply(look.short_layer, layers=list(frame["layer"])))
    st.altair_chart(
        layers_charts.overlap(drawn, names, (look.colour(first), look.colour(second)), look.ink(), look.paper()),
        alt=f"Weights of each layer that {names[0]} and {names[1]} both remove, only one removes, and neither removes",
    )
    st.caption(
        "Counted over all weights, so there is no interval. The tick is what chance would give: the share removed by both if each method "
        "took as many weights from that layer at random."
    )
    panels.table(
        frame.rename(
            columns={
                "only_first": f"only {names[0]}",
                "only_second": f"only {names[1]}",
                "by_chance": "both, by chance",
            }
        ),
        name=f"masks-{study}-{first}-{second}-{sparsity:.0%}",
        title="Zeros in both methods and in one, by layer",
        key="overlap",
    )


def _sentence(total: dict, names: tuple[str, str]) -> str:
    if not total["both"] + total["only_first"] + total["only_second"]:
        return "Neither removes anything at this sparsity."
    if not total["only_first"] + total["only_second"]:
        return "Both remove exactly the same weights: up to here they are the same network, pruned the same way."
    return (
        f"Of all weights that either removes, **{look.share(total['shared'])}** are removed by both; if each took as many from every layer at random, it would "
        f"be {look.share(total['shared_by_chance'])}. {total['only_first']:,} are removed only by {names[0].lower()}, {total['only_second']:,} only by {names[1].lower()}."
    )
