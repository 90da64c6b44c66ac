"""All checkpoints of a study side by side: what each is worth against what it costs."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from core.checkpoints import Entry
from core.cost.counts import Cost
from core.cost.timing import Times

METRIC = "balanced_accuracy"
COLUMNS = (
    *("id", "method", "seed", "sparsity", "effective", METRIC, "low", "high", "n", "bytes", "flops"),
    *("milliseconds", "milliseconds_low", "milliseconds_high"),
)


def pareto(
    entries: Iterable[Entry], costs: Mapping[str, Cost], latencies: Mapping[str, Times] | None = None
) -> pd.DataFrame:
    """One row for each checkpoint whose balanced accuracy on test images was measured.

    Args:
        entries: checkpoints.
        costs: id -> cost; none for those whose weights are not here, which are not compacted then.
        latencies: id -> seconds for one image, compacted, all timed together; or None.

    Returns:
        id, method, seed, sparsity, effective (NaN without a cost), balanced_accuracy, low, high (95% interval), n, bytes (of the
        file), flops (compacted, one image; NaN without a cost), and milliseconds, milliseconds_low and milliseconds_high (median and quartiles; NaN where not measured).
    """
    rows = []
    for entry in entries:
        card, cost = entry.card, costs.get(entry.id)
        metric = card.metrics.get(METRIC) or {}
        if metric.get("estimate") is None:
            continue
        times = (latencies or {}).get(entry.id)
        low, median, high = (1000 * value for value in times.quartiles) if times else (np.nan,) * 3
        rows.append(
            {
                "id": entry.id,
                "method": card.method,
                "seed": card.seed,
                "sparsity": card.actual_sparsity,
                "effective": cost.effective if cost else np.nan,
                METRIC: metric["estimate"],
                "low": metric.get("low"),
                "high": metric.get("high"),
                "n": metric.get("n"),
                "bytes": entry.size_bytes,
                "flops": cost.flops_left if cost else np.nan,
                "milliseconds": median,
                "milliseconds_low": low,
                "milliseconds_high": high,
            }
        )
    return pd.DataFrame(rows, columns=COLUMNS)


def front(frame: pd.DataFrame, cost: str, worth: str = METRIC) -> np.ndarray:
    """Bool [rows]: no other row has at least its ``worth`` for at most its ``cost``, and one of the two better.

    Costs that are equal to three digits count as equal: a few bytes of a card's text make no network cheaper.

    Args:
        frame: from :func:`pareto`.
        cost, worth: columns; less cost and more worth are better. Rows without a cost are on no front.
    """
    costs, worths = (np.array([float(f"{value:.3g}") for value in frame[cost]]), frame[worth].to_numpy(float))
    known = ~np.isnan(costs)
    no_worse = (costs[None] <= costs[:, None]) & (worths[None] >= worths[:, None])
    better = (costs[None] < costs[:, None]) | (worths[None] > worths[:, None])
    return known & ~(no_worse & better & known[None]).any(1)
