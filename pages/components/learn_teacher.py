"""For teachers: goals, timing, all answers as the data give them now, and the key to the quiz."""

import pandas as pd
import streamlit as st

from core import learn
from pages.components import learn_material, panels
from pages.components.learn_material import Missing


def draw(study: str) -> None:
    """The whole page."""
    st.header("For teachers")
    total = sum(lesson.minutes for lesson in learn.LESSONS)
    st.markdown(
        f"{len(learn.LESSONS)} lessons of {min(x.minutes for x in learn.LESSONS)} to {max(x.minutes for x in learn.LESSONS)} minutes, "
        f"{total} in all, and 10 for the quiz. No image and no download is needed. Let everyone commit to a guess before anyone sees the "
        "answer; ask for the spread of guesses in the room; then let them explain the difference.\n\n"
        "A learner's link holds study, lesson, reading level, guesses and answers: ask for the link to see how far somebody is. Remove "
        "`done=…` from a link to hand out a fresh start."
    )
    st.table(
        pd.DataFrame(
            {
                "Lesson": [f"{number}. {lesson.title}" for number, lesson in enumerate(learn.LESSONS, 1)],
                "Afterwards learners can": [lesson.goal for lesson in learn.LESSONS],
                "Minutes": [str(lesson.minutes) for lesson in learn.LESSONS],
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
