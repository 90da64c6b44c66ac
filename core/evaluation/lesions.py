"""What a network says of a lesion: the mean of what it says of the lesion's images."""

from dataclasses import dataclass

import numpy as np

from core.evaluation.checks import Predictions


@dataclass(frozen=True)
class Lesions:
    """A network's answers by lesion. Lesions stand in one order for all networks that were asked about the same images.

    A group whose images have several truths, such as a patient with two lesions, is one lesion for each truth.

    Attributes:
        truth: int64 [L], the class index.
        probabilities: float64 [L, C], means over the lesion's images.
        first: int64 [L], the first of its images.
        images: int64 [L], how many it has.
        lesion_of: int64 [N], the lesion that each image shows.
    """

    truth: np.ndarray
    probabilities: np.ndarray
    first: np.ndarray
    images: np.ndarray
    lesion_of: np.ndarray

    @classmethod
    def of(cls, predictions: Predictions) -> "Lesions":
        """The lesions of checked predictions; each image is one where no groups were given."""
        if not predictions.grouped:
            images = np.arange(predictions.images)
            return cls(predictions.labels, predictions.probabilities, images, np.ones_like(images), images)
        classes = predictions.classes
        keys, first, lesion_of, images = np.unique(
            predictions.clusters * classes + predictions.labels,
            return_index=True,
            return_inverse=True,
            return_counts=True,
        )
        cells = (lesion_of[:, None] * classes + np.arange(classes)).ravel()
        sums = np.bincount(cells, weights=predictions.probabilities.ravel(), minlength=len(keys) * classes)
        return cls(keys % classes, sums.reshape(-1, classes) / images[:, None], first, images, lesion_of)

    @property
    def answers(self) -> np.ndarray:
        """int64 [L]: the class with the largest mean, the first one of equals."""
        return self.probabilities.argmax(axis=1)

    @property
    def found(self) -> np.ndarray:
        """Bool [L]: whether the answer is the truth."""
        return self.answers == self.truth

    def __len__(self) -> int:
        return len(self.truth)
