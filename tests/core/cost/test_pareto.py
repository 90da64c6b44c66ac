from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core import cost
from core.cost import Times


def test_a_row_for_each_checkpoint_that_was_measured(entry):
    unmeasured = replace(entry, id="other", card=replace(entry.card, metrics={}))
    found = cost.cost_of(entry)
    frame = cost.pareto(
        [entry, unmeasured], {entry.id: found, "other": found}, {entry.id: Times(np.array([0.001, 0.002]))}
    )
    [row] = frame.to_dict("records")
    assert row["id"] == entry.id
    assert (row["balanced_accuracy"], row["low"], row["high"], row["n"]) == (0.6, 0.5, 0.7, 90)
    assert row["bytes"] == entry.path.stat().st_size
    assert row["flops"] == found.flops_left
    assert row["milliseconds"] == pytest.approx(1.5)
    assert np.isnan(cost.pareto([entry], {entry.id: found})["milliseconds"]).all()


def test_the_front_is_what_nothing_else_beats(rng):
    frame = pd.DataFrame({"worth": rng.integers(0, 8, 60) / 8, "bytes": rng.integers(0, 20, 60).astype(float)})
    frame.loc[rng.integers(0, 60, 5), "bytes"] = np.nan
    rows = frame.to_dict("records")

    def beaten(row):
        return any(
            (other["bytes"] <= row["bytes"] and other["worth"] >= row["worth"])
            and (other["bytes"] < row["bytes"] or other["worth"] > row["worth"])
            for other in rows
        )

    expected = [not np.isnan(row["bytes"]) and not beaten(row) for row in rows]
    assert cost.front(frame, "bytes", "worth").tolist() == expected
    assert 1 < sum(expected) < 60


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_without_checkpoints_the_table_has_its_columns_and_nothing_on_the_front(entry):
    empty = cost.pareto([], {})
    assert list(empty.columns) == list(cost.pareto([entry], {}).columns)
    assert cost.front(empty, "bytes").tolist() == cost.front(empty, "milliseconds").tolist() == []
