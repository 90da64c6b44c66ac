"""The paper's table beside ours, and what of the gap its split and budgets explain."""

import numpy as np
import pandas as pd
import pytest

from core import paper, replication
from tests.core.invented import STUDY, entry
from tests.core.replication.conftest import metrics


def test_every_cell_of_the_paper_has_a_row_and_ours_stands_in_it():
    dense = entry("a/dense", epochs=24)
    one_shot = entry("a/one_shot-80", "one_shot", 0.8, parent=dense, metrics=metrics(0.89))
    second = entry("a/dense-1", seed=1, epochs=24)
    again = entry("a/one_shot-80-1", "one_shot", 0.8, parent=second, seed=1, metrics=metrics(0.86))
    table = replication.table([dense, one_shot, second, again])
    cells = table[["model", "dataset", "sparsity", "method", "paper"]].rename(columns={"paper": "accuracy"})
    pd.testing.assert_frame_equal(cells, paper.accuracy(), check_dtype=False)
    (row,) = table[table["id"].notna()].to_dict("records")
    assert (row["id"], row["study"], row["split_by"], row["epochs"], row["n"]) == (
        one_shot.id,
        STUDY,
        "lesion",
        8,
        1000,
    )
    assert row["paper"] == pytest.approx(0.8809)
    assert row["difference"] == pytest.approx(0.89 - 0.8809)
    assert row["inside"]
    assert (row["balanced_accuracy"], row["seeds"]) == (pytest.approx(0.79), 2)
    assert (row["seeds_low"], row["seeds_high"]) == (0.86, 0.89)
    assert row["marks"] == "".join(deviation.mark for deviation in paper.deviations(one_shot.card))


def test_sizes_and_splits_have_rows_of_their_own():
    made = []
    for tag, changes in (("", {}), ("-128", {"study": "ham10000-128/vgg16"}), ("-row", {"split_by": "row"})):
        dense = entry(f"a/dense{tag}", **changes)
        made += [dense, entry(f"a/i{tag}", "iterative", 0.8, parent=dense, metrics=metrics(0.7), **changes)]
    table = replication.table(made)
    rows = table[table["id"].notna()]
    assert list(rows["id"]) == ["a/i-128", "a/i", "a/i-row"]
    assert list(rows["split_by"]) == ["lesion", "lesion", "row"]
    assert len(table) == 24 + 2 * 6  # six cells of VGG16 on HAM10000, three networks each
    assert "L" in rows["marks"].iloc[0]
    assert "L" not in rows["marks"].iloc[2]


def test_what_split_and_budgets_explain_is_the_difference_of_two_of_ours():
    made = []
    for tag, changes, accuracy in (("", {}, 0.7), ("-row", {"split_by": "row", "epochs": 16}, 0.78)):
        dense = entry(f"a/dense{tag}", **changes)
        given = {"parent": dense, "metrics": metrics(accuracy), **changes}
        made += [dense, entry(f"a/i{tag}", "iterative", 0.8, **given)]
        made += [entry(f"a/o{tag}", "one_shot", 0.8, **given)] if tag else []  # only under the row split
    (row,) = replication.explained(replication.table(made)).to_dict("records")
    assert (row["method"], row["sparsity"], row["study"]) == ("iterative", 0.8, STUDY)
    assert row["gap"] == pytest.approx(0.8859 - 0.7)
    assert row["explained"] == pytest.approx(0.08)
    assert row["left"] == pytest.approx(0.8859 - 0.78)
    assert row["gap"] == pytest.approx(row["explained"] + row["left"])
    assert (row["row_n"], row["ours_n"], row["epochs_row"], row["epochs"]) == (1000, 1000, 16, 8)
    assert "L" not in row["marks"]
    # Equal distances on both sides, as metrics() gives them: those of the difference are √2 times as long.
    half = row["ours"] - row["ours_low"]
    assert row["explained"] - row["explained_low"] == pytest.approx(2**0.5 * half)
    assert row["explained_high"] - row["explained"] == pytest.approx(2**0.5 * half)
    assert replication.explained(replication.table(made[:2])).empty
    assert replication.explained(replication.table([])).empty


def test_cards_without_metrics_or_of_strange_studies_leave_a_gap():
    dense = entry("a/dense")
    bare = entry("a/iterative-80", "iterative", 0.8, parent=dense)
    strange = entry("b/dense", study="elsewhere-64/resnet18")
    table = replication.table([dense, bare, strange])
    (row,) = table[table["id"].notna()].to_dict("records")
    assert row["accuracy"] is None or np.isnan(row["accuracy"])
    assert np.isnan(row["seeds"])
    assert len(replication.table([])) == 24
    assert replication.table([])["study"].isna().all()


def test_marks_are_explained_once():
    dense = entry("a/dense")
    some = [entry(f"a/{name}", name, 0.8, parent=dense) for name in ("one_shot", "iterative")]
    told = replication.marks(some)
    assert set(told["mark"]) == set("SLFIHNERCM")
    assert not told.duplicated().any()
    assert sorted(told.loc[told["mark"] == "E", "paper"]) == ["10 epochs", "80 epochs"]
    assert replication.marks([]).empty
