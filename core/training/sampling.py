"""In which order training sees its images. A function of seed and epoch alone, so that a run can go on anywhere."""

import numpy as np


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
