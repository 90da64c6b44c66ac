"""The bootstrap by cluster, for what is a function of sums: draw lesions with replacement, add up, compute.

Drawing lesions is multiplying: a draw is how often each lesion was taken, so all draws are one product of a matrix
[draws, lesions] with the lesions' counts [lesions, K].

Efron, B. & Tibshirani, R. (1993). An Introduction to the Bootstrap. Chapman & Hall; Cameron, A. C., Gelbach, J. B. & Miller,
D. L. (2008). Bootstrap-based improvements for inference with clustered errors. Review of Economics and Statistics 90.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from core.errors import InvalidValue, check_choice, check_whole
from core.evaluation.intervals import CONFIDENCE, Interval, z_value

DRAWS = 2000
MOST_DRAWS = 10_000_000
_BLOCK = 256  # draws that are floats at a time: the kept weights are bytes


def resample(counts: np.ndarray, *, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Sums of ``counts`` over clusters drawn with replacement.

    The same seed and number of clusters draw the same clusters: two models whose counts stand side by side in
    ``counts``, or in two calls, are compared on the same lesions.

    Args:
        counts: [clusters, K].
        draws: how many times.
        seed: of the draws.

    Returns:
        float64 [draws, K].

    Raises:
        InvalidValue: not a table of at least one cluster, or less than one draw.
    """
    counts = _table(counts).astype(np.float32)
    draws = check_whole(draws, "This is no number of draws; 2,000 are usual for a 95% interval", 1, MOST_DRAWS)
    seed = check_whole(seed, "This is no seed", 0, 2**63 - 1)
    weights = _weights(len(counts), draws, seed)
    sums = np.empty((draws, counts.shape[1]))
    for start in range(0, draws, _BLOCK):
        sums[start : start + _BLOCK] = weights[start : start + _BLOCK].astype(np.float32) @ counts
    return sums


def cluster_bootstrap(
    counts: np.ndarray,
    statistic: Callable[[np.ndarray], np.ndarray],
    n: int,
    *,
    draws: int = DRAWS,
    confidence: float = CONFIDENCE,
    seed: int = 0,
    kind: str = "percentile",
) -> Interval:
    """The interval of a statistic of sums, by drawing clusters.

    Args:
        counts: [clusters, K], what each cluster adds to the sums.
        statistic: from sums [..., K] to values [...].
        n: number of images, for the record.
        draws: how many times to draw.
        confidence: in (0, 1).
        seed: of the draws.
        kind: "percentile", or "basic": the percentiles mirrored at the estimate, for a statistic that noise biases (drawing
            adds the noise, and with it the bias, once more).

    Raises:
        InvalidValue: as :func:`resample`.
        UnknownName: of the kind.
    """
    check_choice("kind of bootstrap interval", kind, ("percentile", "basic"))
    z_value(confidence)  # an impossible confidence is named as such
    counts = _table(counts)
    estimate = float(statistic(counts.sum(axis=0)))
    if len(counts) < 2:
        return Interval.none(estimate, n, "one lesion cannot tell how lesions differ")
    drawn = statistic(resample(counts, draws=draws, seed=seed))
    low, high = np.nanquantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    if kind == "basic":
        low, high = 2 * estimate - high, 2 * estimate - low
    low, high = min(low, estimate), max(high, estimate)  # draws are added up in float32
    return Interval(estimate, float(low), float(high), n, bootstrap_name(draws, confidence))


def _table(counts) -> np.ndarray:
    try:
        table = np.asarray(counts, np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidValue("These are no counts", given=repr(counts)[:200], expected="numbers [clusters, K]") from error
    if table.ndim != 2 or not len(table):
        raise InvalidValue(
            "The counts have the wrong shape", given=list(table.shape), expected="[clusters, K], at least one cluster"
        )
    return table


def bootstrap_name(draws: int, confidence: float = CONFIDENCE) -> str:
    """What an interval by :func:`resample` is called: "cluster bootstrap 95%, 2,000 draws"."""
    return f"cluster bootstrap {100 * confidence:g}%, {draws:,} draws"


@lru_cache(maxsize=4)
def _weights(clusters: int, draws: int, seed: int) -> np.ndarray:
    """How often each draw takes each cluster, uint8 [draws, clusters]; kept, as a slider asks for the same ones again."""
    random = np.random.default_rng(seed)
    # A byte is enough: that a cluster is drawn 256 times has a chance of about 1/256!.
    weights = np.empty((draws, clusters), np.uint8)
    for row in weights:
        row[:] = np.bincount(random.integers(0, clusters, clusters), minlength=clusters)
    weights.flags.writeable = False
    return weights
