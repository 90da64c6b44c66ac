"""The picture that is explained: a test image, a phantom, or one that the user sends."""

import hashlib
import secrets
import threading
from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import streamlit as st

from core import lab
from core.checkpoints import Entry
from core.data.phantom import CLASSES, SIGNS_OF, Rendered, render
from core.errors import DataNotFound, PruneScopeError
from core.uploads import MAX_BYTES, Upload, decode_upload
from pages.components import address, attribution_filters, loaders, look, panels
from pages.components.attribution_filters import Context

SOURCES = {"test": "Test image", "phantom": "Phantom", "upload": "Your own picture"}
_RANDOM_SEEDS = 10_000
_KIND = "phantom-kind"
_DECODED = "upload-decoded"
# A picture of 40 megapixels takes half a gigabyte while it is decoded: visitors take turns.
_TURN = threading.Lock()


@dataclass(frozen=True)
class Picture:
    """What is explained.

    Attributes:
        key: names exactly these pixels.
        kind: a name of :data:`SOURCES`.
        title: for people.
        image: uint8 [size, size, 3].
        truth: index of the true class; None where it is not known.
        lesion: bool [size, size]; None where it is not known.
        signs: class name -> bool [size, size], where the signs of this class are; phantoms only.
        credit: whose picture it is, for what is taken along.
    """

    key: str
    kind: str
    title: str
    image: np.ndarray = field(repr=False)
    truth: int | None = None
    lesion: np.ndarray | None = field(default=None, repr=False)
    signs: dict[str, np.ndarray] = field(default_factory=dict, repr=False)
    credit: str = ""


def source() -> str:
    """Where the picture comes from."""
    return address.choose(st.segmented_control, "source", "Explain", SOURCES, "test", label_visibility="collapsed")


def chosen(kind: str, context: Context) -> Picture | None:
    """The picture, chosen with the controls of its kind; None, with a word on what to do, while there is none."""
    return {"test": _test, "phantom": _phantom, "upload": _upload}[kind](context)


def _test(context: Context) -> Picture | None:
    dense = context.dense
    cohort = loaders.cohort(dense)
    drawings = dense.card.data.name == "phantom"
    images = None
    if not drawings:
        try:
            images = loaders.pictures(dense)
        except DataNotFound as error:
            panels.missing_data(error)
            st.caption("A phantom or a picture of your own can be explained all the same: choose it above.")
            return None

    def small(row: int) -> np.ndarray:
        return loaders.drawn(dense, row).images[0] if drawings else images.images[row]

    row = attribution_filters.row(context, cohort, small)
    if row is None:
        return None
    truth = int(cohort.labels[row])
    title = f"Test image {cohort.ids[row]}"
    if drawings:
        found = loaders.drawn(dense, row)
        return Picture(
            f"{cohort.digest}-{row}",
            "test",
            title,
            found.images[0],
            truth,
            found.masks[0],
            _signs(found),
            "PruneScope phantom",
        )
    mask = None
    with suppress(DataNotFound):  # raised anew each time: the masks may come later
        mask = _mask(cohort.digest, row, images)
    credit = "HAM10000, Tschandl et al. 2018, CC BY-NC 4.0" if images.name == "ham10000" else images.name
    return Picture(f"{cohort.digest}-{row}", "test", title, np.asarray(images.images[row]), truth, mask, {}, credit)


@st.cache_data(max_entries=256, show_spinner="Reading the lesion masks, once")
def _mask(digest: str, row: int, _images) -> np.ndarray:
    return np.array(_images.masks()[row])


def _signs(drawn: Rendered) -> dict[str, np.ndarray]:
    """Class -> where its own signs are on the one phantom that was drawn; classes without a sign there are left out."""
    found = {}
    for name, signs in SIGNS_OF.items():
        own = [drawn.signs[sign][0] for sign in signs if sign in drawn.signs]
        if own and np.any(own):
            found[name] = np.any(own, axis=0)
    return found


def _phantom(context: Context) -> Picture | None:
    """A phantom that the lesion lab's link names, the preset of a class, or a random one."""
    address.hold("lesion", lambda text: lab.encode(lab.decode(text)) if text else None, lab.START)
    kinds = [*CLASSES, lab.RANDOM]
    st.session_state[_KIND] = st.session_state["lesion"].split(".")[0]
    with context.toolbar:
        st.selectbox(
            "Kind of phantom",
            kinds,
            format_func=lambda name: (
                "A random one" if name == lab.RANDOM else f"Textbook {look.diagnosis(name).lower()}"
            ),
            key=_KIND,
            on_change=_begin,
            width=280,
        )
        st.button("Another one", icon=":material/casino:", on_click=_another)
        st.page_link("pages/lesion_lab.py", label="Change it in the lesion lab", icon=":material/draw:")
    text = st.session_state["lesion"]
    address.tell("lesion", text if text != lab.START else None)
    lesion, info = lab.decode(text), context.dense.card.data
    known = info.class_names == CLASSES
    if not known or not 32 <= info.size <= 256:
        st.info(
            "The networks of this study do not know the diagnoses of the phantoms. Choose a study of skin lesions in the sidebar.",
            icon=":material/info:",
        )
        return None
    drawn = render(lesion, info.size)
    if info.name != "phantom":
        st.warning(
            "**These networks never saw a drawing.** They learned from photographs: what they make of a phantom shows how they "
            "judge something unlike all they know.",
            icon=":material/photo_library:",
        )
    return Picture(
        f"phantom-{text}-{info.size}",
        "phantom",
        f"Phantom {text}",
        drawn.images[0],
        CLASSES.index(lesion.diagnosis),
        drawn.masks[0],
        _signs(drawn),
        "PruneScope phantom",
    )


def _begin() -> None:
    st.session_state["lesion"] = f"{st.session_state[_KIND]}.{st.session_state['lesion'].split('.')[1]}"


def _another() -> None:
    st.session_state["lesion"] = f"{st.session_state['lesion'].split('.')[0]}.{secrets.randbelow(_RANDOM_SEEDS)}"


def _upload(context: Context) -> Picture | None:
    file = st.file_uploader(
        "A JPEG or PNG picture, at most 10 MB and 40 megapixels",
        key="upload",
        max_upload_size=MAX_BYTES // 1_000_000,
        help="Best a dermoscopic picture with the lesion in the middle: its centre square is taken, as from every image here.",
    )
    st.caption(
        ":material/lock: **Your picture stays in this server's memory**: it is written to no disk, sent to nobody else, and gone when "
        "you take it out or close this page. Place, date and other metadata in it are dropped. It is not part of the link."
    )
    if file is None:
        st.session_state.pop(_DECODED, None)
        return None
    try:
        found = _decoded(file, context.dense.card.data.size)
    except PruneScopeError as error:
        st.error(f"**Your picture was not taken.** {look.literal(error)}", icon=":material/block:")
        return None
    if found.notes:
        st.caption(" ".join(found.notes))
    key = f"upload-{hashlib.sha256(found.image.tobytes()).hexdigest()}"
    return Picture(key, "upload", "Your own picture", found.image, credit="own picture")


def _decoded(file, size: int) -> Upload:
    """The picture that was sent, decoded once a session and size; nothing of it is kept for anybody else."""
    asked = (file.file_id, size)
    if st.session_state.get(_DECODED, (None,))[0] != asked:
        with _TURN:
            st.session_state[_DECODED] = (asked, decode_upload(file.getvalue(), size))
    return st.session_state[_DECODED][1]


def unlike(dense: Entry, picture: Picture) -> None:
    """A warning where a picture is unlike those that the networks learned from; or that this could not be checked."""
    if picture.kind == "test" or (picture.kind == "phantom" and dense.card.data.name != "phantom"):
        return
    known = attribution_filters.familiarity(dense)
    if known is None:
        if picture.kind == "upload":
            st.caption(
                "Whether it is like the images that the networks learned from could not be checked: they are not on this machine."
            )
        return
    found = known.judge(loaders.subject(dense).model, picture.image[None])[0]
    if found.unlike:
        st.warning(
            f"**This picture is unlike those that the networks learned from**: further from them than {found.beyond:.0%} of "
            f"{found.n:,} images that they had not seen either. Their answers to it mean little.",
            icon=":material/priority_high:",
        )
    elif picture.kind == "upload":
        st.caption(
            f"By its colours and textures it is no further from the training images than {1 - found.beyond:.0%} of {found.n:,} other "
            "images are. That does not make the answer right."
        )
