"""Each network with itself and with each other: small matrices, and a large one of the pair that is picked."""

from collections.abc import Collection
from functools import partial
from itertools import combinations_with_replacement

import pandas as pd
import streamlit as st

from core import matrices
from core.checkpoints import Entry
from core.errors import DataNotFound
from core.matrices import Position, position
from core.similarity import CKAMatrix
from pages.components import (
    charts,
    layout,
    look,
    panels,
    similarity_charts,
    similarity_choices,
    similarity_colours,
    similarity_data,
    similarity_live,
    similarity_matrix,
    similarity_outliers,
    similarity_words,
)


def draw(study: str) -> None:
    """The part about networks compared."""
    own = similarity_data.lines(study)
    known = similarity_data.stored(study)
    samples, usual = (known.images, known.usual) if known and known.images else ([matrices.ALL], matrices.ALL)
    about = st.empty()
    with st.container(horizontal=True, gap="medium"):
        sparsity = similarity_choices.sparsity(similarity_data.sparsities(study))
        sample = similarity_choices.sample(samples, usual)
        levels = similarity_data.levels(own[0].dense.card.architecture)
        level = similarity_choices.level(levels)
    networks = similarity_data.networks(study, sparsity)
    places = {name: position(entry) for name, entry in networks.items()}
    with about:
        _about(networks, sparsity)
    similarity_outliers.draw(own[0].dense, known, sample)
    left, right = layout.columns([5, 6], least=380, key="networks", gap="large")
    with right:  # before the left side is drawn, which marks the pair that is chosen here
        pair, less, n = _choices(list(places))
    with left:
        found = _all(study, places, sample)
        if found:
            _small(study, found, list(places), pair, sample, samples)
            _floor(study, sample, found)
    with right:
        if found:
            _large(study, places, pair, less, sample, level, n, len(levels[level]))


def _choices(names: list[str]) -> tuple[tuple[str, str], tuple[str, str] | None, int]:
    """The pair of the large matrix, the pair that is taken away from it, the number of images."""
    pair = similarity_choices.pair(names)
    less = similarity_choices.less(names, pair)
    with st.expander("Compute with another number of images"):
        n = similarity_choices.count()
    return pair, less, n


def _about(networks: dict[str, Entry], sparsity: float | None) -> None:
    if sparsity is not None:
        st.caption(similarity_words.compared(networks, sparsity))
    else:
        st.info(
            "Nothing is stored on pruned networks, and none is here with its weights; the dense network can be compared with itself.",
            icon=":material/compare:",
        )


def _all(study: str, places: dict[str, Position], sample: str) -> dict[tuple[str, str], CKAMatrix]:
    """Every pair's matrix at the stored level of detail; computed where nothing is stored."""
    found = {}
    for a, b in combinations_with_replacement(places, 2):
        key = (study, places[a], places[b], sample, matrices.STANDARD)
        matrix = similarity_data.stored_matrix(*key)
        if matrix is None:
            try:
                with similarity_live.progress() as report:
                    matrix = similarity_data.matrix(*key, matrices.N, report)
            except DataNotFound as error:
                _missing(study, error)
                break
        found[a, b] = matrix
    return found


def _missing(study: str, error: DataNotFound) -> None:
    panels.missing_data(error)
    st.caption("Not all comparisons of this study are stored. Where the images are, one command stores them:")
    st.code(similarity_words.make_it(study), language="bash", wrap_lines=True)


def _small(
    study: str,
    found: dict[tuple[str, str], CKAMatrix],
    names: list[str],
    chosen: tuple[str, str],
    sample: str,
    known: Collection[str],
) -> None:
    st.markdown("**Every network with every other**")
    st.caption("From the first layer (top left of each) to the last. Click one to see it large.")
    rows = []
    for (a, b), matrix in found.items():
        mean = matrix.mean_off_diagonal() if a == b else matrix.mean_twins()
        rows.append(
            {
                "row": look.title(b),
                "column": look.title(a),
                "picture": similarity_colours.url(similarity_colours.rgb(matrix.values, matrix.supported)),
                "pair": similarity_choices.joined(a, b),
                "picked": {a, b} == set(chosen),
                "title": similarity_words.pair(a, b),
                "mean": similarity_words.number(mean),
                "of": similarity_words.MEANS[a == b],
                "cells": similarity_words.cells(matrix, a == b),
                "n": matrix.n,
            }
        )
    frame = pd.DataFrame(rows)
    with st.container(width=similarity_charts.small_width(len(names))):
        charts.show(
            similarity_charts.small(tuple(map(look.title, names)), look.ink()),
            frame,
            key="small",
            picked=similarity_choices.picked,
            alt="CKA between the layers of each network and each other: "
            + "; ".join(f"{row['title']}, mean {row['of']} {row['mean']}" for row in rows),
        )
    st.caption(f"n = {next(iter(found.values())).n:,} test images. Means with 95% intervals are in the table.")
    if advice := similarity_words.mostly_grey(found.values(), sample, known):
        st.info(advice, icon=":material/filter_alt:")
    table = frame[["title", "of", "mean", "cells", "n"]].rename(
        columns={"title": "networks", "of": "mean", "mean": "cka"}
    )
    panels.table(table, name=f"cka-means-{study}", title="Mean CKA", key="small")


def _large(
    study: str,
    places: dict[str, Position],
    pair: tuple[str, str],
    less: tuple[str, str] | None,
    sample: str,
    level: str,
    n: int,
    layers: int,
) -> None:
    first, second = pair
    words = similarity_words.pair(first, second)
    st.markdown(f"**{words}**" + (f", minus {similarity_words.pair(*less).lower()}" if less else ""))
    missing = [names for names in (pair, less) if names and not _is_stored(study, places, names, sample, level, n)]
    work = (study, tuple(tuple(places[name] for name in names) for names in missing), sample, level, n)
    size = similarity_data.lines(study)[0].dense.card.data.size
    if missing and not similarity_live.agreed(work, matrices.seconds(layers, n, size, len(set(sum(missing, ()))))):
        return
    try:
        with similarity_live.progress(partial(similarity_live.cancel, work)) as report:
            matrix, other = (
                names and similarity_data.matrix(study, *(places[name] for name in names), sample, level, n, report)
                for names in (pair, less)
            )
    except DataNotFound as error:
        _missing(study, error)
        return
    titles = tuple(f"{look.title(name)}, from input to output" for name in (first, second))
    name = f"cka-{study}-{first}-{second}-{sample}-{level}"
    if less:
        _mean_difference(matrix, other, first == second, less[0] == less[1])
        words = (words, similarity_words.pair(*less))
        similarity_matrix.draw_difference(matrix, other, titles, words=words, name=f"{name}-less", key="large")
    else:
        st.markdown(similarity_words.mean(matrix, first == second))
        similarity_matrix.draw(matrix, titles, name=name, key="large")
    st.caption(similarity_words.basis(matrix))
    known = similarity_data.stored(study)
    if n > matrices.N and known and known.left_out(sample):
        st.caption(
            f"Outliers were looked for among the {matrices.N} images that are stored: of more images, others may decide alone."
        )


def _is_stored(study: str, places: dict[str, Position], pair: tuple[str, str], sample: str, level: str, n: int) -> bool:
    key = (study, *(places[name] for name in pair), sample, level)
    return n == matrices.N and similarity_data.stored_matrix(*key) is not None


def _mean_difference(matrix: CKAMatrix, other: CKAMatrix, own: bool, others: bool) -> None:
    if own == others:
        mean = (matrix.off_diagonal, other.off_diagonal) if own else (matrix.twins_mean, other.twins_mean)
        text = similarity_words.number(mean[0].minus(mean[1]), signed=True)
        st.markdown(f"Mean difference {similarity_words.MEANS[own]}: **{text}**, on the same images")
    st.caption(
        "Single cells have no interval here; where their bands (in the two matrices) overlap widely, read nothing in."
    )


def _floor(study: str, sample: str, pairs: dict[tuple[str, str], CKAMatrix]) -> None:
    """Two dense networks of different seeds: what a difference means, on the same sample of images where that is stored."""
    from core import similarity_claims

    st.markdown("**What is a large difference?**")
    own = similarity_data.lines(study)
    stored = similarity_data.stored(study)
    found = similarity_claims.floor(stored, own, sample)
    if found is None and (found := similarity_claims.floor(stored, own)):
        sample = stored.usual
    if found is None:
        said = (
            "Two networks trained from different random starts never learn quite the same features. How alike two **dense** ones "
            "are is the floor to compare pruned ones with. "
        )
        train = [] if len(own) > 1 else [f"python -m core train {study} --seed 1"]
        if not train and not (own[0].dense.weights and any(line.dense.weights for line in own[1:])):
            st.markdown(said + "A second one was trained, but their weights are not here, so they cannot be compared.")
            return
        st.markdown(
            said
            + ("There is no second one yet:" if train else "The second one is there; its comparison is not stored yet:")
        )
        st.code("\n".join([*train, similarity_words.make_it(study)]), language="bash", wrap_lines=True)
        return
    line, floor = found
    st.markdown(
        f"Two dense networks from different random starts (seeds {own[0].seed} and {line.seed}) have a mean CKA between matching "
        f"layers of **{similarity_words.number(floor.mean_twins())}**{similarity_words.over(floor, False)}, n\u00a0=\u00a0{floor.n:,} images "
        f"({similarity_words.SAMPLES[sample].lower()}): a floor for what shares nothing but data, design and training."
    )
    if warning := similarity_words.over_some(floor, pairs):
        st.markdown(warning)
    with st.expander("Their matrix"):
        titles = tuple(f"Dense, seed {line.seed}, from input to output" for line in (own[0], line))
        similarity_matrix.draw(floor, titles, name=f"cka-floor-{study}", key="floor")
        st.caption(similarity_words.basis(floor))
