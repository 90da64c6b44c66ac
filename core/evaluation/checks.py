"""What every measurement starts from: probabilities, labels and lesions that fit together.

``checked`` turns what a caller has into :class:`Predictions`, or says by name what is wrong with it. Everything else
in this folder may then rely on the shapes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import InvalidValue

SUM_TOLERANCE = 1e-2  # rows of a softmax in bf16 miss 1 by a few thousandths


@dataclass(frozen=True)
class Predictions:
    """A network's answers to a set of images, checked.

    Attributes:
        probabilities: float64 [N, C], rows sum to 1.
        labels: int64 [N], in [0, C).
        clusters: int64 [N], in [0, number of clusters): which lesion an image shows. Each image is its own where
            no groups were given.
        class_names: C names.
        grouped: whether groups were given.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    clusters: np.ndarray
    class_names: tuple[str, ...]
    grouped: bool

    @property
    def images(self) -> int:
        """Number of images, N."""
        return len(self.labels)

    @property
    def classes(self) -> int:
        """Number of classes, C."""
        return self.probabilities.shape[1]

    @cached_property
    def lesions(self) -> int:
        """Number of clusters; of images where no groups were given."""
        return int(self.clusters.max()) + 1

    @cached_property
    def answers(self) -> np.ndarray:
        """int64 [N]: the most probable class, the first one of equals."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def right(self) -> np.ndarray:
        """Bool [N]: whether the answer is the truth."""
        return self.answers == self.labels

    @cached_property
    def present(self) -> np.ndarray:
        """Bool [C]: classes that the labels contain."""
        return np.bincount(self.labels, minlength=self.classes) > 0

    def sums(self, values: np.ndarray, columns: np.ndarray | None = None, width: int | None = None) -> np.ndarray:
        """Sums of ``values`` by cluster, float64 [clusters, width].

        Args:
            values: [N] what each image adds.
            columns: int [N] the column it adds to, such as its class; the only one (width 1) if None.
            width: number of columns; C if ``columns`` are given.
        """
        if columns is None:
            return np.bincount(self.clusters, weights=values, minlength=self.lesions)[:, None]
        width = width or self.classes
        cells = np.bincount(self.clusters * width + columns, weights=values, minlength=self.lesions * width)
        return cells.reshape(self.lesions, width)


def checked(
    probabilities, labels, groups=None, class_names: Sequence[str] | None = None, what: str = "Probabilities"
) -> Predictions:
    """Check a network's answers and bring them into one form.

    Args:
        probabilities: float [N, C], rows sum to 1 within 0.01.
        labels: integers [N] in [0, C).
        groups: [N] lesion ids (text or numbers), or None. An image whose id is missing (None, NaN) is its own lesion.
        class_names: C names; "class 0" and so on if None.
        what: what to call the probabilities in an error.

    Raises:
        InvalidValue: no images, other shapes, other lengths, NaN or negative values, rows that do not sum to 1, labels
            that are not integers or out of range.
    """
    values = _probabilities(probabilities, what)
    images, classes = values.shape
    class_names = _names(class_names, classes)
    return Predictions(
        probabilities=values,
        labels=_labels(labels, images, classes),
        clusters=clusters(groups, images),
        class_names=class_names,
        grouped=groups is not None,
    )


def check_class(positive: int | str, class_names: Sequence[str]) -> int:
    """The index of a class given by its index or name.

    Raises:
        InvalidValue: there is no such class.
    """
    if isinstance(positive, str) and positive in class_names:
        return list(class_names).index(positive)
    if isinstance(positive, int | np.integer) and not isinstance(positive, bool) and 0 <= positive < len(class_names):
        return int(positive)
    raise InvalidValue(
        "There is no such class",
        given=repr(positive),
        expected=f"one of {', '.join(class_names)}, or an index from 0 to {len(class_names) - 1}",
    )


def _names(class_names, classes: int) -> tuple[str, ...]:
    if class_names is None:
        return tuple(f"class {index}" for index in range(classes))
    try:
        names = tuple(map(str, class_names))
    except TypeError:
        names = ()
    if isinstance(class_names, str) or len(names) != classes:
        given = repr(class_names)[:80] if isinstance(class_names, str) or not names else f"{len(names)} names"
        raise InvalidValue("The class names do not match the probabilities", given=given, expected=f"{classes} names")
    if len(set(names)) < classes:
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidValue(
            "Two classes have the same name", given=repr(twice), expected="a name of its own for each class"
        )
    return names


def _probabilities(probabilities, what: str) -> np.ndarray:
    if hasattr(
        probabilities, "detach"
    ):  # torch's: NumPy has no bfloat16, and takes none that is on a GPU or has a gradient
        probabilities = probabilities.detach().cpu().double()
    try:
        values = np.asarray(probabilities)
        values = values.astype(np.float64, casting="unsafe" if values.dtype.kind == "O" else "same_kind")
    except (TypeError, ValueError):
        kind = getattr(probabilities, "dtype", None) or type(probabilities).__name__
        raise InvalidValue(f"{what} are not numbers", given=str(kind), expected="float [N, C]") from None
    if values.ndim != 2 or values.shape[1] < 2:
        raise InvalidValue(
            f"{what} have the wrong shape", given=list(values.shape), expected="[images, classes], at least two classes"
        )
    if not len(values):
        raise InvalidValue(f"{what} hold no images", given=list(values.shape), expected="at least one image")
    bad = ~np.isfinite(values).all(axis=1) | (values < 0).any(axis=1)
    if bad.any():
        raise InvalidValue(
            f"{what} hold values that are not probabilities",
            given=f"{int(bad.sum())} of {len(values)} rows with NaN, infinite or negative values, first row {bad.argmax()}",
            expected="numbers from 0 to 1",
        )
    miss = np.abs(values.sum(axis=1) - 1)
    if miss.max() > SUM_TOLERANCE:
        row = miss.argmax()
        raise InvalidValue(
            f"{what} do not sum to 1",
            given=f"row {row} sums to {values[row].sum():.4g}",
            expected=f"1 within {SUM_TOLERANCE}",
            remedy="give the output of a softmax, not logits",
        )
    return values


def _labels(labels, images: int, classes: int) -> np.ndarray:
    values = _array(labels, "labels")
    if values.shape != (images,):
        raise InvalidValue("The labels do not match the probabilities", given=list(values.shape), expected=[images])
    if values.dtype.kind not in "iu":
        raise InvalidValue("The labels are not integers", given=str(values.dtype), expected="class numbers, int64")
    if values.min() < 0 or values.max() >= classes:
        raise InvalidValue(
            "The labels are out of range",
            given=f"from {values.min()} to {values.max()}",
            expected=f"from 0 to {classes - 1}",
        )
    return values.astype(np.int64)


def _array(values, what: str, dtype=None) -> np.ndarray:
    try:
        return np.asarray(values, dtype)
    except (TypeError, ValueError) as error:  # rows of unequal length
        raise InvalidValue(f"The {what} are no array", given=type(values).__name__, expected="[N]") from error


def clusters(groups, images: int) -> np.ndarray:
    """int64 [N]: which lesion each image shows, numbered from 0; an image without one is a lesion of its own.

    Args:
        groups: [N] lesion ids, or None.
        images: N.

    Raises:
        InvalidValue: another number of groups.
    """
    if groups is None:
        return np.arange(images)
    import pandas as pd

    # As objects: beside text NumPy would write a missing id out, and all lesions without an id would be one, "nan".
    values = _array(groups, "groups", object)
    if values.shape != (images,):
        raise InvalidValue("The groups do not match the probabilities", given=list(values.shape), expected=[images])
    if any(map(pd.api.types.is_list_like, values)):
        raise InvalidValue("The groups are no array", given="lists of several lengths", expected="[N], one id an image")
    missing = pd.isna(values)
    codes = np.empty(images, np.int64)
    # Sorted, so that the numbers, and with them a seeded bootstrap, do not depend on the order of the images.
    known = np.unique(values[~missing].astype(str), return_inverse=True)
    codes[~missing] = known[1]
    codes[missing] = len(known[0]) + np.arange(missing.sum())
    return codes
