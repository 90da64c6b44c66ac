"""The quiz: a question, an answer, and why. What was answered is kept in the address."""

import streamlit as st

from core import learn
from core.learn import Progress
from pages.components import learn_state

_STYLE = "<style>[class*='st-key-question-'] [data-testid='stWidgetLabel'] p { font-weight: 600; }</style>"


def draw() -> None:
    """All questions, each with its explanation once it is answered."""
    learn_state.head("Quiz")
    st.html(_STYLE)
    done = learn_state.progress()
    right, answered = learn.score(dict(done.quiz))
    st.markdown(
        f"{len(learn.QUIZ)} questions on what the lessons taught. **{right} right** of {answered} answered."
        if answered
        else f"{len(learn.QUIZ)} questions on what the lessons taught. Each is explained as soon as you answer."
    )
    for number, item in enumerate(learn.QUIZ):
        with st.container(border=True, key=f"question-{number}"):
            _question(number, item, done)
    if answered:
        st.button("Start over", on_click=_forget, args=(done,), icon=":material/undo:", key="quiz-again")


def _question(number: int, item: learn.Item, done: Progress) -> None:
    place = done.quiz.get(number)
    place = place if place is not None and learn.valid(number, place) else None
    key = f"quiz-{number}"
    st.session_state.setdefault(key, place)
    st.radio(
        f"Question {number + 1}: {item.question}",  # as it is: a screen reader reads out signs of Markdown
        range(len(item.options)),
        format_func=item.options.__getitem__,
        key=key,
        on_change=_answered,
        args=(number, key, done),
    )
    if place is None:
        return
    if place == item.right:
        st.success(f"Right. {item.why}", icon=":material/check:")
    else:
        st.error(f"Not so: **{item.options[item.right]}**. {item.why}", icon=":material/close:")
    st.button(
        f"Back to the lesson: {learn.BY_NAME[item.lesson].title}",
        on_click=learn_state.go,
        args=(item.lesson,),
        key=f"back-{number}",
        type="tertiary",
    )


def _answered(number: int, key: str, done: Progress) -> None:
    learn_state.keep(done.answer(number, st.session_state[key]))


def _forget(done: Progress) -> None:
    for number in range(len(learn.QUIZ)):
        st.session_state.pop(f"quiz-{number}", None)
    learn_state.keep(Progress(done.guesses))
