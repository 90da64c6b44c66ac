"""For teachers: goals, timing, all answers as the data give them now, and the key to the quiz."""

from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from core import learn
from pages.components import learn_material, learn_state, panels
from pages.components.learn_material import Missing

# Streamlit breaks what stands in a table at 400 pixels, however wide its column is.
_STYLE = "<style>[data-testid='stTable'] td > div { max-width: none !important; }</style>"


def draw(study: str) -> None:
    """The whole page."""
    learn_state.head("For teachers")
    total = sum(lesson.minutes for lesson in learn.LESSONS)
    st.markdown(
        f"{len(learn.LESSONS)} lessons of {min(x.minutes for x in learn.LESSONS)} to {max(x.minutes for x in learn.LESSONS)} minutes, "
        f"{total} in all, and {learn.QUIZ_MINUTES} for the quiz. No image and no download is needed. Let everyone commit to a guess before anyone sees the "
        "answer; ask for the spread of guesses in the room; then let them explain the difference.\n\n"
        "A learner's link holds study, lesson, reading level, guesses and answers: ask for the link to see how far somebody is. The "
        "links below are a fresh start: hand them out."
    )
    st.html(_STYLE)
    st.table(
        pd.DataFrame(
            {
                "Lesson": [_link(lesson.name, study) for lesson in learn.LESSONS] + [_link(learn_state.QUIZ, study)],
                "Afterwards learners can": [lesson.goal for lesson in learn.LESSONS] + ["Check what they remember."],
                "Minutes": [str(lesson.minutes) for lesson in learn.LESSONS] + [str(learn.QUIZ_MINUTES)],
            }
        ).set_index("Lesson")
    )
    if not st.toggle(
        "Show all answers", key="answers", help="Computed from the networks of the chosen study as they are now."
    ):
        return
    st.markdown("**Answers of the lessons**")
    for lesson in learn.LESSONS:
        with panels.guard():
            finding = learn_material.finding(lesson.name, study)
            told = f"not known yet: `{finding.command}` makes it" if isinstance(finding, Missing) else finding.told
            st.markdown(f"- **{lesson.title}**: {told} *{lesson.lasting}*")
    st.markdown("**Key to the quiz**")
    for number, item in enumerate(learn.QUIZ, 1):
        st.markdown(f"{number}. {item.question} **{item.options[item.right]}.** {item.why}")


def _link(place: str, study: str) -> str:
    """A lesson as a link that holds what is read, by whom, and no guess: it opens in a tab of its own, without the teacher's."""
    query = {"study": study, "lesson": place}
    if "reader" in st.query_params:
        query["reader"] = st.query_params["reader"]
    title = learn_state.PLACES[place].replace(".", "\\.", 1)  # with a bare dot it is the first item of a list
    return f"[{title}](learn?{urlencode(query)})"
