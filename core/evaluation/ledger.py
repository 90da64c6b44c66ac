"""The harm ledger: of each diagnosis the lesions that pruning newly misses, newly catches and leaves as they were."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.errors import InvalidValue, check_choice
from core.evaluation.changes import pair
from core.evaluation.checks import Predictions, check_class
from core.evaluation.lesions import Lesions
from core.evaluation.outcomes import outcomes

ALL = "all"
"""Name of the last row, over all lesions. A class may have this name too: ask :func:`by_class` and :func:`total`."""


def ledger(dense, pruned, labels, class_names: Sequence[str] | None = None, groups=None, *, seed: int = 0):
    """Counts, shares and intervals by class, and over all lesions.

    A lesion is found if the mean of the probabilities of its images is largest for its true class.

    Args:
        dense, pruned: float [N, C], probabilities of the same images in the same order.
        labels: int [N].
        class_names: C names.
        groups: [N] lesion ids, or None: each image is a lesion.
        seed: of the bootstrap.

    Returns:
        As :func:`core.evaluation.outcomes.outcomes`: a row for each class, in their order, and the last for :data:`ALL`.

    Raises:
        InvalidValue: inputs that do not fit together.
    """
    a, b = pair(dense, pruned, labels, class_names, groups)
    lesions, now = Lesions.of(a), Lesions.of(b).found
    classes = {name: lesions.truth == index for index, name in enumerate(a.class_names)}
    everybody = {ALL: np.ones(len(lesions), bool)}
    tables = [outcomes(lesions.found, now, members, same=same(a, b), seed=seed) for members in (classes, everybody)]
    return pd.concat(tables, ignore_index=True)


def by_class(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a :func:`ledger` that are classes."""
    return table.iloc[:-1]


def total(table: pd.DataFrame) -> pd.Series:
    """The row of a :func:`ledger` over all lesions."""
    return table.iloc[-1]


def titled(table: pd.DataFrame, words: str) -> pd.DataFrame:
    """A :func:`ledger` for a reader: its last row named "all ``words`` together"."""
    return table.assign(group=[*by_class(table)["group"], f"all {words} together"])


def in_groups(
    dense,
    pruned,
    labels,
    members: pd.DataFrame,
    class_names: Sequence[str] | None = None,
    groups=None,
    *,
    only: str | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """The same for groups of patients, such as those of :func:`core.subgroups.of`.

    Args:
        dense, pruned, labels, class_names, groups, seed: as for :func:`ledger`.
        members: [N, kinds], for each kind of grouping the name of each image's group, or missing: then it is in none of that
            kind. A lesion is where its first image is.
        only: the lesions of this class only.

    Returns:
        As :func:`core.evaluation.outcomes.outcomes`, with a first column kind.

    Raises:
        InvalidValue: inputs that do not fit together.
        UnknownName: no such class.
    """
    a, b = pair(dense, pruned, labels, class_names, groups)
    if only is not None:
        check_choice("class", only, a.class_names)
    if len(members) != a.images:
        raise InvalidValue("The groups do not match the images", given=f"{len(members)} rows", expected=f"{a.images}")
    lesions, now = Lesions.of(a), Lesions.of(b).found
    mine = np.ones(len(lesions), bool) if only is None else lesions.truth == a.class_names.index(only)
    tables = []
    for kind in members:
        values = members[kind].to_numpy(object)[lesions.first]
        order = (
            members[kind].cat.categories
            if isinstance(members[kind].dtype, pd.CategoricalDtype)
            else sorted({name for name in values if not pd.isna(name)}, key=lambda name: (str(type(name)), name))
        )
        missing = pd.isna(values)  # pandas' own missing value is neither equal to a name nor unequal
        values = np.where(missing, None, values)
        masks = {name: mine & ~missing & (values == name) for name in order}
        tables.append(outcomes(lesions.found, now, masks, same=same(a, b), seed=seed).assign(kind=kind))
    none = outcomes(lesions.found, now, {ALL: mine}).iloc[:0].assign(kind=[])  # its columns, should there be no group
    table = pd.concat([table for table in tables if len(table)] or [none], ignore_index=True)
    return table[["kind", *table.columns.drop("kind")]]


@dataclass(frozen=True)
class FalseAlarms:
    """Lesions of other classes that are called one class.

    Attributes:
        others: how many lesions are of another class.
        dense, pruned: how many of these each network calls that class.
    """

    others: int
    dense: int
    pruned: int


def false_alarms(
    dense, pruned, labels, positive: int | str, class_names: Sequence[str] | None = None, groups=None
) -> FalseAlarms:
    """What finding more of a class costs: a network that calls everything melanoma misses none.

    Args:
        dense, pruned, labels, class_names, groups: as for :func:`ledger`; the answer to a lesion is that of its images' mean.
        positive: the class, by index or name.

    Raises:
        InvalidValue: inputs that do not fit together, or no such class.
    """
    a, b = pair(dense, pruned, labels, class_names, groups)
    index = check_class(positive, a.class_names)
    was, now = Lesions.of(a), Lesions.of(b)
    others = was.truth != index
    return FalseAlarms(
        *(int(rows.sum()) for rows in (others, others & (was.answers == index), others & (now.answers == index)))
    )


def taken_for(
    dense, pruned, labels, positive: int | str, class_names: Sequence[str] | None = None, groups=None
) -> pd.DataFrame:
    """What the lesions of a class that are not found are called.

    Args:
        dense, pruned, labels, class_names, groups: as for :func:`ledger`; the answer to a lesion is that of its images' mean.
        positive: the class, by index or name.

    Returns:
        One row for each other class, in their order: answer; the lesions so called by the dense network (dense), by the pruned one
        (pruned), and by the pruned one of those that it newly misses (newly_missed).

    Raises:
        InvalidValue: inputs that do not fit together, or no such class.
    """
    a, b = pair(dense, pruned, labels, class_names, groups)
    index = check_class(positive, a.class_names)
    was, now = Lesions.of(a), Lesions.of(b)
    mine = was.truth == index
    counts = {
        name: np.bincount(answers[rows], minlength=a.classes)
        for name, answers, rows in (
            ("dense", was.answers, mine),
            ("pruned", now.answers, mine),
            ("newly_missed", now.answers, mine & was.found),
        )
    }
    return pd.DataFrame({"answer": a.class_names, **counts}).drop(index=index).reset_index(drop=True)


def same(a: Predictions, b: Predictions) -> bool:
    """Whether two networks are one, to judge by their answers."""
    return np.array_equal(a.probabilities, b.probabilities)
