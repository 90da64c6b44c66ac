"""In which order training sees its images. A function of seed and epoch alone, so that a run can go on anywhere."""

from collections.abc import Mapping

import numpy as np

from core.evaluation.recalibration import IMAGES


def draw(labels: np.ndarray, count: int, *, balance: float, seed: int, epoch: int) -> np.ndarray:
    """Rows to train on.

    Without balance every image comes once before any comes twice. With it, a class with c images has weight
    c ** (1 - balance), and images are drawn with replacement: a rare class is seen more often than it is.

    Args:
        labels: int [N].
        count: how many rows to draw.
        balance: 0 (as the data are) to 1 (all classes alike).
        seed, epoch: name the draw.

    Returns:
        int64 [count], indices into ``labels``.
    """
    random = np.random.default_rng([seed, epoch])
    if balance == 0:
        rounds = -(-count // len(labels))
        return np.concatenate([random.permutation(len(labels)) for _ in range(rounds)])[:count]
    counts = np.bincount(labels).astype(float)
    weights = (np.where(counts > 0, counts, 1) ** -balance)[labels]
    return random.choice(len(labels), size=count, p=weights / weights.sum())


def calibration_rows(labels: np.ndarray, recipe: Mapping) -> np.ndarray:
    """The training images that batch norm is recalibrated on wherever a network is pruned on: everywhere the same ones.

    Args:
        labels: int [N], of the training images.
        recipe: of the network's card; drawn as its training drew them.

    Returns:
        int64 [at most :data:`core.evaluation.recalibration.IMAGES`], indices into ``labels``.
    """
    balance = (recipe.get("training") or {}).get("balance", 0.0)
    return draw(labels, min(IMAGES, len(labels)), balance=balance, seed=0, epoch=0)
