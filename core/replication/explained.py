"""How much of the gap between the paper's numbers and ours its split and its budgets explain."""

import pandas as pd

from core.evaluation import mover

_CELL = ["model", "dataset", "sparsity", "method"]
_COLUMNS = [*_CELL, "study", "paper", "row", "row_low", "row_high", "row_n", "ours", "ours_low", "ours_high", "ours_n"]
_COLUMNS += ["gap", "explained", "explained_low", "explained_high", "left", "epochs_row", "epochs", "marks"]


def explained(table: pd.DataFrame) -> pd.DataFrame:
    """Cells of the paper's table to which two networks of ours answer: one of its row split and unequal budgets, and one of ours.

    They have one recipe but for the split and the epochs of fine-tuning, so what lies between them is what these make, and the chance of one training each. Their test
    images are others, of which a fifth is common by chance; the interval is that of independent samples
    (:func:`core.evaluation.mover`), a little too wide for that.

    Args:
        table: of :func:`core.replication.table`.

    Returns:
        One row a cell and study that has both: model, dataset, sparsity, method, study, paper; row with row_low, row_high and
        row_n (accuracy of ours under the row split, in [0, 1]); ours with its own (under the study's split); gap (paper less
        ours), explained (row less ours) with explained_low and explained_high, left (paper less row); epochs_row and
        epochs (of fine-tuning); marks (in what the first still differs from the paper).
    """
    made = table[table["accuracy"].notna() & table["accuracy_low"].notna()]
    rows = []
    for cell, both in made.groupby([*_CELL, "study"], sort=False):
        by_split = both.drop_duplicates("split_by").set_index("split_by")
        others = [name for name in by_split.index if name != "row"]
        if "row" not in by_split.index or not others:
            continue
        a, b = by_split.loc["row"], by_split.loc[others[0]]
        row, ours = (tuple(one[["accuracy", "accuracy_low", "accuracy_high"]]) for one in (a, b))
        values = [a["paper"], *row, int(a["n"]), *ours, int(b["n"]), a["paper"] - ours[0], *mover(row, ours)]
        rows.append((*cell, *values, a["paper"] - row[0], a["epochs"], b["epochs"], a["marks"]))
    return pd.DataFrame(rows, columns=_COLUMNS)
