"""What stored answers say of the leak, on answers made up so that it is known."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

from core import leak
from core.cohort import Cohort
from core.evaluation import wilson
from core.leak import LIKE, ONCE, SEEN, SEVERAL, UNSEEN, Leak
from tests.core import invented

LESIONS = 300


@pytest.fixture(scope="module")
def made_up() -> Leak:
    """900 images: lesions with three, of which a third was trained on; seen ones are told better."""
    random = np.random.default_rng(0)
    lesions = np.repeat([f"HAM_{number}" for number in range(LESIONS)], 3)
    labels = np.repeat(np.arange(LESIONS) % 2, 3)
    seen = np.repeat(np.arange(LESIONS) % 3 == 0, 3)
    pictures = np.repeat(np.where(np.arange(LESIONS) % 3 == 1, 1, 3), 3)
    right = random.random(len(labels)) < np.where(seen, 0.9, 0.6)
    ids = np.array([f"ISIC_{number}" for number in range(len(labels))])
    probabilities = invented.answers(labels, right).astype(np.float32)
    return Leak("digest", invented.CLASSES, ids, lesions, labels, seen, pictures, probabilities)


def test_scores_are_those_of_scikit_learn_on_each_group(made_up):
    table = leak.scores(made_up).set_index(["group", "measure"])
    answers = made_up.probabilities.argmax(1)
    groups = {
        "all": np.ones(900, bool),
        UNSEEN: ~made_up.seen,
        LIKE: ~made_up.seen & (made_up.pictures == 3),
        SEEN: made_up.seen,
    }
    assert set(table.index.get_level_values("group")) == set(groups)
    for group, chosen in groups.items():
        truth, given = made_up.labels[chosen], answers[chosen]
        expected = {
            "accuracy": (accuracy_score(truth, given), chosen.sum()),
            "balanced_accuracy": (balanced_accuracy_score(truth, given), chosen.sum()),
            "sensitivity/mel": (recall_score(truth, given, pos_label=0), (truth == 0).sum()),
        }
        for measure, (score, n) in expected.items():
            row = table.loc[group, measure]
            assert row["estimate"] == pytest.approx(score)
            assert row["n"] == n
            assert row["low"] < score < row["high"]
        assert table.loc[(group, "accuracy"), "lesions"] == len(set(made_up.lesions[chosen]))


def test_exposure_counts_images_of_lesions_that_were_trained_on(made_up):
    table = leak.exposure(made_up).set_index("class")
    assert table.loc["all"].to_list() == [900, 300, pytest.approx(1 / 3)]
    assert list(table.index) == ["all", "mel", "nv"]
    assert table["seen"].sum() == 600
    empty = Leak("", ("mel", "nv"), *(values[made_up.labels == 1] for values in parts(made_up)))
    assert np.isnan(leak.exposure(empty).set_index("class").at["mel", "share"])
    assert "sensitivity/mel" not in set(leak.scores(empty)["measure"])


def parts(made: Leak) -> list[np.ndarray]:
    return [made.ids, made.lesions, made.labels, made.seen, made.pictures, made.probabilities]


def test_classes_with_few_lesions_on_a_side_do_not_decide_the_gap():
    """One picture of vasc that is wrong moved the gap of seven classes by nine points."""
    rows = [  # class, side, lesions, share right
        (0, SEEN, 20, 0.9), (0, LIKE, 20, 0.8), (1, SEEN, 15, 0.8), (1, LIKE, 12, 0.5), (2, SEEN, 30, 1.0), (2, LIKE, 1, 0.0),
    ]  # fmt: skip
    labels, seen, right = [], [], []
    for label, side, lesions, share in rows:
        labels += [label] * lesions
        seen += [side == SEEN] * lesions
        right += (np.arange(lesions) < share * lesions).tolist()
    labels, seen, right = np.array(labels), np.array(seen), np.array(right)
    answers = np.eye(3)[np.where(right, labels, (labels + 1) % 3)]
    ids = np.array([f"i{number}" for number in range(len(labels))])
    found = Leak("d", ("a", "b", "c"), ids, ids, labels, seen, np.full(len(labels), 2), answers)
    table, few = leak.comparable(found, SEEN, LIKE)
    assert few == ("c",)
    for lesions, left_out in ((9, True), (10, False)):  # where the line lies
        some = ~((labels == 1) & ~seen) | (np.cumsum((labels == 1) & ~seen) <= lesions)
        part = Leak(
            "d", ("a", "b", "c"), ids[some], ids[some], labels[some], seen[some], np.full(some.sum(), 2), answers[some]
        )
        assert ("b" in leak.comparable(part, SEEN, LIKE)[1]) == left_out
    gap = leak.gaps(table, SEEN, LIKE).set_index("measure")
    per_class = [[right[(labels == label) & (seen == side)].mean() for label in (0, 1)] for side in (True, False)]
    assert gap.at["balanced_accuracy", "estimate"] == pytest.approx(np.mean(per_class[0]) - np.mean(per_class[1]))
    assert gap.at["accuracy", "n_second"] == 33  # accuracy counts every image
    assert gap.at["balanced_accuracy", "n_second"] == 32


def test_gaps_are_newcombes(made_up):
    """Newcombe (1998), method 10, from Wilson's intervals: his first example, 56/70 against 48/80."""

    def row(group, x, n):
        estimate, low, high = (float(value) for value in wilson(x, n))
        return {"group": group, "measure": "accuracy", "estimate": estimate, "low": low, "high": high, "n": n}

    table = pd.DataFrame([row("a", 56, 70), row("b", 48, 80)])
    (gap,) = leak.gaps(table, "a", "b").to_dict("records")
    assert gap["estimate"] == pytest.approx(0.2)
    assert (gap["low"], gap["high"]) == (pytest.approx(0.0524, abs=5e-5), pytest.approx(0.3339, abs=5e-5))
    assert (gap["n_first"], gap["n_second"]) == (70, 80)
    assert leak.gaps(table, "a", "c").empty
    own = leak.gaps(leak.scores(made_up), SEEN, LIKE).set_index("measure")
    assert own.loc["accuracy", "low"] > 0.2


def test_the_control_asks_a_network_that_saw_none(made_up):
    cohort = invented.cohort(100, pictures=2)
    single = invented.cohort(100, pictures=1)
    right = np.arange(200) % 4 < 3
    probabilities = invented.answers(cohort.labels, right).astype(np.float32)
    table = leak.control(probabilities, cohort)
    assert set(table["group"]) == {SEVERAL}
    assert table.set_index("measure").at["accuracy", "estimate"] == pytest.approx(0.75)
    table = leak.control(probabilities[:100], single)
    assert set(table["group"]) == {ONCE}
    object.__setattr__(single, "groups", None)
    assert leak.control(probabilities[:100], single).empty


def test_side_by_side_pairs_the_images_that_both_were_asked_about(made_up):
    order = np.random.default_rng(1).permutation(900)[:500]  # another split: fewer images, in another order
    mine = [made_up.labels[order], made_up.ids[order], made_up.lesions[order]]
    cohort = Cohort("ham10000", "test", "x", invented.CLASSES, *mine, None)
    sound = invented.answers(cohort.labels, np.random.default_rng(2).random(500) < 0.6).astype(np.float32)
    table = leak.side_by_side(made_up, sound, cohort).set_index("group")
    for group, wanted in ((SEEN, made_up.seen), (UNSEEN, ~made_up.seen)):
        chosen = wanted[order]
        truth = cohort.labels[chosen]
        row_network = accuracy_score(truth, made_up.probabilities.argmax(1)[order][chosen])
        lesion_network = accuracy_score(truth, sound.argmax(1)[chosen])
        row = table.loc[group]
        assert (row["row"], row["lesion"], row["n"]) == (
            pytest.approx(row_network),
            pytest.approx(lesion_network),
            chosen.sum(),
        )
        assert row["estimate"] == pytest.approx(row_network - lesion_network)
        assert row["low"] < row["estimate"] < row["high"]
    assert table.loc[SEEN, "low"] > 0
    stranger = Cohort("other", "test", "x", ("a", "b"), *mine, None)
    assert leak.side_by_side(made_up, sound, stranger).empty


# --- the command ------------------------------------------------------------------------------------------------------
