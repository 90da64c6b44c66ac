"""All networks of a study: what each is worth against what it costs."""

import pandas as pd
import streamlit as st

from core import cost
from pages.components import cost_charts, cost_data, cost_state, look, panels

_AXES = {
    "bytes": ("MB, as PruneScope stores it", 1e6),
    "flops": ("billion floating-point operations", 1e9),
    "milliseconds": ("milliseconds for one image, compacted", 1.0),
}

_ASIDE = 0.007  # of the axis, between networks of one size
_COSTS = {
    "bytes": "the size of the file",
    "flops": "the operations for one image",
    "milliseconds": "the time for one image",
}


def draw(study: str) -> None:
    """Balanced accuracy against one cost."""
    against = cost_state.cost()
    # The size of a file is known from the card alone; what is left of a network without its dead channels is not.
    entries = cost_data.results(study) if against == "bytes" else cost_data.entries(study)
    costs = cost_data.counted_all([entry for entry in entries if entry.weights or against != "bytes"])
    timed = None
    if against == "milliseconds":
        timed = _timed(entries)
        if timed is None:
            return
    frame = cost.pareto(entries, costs, timed[0] if timed else None)
    if frame.empty:
        st.info("No network of this study was measured on test images yet.", icon=":material/query_stats:")
        return
    axis, unit = _AXES[against]
    frame["best"] = cost.front(frame, against)
    drawn = [entry for entry in entries if entry.id in set(frame["id"])]
    frame["title"] = cost_state.titles(drawn)
    frame["hollow"] = [cost_state.channels_may_die(entry) for entry in drawn]
    st.markdown(_sentence(frame, against))
    st.markdown(f"**Balanced accuracy on test images, against {_COSTS[against]}**")
    shown = frame.assign(cost=frame[against] / unit)
    shown["x"] = _apart(shown) if against == "bytes" else shown["cost"]
    if against == "milliseconds":
        shown = shown.assign(x_low=frame["milliseconds_low"], x_high=frame["milliseconds_high"])
    st.altair_chart(
        cost_charts.pareto(
            shown,
            axis,
            {look.short(m): (look.colour(m), look.shape(m)) for m in sorted(set(frame["method"]), key=look.order)},
            look.ink(),
        ),
        alt=f"Balanced accuracy against {axis}, a point for each of {len(frame)} networks",
    )
    st.caption(_basis(frame, against, timed, 0 if against == "bytes" else cost_data.without_weights(study)))
    panels.table(
        frame.drop(columns="hollow"),
        name=f"networks-{study}",
        title="Worth and cost of all networks",
        key="pareto",
    )


def _timed(entries):
    known = cost_data.measured_all(entries)
    if st.button(
        "Measure all on this machine" if known is None else "Measure all again",
        key="measure-all",
        icon=":material/timer:",
    ):
        cost_data.measure_all(entries)
        st.rerun()
    if known is None:
        seconds = min(60, 3 * len(entries))
        st.caption(
            f"Times depend on the machine, so they are measured here, all {len(entries)} networks together: about {seconds} seconds, after "
            "each was read and compacted, which takes a slow machine about as long again."
        )
    return known


def _apart(shown: pd.DataFrame) -> pd.Series:
    """Where each network is drawn: those of one size side by side, so that their intervals do not cover each other."""
    step = _ASIDE * (shown["cost"].max() - shown["cost"].min())
    if not step:
        return shown["cost"]
    order = shown.assign(rank=[look.order(name) for name in shown["method"]]).sort_values(["rank", "title"])
    alike = order.groupby((order["cost"] / (4 * step)).round())["cost"]
    return order["cost"] + step * (alike.cumcount() - (alike.transform("size") - 1) / 2)


def _sentence(frame, against: str) -> str:
    best = frame[frame["best"]].sort_values(against)
    size = (lambda row: f"{row.bytes / 1e6:.1f}\u00a0MB, ") if against == "bytes" else (lambda row: "")
    names = [
        f"**{row.title}** ({size(row)}{row.balanced_accuracy:.1%} {look.span(row.low, row.high)})"
        for row in best.itertuples()
    ]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
    return (
        f"By these points no other network is both cheaper and better than {listed}. Where intervals overlap, the order "
        "may be chance."
    )


def _basis(frame, against: str, timed, missing: int) -> str:
    text = f"n = {int(frame['n'].max()):,} test images, 95% intervals. The test images are for looking; they chose none of these networks. The dashed line joins the networks named above. "
    if frame["hollow"].any():
        text += "Hollow marks: trained with weight decay that lets channels die. "
    if against == "bytes":
        text += "Networks of one size are drawn a little side by side. "
    if against == "flops":
        text += f"Operations: {cost.UNIT}, of the compacted network. "
    if missing:
        text += f"Not shown: {missing} of which only results are here, no weights to count. "
    if timed is None:
        return text
    times, machine, when = timed
    rounds = next(iter(times.values())).rounds
    return text + f"Times: {machine}, one image, medians of {rounds} rounds with quartiles, {when}."
