"""The course: lessons that ask for a guess and answer from the data, a quiz, and how far a learner is."""

from core.learn.comparing import compare
from core.learn.findings import (
    ALIKE,
    Finding,
    best_method,
    changed_answers,
    hidden_harm,
    kept_accuracy,
    operations_left,
    strength_of_smallest,
)
from core.learn.lessons import BY_NAME, LESSONS, READERS, Lesson
from core.learn.misleading import Trap, leaked, table, traps
from core.learn.progress import Progress, decode, encode
from core.learn.quiz import QUIZ, QUIZ_MINUTES, Item, score, valid

__all__ = [
    "ALIKE",
    "BY_NAME",
    "LESSONS",
    "QUIZ",
    "QUIZ_MINUTES",
    "READERS",
    "Finding",
    "Item",
    "Lesson",
    "Progress",
    "Trap",
    "best_method",
    "changed_answers",
    "compare",
    "decode",
    "encode",
    "hidden_harm",
    "kept_accuracy",
    "leaked",
    "operations_left",
    "score",
    "strength_of_smallest",
    "table",
    "traps",
    "valid",
]
