"""What a card says of a network: measured on test images, its threshold fixed on validation images alone."""

import numpy as np
import pandas as pd
import pytest

from core import evaluation, runs
from core.data import ImageSet

NAMES = ("mel", "nv")


def image_set(split: str, labels: np.ndarray) -> ImageSet:
    ids = np.array([f"{split}/{row}" for row in range(len(labels))])
    images = np.zeros((len(labels), 16, 16, 3), np.uint8)
    table = pd.DataFrame({"id": ids, "label": labels, "split": split})
    return ImageSet("drawn", split, 16, images, labels, ids, NAMES, None, table, "image")


def answers(of_melanomas: np.ndarray, of_others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities [N, 2] and labels [N] of these melanomas and these others."""
    given = np.concatenate([of_melanomas, of_others])
    return np.column_stack([given, 1 - given]), np.repeat([0, 1], [len(of_melanomas), len(of_others)])


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_the_threshold_is_fixed_on_validation_and_test_images_do_not_move_it(monkeypatch, shift):
    own, labels = answers(np.linspace(0.2, 0.65, 10), np.linspace(0.05, 0.5, 20))
    other, others = answers(np.linspace(0.1, 0.55, 20) + shift, np.linspace(0.0, 0.3, 30))
    validation, test = image_set("validation", labels), image_set("test", others)
    given = {id(validation): own, id(test): other}
    monkeypatch.setattr(evaluation, "predict", lambda model, images, **options: given[id(images)])
    found = runs.score(None, validation, test)
    # Nine of the ten melanomas of validation are at or above it, and no higher one finds as many.
    threshold = found["threshold/mel"]["estimate"]
    assert threshold == pytest.approx(0.25)
    assert found["threshold/mel"]["n"] == 30
    assert found["threshold/mel"]["method"].endswith("fixed on validation")
    assert found["sensitivity_at_threshold"]["estimate"] == pytest.approx((other[:20, 0] >= threshold).mean())
