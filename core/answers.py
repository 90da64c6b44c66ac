"""Answers of networks with many classes, stored short: the likeliest class, its probability, and the true class's.

From these every number but one comes out as from all the probabilities: accuracy, recall, flips, harm and calibration of the
likeliest class. The one is the macro AUC, which ranks images by the probability of each class.
"""

from typing import NamedTuple

import numpy as np

MANY = 20
"""Networks with more classes than this have their answers stored short."""


class Short(NamedTuple):
    """Short answers to N images.

    Attributes:
        top: uint16 [N], the likeliest class.
        p_top: float16 [N], its probability.
        p_true: float16 [N], the true class's probability.
    """

    top: np.ndarray
    p_top: np.ndarray
    p_true: np.ndarray


def shorten(probabilities: np.ndarray, labels: np.ndarray) -> Short:
    """What is kept of ``probabilities``, float [N, classes], for images of the classes ``labels``, int [N]."""
    rows = np.arange(len(labels))
    top = probabilities.argmax(axis=1)
    return Short(
        top.astype(np.uint16),
        probabilities[rows, top].astype(np.float16),
        probabilities[rows, labels].astype(np.float16),
    )


def widen(short: Short, labels: np.ndarray, classes: int) -> np.ndarray:
    """Probabilities that agree with ``short``; what it does not say is spread evenly over the other classes.

    Args:
        short: answers to N images.
        labels: int [N], the true classes.
        classes: how many there are.

    Returns:
        float32 [N, classes]. Its largest in each row stands at ``short.top``; rows sum to 1 as far as half precision goes.
    """
    rows = np.arange(len(labels))
    top, p_top, p_true = short.top.astype(int), short.p_top.astype(np.float32), short.p_true.astype(np.float32)
    right = top == labels
    rest = np.clip(1 - p_top - np.where(right, 0, p_true), 0, None) / np.where(right, classes - 1, classes - 2)
    wide = np.repeat(np.minimum(rest, p_top)[:, None], classes, axis=1).astype(np.float32)
    wide[rows, labels] = p_true
    # Rounding can make the two equal, and the one at the lower index would win.
    wide[rows, top] = np.where(right, p_top, np.nextafter(np.maximum(p_top, p_true), np.float32(2)))
    ties = (wide >= wide[rows, top][:, None]) & (np.arange(classes) != top[:, None])
    wide[ties] = np.nextafter(wide[rows, top][np.nonzero(ties)[0]], np.float32(0))
    return wide
