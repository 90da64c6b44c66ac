"""Which test image: filters, and a strip of small pictures to choose from."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import breaking, data, responses
from core import familiarity as familiarities
from core.checkpoints import Entry
from core.cohort import Cohort
from core.data.ham10000 import class_words
from core.errors import PruneScopeError
from core.paths import Path
from pages.components import address, images, layout, loaders, look

SHOWN = 8
WHICH = {
    "any": "Any",
    "wrong": "Dense network is wrong",
    "changed": "Changed by pruning",
    "early": "Breaks early",
}
_ALL = "/all"  # no class folder can be called so


@dataclass(frozen=True)
class Context:
    """What the filters are about.

    Attributes:
        path: of the study and the pruning method.
        sparsity: of the slider.
        switch: whether batch norm is re-estimated.
        toolbar: a row of the page for controls.
    """

    path: Path
    sparsity: float
    switch: bool
    toolbar: DeltaGenerator

    @property
    def dense(self) -> Entry:
        """The dense network's checkpoint."""
        return self.path.dense


def row(context: Context, cohort: Cohort, picture: Callable[[int], np.ndarray]) -> int | None:
    """The place of the chosen image in ``cohort``; None if no image passes the filters and none was chosen.

    Args:
        context: what the filters are about.
        cohort: the test images.
        picture: from a place to the image, uint8 [H, W, 3].
    """
    both = context.toolbar.container(horizontal=True, gap="small", width="content")  # both go to the next line, or none
    with both:
        diagnosis = _diagnosis(cohort)
        which = _which()
    rows, words = _passing(context, cohort, which)
    if diagnosis != _ALL:
        rows = rows[cohort.labels[rows] == cohort.class_names.index(diagnosis)]
    address.hold("image", lambda text: text if text in set(cohort.ids) else None, None)
    place = {id: number for number, id in enumerate(cohort.ids)}
    chosen = place.get(st.session_state["image"])
    chosen = int(rows[0]) if chosen is None and len(rows) else chosen
    if not len(rows):
        st.info(f"No test image passes these filters{f': {words}' if words else ''}.", icon=":material/filter_alt_off:")
    else:
        said = f"{len(rows):,} of {len(cohort):,} test images{f', {words}' if words else ''}."
        _strip(rows, cohort, picture, chosen, said)
    address.tell("image", st.session_state["image"])
    return chosen


def _diagnosis(cohort: Cohort) -> str:
    known = [_ALL, *cohort.class_names]
    return address.choose(
        st.selectbox,
        "diagnosis",
        f"True {class_words(cohort.class_names)[0]}",
        known,
        _ALL,
        title=lambda name: "All" if name == _ALL else look.diagnosis(name),
        on_change=_first_page,
        width=200,
    )


def _which() -> str:
    return address.choose(st.selectbox, "which", "Which images", WHICH, "any", on_change=_first_page, width=200)


def _passing(context: Context, cohort: Cohort, which: str) -> tuple[np.ndarray, str]:
    """Places of the images that a filter lets through, the most telling first, and a word on it."""
    if which == "any":
        return np.random.default_rng(0).permutation(len(cohort)), "in no order"
    dense = loaders.response(context.dense)
    trained = context.path.is_checkpoint(context.sparsity)
    mode = context.switch and not trained
    if which == "wrong":
        was = dense and dense.at(0.0, False)
        if was is None or len(was) != len(cohort):
            return np.arange(0), "the answers of this study are not stored"
        surest = np.argsort(-was.max(axis=1), kind="stable")
        return surest[was.argmax(axis=1)[surest] != cohort.labels[surest]], "those of which it was surest first"
    if which == "early":
        steps = breaking.stored_steps(context.path, loaders.response, context.switch)
        if len(steps) < 2 or dense.cohort != cohort.digest:
            return np.arange(0), "the answers along this path are not stored"
        breaks = breaking.breaking_points(steps)["breaks"].to_numpy()
        order = np.argsort(breaks, kind="stable")
        return order[~np.isnan(breaks[order])], "those that break at the lowest sparsity first"
    found = responses.estimate(dense, loaders.response(context.path.start(context.sparsity)), context.sparsity, mode)
    if found is None or len(found.dense) != len(cohort):
        return np.arange(0), "the answers at this sparsity are not stored"
    surest = np.argsort(-found.dense.max(axis=1), kind="stable")
    changed = found.dense.argmax(axis=1) != found.pruned.argmax(axis=1)
    return surest[changed[surest]], "those of which the dense network was surest first"


def _strip(
    rows: np.ndarray, cohort: Cohort, picture: Callable[[int], np.ndarray], chosen: int | None, said: str
) -> None:
    """Small pictures with a button each, and below them what is ``said`` of all and a way on to the next ones."""
    pages = -(-len(rows) // SHOWN)
    page = st.session_state.setdefault("strip", 0) % pages
    # Eight places also where fewer pass, so that a picture is as large among few as among many.
    places = layout.columns(SHOWN, least=68, key="strip", gap="xsmall")
    for place, row in zip(places, rows[page * SHOWN : (page + 1) * SHOWN], strict=False):
        id = str(cohort.ids[row])
        truth = look.diagnosis(cohort.class_names[cohort.labels[row]])
        with place, st.container(gap=None):
            st.image(picture(row), width="stretch", alt=f"{id}: {truth}")
            st.button(
                "Shown" if row == chosen else "Explain",
                key=f"explain-{id}",
                help=f"{id}: {truth}",
                type="tertiary",
                disabled=bool(row == chosen),
                on_click=_choose,
                args=(id,),
            )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(said, width="content")
        if pages > 1:
            st.button(
                "More", icon=":material/arrow_forward:", type="tertiary", on_click=_turn, args=((page + 1) % pages,)
            )


def _choose(id: str) -> None:
    st.session_state["image"] = id


def _turn(page: int) -> None:
    st.session_state["strip"] = page


def _first_page() -> None:
    st.session_state["strip"] = 0
    st.session_state["image"] = None


def familiarity(dense: Entry):
    """What the training images look like to the dense network: as stored, else learned from them; None without them."""
    path = familiarities.path_of(dense)
    changed = path.stat().st_mtime_ns if path.exists() else 0
    if not changed and dense.card.data.name != "phantom":
        with suppress(PruneScopeError):
            images.prepare(dense.card.data)
    with suppress(PruneScopeError):  # raised anew each time: the images may come later
        return _familiarity(dense.card.digest, changed, dense)
    return None


@st.cache_resource(max_entries=8, show_spinner="Looking at the training images, once")
def _familiarity(digest: str, changed: int, _dense: Entry):
    known = familiarities.read(_dense)
    if known is not None or _dense.card.data.name == "phantom":
        return known
    bench, info = loaders.bench(_dense), _dense.card.data
    validation = data.load(info.name, "validation", size=info.size, split_by=info.split_by or None)
    return familiarities.fit(bench.dense.model, bench.calibration, validation)
