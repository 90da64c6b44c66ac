"""Simulated lesions and answers: sizes and classes as in HAM10000's test split, images of a lesion alike."""

import numpy as np
import pytest

CLASS_SHARES = np.array([0.033, 0.051, 0.11, 0.0115, 0.111, 0.67, 0.0135])
NAMES = ["akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"]


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


@pytest.fixture(scope="session")
def draw():
    """A function: lesions, seed, noise -> dense and pruned probabilities, labels, lesion ids."""

    def simulate(lesions=300, seed=0, noise=0.5):
        random = np.random.default_rng(seed)
        truth = random.choice(7, size=lesions, p=CLASS_SHARES / CLASS_SHARES.sum())
        truth[:14] = np.repeat(np.arange(7), 2)  # every class is there
        groups = np.repeat(np.arange(lesions), np.minimum(random.geometric(0.72, lesions), 6))
        images, labels = len(groups), truth[groups]
        scores = 0.9 * random.normal(size=(lesions, 7))[groups] + 0.6 * random.normal(size=(images, 7))
        scores += 1.8 * np.eye(7)[labels] + np.log(CLASS_SHARES)
        other = 0.7 * random.normal(size=(lesions, 7))[groups] + 0.7 * random.normal(size=(images, 7))
        ids = np.array([f"HAM_{group:07d}" for group in groups])
        return softmax(scores), softmax(scores + noise * other), labels, ids

    return simulate


@pytest.fixture(scope="session")
def names():
    return NAMES
