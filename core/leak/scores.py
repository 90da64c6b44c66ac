"""What stored answers say: the same network with and without the leak, and whether anything else explains the gap."""

import numpy as np
import pandas as pd

from core import evaluation
from core.cohort import Cohort
from core.evaluation import Interval
from core.leak.answers import Leak
from core.words import WATCHED

ALL, UNSEEN, SEEN, LIKE = "all", "unseen", "seen", "unseen, several images"
ONCE, SEVERAL = "lesions of one image", "lesions of several images"  # drawn ones were never photographed
LEAST = 10
"""Lesions of a class on either side that :func:`comparable` asks for."""

_COLUMNS = ["group", "measure", "estimate", "low", "high", "n", "lesions", "classes", "method"]
_WILSON = "Wilson 95%, adjusted for lesions"


def exposure(leak: Leak) -> pd.DataFrame:
    """How many test images show a lesion that was trained on.

    Returns:
        One row a class, and "all" first: class, images, seen, share (NaN where there are no images).
    """
    rows = [("all", np.ones(len(leak.labels), bool))]
    rows += [(name, leak.labels == index) for index, name in enumerate(leak.class_names)]
    counts = [(name, int(which.sum()), int((which & leak.seen).sum())) for name, which in rows]
    table = pd.DataFrame(counts, columns=["class", "images", "seen"])
    return table.assign(share=table["seen"] / table["images"].where(table["images"] > 0))


def scores(leak: Leak) -> pd.DataFrame:
    """The same network on all its test images, and on those whose lesion it never saw or had seen.

    Lesions that it had seen have several images, and on such lesions even a network that saw none of them is right less
    often (:func:`control`). So those that it never saw are also scored for themselves where they have several.

    Returns:
        One row a group ("all", "unseen", "unseen, several images", "seen") and measure ("accuracy",
        "balanced_accuracy", and "sensitivity/mel" where melanoma is a class): group, measure, estimate, low, high
        (95%), n, lesions, classes (how many have images there), method. A group without images has no rows.
    """
    return _scores(_groups(leak), leak.probabilities, leak.labels, leak.class_names, leak.lesions)


def _groups(leak: Leak) -> dict[str, np.ndarray]:
    return {
        ALL: np.ones(len(leak.labels), bool),
        UNSEEN: ~leak.seen,
        LIKE: ~leak.seen & (leak.pictures > 1),
        SEEN: leak.seen,
    }


def side_by_side(leak: Leak, probabilities: np.ndarray, cohort: Cohort) -> pd.DataFrame:
    """Two networks on the same images: one trained under the row split, and one that saw none of their lesions.

    Args:
        leak: answers of the first.
        probabilities: float [M, classes], of a network trained under the lesion split, for ``cohort``.
        cohort: its M test images; those that are also test images of the first are compared.

    Returns:
        One row a group ("unseen", "seen" by the first network): group, row (accuracy of the first), lesion (accuracy
        of the second), estimate (the first less the second, paired), low, high (95%), n, lesions, method. No rows
        where the two have no test image or not their classes in common.
    """
    columns = ["group", "row", "lesion", "estimate", "low", "high", "n", "lesions", "method"]
    _, here, there = np.intersect1d(leak.ids, cohort.ids, return_indices=True)
    rows = []
    for group, chosen in ((UNSEEN, ~leak.seen[here]), (SEEN, leak.seen[here])):
        if leak.class_names != cohort.class_names or not chosen.any():
            continue
        a, b = probabilities[there[chosen]], leak.probabilities[here[chosen]]
        labels, lesions = leak.labels[here[chosen]], leak.lesions[here[chosen]]
        compared = evaluation.compare(a, b, labels, leak.class_names, groups=lesions)
        accuracies = [float((answers.argmax(axis=1) == labels).mean()) for answers in (b, a)]
        value = compared.differences["accuracy"]
        rows.append(
            (group, *accuracies, value.estimate, value.low, value.high, value.n, compared.lesions, value.method)
        )
    return pd.DataFrame(rows, columns=columns)


def control(probabilities: np.ndarray, cohort: Cohort) -> pd.DataFrame:
    """Whether lesions with several images are easier by themselves: a network that saw none of them, on both kinds.

    Lesions that leak are those with several images. Were these easier or harder for everyone, the gap between seen and
    unseen lesions would be more or less than the leak.

    Args:
        probabilities: float [N, classes], of a network trained under the lesion split, for ``cohort``.
        cohort: its test images. Under that split all images of a lesion are among them.

    Returns:
        As :func:`scores`, of the groups :data:`ONCE` and :data:`SEVERAL`; no rows where lesions
        are not known.
    """
    if cohort.groups is None:
        return pd.DataFrame(columns=_COLUMNS)
    _, lesion, counts = np.unique(cohort.groups, return_inverse=True, return_counts=True)
    several = counts[lesion] > 1
    which = {ONCE: ~several, SEVERAL: several}
    return _scores(which, probabilities, cohort.labels, cohort.class_names, cohort.groups)


def comparable(leak: Leak, first: str, second: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The scores of two groups for :func:`gaps`, balanced accuracy over the classes that both have enough lesions of.

    Each class counts alike in it, so a class with one image on a side would decide a part of the gap by itself.

    Args:
        leak: stored answers.
        first, second: groups of :func:`scores`.

    Returns:
        As :func:`scores`, of these groups; and the classes that are left out, with fewer than :data:`LEAST` lesions on a side.
    """
    members = {group: which for group, which in _groups(leak).items() if group in (first, second)}
    few = [
        index
        for index in range(len(leak.class_names))
        if min(len(np.unique(leak.lesions[which & (leak.labels == index)])) for which in members.values()) < LEAST
    ]
    table = _scores(members, leak.probabilities, leak.labels, leak.class_names, leak.lesions)
    kept = {group: which & ~np.isin(leak.labels, few) for group, which in members.items()}
    balanced = _scores(kept, leak.probabilities, leak.labels, leak.class_names, leak.lesions)
    table = pd.concat(
        [table[table["measure"] != "balanced_accuracy"], balanced[balanced["measure"] == "balanced_accuracy"]]
    )
    return table, tuple(leak.class_names[index] for index in few)


def gaps(table: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """The score of one group less that of another, which shares no lesion with it, for every measure.

    The interval is :func:`core.evaluation.mover`'s.

    Args:
        table: of :func:`scores`, :func:`comparable` or :func:`control`.
        first, second: groups in it.

    Returns:
        One row a measure that both have: measure, estimate, low, high, n_first, n_second (images), method.
    """
    rows = []
    for measure, own in table.groupby("measure", sort=False):
        by_group = own.set_index("group")
        if not {first, second} <= set(by_group.index):
            continue
        a, b = by_group.loc[first], by_group.loc[second]
        difference = evaluation.mover(a[["estimate", "low", "high"]], b[["estimate", "low", "high"]])
        rows.append((measure, *difference, int(a["n"]), int(b["n"]), "MOVER 95%"))
    return pd.DataFrame(rows, columns=["measure", "estimate", "low", "high", "n_first", "n_second", "method"])


def _scores(which: dict[str, np.ndarray], probabilities, labels, class_names, lesions) -> pd.DataFrame:
    rows = []
    for group, chosen in which.items():
        if not chosen.any():
            continue
        report = evaluation.evaluate(probabilities[chosen], labels[chosen], class_names, groups=lesions[chosen])
        classes = len(class_names) - len(report.absent)
        for measure in ("accuracy", "balanced_accuracy"):
            rows.append(_row(group, measure, report.metrics[measure], report.lesions, classes))
        own = report.per_class.set_index("class")
        if WATCHED in own.index and own.at[WATCHED, "images"]:
            row = own.loc[WATCHED]
            value = Interval(
                row["sensitivity"], row["sensitivity_low"], row["sensitivity_high"], row["images"], _WILSON
            )
            rows.append(_row(group, f"sensitivity/{WATCHED}", value, int(row["lesions"]), 1))
    return pd.DataFrame(rows, columns=_COLUMNS)


def _row(group: str, measure: str, value: Interval, lesions: int, classes: int) -> tuple:
    return (group, measure, value.estimate, value.low, value.high, value.n, lesions, classes, value.method)
