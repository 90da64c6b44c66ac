"""One lesson on the page: words, a guess, and then what the data say."""

import streamlit as st

from core import learn
from core.learn import Finding, Lesson, Progress
from core.studies import Study
from pages.components import focus, learn_material, learn_reveals, learn_state, loaders, panels
from pages.components.learn_material import Missing

_GUESS = "learn-guess"
# Streamlit cuts the words of a button where a phone has no room for them in one line.
_STYLE = (
    "<style>[class*='st-key-next-'] button :is(div, p) { white-space: normal !important; text-align: left; }</style>"
)


def draw(lesson: Lesson, study: str, reader: str) -> None:
    """The whole lesson."""
    learn_state.head(lesson.title)
    st.markdown(lesson.before[reader])
    with st.spinner("Asking the networks"):
        finding = learn_material.finding(lesson.name, study)
    if isinstance(finding, Missing):
        missing(finding)
        _elsewhere(lesson, study)
        _onwards(lesson, study, look=False)
        return
    done = learn_state.progress()
    guess = learn_state.guessed(lesson.letter, finding, done)
    with st.container(border=True, key=_GUESS):
        focus.given(_GUESS)
        st.markdown(f"**Predict.** {finding.question}")
        if guess is None:
            _ask(lesson, finding, done)
        else:
            _answer(lesson, finding, guess, done)
    if guess is None:
        st.caption("The answer, the chart and what follows from it appear once you have committed to a guess.")
        return
    learn_reveals.draw(lesson.name, study)
    if finding.table is not None:
        panels.table(
            finding.table,
            name=f"lesson-{lesson.name}-{study}",
            title=f"The answer of {lesson.title}",
            key=f"answer-{lesson.name}",
            label="The numbers behind the answer",
        )
    st.markdown(lesson.after[reader])
    st.success(f"**Take away.** {lesson.lasting}", icon=":material/school:")
    _onwards(lesson, study)


def missing(found: Missing) -> None:
    """A lesson that cannot be given: why, and how to make what it needs."""
    st.info(f"**{found.why}**, so this lesson has no answer to show. This makes it:", icon=":material/model_training:")
    st.code(found.command, language="bash", wrap_lines=True)


def _elsewhere(lesson: Lesson, study: str) -> None:
    """A button that opens the lesson with a study that has it, one with the same network where there is one."""
    others = [name for name in sorted(loaders.studies()) if name != study]
    others.sort(key=lambda name: Study.parse(name).architecture != Study.parse(study).architecture)
    for other in others:
        if not isinstance(learn_material.finding(lesson.name, other), Missing):
            panels.offer(study, [other], key=f"elsewhere-{lesson.letter}", what="lesson")
            return


def _ask(lesson: Lesson, finding: Finding, done: Progress) -> None:
    key = f"guess-{lesson.letter}"
    if finding.options:
        chosen = st.radio("Your guess", list(finding.options), index=None, format_func=finding.options.get, key=key)
        value = None if chosen is None else ("i", list(finding.options).index(chosen))
    else:
        unit = "%d%%" if finding.unit == "%" else "%d"
        label = "Your guess" if finding.unit == "%" else f"Your guess, {finding.unit} missed"
        value = st.slider(label, 0, finding.most, finding.most // 2, format=unit, key=key)
    st.button(
        "Commit, and show the answer",
        type="primary",
        disabled=value is None,
        on_click=_keep,
        args=(done.guess(lesson.letter, value),),
        key=f"commit-{lesson.letter}",
    )


def _keep(done: Progress) -> None:
    """Take over a guess, or take it back; the button is gone after it, and the answer or the question stands in its place."""
    learn_state.keep(done)
    focus.on(_GUESS)


def _answer(lesson: Lesson, finding: Finding, guess, done: Progress) -> None:
    st.markdown(f"**Answer.** {finding.told}")
    st.markdown(learn.compare(finding, guess))
    st.button(
        "Guess again",
        on_click=_keep,
        args=(done.guess(lesson.letter, None),),
        key=f"again-{lesson.letter}",
        type="tertiary",
        icon=":material/undo:",
    )


def _onwards(lesson: Lesson, study: str, *, look: bool = True) -> None:
    """The next lesson, and where to ``look`` for what this one told, if it did."""
    names = list(learn_state.PLACES)
    following = names[names.index(lesson.name) + 1]
    st.html(_STYLE)
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        st.button(
            f"Next: {learn_state.PLACES[following]}",
            on_click=learn_state.go,
            args=(following,),
            key=f"next-{lesson.letter}",
            icon=":material/arrow_forward:",
        )
        if not look:
            return
        query = {**lesson.query, **learn_reveals.query(lesson.name)}
        if "study" in st.query_params:
            query["study"] = study
        st.page_link(lesson.page, label=lesson.look, query_params=query, icon=":material/open_in_new:")
