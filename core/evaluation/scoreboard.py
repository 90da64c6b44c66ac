"""A few metrics of a dense and a pruned network side by side: no more is computed than is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import check_choice
from core.evaluation.bootstrap import DRAWS
from core.evaluation.changes import pair
from core.evaluation.checks import checked
from core.evaluation.intervals import Interval
from core.evaluation.ledger import same
from core.evaluation.metrics import METRICS, Metric, Settings
from core.evaluation.paired import DIFFERENCES, no_difference

UNWATCHED = tuple(name for name, metric in METRICS.items() if not metric.watches)


@dataclass(frozen=True)
class Score:
    """One metric.

    Attributes:
        metric: what is measured.
        dense, pruned: of each network, with its own interval.
        change: pruned less dense, with its paired interval.
    """

    metric: Metric
    dense: Interval
    pruned: Interval
    change: Interval


def balanced_accuracy(probabilities, labels) -> float:
    """The mean over the classes in ``labels`` of the share of their images answered right; the bare number.

    Args:
        probabilities: float [N, C]. labels: int [N].

    Raises:
        InvalidValue: inputs that do not fit together (:func:`core.evaluation.checks.checked`).
    """
    known = checked(probabilities, labels)
    images = np.bincount(known.labels, minlength=known.classes)[known.present]
    return float(
        (np.bincount(known.labels, weights=known.right, minlength=known.classes)[known.present] / images).mean()
    )


def scoreboard(
    dense,
    pruned,
    labels,
    groups=None,
    *,
    metrics: Sequence[str] = UNWATCHED,
    draws: int = DRAWS,
    seed: int = 0,
) -> list[Score]:
    """Measure both networks on the same images.

    Args:
        dense, pruned: float [N, C], probabilities of the same images in the same order.
        labels: int [N].
        groups: [N] lesion ids, or None.
        metrics: names in METRICS that need no class to watch for.
        draws, seed: of the bootstrap.

    Raises:
        InvalidValue: inputs that do not fit together.
        UnknownName: no such metric, or one that needs a threshold.
    """
    a, b = pair(dense, pruned, labels, groups=groups)
    settings, scores = Settings(draws=draws, seed=seed), []
    for name in metrics:
        metric = METRICS[check_choice("metric", name, UNWATCHED)]
        before = metric.measure(a, settings)
        if same(a, b):
            scores.append(Score(metric, before, before, no_difference(before)))
        else:
            scores.append(Score(metric, before, metric.measure(b, settings), DIFFERENCES[name](a, b, settings)))
    return scores
