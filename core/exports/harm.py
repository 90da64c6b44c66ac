"""What a checkpoint newly misses and catches, from the answers that are stored beside it."""

import pandas as pd

from core import evaluation, responses
from core.checkpoints import Entry
from core.cohort import Cohort


def stored_harm(entry: Entry, dense: Entry | None) -> pd.DataFrame | None:
    """Counts by class, as :func:`core.evaluation.harm`; None where they cannot be had from what is stored.

    Args:
        entry: a pruned checkpoint.
        dense: the one it was pruned from.

    Raises:
        DataDamaged: a stored file is broken.
    """
    if dense is None or not responses.cohort_path(entry).exists():
        return None
    stored = responses.estimate(responses.read(dense), responses.read(entry), entry.card.sparsity, False)
    test = Cohort.load(responses.cohort_path(entry))
    if stored is None or len(stored.rows) != len(test):
        return None
    return evaluation.harm(stored.dense, stored.pruned, test.labels, test.class_names, test.groups)
