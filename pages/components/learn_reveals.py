"""What a lesson shows once the guess is made: the charts of the real pages, at the lesson's place."""

from collections.abc import Callable

import streamlit as st

from core import learn, paper
from core.paths import BY_LOT, PRUNE_ONLY
from core.studies import Study
from core.words import METHOD_SENTENCES
from pages.components import charts, diagrams, layout, learn_material, loaders, look, panels


def draw(name: str, study: str) -> None:
    """The charts of a lesson."""
    _OF[name](study)


def query(name: str) -> dict[str, str]:
    """What a link to the page adds, so that it opens where the lesson stands."""
    return {"sparsity": str(learn_material.MOST)} if name == "harm" else {}


def _pruning(study: str) -> None:
    from pages.components import layers_charts, layers_data

    path, sparsity = loaders.studies()[study][PRUNE_ONLY], learn_material.HALF / 100
    table = layers_data.spread(path, sparsity)
    names = list(table["layer"])
    st.markdown(f"**Where {sparsity:.0%} of the weights went: the share of zeros in each layer**")
    st.altair_chart(
        layers_charts.spread(
            table.assign(layer=[look.short_layer(name, names) for name in names]),
            look.colour(PRUNE_ONLY),
            "weights",
            last=True,
        ),
        alt=f"Share of zeros in each of {len(table)} layers at {sparsity:.0%} sparsity",
    )
    panels.table(
        table, name=f"lesson-zeros-{study}", title="Zeros by layer", key="zeros", label="The numbers behind the chart"
    )


def _magnitude(study: str) -> None:
    from pages.components import layers_charts, layers_data

    path, sparsity = loaders.studies()[study][PRUNE_ONLY], learn_material.HALF / 100
    names = layers_data.layers(path)
    layer = names[len(names) * 3 // 4]
    frame, cutoff = layers_data.histogram(path, sparsity, layer, before=True)
    short = look.short_layer(layer, names)
    st.markdown(f"**The weights of one layer, `{short}`: those that stay and those that go**")
    st.altair_chart(
        layers_charts.histogram(frame, cutoff, look.colour(PRUNE_ONLY), look.ink()),
        alt=f"Histogram of the weights of {short}; the ones near zero are removed",
    )
    panels.table(
        frame,
        name=f"lesson-weights-{study}",
        title=f"Weights of {short}",
        key="weights",
        label="The numbers behind the chart",
    )
    _control(study)


def _control(study: str) -> None:
    """The same method with random masks, where it was trained."""
    from pages.components import methods_data

    line = methods_data.lines(study)[0]
    known = [name for name in line.pruned if name.endswith(BY_LOT)]
    for name in known:
        sparsity, entry = list(line.pruned[name].items())[-1]
        lot = entry.card.metrics.get("balanced_accuracy")
        # Alone its number says nothing: beside it stands the network that lost its smallest weights.
        twin = line.pruned.get(name.removesuffix(BY_LOT), {}).get(sparsity)
        size = twin.card.metrics.get("balanced_accuracy") if twin else None
        if lot:
            st.markdown(
                f"{look.title(name)}, pruned to {look.sparsity(entry.card.sparsity)} and trained: balanced accuracy {_measured(lot)}."
                + (f" With the smallest weights removed instead: {_measured(size)}." if size else "")
                + _paired(study, name, sparsity)
            )
    if not known:
        st.caption(
            "The full control, a network pruned at random and trained as long, is not here yet. It is made by "
            f"`{methods_data.command(study)}` and appears on **Methods**."
        )


def _paired(study: str, lot: str, sparsity: float) -> str:
    """Two intervals side by side tell no difference: the same images were asked, and that is what is tested."""
    from pages.components import methods_data

    for finding in methods_data.findings(study, "balanced_accuracy"):
        for item in finding.evidence:
            if item.part.second == lot and finding.claim.sparsity == sparsity and item.difference:
                points = look.points(item.difference.estimate, item.difference.low, item.difference.high)
                return f" On the same images that is {points} points: that size beats chance here **{item.verdict}**."
    return ""


def _measured(metric: dict) -> str:
    from core.evaluation import Interval

    return Interval.from_dict(metric).format()


def _methods(study: str) -> None:
    for column, name in zip(layout.columns(3, least=180, key="lesson-methods"), diagrams.FRAMES, strict=True):
        with column:
            st.markdown(f"**{look.title(name)}**")
            st.image(diagrams.method(name, look.colour(name)), width="stretch", alt=METHOD_SENTENCES[name])


def _harm(study: str) -> None:
    from core.evaluation.ledger import by_class, titled
    from pages.components import whatif_charts, whatif_harm, whatif_selection, whatif_top

    selection = learn_material.selection(study, learn_material.MOST)
    estimate = whatif_selection.stored(selection)
    table = whatif_top.ledger(selection, estimate)
    thing = "lesions" if selection.cohort.groups is not None else "images"
    classes = by_class(table)
    # Where no class is watched, the question was about the one with most newly missed.
    shown = whatif_harm.shown_classes(table, selection, classes.loc[classes["newly_missed"].idxmax(), "group"])
    frame = whatif_harm.found_rows(shown, selection, thing)
    st.markdown(f"**How much of each {selection.words[0]} is found, dense and pruned to {selection.percent}%**")
    st.caption(f"Share of its {thing}, with 95% intervals (Wilson). {whatif_harm.left_out(shown, table)}")
    charts.show(
        whatif_charts.found(len(shown), selection.colour, look.ink(), False),
        {"table": frame, "names": whatif_charts.names_of(frame)},
        alt=f"Share of {thing} found in {len(shown)} classes, dense and pruned, with 95% intervals",
        key="lesson-found",
    )
    panels.table(
        titled(table, selection.words[1]),
        name=f"lesson-ledger-{study}",
        title="The harm ledger",
        key="ledger",
        label="The numbers behind the chart",
    )


def _similarity(study: str) -> None:
    from pages.components import similarity_data, similarity_matrix, similarity_outliers, similarity_words

    paths = loaders.studies()[study]
    matrix, entry = learn_material.matrix(study, paths), learn_material.pruned(paths)
    titles = ("Dense", look.title(entry.card.method))
    st.markdown(f"**CKA of every layer of the dense network with every layer of {titles[1].lower()}**")
    similarity_matrix.draw(matrix, titles, name=f"lesson-cka-{study}", key="lesson-cka")
    st.caption(similarity_words.basis(matrix))
    known = similarity_data.stored(study)
    similarity_outliers.draw(paths[PRUNE_ONLY].dense, known, known.usual)


def _speed(study: str) -> None:
    from core import exports
    from pages.components import cost_charts, cost_data

    entry = learn_material.pruned(loaders.studies()[study])
    found = cost_data.counted(entry)
    frame = cost_data.sizes(found)
    plain, smallest = found.bytes["plain"], frame.iloc[-1]
    st.markdown("**The same network as different files**")
    st.caption(
        f"To the byte. {smallest['file']} takes {smallest['bytes'] / plain:.0%} of {exports.FORMATS['plain'].title.lower()}{cost_data.like_for_like(found)}: "
        "storage gains where speed does not."
    )
    st.altair_chart(
        cost_charts.sizes(frame, look.colour(entry.card.method), look.ink()), alt="Size of each kind of file, in bytes"
    )
    panels.table(
        frame,
        name=f"lesson-files-{study}",
        title="Bytes of each kind of file",
        key="files",
        label="The numbers behind the chart",
    )


def _misled(study: str) -> None:
    from pages.components import methods_data

    paths = loaders.studies()[study]
    named, dense = Study.parse(study), paths[PRUNE_ONLY].dense
    sparsity = (learn_material.trained(paths) or (0.8, {}))[0]
    leaking = methods_data.leaks(study)
    if leaking:
        from core import leak

        everything = leak.exposure(next(iter(leaking.values()))).set_index("class").loc["all"]
        count = f"{len(leaking)} of our networks were" if len(leaking) > 1 else "One of our networks was"
        st.markdown(
            f"{count} trained that way, under the **row split**: {everything['share']:.0%} of the "
            f"{everything['images']:,.0f} test images leak. The paper kept {learn.misleading.IMAGES - learn.misleading.TRAINED:,} for its test."
        )
    for trap in learn.traps(named.architecture, sparsity, learn_material.epochs(paths), dense.card.history):
        st.markdown(f"**{trap.title}.** {trap.paper} {trap.ours}")
    table = learn.table(named.architecture, named.data, sparsity)
    if table.empty:
        return
    st.markdown(f"**The paper's results at {sparsity:.0%}, with the intervals that its test images allow**")
    st.table(_shown(table).set_index("Method"))
    st.caption(
        f"{paper.CITATION}. Intervals: Wilson 95%, n = {learn.misleading.IMAGES - learn.misleading.TRAINED:,} test images, as if "
        "each showed a lesion of its own; one network a method."
    )


def _shown(table):
    return table.assign(
        Method=table["method"],
        Epochs=[
            f"{low:g}" if low == high else f"{low:g} to {high:g}"
            for low, high in zip(table["epochs_least"], table["epochs_most"], strict=True)
        ],
        Accuracy=[f"{row.accuracy:.1%} {look.span(row.low, row.high)}" for row in table.itertuples()],
    )[["Method", "Epochs", "Accuracy"]]


_OF: dict[str, Callable[[str], None]] = {
    "pruning": _pruning,
    "magnitude": _magnitude,
    "methods": _methods,
    "harm": _harm,
    "similarity": _similarity,
    "speed": _speed,
    "misled": _misled,
}
