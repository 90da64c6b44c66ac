"""The quiz at the end of the course. Its answers follow from definitions, never from a measured number that may change."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A question with one right answer.

    Attributes:
        question: the question.
        options: at most nine answers, in the order in which they are shown.
        right: the place of the right one.
        why: why it is right and the others are not.
        lesson: the lesson that taught it.
    """

    question: str
    options: tuple[str, ...]
    right: int
    why: str
    lesson: str


QUIZ_MINUTES = 10
"""About how long it takes."""

QUIZ = (
    Item(
        "A network is said to be at 80% sparsity. What does that mean?",
        (
            "It is right on 80% of the images",
            "It is five times faster",
            "80% of its weights are zero",
            "80% of its layers were removed",
        ),
        2,
        "Sparsity counts zeros among the weights. It says nothing of speed, and nothing of accuracy.",
        "pruning",
    ),
    Item(
        "Why does pruning by magnitude need a random control?",
        (
            "To see how much of the result is due to the choice of weights",
            "To make the network faster",
            "Because magnitudes cannot be sorted",
        ),
        0,
        "If random pruning did as well, the training afterwards would deserve the credit and the criterion none.",
        "magnitude",
    ),
    Item(
        "Method A was trained for 80 epochs after pruning, method B for 10. A is better by two points. What follows?",
        (
            "A is the better way to prune",
            "B would lose even with 80 epochs",
            "Nothing about the methods: the budgets differ",
        ),
        2,
        "More training alone may explain the lead. Compare at equal budgets, and include the dense network trained on for as long.",
        "methods",
    ),
    Item(
        "After pruning, accuracy is the same. What may still have happened?",
        (
            "Nothing: the same accuracy means the same answers",
            "Many melanomas newly missed, and as many moles newly recognised",
            "The network has become smaller on disk and nothing else",
        ),
        1,
        "Equal sums can hide opposite changes. Only a table by diagnosis, on the same images, shows who was traded for whom.",
        "harm",
    ),
    Item(
        "Of 10 dermatofibromas in a test set, a pruned network newly misses none. Is it safe for them?",
        (
            "Yes: none was missed",
            "It cannot be told: none of 10 is compatible with a loss of a quarter",
            "No: pruning always harms rare classes",
        ),
        1,
        "Wilson's interval for 0 of 10 goes up to 28%. No evidence of harm in ten cases is not evidence of no harm.",
        "harm",
    ),
    Item(
        "Two networks have a CKA near 1 in their last layer. What may you conclude?",
        (
            "They give the same answers",
            "They find much the same images alike",
            "They have the same weights",
        ),
        1,
        "CKA compares which images a layer finds alike. Answers can still differ near a boundary, and weights can differ by a rotation.",
        "similarity",
    ),
    Item(
        "80% of the weights are zero, scattered over all channels. On an ordinary processor the network is…",
        ("about as fast as before", "five times faster", "twice as fast"),
        0,
        "The same matrix products run, zeros included. Only channels that are empty as a whole can be left out.",
        "speed",
    ),
    Item(
        "A study splits single images at random. Some lesions have several images. What is wrong?",
        (
            "Nothing, if the split is random",
            "The test asks about lesions that were trained on, so its numbers flatter",
            "There are too few training images",
        ),
        1,
        "Images of one lesion are alike. The network may recognise the lesion instead of the disease. Split by lesion or by patient.",
        "misled",
    ),
    Item(
        "Which images may choose the epoch, the threshold or the method that a study reports?",
        (
            "Training or validation images",
            "The test images, if all methods are treated alike",
            "Whichever give the best result",
        ),
        0,
        "Whatever chooses is no longer a test. The best of many epochs on test images is too good by chance alone.",
        "misled",
    ),
)


def score(answers: dict[int, int]) -> tuple[int, int]:
    """How many questions were answered right, and how many were answered.

    Args:
        answers: question -> place of the answer; those out of range do not count.
    """
    known = {number: place for number, place in answers.items() if valid(number, place)}
    return sum(QUIZ[number].right == place for number, place in known.items()), len(known)


def valid(number: int, place: int) -> bool:
    """Whether there is such a question and such an answer to it."""
    return 0 <= number < len(QUIZ) and 0 <= place < len(QUIZ[number].options)
