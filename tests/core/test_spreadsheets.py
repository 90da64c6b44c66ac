"""What a spreadsheet opens is what was meant: no cell is a formula, and every number is itself."""

import io

import numpy as np
import pandas as pd
import pytest

from core.spreadsheets import cell, csv_text

FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "-", "--1"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_would_be_carried_out_gets_an_apostrophe(text):
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize("value", ["nv", "a=b", "", " =1", "−3", -3, -0.5, None, True, "-0.5", "+3", "-1e-05", "-3.2%"])
def test_anything_else_stays(value):
    assert cell(value) is value


@pytest.mark.parametrize("kind", ["object", "string", "category"])
def test_names_of_classes_and_headings_are_made_safe_and_the_frame_is_not_changed(kind):
    frame = pd.DataFrame({"class": pd.Series(["=1+1", "nv", None], dtype=kind), "=heading": [-1.5, 2, np.nan]})
    before = frame.copy(deep=True)
    read = pd.read_csv(io.StringIO(csv_text(frame)))
    assert read["class"].tolist()[:2] == ["'=1+1", "nv"]
    assert pd.isna(read["class"][2])
    assert list(read) == ["class", "'=heading"]
    assert read["'=heading"].tolist()[:2] == [-1.5, 2]
    pd.testing.assert_frame_equal(frame, before)


def test_numbers_and_dates_are_written_as_pandas_writes_them():
    frame = pd.DataFrame(
        {
            "float32": np.array([-0.1, 1e-9], np.float32),
            "int": [-1, 2],
            "bool": [True, False],
            "maybe": pd.array([-1, None], dtype="Int64"),
            "date": pd.to_datetime(["2026-01-02", "2026-01-03"]),
            "mixed": [-1.25, "nv"],
        }
    )
    assert csv_text(frame) == frame.to_csv(index=False)


def test_two_columns_of_one_name():
    frame = pd.DataFrame([["=a", "=b"]], columns=["x", "x"])
    assert csv_text(frame).splitlines() == ["x,x", "'=a,'=b"]
