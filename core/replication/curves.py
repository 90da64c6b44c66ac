"""Accuracy against sparsity: trained checkpoints with their intervals, and what pruning on from each of them does."""

from collections.abc import Sequence

import pandas as pd

from core.checkpoints import Entry
from core.evaluation import METRICS
from core.evaluation.metrics import Settings
from core.paths import PRUNE_ONLY
from core.replication.lines import TRAINED_ON, Line
from core.replication.stored import MEASURES, Stored

STEP = 5
"""Percentage points between two steps of a path: enough for a curve, and 10,000 images of 100 classes take a while."""

_COLUMNS = ["method", "sparsity", "measure", "estimate", "low", "high", "n", "trained", "start", "epochs", "seed", "id"]
_COLUMNS += ["same_dense", "training"]


def curves(lines: Sequence[Line], stored: Stored) -> pd.DataFrame:
    """Both measures at every sparsity that is known.

    Args:
        lines: of :func:`core.replication.lines`; the first in full, of the others the trained checkpoints.
        stored: answers of their networks.

    Returns:
        One row a network, sparsity and measure: method, sparsity, measure, estimate, low, high (95%), n; trained
        (whether it is a checkpoint, else it was reached by pruning on), start (sparsity of the checkpoint that it was
        reached from), epochs (of fine-tuning), seed, id, same_dense
        (:meth:`core.replication.Line.at_home`), training (1 for the study's own networks, 2 and up for repeats). Trained checkpoints as they are, from stored answers or else
        from their cards; the steps between with batch norm re-estimated where the network has it. The dense network is
        "dense" at 0, pruning it without any fine-tuning :data:`core.paths.PRUNE_ONLY`, the control that is only
        trained on "dense_trained_on" at 0.
    """
    found = []
    for number, line in enumerate(lines):
        rows = []
        trained = [("dense", line.dense), *((TRAINED_ON, entry) for entry in line.trained_on)]
        trained += [(method, entry) for method, known in line.pruned.items() for entry in known.values()]
        for method, entry in trained:
            rows += _checkpoint(method, entry, line, stored)
        if number == 0:
            rows += _steps(PRUNE_ONLY, line.dense, 1.0, line, stored)
            for method, known in line.pruned.items():
                ends = [*list(known)[1:], 1.0]
                for entry, end in zip(known.values(), ends, strict=True):
                    rows += _steps(method, entry, end, line, stored)
        found += [row | {"training": number + 1} for row in rows]
    return pd.DataFrame(found, columns=_COLUMNS)


def _checkpoint(method: str, entry: Entry, line: Line, stored: Stored) -> list[dict]:
    rows = []
    for measure in MEASURES:
        found = stored.measure(entry, measure)
        value = found.as_dict() if found else entry.card.metrics.get(measure)
        if value and value.get("estimate") is not None:
            rows.append(_row(method, entry.card.sparsity, measure, value, True, entry, line))
    return rows


def _steps(method: str, entry: Entry, end: float, line: Line, stored: Stored) -> list[dict]:
    """The steps from a checkpoint up to ``end``, which is not among them, the checkpoint's own sparsity included."""
    response = stored.response(entry)
    if response is None:
        return []
    recalibrated = response.recalibrated_on > 0
    known = [percent for percent in response.percents(recalibrated) if percent / 100 < end - 1e-9]
    rows = []
    for percent in known:
        if percent % STEP and percent not in (known[0], known[-1]):
            continue
        answers = stored.at(entry, percent / 100, recalibrated)
        for measure in MEASURES:
            value = METRICS[measure].measure(answers, Settings()).as_dict()
            rows.append(_row(method, percent / 100, measure, value, False, entry, line))
    return rows


def _row(method: str, sparsity: float, measure: str, value: dict, trained: bool, entry: Entry, line: Line) -> dict:
    interval = {name: value.get(name) for name in ("estimate", "low", "high", "n")}
    start = {"trained": trained, "start": entry.card.sparsity, "epochs": entry.card.epochs}
    return {"method": method, "sparsity": sparsity, "measure": measure, **interval, **start} | {
        "seed": line.seed,
        "id": entry.id,
        "same_dense": line.at_home(entry),
    }
