import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, recall_score

from core import checkpoints, cli, data, evaluation, leak, recipes, runs
from core.checkpoints import Entry
from core.cohort import Cohort
from core.errors import CheckpointMismatch, DataDamaged, DataNotFound, InvalidValue
from core.evaluation import wilson
from core.leak import LIKE, ONCE, SEEN, SEVERAL, UNSEEN, Leak
from tests.core import invented
from tests.core.data.small_sets import HAM_CLASSES, write_ham
from tests.core.tiny import registered

STUDY = "ham10000-32/vgg16"
QUICK = {"epochs": 1, "batch": 8, "augment": "none"}


def rows(lesions: int = 40) -> list[str]:
    """Metadata of lesions with one to three images each."""
    pictures = [(lesion, number) for lesion in range(lesions) for number in range(1 + lesion % 3)]
    return [
        f"ISIC_{i:07d},HAM_{lesion:07d},{HAM_CLASSES[lesion % 7]},histo,50.0,male,back"
        for i, (lesion, _) in enumerate(pictures)
    ]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A data root with a small HAM10000."""
    folder = tmp_path_factory.mktemp("data")
    write_ham(folder / "ham10000", rows(), masks=False)
    return folder


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    """Folder of checkpoints with two tiny networks, one under each split."""
    folder = tmp_path_factory.mktemp("checkpoints")
    with registered():
        for split_by in (None, "row"):
            runs.run(recipes.dense(STUDY, split_by=split_by, **QUICK), root=folder, data=root)
    return folder


@pytest.fixture
def leaky(trained, tmp_path, tiny) -> Entry:
    """The network of the row split, in a folder of the test's own."""
    for path in trained.rglob("*.safetensors"):
        copy = tmp_path / "checkpoints" / path.relative_to(trained)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    (entry,) = leak.networks(checkpoints.list())
    return entry


def test_only_networks_of_the_row_split_are_asked(leaky, root):
    (sound,) = (entry for entry in checkpoints.list() if entry.id != leaky.id)
    assert leaky.card.data.split_by == "row"
    assert leak.networks(checkpoints.list(), "other-32/vgg16") == []
    with pytest.raises(InvalidValue, match="--split-by row"):
        leak.make(sound, data=root)
    assert not leak.path_of(sound).exists()


def test_what_is_stored_is_what_the_network_answers_and_the_lesions_are_those_of_the_metadata(leaky, root):
    made = leak.make(leaky, data=root)
    found = leak.read(leaky)
    test, train, every = (
        data.load("ham10000", s, size=32, root=root, split_by="row") for s in ("test", "train", "all")
    )
    np.testing.assert_array_equal(found.ids, test.ids)
    np.testing.assert_array_equal(found.labels, test.labels)
    np.testing.assert_array_equal(found.lesions, test.groups)
    assert found.class_names == test.class_names
    own = evaluation.predict(checkpoints.load(leaky.path).model(), test)
    np.testing.assert_allclose(found.probabilities, own, atol=1e-3)
    # By the metadata itself, line by line.
    lesion_of = {row.split(",")[0]: row.split(",")[1] for row in rows()}
    trained_on = {lesion_of[name] for name in train.ids}
    for number, name in enumerate(found.ids):
        assert found.seen[number] == (lesion_of[name] in trained_on)
        assert found.pictures[number] == list(lesion_of.values()).count(lesion_of[name])
    assert found.seen.any()
    assert not found.seen.all()
    assert len(every) == len(lesion_of)
    for name in ("ids", "seen", "pictures", "probabilities"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))


def test_a_leak_belongs_to_one_version_of_the_checkpoint(leaky, root):
    assert leak.read(leaky) is None
    leak.make(leaky, data=root)
    other = Entry(leaky.id, leaky.path, 0, card=invented.entry("other").card)
    assert leak.read(other) is None


@pytest.mark.parametrize("content", [b"", b"PAR1 and then nothing", b"x" * 500])
def test_a_damaged_file_is_named(leaky, content):
    leak.path_of(leaky).write_bytes(content)
    with pytest.raises(DataDamaged, match="python -m core leak"):
        leak.read(leaky)


def test_other_images_than_those_of_the_training_are_refused(leaky, tmp_path):
    write_ham(tmp_path / "other" / "ham10000", rows(30), masks=False)
    with pytest.raises(CheckpointMismatch, match="not the images"):
        leak.make(leaky, data=tmp_path / "other")
    with pytest.raises(DataNotFound):
        leak.make(leaky, data=tmp_path / "nowhere")
    assert not leak.path_of(leaky).exists()


# --- what it says -----------------------------------------------------------------------------------------------------

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


@pytest.fixture
def call(capsys, root):
    def run(*words):
        code = cli.main(["--data", str(root), *words])
        return code, *capsys.readouterr()

    return run


def test_the_command_stores_and_tells(leaky, call, tmp_path):
    code, out, err = call("leak", leaky.id)
    assert code == 0
    assert leak.path_of(leaky).exists()
    assert leaky.id in out
    assert all(group in out for group in ("all", "unseen", "seen", "accuracy"))
    assert str(leak.path_of(leaky)) in err
    # A second time what is stored is told, without the images.
    code, out, err = call("--data", str(tmp_path / "nowhere"), "leak", "--json", "--quiet")
    assert (code, err) == (0, "")
    told = pd.DataFrame(json.loads(out)[leaky.id])
    pd.testing.assert_frame_equal(told, leak.scores(leak.read(leaky)), check_dtype=False)


def test_the_command_says_what_to_do(call, leaky):
    code, _, err = call("leak", "nope")
    assert code == 1
    assert "There is no checkpoint of this id" in err
    leaky.path.unlink()
    code, _, err = call("leak")
    assert code == 1
    assert "--split-by row" in err
