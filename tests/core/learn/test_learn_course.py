"""The frame of the course: guesses compared, progress as a text, the quiz, the lessons themselves."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import learn
from core.learn import Finding, Progress

NUMBER = Finding("?", "!", 30.0, 20.0, 40.0)
MISSED = Finding("?", "!", 18, 12.03, 25.4, unit="melanomas", most=58)
COUNTED = Finding("?", "!", 99.99)
CHOICE = Finding("?", "!", "b", unit="", most=0, options={"a": "First", "b": "Second"})


@pytest.mark.parametrize(
    ("finding", "guess", "words"),
    [
        (NUMBER, 25, "within the interval"),
        (NUMBER, 50, "20 points too high"),
        (NUMBER, 10, "20 points too low"),
        (MISSED, 12, "within the interval of 12 to 25 of 58:"),
        (MISSED, 29, "outside the interval of 12 to 25 of 58: 11 more than the 18 counted"),
        (MISSED, 3, "15 fewer than the 18 counted"),
        (COUNTED, 98, "close"),
        (COUNTED, 20, "80 points too low"),
        (CHOICE, "a", "**Second**"),
        (CHOICE, "b", "so do the data"),
    ],
)
def test_a_guess_is_compared_with_the_answer(finding, guess, words):
    assert words in learn.compare(finding, guess)


letters = st.sampled_from([lesson.letter for lesson in learn.LESSONS])
places = st.one_of(st.integers(0, 9999), st.tuples(st.just("i"), st.integers(0, 9)))


@given(st.dictionaries(letters, places), st.dictionaries(st.integers(0, 20), st.integers(0, 9)))
def test_progress_survives_the_address(guesses, quiz):
    progress = Progress(guesses, quiz)
    text = learn.encode(progress)
    assert learn.decode(text) == progress
    assert set(text) <= set(string.ascii_letters + string.digits + "-"), "it needs no escapes in an address"


@given(st.text(max_size=60))
def test_nonsense_in_the_address_is_passed_over(text):
    assert learn.decode(text + "-b40").guesses.get("b", 40) == 40


def test_what_was_done_can_be_taken_back():
    done = Progress().guess("a", 40).guess("c", ("i", 1)).answer(2, 0)
    assert learn.encode(done) == "a40-ci1-qxx0"
    assert learn.encode(done.guess("a", None).answer(2, None)) == "ci1"


def test_the_quiz_counts_right_answers_and_ignores_what_is_out_of_range():
    right = {number: item.right for number, item in enumerate(learn.QUIZ)}
    assert learn.score(right) == (len(learn.QUIZ), len(learn.QUIZ))
    wrong = {0: (learn.QUIZ[0].right + 1) % len(learn.QUIZ[0].options), 1: 9, 99: 0}
    assert learn.score(wrong) == (0, 1)
    assert learn.score({}) == (0, 0)


def test_every_question_can_be_answered_and_points_to_a_lesson():
    for item in learn.QUIZ:
        assert 0 <= item.right < len(item.options) <= 10
        assert len(set(item.options)) == len(item.options)
        assert item.lesson in learn.BY_NAME
    assert {item.lesson for item in learn.QUIZ} == set(learn.BY_NAME), "each lesson is asked about"


def test_lessons_have_words_for_every_reader_and_letters_of_their_own():
    assert len({lesson.letter for lesson in learn.LESSONS}) == len(learn.LESSONS)
    for lesson in learn.LESSONS:
        assert set(lesson.before) == set(lesson.after) == set(learn.READERS)
        assert "q" != lesson.letter in string.ascii_lowercase[:16]
