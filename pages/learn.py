"""A short course: guess first, then see what the networks really do."""

import streamlit as st

from pages.components import loaders, navigation, panels, state

navigation.require()
st.title("Learn: guess first, then look")
study = state.study()
if study is None:
    panels.no_study()
    st.stop()
st.markdown(
    "Each lesson asks you for a guess and then shows what really trained networks did, with how sure that is. Nothing to "
    "install. Your progress is in the address of this page: copy it to go on elsewhere."
)

with panels.guard():
    loaders.engine()  # with torch; the title is on the screen by now
    from core import learn
    from pages.components import learn_lessons, learn_quiz, learn_state, learn_teacher

    reader, place = learn_state.reader(), learn_state.place()
    done = learn_state.progress()
    made = sum(lesson.letter in done.guesses for lesson in learn.LESSONS)
    st.caption(
        f"{made} of {len(learn.LESSONS)} lessons done, {learn.score(dict(done.quiz))[0]} of {len(learn.QUIZ)} quiz questions right. "
        f"About {sum(lesson.minutes for lesson in learn.LESSONS)} minutes for the lessons, {learn.QUIZ_MINUTES} for the quiz."
    )
    if study not in loaders.studies():
        panels.no_study()
    elif place == learn_state.QUIZ:
        learn_quiz.draw()
    elif place == learn_state.TEACHER:
        learn_teacher.draw(study)
    else:
        learn_lessons.draw(learn.BY_NAME[place], study, reader)
