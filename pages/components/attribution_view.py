"""The body of the page: the picture, the networks' maps of it side by side, and what is known of them."""

from functools import partial

import numpy as np
import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import attribution
from core.attribution import METHODS, Trust
from core.studies import Study
from pages.components import (
    attribution_controls,
    attribution_drift,
    attribution_maps,
    attribution_networks,
    attribution_pictures,
    attribution_sources,
    attribution_trust,
    attribution_words,
    layout,
    loaders,
    look,
    similarity_live,
    state,
)
from pages.components.attribution_colours import gradient
from pages.components.attribution_controls import Drawing, Question
from pages.components.attribution_filters import Context
from pages.components.attribution_networks import Network
from pages.components.attribution_pictures import Style
from pages.components.attribution_sources import Picture

_STOPPED = "attribution-stopped"
_PATIENCE = 1.5  # seconds
# On a phone the picture stands alone, and below it the networks in pairs: in rows of two, one network would stand by itself.
_MAPS = "[class*='st-key-even-116-maps'] [data-testid='stColumn']"
_STYLE = (
    f"<style>@media (max-width: 640px) {{ {_MAPS}:first-child {{ grid-column: 1 / -1; }} "
    f"{_MAPS}:first-child img {{ width: 50% !important; }} }} "
    # Where a network's name takes two lines, its map would stand lower than those beside it.
    f"@media (min-width: 641px) and (max-width: 1200px) {{ {_MAPS} > [data-testid='stVerticalBlock'] > :first-child "
    "{ min-height: 3.2rem; justify-content: flex-end; } }</style>"
)


def draw(study: str) -> None:
    """Everything below the introduction."""
    paths = loaders.studies()[study]
    toolbar = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    with toolbar:
        kind = attribution_sources.source()
    picking = st.container()
    with st.container(horizontal=True, gap="large", vertical_alignment="bottom"):
        method = state.method(list(paths))
        methods = attribution_controls.methods(paths, method)
    left, right = layout.columns([3, 2], least=220, key="attribution", vertical_alignment="bottom")
    with left:
        sparsity = state.sparsity()
    with right:
        pruned_on = any(not paths[name].is_checkpoint(sparsity) for name in methods)
        switch = state.recalibrate(useful=pruned_on) and pruned_on
    context = Context(paths[method], sparsity, switch, toolbar)
    with picking:
        picture = attribution_sources.chosen(kind, context)
    if picture is not None:
        _live(paths, picture, methods, sparsity, switch, pruned_on and switch)
    attribution_drift.draw(study, paths, sparsity)


def _live(paths, picture: Picture, methods: list[str], sparsity: float, switch: bool, wanted: bool) -> None:
    """The maps, with a bar and Cancel for what takes long: batch norm is re-estimated for each network that was pruned on."""
    position = (picture.key, tuple(methods), sparsity, switch)
    if st.session_state.get(_STOPPED) == position:
        st.caption("You cancelled the maps of this position. Another picture, method or sparsity shows its own.")
        st.button("Show the maps", key="attribution-again", icon=":material/play_arrow:", on_click=_stop, args=(None,))
        return
    with similarity_live.progress(partial(_stop, position), after=_PATIENCE) as report:
        networks = attribution_networks.chosen(paths, methods, sparsity, switch)
        _explain(paths, picture, networks, wanted, report)


def _stop(position: tuple | None) -> None:
    st.session_state[_STOPPED] = position


def _explain(paths, picture: Picture, networks: list[Network], wanted: bool, report) -> None:
    """The maps of one picture, and what follows from them."""
    dense = networks[0]
    answers = [attribution_maps.answer(network, picture, report) for network in networks]
    question = attribution_controls.question(paths, picture, int(answers[0].argmax()))
    names = dense.entry.card.data.class_names
    st.header(attribution_words.heading(question, names))
    attribution_sources.unlike(dense.entry, picture)
    st.html(_STYLE)
    places, below = layout.columns(1 + len(networks), least=116, key="maps", gap="small"), st.container()
    with below:
        drawing = attribution_controls.drawing(picture, networks)
    maps = [attribution_maps.of(network, picture, question, report) for network in networks]
    styles = _styles(maps, question, drawing)
    faces = _panels(places, picture, networks, answers, maps, styles, question, drawing)
    with below:
        _legend(question, styles[0], drawing)
        st.caption(f"{METHODS[question.method].sentence} {attribution_words.basis(networks, question, wanted)}")
        attribution_trust.agreement(picture, networks, maps, question)
        checks = st.empty()
        download = st.empty()
    found = _checked(picture, networks, maps, question, faces, styles, drawing, report)
    with checks.container():
        attribution_trust.draw(picture, networks, maps, question, found, report)
    with download.container():
        _download(picture, networks, answers, maps, styles, question, drawing, found)


def _styles(maps: list[np.ndarray], question: Question, drawing: Drawing) -> list[Style]:
    """One scale for all maps, or one for each."""
    shared = attribution.reach(maps)
    side = 1 / drawing.zoom
    box = (drawing.across * (1 - side), drawing.down * (1 - side), side)
    view = "map" if drawing.view == "map" else "overlay"
    return [
        Style(
            view,
            drawing.opacity,
            attribution.reach([values]) if drawing.own_scale else shared,
            question.signed,
            box,
            drawing.outline,
        )
        for values in maps
    ]


def _panels(places, picture, networks, answers, maps, styles, question, drawing) -> list[DeltaGenerator]:
    """The picture, and each network's map with its answers below; the places of the maps, to be drawn over."""
    names, faces = networks[0].entry.card.data.class_names, []
    with places[0]:
        st.markdown(f"**{attribution_sources.SOURCES[picture.kind]}**")
        whole = attribution_pictures.original(picture.image, styles[0], picture.lesion)
        st.image(attribution_pictures.url(whole), width="stretch", alt=picture.title)
        st.caption(attribution_words.about(picture, names))
    for number, network in enumerate(networks):
        with places[1 + number]:
            st.markdown(f"**{network.title}**")
            face = st.empty()
            faces.append(face)
            _face(face, number, picture, networks, maps, styles, question, drawing, None)
            st.markdown(attribution_words.answers(answers[number], names, question, picture))
    return faces


def _face(face, number, picture, networks, maps, styles, question, drawing, trust: Trust | None) -> None:
    """One map in its place; with a band across it if it fails a check."""
    shown = _drawn(number, picture, maps, styles)
    if drawing.view == "swipe" and number:
        shown = attribution_pictures.split(_drawn(0, picture, maps, styles), shown, drawing.split)
    if trust is not None and not trust.passed:
        shown = attribution_pictures.warned(shown, attribution_words.band(trust))
    names = networks[0].entry.card.data.class_names
    face.image(
        attribution_pictures.url(shown),
        width="stretch",
        alt=attribution_words.described(networks[number], question, names, trust),
    )


def _drawn(number: int, picture, maps, styles):
    return attribution_pictures.drawn(picture.image, maps[number], styles[number], picture.lesion)


def _legend(question: Question, style: Style, drawing: Drawing) -> None:
    low, high = attribution_words.ends(question, style.reach, own=drawing.own_scale)
    st.html(
        '<div style="display:flex;align-items:center;gap:0.6rem;flex-wrap:wrap;font-size:0.875rem">'
        f'<span>{low}</span><span role="img" aria-label="Scale of colours from {low} to {high}" style="display:inline-block;width:14rem;'
        f'height:0.8rem;border-radius:0.2rem;background:{gradient(question.signed)}"></span><span>{high}</span></div>'
    )


def _checked(picture, networks, maps, question, faces, styles, drawing, report) -> list[Trust]:
    """The checks of every map, one after the other; a map that fails says so on its face as soon as that is known."""
    found = []
    for number, network in enumerate(networks):
        trust = attribution_maps.trust(network, picture, question, maps[number], report)
        found.append(trust)
        if not trust.passed:
            _face(faces[number], number, picture, networks, maps, styles, question, drawing, trust)
    return found


def _download(picture, networks, answers, maps, styles, question, drawing, found: list[Trust]) -> None:
    """All the maps as one picture with its caption."""
    card = networks[0].entry.card
    names = card.data.class_names
    panels = [
        (
            attribution_pictures.original(picture.image, styles[0], picture.lesion),
            attribution_words.about(picture, names, plain=True),
        )
    ]
    for number, network in enumerate(networks):
        shown = _drawn(number, picture, maps, styles)
        if not found[number].passed:
            shown = attribution_pictures.warned(shown, attribution_words.band(found[number]))
        panels.append((shown, attribution_words.caption(network, answers[number], names, question)))
    low, high = attribution_words.ends(question, styles[0].reach, own=drawing.own_scale)
    study = Study.parse(card.study)
    foot = attribution_words.foot(study.title, question, picture, METHODS[question.method].source)
    name = f"{question.method}-{card.study}-{networks[-1].place.percent}-{names[question.target]}"

    def made() -> bytes:
        page = attribution_pictures.figure(
            attribution_words.heading(question, names).replace("**", ""), panels, low, high, question.signed, foot
        )
        return attribution_pictures.png(page)

    st.download_button(
        "Download the comparison as PNG",
        made,
        look.file_name(name, "png"),
        "image/png",
        icon=":material/download:",
        on_click="ignore",
    )
