import numpy as np
import pytest

from core import evaluation
from core.answers import Short, shorten, widen

CLASSES = 100


@pytest.fixture(scope="module")
def drawn():
    """Probabilities of 4,000 images over 100 classes, from flat to sure, and labels that are often the likeliest."""
    random = np.random.default_rng(0)
    logits = random.normal(size=(4000, CLASSES)) * random.uniform(0.01, 8, size=(4000, 1))
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = np.where(random.random(4000) < 0.5, probabilities.argmax(axis=1), random.integers(0, CLASSES, 4000))
    return probabilities.astype(np.float32), labels


def test_what_is_stored_comes_back(drawn):
    probabilities, labels = drawn
    short = shorten(probabilities, labels)
    wide = widen(short, labels, CLASSES)
    rows = np.arange(len(labels))
    np.testing.assert_array_equal(wide.argmax(axis=1), probabilities.argmax(axis=1))
    np.testing.assert_allclose(wide[rows, labels], probabilities[rows, labels], atol=6e-4)
    np.testing.assert_allclose(wide.max(axis=1), probabilities.max(axis=1), atol=6e-4)
    np.testing.assert_allclose(wide.sum(axis=1), 1, atol=2e-3)
    assert (wide >= 0).all()
    assert sum(part.nbytes for part in short) == 6 * len(labels)


def test_a_tie_after_rounding_goes_to_the_class_that_won():
    probabilities = np.full((1, CLASSES), 0.2 / 98, np.float32)
    probabilities[0, 3], probabilities[0, 7] = 0.39999, 0.40001  # one number in half precision
    labels = np.array([3])
    short = shorten(probabilities, labels)
    assert short.p_top == short.p_true
    assert widen(short, labels, CLASSES).argmax() == 7


def test_a_flat_answer_keeps_its_winner():
    short = Short(np.array([5], np.uint16), np.array([0.01], np.float16), np.array([0.01], np.float16))
    for label in (0, 5, 9):
        assert widen(short, np.array([label]), CLASSES).argmax() == 5


def test_metrics_are_those_of_all_the_probabilities(drawn):
    probabilities, labels = drawn
    names = tuple(f"class {number:03d}" for number in range(CLASSES))
    wide = widen(shorten(probabilities, labels), labels, CLASSES)
    one, other = (evaluation.evaluate(given, labels, names).metrics for given in (probabilities, wide))
    for name in ("accuracy", "balanced_accuracy"):
        assert one[name] == other[name]
    assert one["calibration_error"].estimate == pytest.approx(other["calibration_error"].estimate, abs=1e-3)
