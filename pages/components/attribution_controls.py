"""What is asked about the picture, and how the maps are drawn. Every choice lives in the link."""

from dataclasses import dataclass

import streamlit as st

from core import attribution
from core.attribution import METHODS
from core.data.ham10000 import class_words
from core.paths import PRUNE_ONLY, Path
from pages.components import address, attribution_networks, layout, loaders, look
from pages.components.attribution_sources import Picture

# With a slash, which no class can have: one may well be called "dense".
DENSE, TRUTH = "/dense", "/truth"
VIEWS = {"overlay": "Over the picture", "map": "Map alone", "swipe": "Swipe"}
_STEPS = (16, 32, 64, 128)
_USUAL_STEPS = 32  # the engine's 16 are quicker, and one map in ten misses its sum by much


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        method: of attribution.
        options: of the method.
        target: index of the class whose score is explained.
        why: in words: why this class.
    """

    method: str
    options: tuple[tuple[str, object], ...]
    target: int
    why: str

    @property
    def signed(self) -> bool:
        """Whether maps have values that speak against the target."""
        return METHODS[self.method].signed

    @property
    def title(self) -> str:
        """The method with what was set: ``"Grad-CAM (stage 4)"``."""
        given = [f"{value} steps" if name == "steps" else str(value) for name, value in self.options]
        return METHODS[self.method].title + (f" ({', '.join(given)})" if given else "")


def methods(paths: dict[str, Path], method: str) -> list[str]:
    """The pruning methods to show beside the dense network: one, or on request all that were trained."""
    trained = sorted((name for name in paths if name != PRUNE_ONLY), key=look.order)
    if len(trained) < 2:
        return [method]
    every = address.toggle("all-methods", "All methods side by side", True)
    return trained if every and method in trained else [method]


def question(paths: dict[str, Path], picture: Picture, dense_answer: int) -> Question:
    """Method and target, as the user sets them.

    Args:
        paths: of the study.
        picture: what is explained.
        dense_answer: the dense network's answer to it.
    """
    dense = next(iter(paths.values())).dense
    # The options come last, for not every way has some.
    way, speaks, more = layout.columns([4, 5, 3], least=140, key="question", gap="small", vertical_alignment="bottom")
    with way:
        name = _method()
    with more:
        options = _options(name, dense)
    with speaks:
        target, why = _target(dense.card.data.class_names, picture, dense_answer)
    return Question(name, options, target, why)


def _method() -> str:
    return address.choose(
        st.selectbox,
        "explain",
        "Way of explaining",
        METHODS,
        "grad_cam",
        title=lambda name: METHODS[name].title,
    )


def _options(method: str, dense) -> tuple[tuple[str, object], ...]:
    """What can be set: the layer of Grad-CAM, the steps of Integrated Gradients."""
    if method == "grad_cam":
        sizes = _sizes(dense.card.digest, dense)
        default = attribution.default_stage(sizes)
        found = address.choose(
            st.selectbox,
            "cam-layer",
            "Layer",
            sizes,
            default,
            name="layer",
            title=lambda stage: f"{stage.capitalize()}, {sizes[stage]}×{sizes[stage]}",
            help="Deep layers know more of diagnoses, early ones of places. The map can be no finer than the layer.",
        )
        return (("layer", found),)
    if method == "integrated_gradients":
        address.hold("steps", lambda text: int(text) if text in map(str, _STEPS) else None, _USUAL_STEPS)
        found = st.selectbox(
            "Steps",
            _STEPS,
            key="steps",
            persist_state="session",
            help="Pictures on the way from a plain one to this one. More take longer and miss the right sum by less.",
        )
        address.tell("steps", str(found) if found != _USUAL_STEPS else None)
        return (("steps", found),)
    return ()


@st.cache_data(max_entries=32, show_spinner=False)
def _sizes(digest: str, _dense) -> dict[str, int]:
    network = attribution.skeleton(loaders.subject(_dense).model)
    return attribution.cam_sizes(network, _dense.card.data.size)


def _target(class_names: tuple[str, ...], picture: Picture, answer: int) -> tuple[int, str]:
    """The class whose score is explained, the same for all networks."""
    # No class in these two: a list keeps the words that it was chosen by when another picture gets another answer.
    known, one = {DENSE: "The dense network's answer"}, class_words(class_names)[0]
    if picture.truth is not None:
        known[TRUTH] = f"The true {one}"
    known |= {name: look.diagnosis(name) for name in class_names}
    found = address.choose(
        st.selectbox,
        "target",
        "What speaks for",
        known,
        DENSE,
        former={"dense": DENSE, "truth": TRUTH},
        help="The maps of all networks explain the score of this one class, so that they can be compared.",
    )
    if found == DENSE:
        return answer, "the dense network's answer"
    return (picture.truth, f"the true {one}") if found == TRUTH else (class_names.index(found), "chosen")


@dataclass(frozen=True)
class Drawing:
    """How maps are drawn; see :class:`attribution_pictures.Style`."""

    view: str
    opacity: float
    outline: bool
    own_scale: bool
    zoom: float
    across: float
    down: float
    split: float


def drawing(picture: Picture, networks: list[attribution_networks.Network]) -> Drawing:
    """The controls under the pictures."""
    views = [name for name in VIEWS if name != "swipe" or len(networks) > 1]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = address.choose(st.segmented_control, "drawn", "Draw the maps", views, "overlay", title=VIEWS.get)
        with st.container(width=112):
            opacity = address.slider("opacity", "Opacity", 0, 100, 75, format="%d%%", disabled=view == "map")
        with st.container(width=112):
            zoom = address.slider("zoom", "Zoom", 1.0, 6.0, 1.0, step=0.5, format="%.1f×")
        with st.popover("More", icon=":material/tune:"):
            outline = address.toggle("outline", "Outline of the lesion", True, disabled=picture.lesion is None)
            own_scale = address.toggle(
                "own-scale",
                "Each map on a scale of its own",
                help="Off, one scale serves all maps, and a faint map is a weak one.",
            )
    across = down = 50
    if zoom > 1:
        with st.container(horizontal=True, gap="medium"):
            with st.container(width=240):
                across = address.slider("across", "From left to right", 0, 100, 50, format="%d%%")
            with st.container(width=240):
                down = address.slider("down", "From top to bottom", 0, 100, 50, format="%d%%")
    split = 50
    if view == "swipe":
        split = address.slider("split", "Swipe: dense on the left, pruned on the right", 0, 100, 50, format="%d%%")
    return Drawing(view, opacity / 100, outline, own_scale, zoom, across / 100, down / 100, split / 100)
