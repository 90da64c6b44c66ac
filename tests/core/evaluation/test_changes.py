import numpy as np
import pytest

from core.errors import InvalidValue
from core.evaluation.changes import flips, found, harm
from core.evaluation.checks import checked

NAMES = ["mel", "nv", "bkl"]
DENSE = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]])
PRUNED = np.array([[0.3, 0.5, 0.2], [0.5, 0.4, 0.1], [0.1, 0.2, 0.7], [0.2, 0.3, 0.5]])
LABELS = np.array([0, 0, 0, 2])


def test_flips_by_hand():
    table = flips(DENSE, PRUNED, LABELS, NAMES)
    assert table.to_dict("records") == [
        {
            "image": image,
            "truth": "mel",
            "dense_answer": before,
            "dense_probability": sure_before,
            "pruned_answer": after,
            "pruned_probability": sure_after,
            "kind": kind,
        }
        for image, before, sure_before, after, sure_after, kind in (
            (0, "mel", 0.6, "nv", 0.5, "newly wrong"),
            (1, "nv", 0.7, "mel", 0.5, "newly right"),
            (2, "nv", 0.8, "bkl", 0.7, "wrong either way"),
        )
    ]


def test_no_flips_is_an_empty_table():
    table = flips(DENSE, DENSE, LABELS, NAMES)
    assert table.empty
    assert list(table.columns) == list(flips(DENSE, PRUNED, LABELS, NAMES).columns)


def test_a_lesion_is_found_by_the_mean_of_its_images():
    """One image says nv barely, the other mel surely: together mel."""
    predictions = checked([[0.48, 0.52], [0.9, 0.1], [0.4, 0.6]], [0, 0, 0], ["a", "a", "b"])
    assert found(predictions)["found"].tolist() == [True, False]


def test_a_group_with_two_truths_is_two_lesions():
    predictions = checked([[0.9, 0.1], [0.2, 0.8], [0.1, 0.9]], [0, 1, 0], ["a", "a", "b"])
    assert found(predictions).to_dict("list") == {"truth": [0, 1, 0], "found": [True, True, False]}


def test_harm_by_hand():
    table = harm(DENSE, PRUNED, LABELS, NAMES, groups=["a", "b", "b", "c"]).set_index("class")
    # Lesion a: mel, then nv. Lesion b: means 0.15/0.75/0.1, then 0.3/0.3/0.4: missed both times. Lesion c: bkl both times.
    assert table.loc["mel"].tolist() == [2, 1, 0, 1, 0]
    assert table.loc["nv"].tolist() == [0, 0, 0, 0, 0]
    assert table.loc["bkl"].tolist() == [1, 1, 1, 0, 0]


def test_harm_against_a_plain_loop(draw, names):
    dense, pruned, labels, groups = draw(seed=5)
    expected = np.zeros((7, 5), int)
    for lesion in np.unique(groups):
        rows = groups == lesion
        truth = labels[rows][0]
        was, now = (p[rows].mean(axis=0).argmax() == truth for p in (dense, pruned))
        expected[truth] += [1, was, now, was and not now, now and not was]
    assert np.array_equal(harm(dense, pruned, labels, names, groups).drop(columns="class"), expected)


def test_without_groups_each_image_counts(draw, names):
    dense, pruned, labels, _ = draw(seed=6)
    changed, table = flips(dense, pruned, labels, names), harm(dense, pruned, labels, names)
    assert table["newly_missed"].sum() == (changed["kind"] == "newly wrong").sum()
    assert table["newly_caught"].sum() == (changed["kind"] == "newly right").sum()
    assert table["lesions"].sum() == len(labels)


def test_what_does_not_fit_is_named():
    with pytest.raises(InvalidValue, match="2 classes pruned"):
        flips(DENSE, np.eye(2)[[0, 1, 0, 1]], [0, 1, 0, 1])
    with pytest.raises(InvalidValue, match="labels"):
        harm(DENSE, PRUNED, LABELS[:3])
