"""What a learner has chosen and done. All of it lives in the URL, so that a copied link goes on from the same place."""

import streamlit as st

from core import learn
from core.learn import Progress
from pages.components import address, focus

_DONE = "done"
QUIZ, TEACHER = "quiz", "teacher"
PLACES = {lesson.name: f"{number}. {lesson.title}" for number, lesson in enumerate(learn.LESSONS, 1)} | {
    QUIZ: "Quiz",
    TEACHER: "For teachers",
}
"""Where a learner can be: the lessons, the quiz, the page for teachers."""
TOP = "learn-top"
"""Key of the container with the title of what is open."""


def reader() -> str:
    """The reading level: a key of :data:`core.learn.READERS`."""
    return address.choose(
        st.segmented_control,
        "reader",
        "Written for",
        learn.READERS,
        "clinician",
        help="Changes the words, never the questions or the numbers.",
    )


def place() -> str:
    """Which lesson is open: a key of :data:`PLACES`."""
    first = next(iter(PLACES))
    return address.choose(st.pills, "lesson", "Lessons", PLACES, first, label_visibility="collapsed")


def go(name: str) -> None:
    """Open another place, before the page is drawn again."""
    st.session_state["lesson"] = name
    focus.on(TOP)


def head(title: str) -> None:
    """The title of what is open, where those arrive who came by a button at the end of something else."""
    with st.container(key=TOP):
        focus.given(TOP)
        st.header(title)


def progress() -> Progress:
    """What was guessed and answered so far."""
    address.hold(_DONE, lambda text: text or None, "")
    found = learn.decode(st.session_state[_DONE])
    address.tell(_DONE, learn.encode(found) or None)
    return found


def keep(found: Progress) -> None:
    """Take over what was done, before the page is drawn again."""
    st.session_state[_DONE] = learn.encode(found)


def guessed(letter: str, finding: learn.Finding, found: Progress) -> float | str | None:
    """The guess for a lesson, on the scale of its question; None if there is none, or none that the question allows."""
    value = found.guesses.get(letter)
    if isinstance(value, tuple):
        names = list(finding.options or ())
        return names[value[1]] if value[1] < len(names) else None
    if value is None or finding.options or value > finding.most:
        return None
    return value
