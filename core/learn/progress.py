"""How far a learner is, as a short text for the address: ``a50-ciq-d12-q0213``.

Each lesson has a letter. What follows it is the guess: a number, or the place of a choice after an ``i``. ``q`` is followed by one
digit a question of the quiz, the place of the answer, or ``x`` where there is none yet. What makes no sense is passed over, so
that an old or a damaged link opens what is left of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

_ITEM = re.compile(r"([a-p])(i?)(\d{1,4})|q([0-9x]{1,40})")


@dataclass(frozen=True)
class Progress:
    """What was guessed and answered.

    Attributes:
        guesses: letter of a lesson -> number, or ("i", place) of a choice.
        quiz: question -> place of the answer.
    """

    guesses: Mapping[str, int | tuple[str, int]] = field(default_factory=dict)
    quiz: Mapping[int, int] = field(default_factory=dict)

    def guess(self, letter: str, value: int | tuple[str, int] | None) -> "Progress":
        """With a guess for a lesson; None takes it back."""
        rest = {key: known for key, known in self.guesses.items() if key != letter}
        return replace(self, guesses=rest if value is None else rest | {letter: value})

    def answer(self, number: int, place: int | None) -> "Progress":
        """With an answer to a question of the quiz; None takes it back."""
        rest = {key: known for key, known in self.quiz.items() if key != number}
        return replace(self, quiz=rest if place is None else rest | {number: place})


def encode(progress: Progress) -> str:
    """The text for the address; empty where nothing was done."""
    parts = []
    for letter, value in sorted(progress.guesses.items()):
        parts.append(f"{letter}i{value[1]}" if isinstance(value, tuple) else f"{letter}{value}")
    if progress.quiz:
        places = (progress.quiz.get(number) for number in range(max(progress.quiz) + 1))
        parts.append("q" + "".join("x" if place is None else str(place) for place in places))
    return "-".join(parts)


def decode(text: str) -> Progress:
    """What :func:`encode` wrote; of anything else what can be read."""
    guesses, quiz = {}, {}
    for part in str(text)[:400].split("-"):
        match = _ITEM.fullmatch(part)
        if match is None:
            continue
        if match[4]:
            quiz = {number: int(place) for number, place in enumerate(match[4]) if place != "x"}
        else:
            guesses[match[1]] = ("i", int(match[3])) if match[2] else int(match[3])
    return Progress(guesses, quiz)
