"""How much of each layer's features pruning leaves: against the same layer of the dense network, as sparsity rises."""

from collections.abc import Iterable

import pandas as pd
import streamlit as st

from core import matrices, similarity_claims
from core.errors import DataNotFound
from core.matrices import PERCENTS, Position, Stored, on_path, position
from core.paths import PRUNE_ONLY, Path
from core.similarity import CKAMatrix
from core.words import METHOD_TITLES
from pages.components import (
    charts,
    layout,
    look,
    panels,
    similarity_charts,
    similarity_choices,
    similarity_data,
    similarity_live,
    similarity_matrix,
    similarity_outliers,
    similarity_words,
    state,
    whatif_view,
)

_FLOOR = "Two dense networks"
_SERIES = {
    "all": (look.COLOURS["one_shot"], "circle"),
    "typical": (look.COLOURS["one_shot"], "circle"),
    "watched": (look.COLOURS["layerwise"], "diamond"),
    "others": (look.COLOURS["iterative"], "square"),
    "floor": (look.COLOURS["dense"], "cross"),
}


def draw(study: str) -> None:
    """The part about what pruning leaves."""
    paths = similarity_data.paths_of(study)
    known = similarity_data.stored(study)
    paths = {method: path for method, path in paths.items() if method in (*METHOD_TITLES, PRUNE_ONLY)}
    method = state.method(list(paths))
    sparsity = state.sparsity()
    path = paths[method]
    at_checkpoint = path.is_checkpoint(sparsity)
    whatif_view.position(path, sparsity)
    recalibrated = state.recalibrate(useful=not at_checkpoint)
    percent = round(100 * sparsity)
    place = on_path(path, percent, recalibrated)
    sample = known.usual if known else matrices.ALL
    if known is None:
        st.info(
            "Nothing is stored of this study: only the slider's own position can be shown, computed now.",
            icon=":material/hourglass_empty:",
        )
        st.code(similarity_words.make_it(study), language="bash", wrap_lines=True)
    else:
        _lines(study, known, path, recalibrated, sparsity)
        similarity_outliers.draw(path.dense, known, sample)
    left, right = layout.columns(2, least=380, key="survival", gap="large")
    with left:
        _matrix(study, known, path, place, sample)
    with right:
        if known is not None:
            _by_layer(study, known, path, _nearest(known, path, place))


def _lines(study: str, known: Stored, path: Path, recalibrated: bool, sparsity: float) -> None:
    st.markdown("**How much of each layer's features survive?**")
    lone = _rows(known, path, [(position(entry), True) for entry in path.results])
    frame = pd.concat([_survival(known, path, recalibrated), lone])
    if frame.empty:
        st.caption("No step of this slider is stored.")
        return
    names = known.layers[matrices.STANDARD]
    layers = tuple(look.short_layer(name, names) for name in names)
    n = known.images[known.usual].n
    st.caption(
        f"One line a layer, against the same layer of the dense network, n\u00a0=\u00a0{n:,} test images. Large dots are trained networks; from "
        "those whose weights are here the line goes on without fine-tuning. The dashed line is where the slider stands; 95% bands are in the "
        "table."
    )
    if gaps := _gaps(known, path, recalibrated):
        st.caption(gaps)
    last = frame[frame["sparsity"] == frame["sparsity"].max()]
    charts.show(
        similarity_charts.survival(layers, look.ink()),
        {"table": frame, "slider": pd.DataFrame({"at": [sparsity]})},
        alt=f"CKA with the dense network by sparsity, one line for each of {len(layers)} layers; at "
        f"{last['sparsity'].iloc[0]:.0%} from {last['cka'].min():.2f} to {last['cka'].max():.2f}",
    )
    out = frame[["whole", "sparsity", "checkpoint", "recalibrated", "cka", "low", "high", "needed", "reason", "n"]]
    name = f"cka-survival-{study}-{path.method}"
    panels.table(
        out.rename(columns={"whole": "layer"}).round(4),
        name=name,
        title="CKA of each layer with its dense twin, by sparsity",
        key="survival",
    )


def _survival(known: Stored, path: Path, recalibrated: bool) -> pd.DataFrame:
    steps = matrices.points(path)
    places = [(on_path(path, percent, recalibrated), path.is_checkpoint(percent / 100)) for percent in steps]
    return _rows(known, path, places)


def _gaps(known: Stored, path: Path, recalibrated: bool) -> str:
    """Why a line has a gap or ends: what is not stored, and layers that cannot be compared; "" where nothing is missing."""
    dense, told = position(path.dense), []
    trained = {place.percent: place for place in map(position, (*path.entries[1:], *path.results))}
    lacking = [percent for percent, place in sorted(trained.items()) if known.twins(dense, place, known.usual) is None]
    if lacking:
        told.append(
            f"Of the trained networks {'that' if len(lacking) == 1 else 'those'} of {look.listed([f'{percent:g}%' for percent in lacking])} "
            f"{'is' if len(lacking) == 1 else 'are'} not compared with the dense one and {'has' if len(lacking) == 1 else 'have'} no dot."
        )
    steps = {percent: known.twins(dense, on_path(path, percent, recalibrated), known.usual) for percent in PERCENTS}
    absent = [percent for percent, twins in steps.items() if twins is None and percent not in trained]
    if absent:
        told.append(f"Nothing is stored at {look.percents(absent)}: there lines have a gap, or end.")
    grey = {percent: int((twins["reason"] != "").sum()) for percent, twins in steps.items() if twins is not None}
    if open_ := {percent: count for percent, count in grey.items() if count}:
        counts = look.listed([f"{count} at {percent}%" for percent, count in open_.items()])
        told.append(
            f"Of {len(known.layers[matrices.STANDARD])} layers the images cannot support {counts}: their lines leave these out."
        )
    return " ".join(told)


def _of(floor: CKAMatrix) -> str:
    """Over how many layers a floor is, where it is not over all."""
    twins = floor.twins()
    some = int((twins["reason"] == "").sum())
    return "" if some == len(twins) else f", over {some} of {len(twins)} layers: the images cannot support the others"


def _rows(known: Stored, path: Path, places: Iterable[tuple[Position, bool]]) -> pd.DataFrame:
    """What is stored of positions: the layers that can be compared, and whether it is a trained network itself."""
    dense, parts = position(path.dense), []
    for place, trained in places:
        twins = known.twins(dense, place, known.usual)
        if twins is None:
            continue
        parts.append(
            twins.assign(
                layer=twins["row"].apply(look.short_layer, layers=list(twins["row"])),
                whole=twins["row"],
                depth=range(1, len(twins) + 1),
                sparsity=place.percent / 100,
                checkpoint=place.network,
                trained=trained,
                recalibrated=place.recalibrated,
            )
        )
    frame = pd.concat(parts) if parts else pd.DataFrame()
    return frame[frame["reason"] == ""] if parts else frame


def _matrix(study: str, known: Stored | None, path: Path, place: Position, sample: str) -> None:
    against = similarity_choices.other()
    first = place if against == "itself" else position(path.dense)
    name = look.title(path.method)
    st.markdown(f"**{name} at {place.percent}%, {'with itself' if against == 'itself' else 'with the dense network'}**")
    try:
        with similarity_live.progress() as report:
            matrix = similarity_data.matrix(study, first, place, sample, matrices.STANDARD, matrices.N, report)
    except DataNotFound as error:
        near = _nearest(known, path, place) if known else None
        if near is None:
            panels.missing_data(error)
            return
        st.caption(
            f"{place.percent}% is not stored, and without the images it cannot be computed. Here is {near.percent}%."
        )
        matrix = known.matrix(near if against == "itself" else first, near, sample)
    st.markdown(similarity_words.mean(matrix, against == "itself"))
    titles = (f"{name if against == 'itself' else 'Dense'}, from input to output", f"{name}, from input to output")
    file = f"cka-{study}-{path.method}-{place.percent}-{against}"
    similarity_matrix.draw(matrix, titles, name=file, key="moved")
    st.caption(similarity_words.basis(matrix))


def _nearest(known: Stored, path: Path, place: Position) -> Position | None:
    """The stored point of the slider that is nearest to ``place``."""
    dense = position(path.dense)
    near = [on_path(path, percent, place.recalibrated) for percent in matrices.points(path)]
    stored = [point for point in near if known.twins(dense, point, known.usual) is not None]
    return min(stored, key=lambda point: abs(point.percent - place.percent), default=None)


def _by_layer(study: str, known: Stored, path: Path, place: Position | None) -> None:
    st.markdown("**Melanoma against the rest, in each layer**" if "watched" in known.images else "**In each layer**")
    if place is None:
        st.caption("No step of this slider is stored.")
        return
    samples = ("watched", "others") if "watched" in known.images else (known.usual,)
    parts, series, counts = [], {}, []
    for sample in samples:
        twins = known.twins(position(path.dense), place, sample)
        if twins is not None:
            name = similarity_words.SAMPLES[sample] if len(samples) > 1 else "All classes"
            parts.append(twins.assign(series=name))
            series[name] = _SERIES[sample]
            counts.append(f"{name.lower()} n\u00a0=\u00a0{known.images[sample].n:,}")
    if not parts:
        st.caption("Single layers are not stored.")
        return
    floor = similarity_claims.floor(known, similarity_data.lines(study))
    if floor is not None:
        parts.append(floor[1].twins().assign(series=_FLOOR))
        series[_FLOOR] = _SERIES["floor"]
    frame = pd.concat(parts)
    frame = frame[frame["reason"] == ""]
    names = known.layers[matrices.STANDARD]
    frame = frame.assign(layer=frame["row"].apply(look.short_layer, layers=names), whole=frame["row"])
    layers = tuple(look.short_layer(name, names) for name in names)
    st.caption(
        f"{look.title(path.method)} at {place.percent}% against the dense network; {', '.join(counts)} test images, 95% bands. "
        + (
            f"Two dense networks of different seeds are the floor{_of(floor[1])}."
            if floor is not None
            else "No floor yet: there is no second dense network of another seed."
        )
    )
    charts.show(
        similarity_charts.by_layer(layers, tuple((name, *drawn) for name, drawn in series.items())),
        frame,
        alt="CKA with the dense network by layer: "
        + "; ".join(f"{name}, mean {part['cka'].mean():.2f}" for name, part in frame.groupby("series", sort=False)),
    )
    out = frame[["series", "whole", "cka", "low", "high", "needed", "reason", "n"]].rename(columns={"whole": "layer"})
    name = f"cka-by-class-{study}-{path.method}-{place.percent}"
    panels.table(out.round(4), name=name, title="CKA of each layer with its dense twin", key="layers")
