"""Training curves: how the networks of a line learn, epoch by epoch, the dense one first and then all that follow."""

import pandas as pd

from core.checkpoints import Card
from core.replication.lines import TRAINED_ON, Line

_COLUMNS = ["method", "epoch", "pruned", "loss", "accuracy", "balanced_accuracy", "n", "id"]


def learning(line: Line, sparsity: float) -> pd.DataFrame:
    """Loss and validation accuracy after each epoch.

    Args:
        line: of :func:`core.replication.lines`.
        sparsity: which of the pruned networks.

    Returns:
        One row a network and epoch: method ("dense", "dense_trained_on", or a pruning method), epoch (of training in
        total: what follows the dense network goes on from its last), pruned (sparsity by then), loss (mean over the
        epoch's training images), accuracy, balanced_accuracy (both of validation images, without interval: only sums
        were kept), n (validation images), id. Each network that follows begins with the dense one's last row.
    """
    dense = _rows("dense", line.dense.card, 0.0)
    followers = [(TRAINED_ON, entry) for entry in line.trained_on]
    followers += [(method, known[sparsity]) for method, known in line.pruned.items() if sparsity in known]
    rows = list(dense)
    for method, entry in followers:
        start = [dense[-1] | {"method": method, "id": entry.id}] if dense else []
        rows += start + _rows(method, entry.card, line.dense.card.epochs)
    return pd.DataFrame(rows, columns=_COLUMNS)


def _rows(method: str, card: Card, before: float) -> list[dict]:
    """A run's epochs, counted on over the steps of its plan, after ``before`` epochs."""
    n = (card.metrics.get("validation/accuracy") or {}).get("n")
    rows, step, finished, last = [], None, before, 0.0
    for row in card.history:
        if "epoch" not in row:
            continue
        if row.get("step") != step:  # each step of a plan counts its own epochs
            step, finished, last = row.get("step"), finished + last, 0.0
        last = row["epoch"]
        known = {name: row.get(name) for name in ("loss", "accuracy", "balanced_accuracy")}
        rows.append(
            {
                "method": method,
                "epoch": finished + last,
                "pruned": row.get("sparsity", 0.0),
                **known,
                "n": n,
                "id": card.id,
            }
        )
    return rows
