"""One network: what it weighs, what it computes, and how long that takes on this machine."""

import pandas as pd
import streamlit as st

from core import cost
from core.checkpoints import Entry
from core.progress import clock
from pages.components import cost_charts, cost_data, cost_state, layout, look, panels

_WHY = """\
Processors multiply whole blocks of numbers at once, and a zero in the middle of a
block takes as long as any other number. Only what can be left out as a whole saves time: a **channel** of which all weights
are zero, or which nothing reads any more. **Compaction** finds these, takes them out, and carries what they still emitted into
what follows, so that the answers stay the same.

**What kills channels.** Two things do. High **weight decay** while training, of the scales of batch norm as well: channels that
nothing needs then shrink to zero, if learning rate × decay × steps is large enough. Where only the weights decay hardly any dies,
because batch norm scales a weak channel up again; that is how most networks that ship were trained.{example}
And pruning **whole channels** instead of single weights, which always shrinks the network:"""


def draw(study: str) -> None:
    """Counts, sizes, measured times and sparse matrices."""
    known = cost_data.entries(study)
    entry = cost_state.checkpoint(known)
    dense = cost_data.parent(entry, known)
    with st.spinner("Counting"):
        found = cost_data.counted(entry)
    st.markdown(f"## {cost_data.headline(found)}")
    _counts(found)
    left, right = layout.columns(2, least=300, key="cost", gap="large")
    with left:
        _sizes(entry, found)
    with right:
        measured = _speed(entry, dense, found)
    if measured is not None:
        _times(entry, found, *measured)
    why = "Why zeros alone make nothing faster, and what would"
    with st.expander(why, icon=":material/help:", expanded=found.zeros > 0 and found.effective < cost.SAME):
        st.markdown(_WHY.format(example=_example(entry, known)))
        st.code(f"python -m core prune {study} one_shot 0.5 --scope channel", language="bash", wrap_lines=True)
    _sparse_matrices(entry)


def _example(entry: Entry, known: list[Entry]) -> str:
    """Where to see dead channels, if a network is here that was trained for them."""
    trained = [other for other in known if other.card.zeros and cost_state.channels_may_die(other)]
    if not trained or entry in trained:
        return ""
    return f" To see channels that died, choose **{cost_state.title(trained[0])}** above."


def _counts(found: cost.Cost) -> None:
    cards = [
        (
            "Weights that are zero",
            f"{found.nominal:.1%}",
            f"Nominal sparsity: {found.zeros:,} of {found.weights:,} convolution and linear weights.",
        ),
        (
            "Weights to leave out",
            cost.percent(found.effective),
            f"Effective sparsity: after compaction {found.weights_left:,} of {found.weights:,} weights are left.",
        ),
        (
            "Dead channels",
            f"{found.constant + found.unread:,}",
            f"Of {found.channels:,}: {found.constant:,} are the same for every image, {found.unread:,} are read by no weight "
            "that is left.",
        ),
        (
            "Operations left",
            look.share(found.flops_left / found.flops),
            f"{found.flops_left / 1e9:.3f} of {found.flops / 1e9:.3f} billion {cost.UNIT}; one image of "
            f"{found.size}×{found.size} pixels.",
        ),
    ]
    for column, (label, value, help) in zip(
        layout.columns(len(cards), least=220, key="counts", gap="small"), cards, strict=True
    ):
        column.metric(label, value, border=True, help=help)
    st.caption(
        f"Counted, so without intervals. One image takes {found.flops / 1e9:.2f} billion {cost.UNIT}, and the network has "
        f"{found.parameters:,} parameters; compacted, {found.flops_left / 1e9:.2f} billion and {found.parameters_left:,}."
    )


def _sizes(entry: Entry, found: cost.Cost) -> None:
    st.header("Smaller?")
    frame = cost_data.sizes(found)
    st.caption(f"The files as you would take them home{cost_data.like_for_like(found)}.")
    st.altair_chart(
        cost_charts.sizes(frame, look.colour(entry.card.method), look.ink()),
        alt="Size of each kind of file that this network can be stored as",
    )
    panels.table(frame, name=f"sizes-{entry.id}", title="Bytes of each kind of file", key="sizes")


def _speed(entry: Entry, dense: Entry | None, found: cost.Cost) -> tuple[list[cost.Speed], str] | None:
    """The button that measures, and the conclusion; what was measured and when, or None."""
    st.header("Faster?")
    if dense is None:
        st.caption(f"Its dense network, {entry.card.parent}, is not here, so there is nothing to time it against.")
        return None
    known = cost_data.measured(entry, dense)
    st.caption(
        "Timed here and now, on the machine that runs this page: round after round, each network once a round, so that "
        f"whatever else the machine does slows all alike. {_duration(known)}"
    )
    if st.button(
        "Measure on this machine" if known is None else "Measure again", key="measure-now", icon=":material/timer:"
    ):
        cost_data.measure(entry, dense)
        st.rerun()
    if known is not None:
        st.markdown(cost.conclusion(found, known[0], cost_data.DENSE, cost_data.COMPACTED))
    return known


def _duration(known: tuple[list[cost.Speed], str] | None) -> str:
    """How long measuring takes. Before the first time nobody knows: it is eleven rounds at least, whatever the machine."""
    if known is None:
        return "It takes 15 seconds on a fast machine, minutes on a slow one; once begun, the bar says how long."
    return f"Last time it took {clock(sum(speed.took for speed in known[0]))}."


def _times(entry: Entry, found: cost.Cost, speeds: list[cost.Speed], when: str) -> None:
    frame = cost.as_table(speeds)
    _charts(entry, frame, speeds, "network")
    rounds = " and ".join(str(next(iter(speed.times.values())).rounds) for speed in speeds)
    st.caption(
        f"{speeds[0].machine}. Images of {found.size}×{found.size} pixels in memory, batch norm folded in all. Dots are "
        f"medians of {rounds} rounds, lines their quartiles: of each network's time as a share of the dense one's in the same round, "
        f"which leaves out what slows a whole round. {when}."
    )
    panels.table(frame, name=f"speed-{entry.id}", title="Measured times", key="speed")


def _charts(entry: Entry, frame: pd.DataFrame, speeds: list[cost.Speed], key: str) -> None:
    """A chart for each batch size, side by side."""
    for column, speed in zip(
        layout.columns(len(speeds), least=300, key=f"speed-{key}", gap="large"), speeds, strict=True
    ):
        rows = frame[frame["batch"] == speed.batch]
        what = "One image" if speed.batch == 1 else f"{speed.batch} images at once"
        with column:
            st.markdown(f"**{what}**")
            st.altair_chart(
                cost_charts.speed(rows, look.colour(entry.card.method), look.ink()),
                alt=f"{what}: time as a share of that of {rows['network'].iloc[0]}, median and quartiles: "
                + ", ".join(f"{row.network} {row.share:.0%}" for row in rows.itertuples()),
            )
            first = rows.iloc[0]
            st.caption(
                f"{first['network']}: {first['milliseconds']:,.1f} ms [{first['low']:,.1f}, {first['high']:,.1f}], which makes "
                f"{first['images_per_second']:,.1f} images a second."
            )


def _sparse_matrices(entry: Entry) -> None:
    st.header("And sparse matrices?")
    st.markdown(
        "A sparse (CSR) matrix stores only the weights that are left and multiplies only by those. It works for linear layers, "
        "and nine tenths of the weights of torchvision's own VGG16 are in three of them."
    )
    known = cost_data.head(entry)
    if not entry.card.zeros:
        st.caption("Choose a pruned network to try it.")
        return
    if st.button(
        "Measure the linear layers" if known is None else "Measure them again", key="head", icon=":material/timer:"
    ):
        cost_data.measure_head(entry)
        st.rerun()
    if known is None:
        return
    speeds, sparsity, own = known
    st.markdown(cost.head_conclusion(speeds, sparsity))
    frame = cost.as_table(speeds).drop(columns="size")
    _charts(entry, frame, speeds, "head")
    whose = (
        "This network's own head."
        if own
        else (
            f"This network has no such head: these are layers of its shape for images of {entry.card.data.size} pixels, with random weights, "
            "pruned to the same sparsity. Zeros take as long wherever they come from."
        )
    )
    st.caption(f"{whose} {speeds[0].machine}. Medians and quartiles.")
    panels.table(frame, name=f"linear-{entry.id}", title="Measured times of the linear layers", key="head-table")
