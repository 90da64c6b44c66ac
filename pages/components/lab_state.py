"""The lesion that the user has drawn. It lives in the link as a short text, and its history in the session."""

import secrets

import streamlit as st

from core import lab
from core.data.phantom import Parameters
from pages.components import address

_LESION, _HISTORY = "lesion", "lab-history"
_TOLD, _ACTED = "lab-told", "lab-acted"
_REMEMBERED = 200  # steps back
_SEEDS = 10_000  # random lesions that the button chooses from: short numbers can be told to somebody


def lesion() -> Parameters:
    """The lesion of the link, else the one that was drawn last. Writes the link, and puts what is new on the history."""
    arriving, link = address.arriving(_LESION), st.query_params.get(_LESION, "")
    address.hold(_LESION, lambda text: text or None, lab.START)
    acted = st.session_state.pop(_ACTED, False)
    if not arriving and not acted and link != st.session_state.get(_TOLD, link):
        st.session_state[_LESION] = link or lab.START  # the browser's own way back
    drawn = lab.decode(st.session_state[_LESION])
    text = st.session_state[_LESION] = lab.encode(drawn)
    _remember(text)
    st.session_state[_TOLD] = "" if text == lab.START else text
    address.tell(_LESION, st.session_state[_TOLD] or None)
    return drawn


def origin() -> str:
    """Where the lesion comes from: a class whose preset it was, or ``lab.RANDOM``."""
    return _now().split(".")[0]


def change(parameter: str, number: float) -> None:
    """Give one parameter another value."""
    _put(lab.encode(lab.decode(_now()).but(**{parameter: number})))


def start(name: str, seed: int | None = None) -> None:
    """Begin with the preset of a class, or with a random lesion; with the same seed unless another is given."""
    _put(f"{name}.{_now().split('.')[1] if seed is None else seed}")


def random() -> None:
    """Begin with a random lesion whose number nobody chose."""
    start(lab.RANDOM, secrets.randbelow(_SEEDS))


def another_photograph() -> None:
    """The same lesion turned or mirrored, with other hairs, other light."""
    change("view", (lab.decode(_now()).view + 1) % 1000)


def reseed(seed: int) -> None:
    """Another lesion of the same kind, with the same changes."""
    name, _, *changes = _now().split(".")
    _put(".".join([name, str(seed), *changes]))


def reset() -> None:
    """Take all changes back at once."""
    start(origin())


def can_undo() -> bool:
    """Whether there is something to take back."""
    return _history()[1] > 0


def can_redo() -> bool:
    """Whether something was taken back."""
    texts, place = _history()
    return place < len(texts) - 1


def undo() -> None:
    """Take the last change back."""
    _move(-1)


def redo() -> None:
    """Do again what was taken back."""
    _move(1)


def changed() -> bool:
    """Whether the lesion differs from where it comes from."""
    return _now().count(".") > 1


def _history() -> tuple[list[str], int]:
    return st.session_state.setdefault(_HISTORY, ([lab.START], 0))


def _now() -> str:
    texts, place = _history()
    return texts[place]


def _remember(text: str) -> None:
    if _HISTORY not in st.session_state:
        st.session_state[_HISTORY] = ([text], 0)
    texts, place = _history()
    if text != texts[place]:
        kept = [*texts[: place + 1], text][-_REMEMBERED:]
        st.session_state[_HISTORY] = (kept, len(kept) - 1)


def _move(by: int) -> None:
    texts, place = _history()
    place = min(max(place + by, 0), len(texts) - 1)
    st.session_state[_HISTORY] = (texts, place)
    _put(texts[place])


def _put(text: str) -> None:
    st.session_state[_LESION] = text
    st.session_state[_ACTED] = True
