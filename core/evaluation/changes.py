"""Which answers pruning changed, image by image and lesion by lesion.

A lesion is *found* if the mean of the probabilities of its images is largest for its true class: the answer that a
clinician gets who shows the network all pictures of one lesion. With one image a lesion, it is that image's answer.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.errors import InvalidValue
from core.evaluation.checks import Predictions, checked
from core.evaluation.lesions import Lesions

NEWLY_WRONG, NEWLY_RIGHT, OTHER_WRONG = "newly wrong", "newly right", "wrong either way"


def pair(dense, pruned, labels, class_names=None, groups=None) -> tuple[Predictions, Predictions]:
    """Check two networks' answers to the same images.

    Raises:
        InvalidValue: as :func:`core.evaluation.checks.checked`, or the two do not know the same classes.
    """
    a = checked(dense, labels, groups, class_names, "The dense probabilities")
    b = checked(pruned, labels, groups, class_names, "The pruned probabilities")
    if a.classes != b.classes:
        raise InvalidValue(
            "The two networks do not know the same classes",
            given=f"{b.classes} classes pruned",
            expected=f"{a.classes}, as dense",
        )
    return a, b


def flips(dense, pruned, labels, class_names: Sequence[str] | None = None) -> pd.DataFrame:
    """The images whose answer pruning changed, in their order.

    Args:
        dense, pruned: float [N, C], probabilities of the same images in the same order.
        labels: int [N].
        class_names: C names.

    Returns:
        One row an image: image (its index), truth, dense_answer, dense_probability, pruned_answer, pruned_probability (each
        of that network's own answer), kind: "newly wrong", "newly right" or "wrong either way".

    Raises:
        InvalidValue: inputs that do not fit together.
    """
    a, b = pair(dense, pruned, labels, class_names)
    changed = np.flatnonzero(a.answers != b.answers)
    names = np.array(a.class_names, object)
    kinds = np.select([a.right[changed], b.right[changed]], [NEWLY_WRONG, NEWLY_RIGHT], OTHER_WRONG)
    return pd.DataFrame(
        {
            "image": changed,
            "truth": names[a.labels[changed]],
            "dense_answer": names[a.answers[changed]],
            "dense_probability": a.probabilities[changed, a.answers[changed]],
            "pruned_answer": names[b.answers[changed]],
            "pruned_probability": b.probabilities[changed, b.answers[changed]],
            "kind": kinds.astype(object),
        }
    )


def found(predictions: Predictions) -> pd.DataFrame:
    """Each lesion, and whether it is found.

    Returns:
        One row a lesion: truth (int64, class index), found (bool). A group whose images have several truths, such as a
        patient with two lesions, is one row for each truth.
    """
    lesions = Lesions.of(predictions)
    return pd.DataFrame({"truth": lesions.truth, "found": lesions.found})


def harm(dense, pruned, labels, class_names: Sequence[str] | None = None, groups=None) -> pd.DataFrame:
    """Counts of lesions that pruning newly misses and newly catches, by class.

    Args:
        dense, pruned, labels, class_names: as for :func:`flips`.
        groups: [N] lesion ids, or None: each image is a lesion.

    Returns:
        One row a class: class, lesions, found_dense, found_pruned, newly_missed, newly_caught (int64).

    Raises:
        InvalidValue: inputs that do not fit together.
    """
    a, b = pair(dense, pruned, labels, class_names, groups)
    before, after = found(a), found(b)
    truth, was, now = before["truth"].to_numpy(), before["found"].to_numpy(), after["found"].to_numpy()
    columns = {
        "lesions": np.ones(len(truth), bool),
        "found_dense": was,
        "found_pruned": now,
        "newly_missed": was & ~now,
        "newly_caught": now & ~was,
    }
    counts = {name: np.bincount(truth[which], minlength=a.classes) for name, which in columns.items()}
    return pd.DataFrame({"class": a.class_names, **counts})
