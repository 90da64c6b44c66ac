"""The course, on tiny networks that the test trains, and on the networks that ship."""

import re

import pytest

from core import learn, responses
from core.files import PROJECT
from tests.pages.opening import opened, texts

LEARN = "pages/learn.py"
GUESSES = {
    "pruning": "a40",
    "magnitude": "b40",
    "methods": "ci0",
    "harm": "d3",
    "similarity": "e3",
    "speed": "f30",
    "misled": "g3",
}


@pytest.fixture
def shipped(monkeypatch, tmp_path):
    """The networks in the repository, and no image."""
    monkeypatch.setenv("PRUNESCOPE_CHECKPOINTS", str(PROJECT / "checkpoints"))
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path))


def focused(app) -> list[str]:
    """The keys of containers that are given the focus."""
    return [key for element in app.get("html") for key in re.findall(r'"\.st-key-([a-z-]+)"', element.proto.body)]


def test_it_says_what_to_do_where_nothing_was_trained():
    assert "No trained network yet" in texts(opened(LEARN))


def test_a_guess_comes_before_the_answer_and_is_kept_in_the_address(shipped):
    app = opened(LEARN)
    assert "**Predict.**" in texts(app)
    assert "**Answer.**" not in texts(app)
    app.slider(key="guess-a").set_value(40).run()
    assert not focused(app)
    app.button(key="commit-a").click().run()
    assert focused(app) == ["learn-guess"], "the button is gone, and the focus with it"
    told = texts(app)
    assert "**Answer.**" in told
    assert "You said 40%" in told
    assert app.query_params["done"] in ("a40", ["a40"])
    app.button(key="next-a").click().run()
    assert app.header[0].value == learn.LESSONS[1].title
    assert focused(app) == ["learn-top"]
    assert not focused(app.run())
    assert not app.exception


@pytest.mark.parametrize("lesson", list(GUESSES))
@pytest.mark.parametrize("reader", list(learn.READERS))
def test_a_link_opens_a_lesson_with_its_answer_from_what_ships(shipped, lesson, reader):
    app = opened(LEARN, lesson=lesson, done=GUESSES[lesson], reader=reader)
    told = texts(app)
    assert not app.error
    assert learn.BY_NAME[lesson].after[reader] in told
    assert "**Answer.**" in told
    assert "n = " in told or "no interval" in told


def test_a_lesson_that_a_study_lacks_is_no_dead_end(shipped):
    app = opened(LEARN, study="cifar100-32/vgg16", lesson="magnitude")
    assert "so this lesson has no answer to show" in app.info[0].value
    assert app.button(key="next-b")
    app.button(key="elsewhere-b").click().run()
    assert app.session_state["study"] == "ham10000-64/vgg16"
    assert "**Predict.**" in texts(app)


def test_where_nothing_is_stored_the_lesson_says_how_to_make_it(study):
    app = opened(LEARN, study=study, lesson="harm")
    assert "are not stored" in app.info[0].value
    assert app.code[0].value == f"python -m core respond {study}"
    assert "**Predict.**" not in texts(app)


def test_the_numbers_are_those_of_the_stored_answers(shipped):
    from core import paths
    from core.cohort import Cohort

    path = paths.studies()["ham10000-64/vgg16"][paths.PRUNE_ONLY]
    cohort, response = Cohort.load(responses.cohort_path(path.dense)), responses.read(path.dense)
    right = (response.at(0.5, True).argmax(axis=1) == cohort.labels).mean()
    assert f"**{right:.1%}" in texts(opened(LEARN, lesson="pruning", done="a40"))


def test_the_quiz_explains_each_answer(shipped):
    app = opened(LEARN, lesson="quiz")
    app.radio(key="quiz-0").set_value(0).run()
    assert learn.QUIZ[0].why in texts(app)
    assert app.query_params["done"] in ("q0", ["q0"])
    app.radio(key="quiz-0").set_value(learn.QUIZ[0].right).run()
    assert "**1 right** of 1 answered" in texts(app)
    assert app.radio(key="quiz-0").label == f"Question 1: {learn.QUIZ[0].question}", (
        "screen readers read signs of Markdown out"
    )


def test_teachers_see_goals_and_all_answers(shipped):
    app = opened(LEARN, lesson="teacher")
    assert "Key to the quiz" not in texts(app)
    links = list(app.table[0].value.index)
    assert len(links) == len(learn.LESSONS) + 1
    assert links[3].startswith("[4\\. Accuracy hides harm](learn?study=")
    assert links[3].endswith("&lesson=harm)"), "a fresh start: no guess, and not this page"
    app.toggle(key="answers").set_value(True).run()
    told = texts(app)
    assert not app.error
    for lesson in learn.LESSONS:
        assert lesson.lasting in told
    for item in learn.QUIZ:
        assert f"**{item.options[item.right]}.**" in told


@pytest.mark.parametrize("done", ["<script>", "a99999-ci77-q", "ci9-d900", "a" * 500])
def test_nonsense_in_the_address_falls_back(shipped, done):
    for lesson in ("nothing", "methods", "harm", "quiz"):
        app = opened(LEARN, lesson=lesson, done=done, reader="nobody")
        assert not app.error
        assert "**Answer.**" not in texts(app)


def test_the_papers_trap_is_counted_on_the_papers_data_whichever_study_is_picked(shipped):
    answers = set()
    for study in ("ham10000-64/vgg16", "phantom-64/densenet169"):
        told = texts(opened(LEARN, study=study, lesson="misled", done="g3")).splitlines()
        answers |= {line for line in told if "**Answer.**" in line}
    assert len(answers) == 1
