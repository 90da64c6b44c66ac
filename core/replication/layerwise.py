"""Accuracy after each unit of the layerwise method, ours and the paper's bars of the "layerwise pruning effect"."""

import pandas as pd

from core import paper
from core.checkpoints import Card
from core.evaluation import wilson
from core.studies import Study

OURS, PAPER = "ours", "paper"
PAPER_SPARSITY = 0.8
"""The paper tells of its layerwise method's way to 80% only."""

_COLUMNS = ["source", "position", "unit", "sparsity", "accuracy", "low", "high", "balanced_accuracy", "n"]


def bars(card: Card) -> pd.DataFrame:
    """Accuracy after each unit was pruned and trained on.

    Args:
        card: of a network made by the layerwise method.

    Returns:
        One row a source and unit: source ("ours", on validation images; "paper", on its test images, at 80% and of its
        studies only), position (1 for the first unit of that source's network), unit (as :func:`core.paper.unit_names`
        calls it), sparsity (global, by then), accuracy; of ours also low and high (Wilson's 95%, images of one lesion
        taken for
        independent: only sums were kept), balanced_accuracy and n.
    """
    rows = _ours(card)
    if card.sparsity == PAPER_SPARSITY:
        study = Study.parse(card.study)
        known = paper.layerwise_progress(study.architecture, study.data)
        rows += [{"source": PAPER, **row} for row in known.to_dict("records")]
    return pd.DataFrame(rows, columns=_COLUMNS)


def _ours(card: Card) -> list[dict]:
    after = {}
    for row in card.history:
        after[row.get("step")] = row  # the last epoch of a step is what stands after it
    steps = [row for row in after.values() if "last_layer" in row and "accuracy" in row]
    n = (card.metrics.get("validation/accuracy") or {}).get("n")
    rows = []
    for position, (row, unit) in enumerate(
        zip(steps, paper.unit_names([row["last_layer"] for row in steps]), strict=True)
    ):
        low, high = (float(end) for end in wilson(row["accuracy"] * n, n)[1:]) if n else (None, None)
        rows.append(
            {
                "source": OURS,
                "position": position + 1,
                "unit": unit,
                "sparsity": row.get("sparsity"),
                "accuracy": row["accuracy"],
                "low": low,
                "high": high,
                "balanced_accuracy": row.get("balanced_accuracy"),
                "n": n,
            }
        )
    return rows
