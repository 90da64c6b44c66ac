"""From which sparsity on a loss can be told: each network of a method against its dense network, on the same images."""

import numpy as np
import pandas as pd

from core.evaluation import Interval, ledger
from core.evaluation.checks import Predictions
from core.evaluation.metrics import Settings
from core.evaluation.paired import DIFFERENCES
from core.paths import PRUNE_ONLY, Path
from core.replication.curves import STEP
from core.replication.stored import Stored

BALANCED = "balanced_accuracy"
WATCHED = "watched"
"""Measures of :func:`losses`: every class alike, and the share found of the lesions of one class."""

_COLUMNS = ["method", "sparsity", "measure", "change", "low", "high", "n"]


def losses(path: Path, stored: Stored, watched: str | None = None) -> pd.DataFrame:
    """What each network of a method loses against the dense one, as far as its answers are stored.

    Args:
        path: of the method; of :data:`core.paths.PRUNE_ONLY` the steps of :data:`core.replication.curves.STEP` points, both networks with
            batch norm re-estimated where they have it.
        stored: answers of the networks.
        watched: a class whose lesions are counted too, if the images have it.

    Returns:
        One row a network and measure, in rising sparsity: method, sparsity, measure (:data:`BALANCED` or :data:`WATCHED`), change
        (pruned less dense, a share), low, high (paired 95%), n (images, or lesions of the class). No rows where nothing is stored.
    """
    if stored.cohort is None:
        return pd.DataFrame(columns=_COLUMNS)
    rows = []
    for sparsity, dense, pruned in _pairs(path, stored):
        rows.append((path.method, sparsity, BALANCED, *_balanced(dense, pruned)))
        if watched in stored.cohort.class_names:
            rows.append((path.method, sparsity, WATCHED, *_found(dense, pruned, watched)))
    return pd.DataFrame([row for row in rows if row[4] is not None], columns=_COLUMNS)


def told_from(table: pd.DataFrame) -> float | None:
    """The lowest sparsity from which on every interval lies below zero; None where the sparsest network's does not.

    Args:
        table: rows of :func:`losses` of one method and measure.
    """
    found = None
    for row in table.sort_values("sparsity", ascending=False).itertuples():
        if row.high >= 0:
            break
        found = row.sparsity
    return found


def _pairs(path: Path, stored: Stored):
    """Sparsity, and the answers of the dense and of the pruned network, in rising sparsity."""
    if path.method != PRUNE_ONLY:
        dense = stored.own(path.dense)
        for entry in sorted((*path.entries[1:], *path.results), key=lambda entry: entry.card.sparsity):
            if dense is not None and (pruned := stored.own(entry)) is not None:
                yield entry.card.sparsity, dense, pruned
        return
    response = stored.response(path.dense)
    if response is None:
        return
    mode = response.recalibrated_on > 0
    dense = stored.at(path.dense, 0.0, mode)
    for percent in response.percents(mode):
        if dense is not None and percent and percent % STEP == 0:
            yield percent / 100, dense, stored.at(path.dense, percent / 100, mode)


def _balanced(dense: Predictions, pruned: Predictions) -> tuple[float, float | None, float | None, int]:
    if np.array_equal(dense.probabilities, pruned.probabilities):
        return 0.0, 0.0, 0.0, dense.images
    value: Interval = DIFFERENCES[BALANCED](dense, pruned, Settings())
    return value.estimate, value.low, value.high, value.n


def _found(dense: Predictions, pruned: Predictions, watched: str) -> tuple[float, float | None, float | None, int]:
    groups = dense.clusters if dense.grouped else None
    table = ledger(dense.probabilities, pruned.probabilities, dense.labels, dense.class_names, groups)
    row = table.iloc[list(dense.class_names).index(watched)]
    if not row["lesions"]:
        return 0.0, None, None, 0
    return row["change"], row["change_low"], row["change_high"], int(row["lesions"])
