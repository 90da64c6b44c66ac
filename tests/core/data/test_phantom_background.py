"""Nothing but the lesion gives its diagnosis away."""

import numpy as np
import pytest
from scipy import ndimage, stats
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import cross_val_predict

from core.data.phantom import CLASSES, render, sample

EACH, SIZE, CORNER = 70, 32, 6
NOT_OF_THE_LESION = ("skin", "lighting", "vignette", "hair", "bubbles", "ruler", "blur", "x", "y", "view")


@pytest.fixture(scope="module")
def phantoms():
    drawn = [item for name in CLASSES for item in sample(EACH, 100 + CLASSES.index(name), classes={name: 1})]
    return drawn, render(drawn, SIZE), np.repeat(np.arange(len(CLASSES)), EACH)


def features(windows: np.ndarray) -> np.ndarray:
    """Colours [N, n, n, 3] as their mean, spread and quantiles, roughness, and the pixels themselves, coarsely."""
    pixels = windows.reshape(len(windows), -1, 3).astype(float)
    rough = [np.abs(np.diff(windows.astype(float), axis=axis)).mean((1, 2)) for axis in (1, 2)]
    coarse = windows[:, 1::3, 1::3].reshape(len(windows), -1)
    return np.hstack([pixels.mean(1), pixels.std(1), *np.quantile(pixels, (0.05, 0.5, 0.95), axis=1), *rough, coarse])


def balanced_accuracy(x: np.ndarray, y: np.ndarray) -> float:
    forest = RandomForestClassifier(120, class_weight="balanced", min_samples_leaf=2, random_state=0)
    return balanced_accuracy_score(y, cross_val_predict(forest, x, y, cv=5))


def test_background_is_at_chance_and_the_lesion_is_not(phantoms):
    _, drawn, labels = phantoms
    lesion = np.array([ndimage.binary_dilation(mask, iterations=3) for mask in drawn.masks])
    first, last = slice(0, CORNER), slice(SIZE - CORNER, SIZE)
    corners = [(rows, columns) for rows in (first, last) for columns in (first, last)]
    free = ~np.any([lesion[:, rows, columns].any((1, 2)) for rows, columns in corners], axis=0)
    assert np.bincount(labels[free], minlength=7).min() > 20
    background = np.hstack([features(drawn.images[free, rows, columns]) for rows, columns in corners])
    number = np.bincount(labels[free])
    error = np.sqrt((1 / 7 * 6 / 7 / number).sum()) / 7
    assert abs(balanced_accuracy(background, labels[free]) - 1 / 7) < 3 * error
    middle = slice(SIZE // 2 - 6, SIZE // 2 + 6)
    assert balanced_accuracy(features(drawn.images[:, middle, middle]), labels) > 0.45  # the same classifier can see


def test_parameters_of_skin_and_picture_do_not_depend_on_the_class():
    drawn = sample(7000, 21, classes=dict.fromkeys(CLASSES, 1))
    labels = np.array([CLASSES.index(item.diagnosis) for item in drawn])
    for name in NOT_OF_THE_LESION:
        values = np.array([getattr(item, name) for item in drawn])
        if values.std() == 0:
            continue
        groups = [values[labels == label] for label in range(7)]
        assert stats.kruskal(*groups).pvalue > 0.001, name
    for name in ("hair", "bubbles", "ruler"):
        there = np.array([getattr(item, name) > 0 for item in drawn])
        table = np.array([[(there[labels == k]).sum(), (~there[labels == k]).sum()] for k in range(7)])
        assert stats.chi2_contingency(table).pvalue > 0.001, name
    types = np.array([item.fitzpatrick for item in drawn])
    table = np.array([[((types == t) & (labels == k)).sum() for t in range(1, 7)] for k in range(7)])
    assert table.min() > 20
    assert stats.chi2_contingency(table).pvalue > 0.001
