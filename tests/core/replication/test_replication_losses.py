"""What a method loses, and from where on that can be told, on answers made up so that it is known."""

import numpy as np
import pandas as pd
import pytest

from core import evaluation, paths
from core.paths import PRUNE_ONLY
from core.replication import Stored, losses, told_from
from core.replication.losses import BALANCED, WATCHED
from core.responses import Response
from tests.core import invented


@pytest.fixture
def cohort():
    return invented.cohort(200)


@pytest.fixture
def shelf(cohort):
    """A dense network, and three pruned ones that are right on ever fewer melanomas; the last is right on no naevus more."""
    shelf, rng = invented.Shelf(), np.random.default_rng(0)
    draw = np.repeat(rng.random(200), 2)  # both images of a lesion have one answer
    dense = shelf.put(invented.entry(f"{invented.STUDY}/dense"), invented.answers(cohort.labels, draw < 0.9))
    ill = cohort.labels == 0
    pruned = []
    for sparsity, share in ((0.9, 0.4), (0.5, 0.9), (0.8, 0.7)):
        entry = invented.entry(f"{invented.STUDY}/one_shot-{sparsity:g}", "one_shot", sparsity, parent=dense)
        pruned.append(shelf.put(entry, invented.answers(cohort.labels, draw < np.where(ill, share, 0.9))))
    # One of them ships without its weights: it counts all the same.
    return shelf, paths.Path(invented.STUDY, "one_shot", (dense, pruned[1], pruned[2]), (pruned[0],))


def test_losses_are_the_paired_differences_of_the_evaluation(shelf, cohort):
    known, path = shelf
    table = losses(path, Stored(cohort, known.read), "mel")
    assert table["sparsity"].tolist() == [0.5, 0.5, 0.8, 0.8, 0.9, 0.9]
    dense, pruned = (known.known[entry.id].astype(np.float32) for entry in (path.dense, path.entries[2]))
    comparison = evaluation.scoreboard(dense, pruned, cohort.labels, cohort.groups, metrics=["balanced_accuracy"])[
        0
    ].change
    mine = table[table["sparsity"] == 0.8].set_index("measure")
    assert mine.loc[BALANCED, ["change", "low", "high"]].tolist() == pytest.approx(
        [comparison.estimate, comparison.low, comparison.high]
    )
    row = evaluation.ledger(dense, pruned, cohort.labels, cohort.class_names, cohort.groups).iloc[0]
    assert mine.loc[WATCHED, ["change", "low", "high", "n"]].tolist() == pytest.approx(
        [row["change"], row["change_low"], row["change_high"], 100]
    )
    assert mine.loc[WATCHED, "change"] < 2 * mine.loc[BALANCED, "change"] * 0.9 < 0


def test_the_same_answers_are_no_loss_and_an_unknown_class_is_left_out(shelf, cohort):
    known, path = shelf
    table = losses(path, Stored(cohort, known.read), "vasc")
    assert set(table["measure"]) == {BALANCED}
    assert table.iloc[0][["change", "low", "high"]].tolist() == [0, 0, 0]
    assert losses(path, Stored(None, known.read), "mel").empty
    assert losses(path, Stored(cohort, lambda entry: None), "mel").empty


@pytest.mark.parametrize(
    ("highs", "begin"),
    [
        ({0.5: 0.1, 0.8: -0.1, 0.9: -0.2}, 0.8),
        ({0.5: -0.1, 0.8: 0.0, 0.9: -0.2}, 0.9),  # what is told at 50% and not at 80% was told too early
        ({0.5: -0.1, 0.8: -0.1, 0.9: 0.1}, None),
        ({}, None),
    ],
)
def test_a_loss_is_told_from_where_it_stays_told(highs, begin):
    table = pd.DataFrame({"sparsity": list(highs), "high": list(highs.values())})
    assert told_from(table.sample(frac=1, random_state=1)) == begin


def test_without_fine_tuning_every_fifth_step_counts_and_both_networks_are_recalibrated(shelf, cohort):
    known, path = shelf
    dense, worse = known.known[path.dense.id], known.known[path.results[0].id]
    steps = {(0, False): worse, (0, True): dense, **{(percent, True): worse for percent in (1, 5, 7, 10)}}
    response = Response(path.dense.card.digest, invented.DIGEST, 64, steps, 2)
    table = losses(paths.Path(path.study, PRUNE_ONLY, (path.dense,)), Stored(cohort, lambda entry: response), None)
    assert table["sparsity"].tolist() == [0.05, 0.1]
    assert (table["high"] < 0).all()
