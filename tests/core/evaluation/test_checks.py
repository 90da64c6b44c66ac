import numpy as np
import pandas as pd
import pytest

from core.errors import InvalidValue
from core.evaluation.checks import check_class, checked, clusters

HALF = np.full((3, 2), 0.5)
LABELS = np.array([0, 1, 1])


@pytest.mark.parametrize(
    ("probabilities", "labels", "groups", "words"),
    [
        (np.full(3, 0.5), LABELS, None, ["wrong shape", "[3]", "[images, classes]"]),
        (np.ones((3, 1)), LABELS, None, ["wrong shape", "[3, 1]"]),
        (np.empty((0, 2)), np.empty(0, int), None, ["no images", "[0, 2]"]),
        ("text", LABELS, None, ["not numbers", "str"]),
        ([[0.5, 0.5], [np.nan, 1], [0.5, 0.5]], LABELS, None, ["1 of 3 rows", "first row 1"]),
        ([[0.5, 0.5], [0.5, 0.5], [1.5, -0.5]], LABELS, None, ["first row 2"]),
        ([[0.5, 0.5], [0.5, 0.5], [2.0, 1.0]], LABELS, None, ["row 2 sums to 3", "softmax"]),
        (HALF, LABELS[:2], None, ["[2]", "[3]"]),
        (HALF, LABELS.astype(float), None, ["not integers", "float64"]),
        (HALF, np.array([0, 1, 2]), None, ["from 0 to 2", "from 0 to 1"]),
        (HALF, np.array([0, 1, -1]), None, ["from -1 to 1", "from 0 to 1"]),
        (HALF, LABELS, ["a", "b"], ["groups", "[2]", "[3]"]),
    ],
)
def test_what_does_not_fit_is_named(probabilities, labels, groups, words):
    with pytest.raises(InvalidValue) as caught:
        checked(probabilities, labels, groups)
    assert all(word in str(caught.value) for word in words), str(caught.value)


def test_names_must_match():
    with pytest.raises(InvalidValue, match="3 names"):
        checked(HALF, LABELS, class_names=["a", "b", "c"])


def test_rows_of_bf16_are_accepted():
    assert checked(np.array([[0.996, 0.0]] * 3), LABELS).images == 3


def test_an_image_without_a_lesion_id_is_its_own_lesion():
    predictions = checked(np.full((5, 2), 0.5), [0, 1, 0, 1, 0], np.array(["b", None, "a", np.nan, "b"], object))
    assert predictions.clusters.tolist() == [1, 2, 0, 3, 1]
    assert predictions.lesions == 4


def test_sums_by_lesion():
    predictions = checked(np.full((4, 3), 1 / 3), [0, 2, 2, 1], [7, 7, 3, 7])
    assert predictions.sums(np.array([1.0, 2, 4, 8])).tolist() == [[4], [11]]
    assert predictions.sums(np.array([1.0, 2, 4, 8]), predictions.labels).tolist() == [[0, 0, 4], [1, 8, 2]]


@pytest.mark.parametrize("positive", ["mel", 1, np.int64(1)])
def test_a_class_by_name_or_index(positive):
    assert check_class(positive, ("nv", "mel")) == 1


@pytest.mark.parametrize("positive", ["melanoma", 2, -1, 0.5, None])
def test_an_unknown_class_is_named(positive):
    with pytest.raises(InvalidValue, match="nv, mel"):
        check_class(positive, ("nv", "mel"))


@pytest.mark.parametrize("missing", [None, float("nan"), np.nan, pd.NA])
def test_an_image_without_a_lesion_is_one_of_its_own(missing):
    ids = ["a", "a", missing, missing, "b", "b"]
    for groups in (ids, np.array(ids, object), pd.Series(ids)):
        assert clusters(groups, 6).tolist() == [0, 0, 2, 3, 1, 1]
