"""How maps drift as more is pruned, over a sample of each class: from what is stored, so without images."""

import pandas as pd
import streamlit as st

from core import drift
from core.attribution import METHODS
from core.attribution.trust import LIKENESS
from core.claims.verdicts import CANNOT_TELL, FAILS, HOLDS, Region, verdict
from core.drift import MEASURES, Drift
from core.errors import PruneScopeError
from core.paths import PRUNE_ONLY, Path
from pages.components import address, attribution_charts, loaders, look, panels

_ALL = "/all"  # no class folder can be called so


def draw(study: str, paths: dict[str, Path], sparsity: float) -> None:
    """The curves of the study."""
    st.header("How far do maps drift as more is pruned?")
    known = _stored(paths)
    if known is None or known.frame.empty:
        st.caption(
            "This is measured over a sample of each class, and nothing is stored for this study. Where its images are, one command stores it:"
        )
        st.code(f"python -m core attribution {study}", language="bash", wrap_lines=True)
        return
    names = paths[PRUNE_ONLY].dense.card.data.class_names
    with st.container(horizontal=True, vertical_alignment="bottom"):
        method = _method(known)
        measure = _measure(known, method)
        diagnosis = _diagnosis(known, names)
    one = None if diagnosis == _ALL else names.index(diagnosis)
    frame = _curves(known, paths, method, measure, one)
    if frame.empty:
        st.caption("Not defined for any of these images.")
        return
    chosen = MEASURES[measure]
    st.caption(f"**{chosen.title}.** {chosen.description}" + _dense(known, method, measure, one))
    low, high = chosen.low, chosen.high
    low = min(0.0, float(frame["low"].min())) if low < 0 else low
    st.altair_chart(
        attribution_charts.drift(frame, chosen.title, low, high, chosen.chance, 100 * sparsity, look.ink()),
        alt=f"{chosen.title} of {METHODS[method].title} maps with the dense network's against sparsity, by pruning method",
    )
    whom = "each diagnosis counting alike" if one is None else look.diagnosis(diagnosis)
    st.caption(
        f"{METHODS[method].title}, the dense network's answer as target, up to n = {int(frame['n'].max()):,} test images of as many lesions, "
        f"{whom}; bands are 95% intervals (Student by lesion; of the pointing game Wilson, adjusted for lesions). Large marks are trained checkpoints; between them networks are pruned on, "
        "with batch norm re-estimated." + _sanity(known, paths, method)
    )
    panels.table(
        frame.drop(columns=["colour", "shape"]),
        name=f"drift-{study}-{method}-{measure}",
        title=f"{chosen.title} against sparsity",
        key="drift",
    )


def _stored(paths: dict[str, Path]) -> Drift | None:
    dense = paths[PRUNE_ONLY].dense
    path = drift.path_of(dense)
    if not path.exists():
        return None
    entries = {entry.id: entry for own in paths.values() for entry in own.entries}
    digests = tuple(sorted(entry.card.digest for entry in entries.values()))
    try:
        return _read(str(path), path.stat().st_mtime_ns, digests, dense, list(entries.values()))
    except PruneScopeError as error:
        st.warning(look.literal(error), icon=":material/broken_image:")
        return None


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(path: str, changed: int, digests: tuple[str, ...], _dense, _entries) -> Drift | None:
    return drift.read(_dense, _entries)


def _method(known: Drift) -> str:
    """The way of explaining: that of the maps above where it was measured."""
    methods = [name for name in METHODS if name in known.methods()]
    above = st.session_state.get("explain")
    return address.choose(
        st.selectbox,
        "drift",
        "Way of explaining",
        methods,
        above if above in methods else methods[0],
        title=lambda name: METHODS[name].title,
        width=240,
    )


def _measure(known: Drift, method: str) -> str:
    mine = known.frame[known.frame["method"] == method]
    measures = [name for name in MEASURES if mine[name].notna().any()]
    return address.choose(
        st.selectbox,
        "drift-measure",
        "Measure",
        measures,
        measures[0],
        title=lambda name: MEASURES[name].title,
        name="measure",
        width=240,
    )


def _diagnosis(known: Drift, names: tuple[str, ...]) -> str:
    choices = [_ALL, *(names[index] for index in sorted(known.frame["class"].unique()))]
    return address.choose(
        st.selectbox,
        "drift-class",
        "Diagnosis",
        choices,
        _ALL,
        title=lambda name: "All" if name == _ALL else look.diagnosis(name),
        width=260,
    )


def _curves(known: Drift, paths: dict[str, Path], method: str, measure: str, one: int | None) -> pd.DataFrame:
    digests = tuple(sorted(known.digests.items()))

    def work() -> pd.DataFrame:
        found = []
        for name in sorted(paths, key=look.order):
            curve = drift.curve(known, paths[name], method, measure, one=one)
            found.append(curve.assign(network=look.title(name), colour=look.colour(name), shape=look.shape(name)))
        return pd.concat(found, ignore_index=True)

    return loaders.results().make(("drift", digests, len(known.frame), method, measure, one), work)


def _dense(known: Drift, method: str, measure: str, one: int | None) -> str:
    """For measures that the dense network has by itself: what an even map would reach."""
    if measure != "inside":
        return ""
    area = drift.estimate(known.frame[known.frame["method"] == method], "area", one=one)
    return f" An even map would have {area.estimate:.0%} there." if area.defined else ""


def _sanity(known: Drift, paths: dict[str, Path], method: str) -> str:
    found = drift.likeness(known, paths[PRUNE_ONLY].dense.id, method)
    if not found.defined:
        return ""
    verdicts = {
        HOLDS: "they pass the randomisation check.",
        FAILS: "**they fail the randomisation check**.",
        CANNOT_TELL: "whether they pass the randomisation check cannot be told.",
    }
    return (
        f" Against the dense network with its upper half random, these maps keep a rank correlation of {found.format(percent=False)}, "
        f"where below {LIKENESS:g} passes: {verdicts[verdict(found, Region(high=LIKENESS))]}"
    )
