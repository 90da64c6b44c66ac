"""The drawn lesion as a picture, with where things are laid over it, and to take along."""

import base64
import html

import numpy as np
import streamlit as st

from core import lab
from core.data.phantom import SIGNS, Parameters, Rendered, render
from pages.components import address, look

SIZE = 256  # pixels that phantoms are drawn at for the eye: the most there are
# Bright, for they lie on skin; after Okabe and Ito, neighbours far apart.
_MARKS = ("#56b4e9", "#f0e442", "#e69f00", "#00c08b", "#ff9fd0", "#4d8dff", "#ff7f32", "#ffffff")
_SHOWN = {"outline": "Outline", "signs": "Signs", "small": "As networks see it"}


def draw(lesion: Parameters, size: int) -> None:
    """The picture and what can be shown on it.

    Args:
        lesion: what is drawn.
        size: of the images that the networks take.
    """
    place, legend = st.empty(), st.empty()
    address.hold("lab-show", lambda text: [name for name in text.split(".") if name in _SHOWN] or None, [], "show")
    shown = st.pills(
        "Show on the picture",
        list(_SHOWN),
        format_func=_SHOWN.get,
        selection_mode="multi",
        key="lab-show",
        persist_state="session",
        label_visibility="collapsed",
    )
    address.tell("show", ".".join(shown) or None)
    text = lab.encode(lesion)
    drawn = picture(text, SIZE)
    whole = image = drawn.images[0]
    if "small" in shown:
        image = enlarged(picture(text, size).images[0])
    marks = dict(zip(drawn.signs, _MARKS * 3, strict=False)) if "signs" in shown else {}
    for sign, mark in marks.items():
        image = marked(image, drawn.signs[sign][0], mark, fill=0.22)
    if "outline" in shown:
        image = marked(image, drawn.masks[0], "#ffffff")
    plain = lab.portrait(lesion, whole)
    shown_as = plain if image is whole else lab.portrait(lesion, image)
    # As part of the page and not as a file beside it, which the next move of a slider would take away while it loads.
    code = base64.b64encode(shown_as).decode()
    place.image(f"data:image/png;base64,{code}", width="stretch", alt=_words(lesion))
    if "signs" in shown:
        legend.html(_legend(marks))
    st.download_button(
        "Download",
        plain,
        f"{text}.png",
        "image/png",
        icon=":material/download:",
        on_click="ignore",
        help="The picture, a PNG of 256 × 256 pixels. Its parameters are in it, as JSON in the text field “phantom”.",
    )


@st.cache_data(max_entries=64, show_spinner=False)
def picture(text: str, size: int) -> Rendered:
    """The lesion of a text, drawn."""
    return render(lab.decode(text), size)


def enlarged(image: np.ndarray) -> np.ndarray:
    """``image`` uint8 [H, H, 3] at :data:`SIZE`, each pixel a square."""
    near = np.arange(SIZE) * len(image) // SIZE
    return image[near][:, near]


def marked(image: np.ndarray, mask: np.ndarray, colour: str, fill: float = 0.0) -> np.ndarray:
    """A copy of ``image`` with the edge of ``mask`` drawn in ``colour``, and its inside tinted.

    Args:
        image: uint8 [H, W, 3].
        mask: bool [H, W].
        colour: such as ``#56b4e9``.
        fill: how strong the tint is, 0 to 1.
    """
    paint = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)], float)
    around = np.pad(mask, 1)
    inner = mask & around[:-2, 1:-1] & around[2:, 1:-1] & around[1:-1, :-2] & around[1:-1, 2:]
    cover = np.where(mask & ~inner, 0.95, fill * mask)[..., None]
    return (image + cover * (paint - image) + 0.5).astype(np.uint8)


def _legend(marks: dict[str, str]) -> str:
    if not marks:
        return "<small>This lesion has none of the signs.</small>"
    square = "display:inline-block;width:.8em;height:.8em;border-radius:2px;border:1px solid #8888;background:"
    words = (
        f'<span style="margin-right:1em;white-space:nowrap"><span style="{square}{mark}"></span> {html.escape(SIGNS[sign])}'
        "</span>"
        for sign, mark in marks.items()
    )
    return f"<small>{''.join(words)}</small>"


def _words(lesion: Parameters) -> str:
    signs = ", ".join(SIGNS[name].lower() for name in lesion.signs) or "no dermoscopic sign"
    return f"A drawn skin lesion, begun as {look.diagnosis(lesion.diagnosis).lower()}, with {signs}"
