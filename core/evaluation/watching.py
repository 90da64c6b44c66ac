"""Watching for a diagnosis, or for any of several: what is flagged at a threshold, before and after pruning.

A lesion is flagged if the probability of the classes watched for, summed over them and averaged over its images, is at
least the threshold. The threshold is never chosen on the images it is reported on.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from core.errors import InvalidValue, check_number
from core.evaluation.changes import pair
from core.evaluation.checks import Predictions, check_class
from core.evaluation.ledger import same
from core.evaluation.lesions import Lesions
from core.evaluation.outcomes import outcomes

ILL, WELL = "sensitivity", "specificity"


def watch(
    dense,
    pruned,
    labels,
    positive: Sequence[str | int],
    threshold: float,
    class_names: Sequence[str] | None = None,
    groups=None,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """What two networks flag at one threshold.

    Args:
        dense, pruned: float [N, C], probabilities of the same images in the same order.
        labels: int [N].
        positive: the classes watched for, by name or index.
        threshold: a probability, the same for both: pruning does not come with a new one.
        class_names, groups: as for :func:`core.evaluation.ledger.ledger`.
        seed: of the bootstrap.

    Returns:
        As :func:`core.evaluation.outcomes.outcomes`, two rows: :data:`ILL`, where a lesion is found if it is one of the classes
        and is flagged, and :data:`WELL`, where it is found if it is none of them and is not flagged.

    Raises:
        InvalidValue: no such class, no class, all classes, or a threshold that is no probability.
    """
    a, b = pair(dense, pruned, labels, class_names, groups)
    threshold = check_number(
        threshold, "The threshold is out of range", "a probability, from 0 to 1", lambda value: 0 <= value <= 1
    )
    ill, was, now = _scores(a, b, positive)
    members = {ILL: ill, WELL: ~ill}
    return outcomes((was >= threshold) == ill, (now >= threshold) == ill, members, same=same(a, b), seed=seed)


def curve(dense, pruned, labels, positive, thresholds, class_names=None, groups=None) -> pd.DataFrame:
    """Sensitivity and specificity of both networks at each of many thresholds: the points of two ROC curves.

    Args:
        dense, pruned, labels, positive, class_names, groups: as for :func:`watch`.
        thresholds: float [T].

    Returns:
        [2 T] rows: network ("dense" or "pruned"), threshold, sensitivity, specificity; NaN without a lesion to judge by.

    Raises:
        InvalidValue: as :func:`watch`.
    """
    a, b = pair(dense, pruned, labels, class_names, groups)
    try:
        thresholds = np.asarray(thresholds, np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise InvalidValue(
            "These are no thresholds", given=repr(thresholds)[:200], expected="probabilities [T], from 0 to 1"
        ) from error
    ill, *both = _scores(a, b, positive)
    tables = []
    for network, scores in zip(("dense", "pruned"), both, strict=True):
        shares = {}
        for name, some in ((ILL, scores[ill]), (WELL, scores[~ill])):
            below = np.searchsorted(np.sort(some), thresholds, "left") / max(len(some), 1)
            shares[name] = np.where(len(some) > 0, 1 - below if name == ILL else below, np.nan)
        tables.append(pd.DataFrame({"network": network, "threshold": thresholds, **shares}))
    return pd.concat(tables, ignore_index=True)


def _scores(a: Predictions, b: Predictions, positive) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which lesions are ill, and how probable that is to each network: bool [L], float64 [L] twice."""
    if isinstance(positive, str) or not isinstance(positive, Iterable):
        raise InvalidValue(
            "The classes to watch for are a list",
            given=repr(positive)[:200],
            expected="names or indices, such as ['mel']",
        )
    indices = sorted({check_class(name, a.class_names) for name in positive})
    if not 0 < len(indices) < a.classes:
        raise InvalidValue(
            "There is nothing to watch for", given=list(positive), expected="some of the classes, and not all of them"
        )
    lesions, others = Lesions.of(a), Lesions.of(b)
    return (
        np.isin(lesions.truth, indices),
        lesions.probabilities[:, indices].sum(axis=1),
        others.probabilities[:, indices].sum(axis=1),
    )
