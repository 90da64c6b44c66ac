import numpy as np
import pandas as pd
import pytest

from core import checkpoints, data, paper, paths, recipes, replication, responses, runs
from core.checkpoints import write_card
from core.cohort import Cohort
from core.errors import DataDamaged
from core.evaluation import evaluate, wilson
from core.replication import Stored, lines
from tests.core import invented
from tests.core.invented import STUDY, answers, entry
from tests.core.tiny import registered

COHORT = invented.cohort(50)

# --- lines ------------------------------------------------------------------------------------------------------------


def test_a_line_holds_what_came_from_its_dense_network():
    dense = entry("a/dense")
    other = entry("a/dense-ffff", epochs=60)
    made = [entry(f"a/one_shot-{s}", "one_shot", s / 100, parent=dense) for s in (80, 50)]
    random = entry("a/one_shot-random-80", "one_shot-random", 0.8, parent=dense)
    control = entry("a/dense_trained_on", "dense_trained_on", parent=dense)
    strangers = [
        entry("a/iterative-80", "iterative", 0.8, parent=other),
        entry("b/dense", study="ham10000-64/densenet169"),
    ]
    (line,) = lines(STUDY, [other, control, random, *made, dense, *strangers])
    assert line.dense is dense
    assert list(line.pruned) == ["one_shot", "one_shot-random"]
    assert list(line.pruned["one_shot"]) == [0.5, 0.8]
    assert line.sparsities == [0.5, 0.8]
    assert line.at("one_shot", 0.8) is made[0]
    assert line.at("iterative", 0.8) is None
    assert line.control(made[0]) is control
    assert lines("ham10000-64/densenet169", [dense]) == []


def test_seeds_repeat_a_line_and_other_recipes_do_not():
    def family(seed, tag, **changes):
        dense = entry(f"a/dense{tag}", seed=seed, epochs=24)
        one_shot = entry(f"a/one_shot-80{tag}", "one_shot", 0.8, parent=dense, seed=seed, **changes)
        return [dense, one_shot]

    own, repeat, longer = family(0, ""), family(1, "-1"), family(2, "-2", epochs=16)
    strong = entry("a/dense-strong", seed=1, epochs=25)
    found = lines(STUDY, [*own, *repeat, *longer, strong])
    assert [line.seed for line in found] == [0, 1, 2]
    assert [line.at("one_shot", 0.8) for line in found] == [own[1], repeat[1], None]  # the third was trained longer


def test_networks_of_the_row_split_are_of_lines_of_their_own():
    # The name of the leaky one comes first in every order.
    leaky = entry("a/dense", split_by="row")
    pruned = entry("a/one_shot-80", "one_shot", 0.8, parent=leaky, split_by="row")
    sound = entry("a/dense-1234")
    (line,) = lines(STUDY, [leaky, pruned, sound])
    assert (line.dense, line.pruned) == (sound, {})
    (line,) = lines(STUDY, [leaky, pruned, sound], row_split=True)
    assert (line.dense, line.at("one_shot", 0.8)) == (leaky, pruned)


def test_the_networks_of_a_study_are_never_those_of_the_row_split(tmp_path):
    """On the disk "dense-1234.safetensors" sorts before "dense.safetensors"; neither name nor order may decide."""
    for name, split_by in (("dense-1234", "row"), ("dense", "lesion"), ("dense-0000", "lesion")):
        own = entry(f"{STUDY}/{name}", split_by=split_by)
        write_card(tmp_path / f"{own.id}.safetensors", own.card, 0)
    assert paths.of(STUDY, tmp_path)[paths.PRUNE_ONLY].dense.id == f"{STUDY}/dense"
    for name in ("dense", "dense-0000"):
        (tmp_path / f"{STUDY}/{name}.card.json").unlink()
    assert paths.studies(tmp_path) == {}


def test_what_comes_from_another_training_of_the_dense_network_is_no_part_of_a_path_and_marked_on_a_curve(tmp_path):
    dense = entry(f"{STUDY}/dense", metrics=metrics(0.9))
    made = {
        digest: entry(f"{STUDY}/{name}", name[:-3], 0.8, parent=dense, parent_digest=digest, metrics=metrics(0.8))
        for name, digest in (("iterative-80", "another"), ("one_shot-80", dense.card.digest), ("layerwise-80", ""))
    }
    for own in (dense, *made.values()):
        write_card(tmp_path / f"{own.id}.safetensors", own.card, 0)
    assert set(paths.of(STUDY, tmp_path)) == {paths.PRUNE_ONLY, "one_shot", "layerwise"}
    (line,) = lines(STUDY, [dense, *made.values()])
    assert [digest for digest, own in made.items() if not line.at_home(own)] == ["another"]
    assert line.origin(made["another"]) == "another"
    frame = replication.curves([line], Stored(COHORT, lambda _: None))
    assert set(frame.loc[~frame["same_dense"], "id"]) == {made["another"].id}
    assert frame["same_dense"].sum() == 2 * 3


# --- the table --------------------------------------------------------------------------------------------------------


def metrics(accuracy: float, n: int = 1000) -> dict:
    """Metrics of a card, with intervals of two points on either side."""
    value = {"estimate": accuracy, "low": accuracy - 0.02, "high": accuracy + 0.02, "n": n, "method": "by hand"}
    return {"accuracy": value, "balanced_accuracy": value | {"estimate": accuracy - 0.1}}


def test_every_cell_of_the_paper_has_a_row_and_ours_stands_in_it():
    dense = entry("a/dense", epochs=24)
    one_shot = entry("a/one_shot-80", "one_shot", 0.8, parent=dense, metrics=metrics(0.89))
    second = entry("a/dense-1", seed=1, epochs=24)
    again = entry("a/one_shot-80-1", "one_shot", 0.8, parent=second, seed=1, metrics=metrics(0.86))
    table = replication.table([dense, one_shot, second, again])
    cells = table[["model", "dataset", "sparsity", "method", "paper"]].rename(columns={"paper": "accuracy"})
    pd.testing.assert_frame_equal(cells, paper.accuracy(), check_dtype=False)
    (row,) = table[table["id"].notna()].to_dict("records")
    assert (row["id"], row["study"], row["split_by"], row["epochs"], row["n"]) == (
        one_shot.id,
        STUDY,
        "lesion",
        8,
        1000,
    )
    assert row["paper"] == pytest.approx(0.8809)
    assert row["difference"] == pytest.approx(0.89 - 0.8809)
    assert row["inside"]
    assert (row["balanced_accuracy"], row["seeds"]) == (pytest.approx(0.79), 2)
    assert (row["seeds_low"], row["seeds_high"]) == (0.86, 0.89)
    assert row["marks"] == "".join(deviation.mark for deviation in paper.deviations(one_shot.card))


def test_sizes_and_splits_have_rows_of_their_own():
    made = []
    for tag, changes in (("", {}), ("-128", {"study": "ham10000-128/vgg16"}), ("-row", {"split_by": "row"})):
        dense = entry(f"a/dense{tag}", **changes)
        made += [dense, entry(f"a/i{tag}", "iterative", 0.8, parent=dense, metrics=metrics(0.7), **changes)]
    table = replication.table(made)
    rows = table[table["id"].notna()]
    assert list(rows["id"]) == ["a/i-128", "a/i", "a/i-row"]
    assert list(rows["split_by"]) == ["lesion", "lesion", "row"]
    assert len(table) == 24 + 2 * 6  # six cells of VGG16 on HAM10000, three networks each
    assert "L" in rows["marks"].iloc[0]
    assert "L" not in rows["marks"].iloc[2]


def test_cards_without_metrics_or_of_strange_studies_leave_a_gap():
    dense = entry("a/dense")
    bare = entry("a/iterative-80", "iterative", 0.8, parent=dense)
    strange = entry("b/dense", study="elsewhere-64/resnet18")
    table = replication.table([dense, bare, strange])
    (row,) = table[table["id"].notna()].to_dict("records")
    assert row["accuracy"] is None or np.isnan(row["accuracy"])
    assert np.isnan(row["seeds"])
    assert len(replication.table([])) == 24
    assert replication.table([])["study"].isna().all()


def test_marks_are_explained_once():
    dense = entry("a/dense")
    some = [entry(f"a/{name}", name, 0.8, parent=dense) for name in ("one_shot", "iterative")]
    told = replication.marks(some)
    assert set(told["mark"]) == set("SLFIHNERCM")
    assert not told.duplicated().any()
    assert sorted(told.loc[told["mark"] == "E", "paper"]) == ["10 epochs", "80 epochs"]
    assert replication.marks([]).empty


# --- curves, bars and learning ----------------------------------------------------------------------------------------


def test_trained_networks_without_answers_speak_through_their_cards():
    dense = entry("a/dense", metrics=metrics(0.9))
    one_shot = entry("a/one_shot-80", "one_shot", 0.8, parent=dense, metrics=metrics(0.8))
    control = entry("a/dense_trained_on", "dense_trained_on", parent=dense, metrics=metrics(0.91))
    shelf = invented.Shelf()
    shelf.put(one_shot, answers(COHORT.labels, np.arange(100) < 73))
    frame = replication.curves(lines(STUDY, [dense, one_shot, control]), Stored(COHORT, shelf.read))
    trained = frame[frame["trained"] & (frame["measure"] == "accuracy")].set_index("method")["estimate"]
    assert trained.to_dict() == {"dense": 0.9, "dense_trained_on": 0.91, "one_shot": 0.73}
    between = frame[~frame["trained"]]
    assert set(between["method"]) == {"one_shot"}
    assert list(between["sparsity"].unique()) == [0.8]


def test_a_damaged_response_is_as_if_there_were_none():
    def read(_):
        raise DataDamaged("This is no response")

    dense = entry("a/dense", metrics=metrics(0.9))
    stored = Stored(COHORT, read)
    assert stored.own(dense) is None
    assert stored.measure(dense, "accuracy") is None
    frame = replication.curves(lines(STUDY, [dense]), stored)
    assert list(frame["trained"]) == [True, True]


@pytest.fixture(scope="module")
def study(colours):
    """A tiny dense network, the layerwise method to 80% and the control, on drawn pictures, with answers."""
    changes = {"epochs": 2, "batch": 6, "augment": "none", "balance": 0.0}
    dense = recipes.dense("colours-32/vgg16", **changes)
    after = [recipes.pruned(dense, method, s, epochs=3) for method, s in (("layerwise", 0.8), ("dense", 0.0))]
    with registered():
        for recipe in (dense, *after):
            runs.run(recipe, data=colours)
        (line,) = lines(dense.study, checkpoints.list())
        test, train = (data.load("colours", split, size=32, root=colours) for split in ("test", "train"))
        responses.make(line.dense, test, train, percents=[0, 5, 12, 50])
        responses.make(line.at("layerwise", 0.8), test, train, percents=[80, 82, 90, 97])
    return line, Stored(Cohort.of(test), responses.read)


def test_curves_rise_from_checkpoints_in_steps(study):
    line, stored = study
    frame = replication.curves([line], stored)
    own = frame[(frame["measure"] == "balanced_accuracy") & ~frame["trained"]]
    steps = {method: list(rows["sparsity"]) for method, rows in own.groupby("method")}
    assert steps == {paths.PRUNE_ONLY: [0.0, 0.05, 0.5], "layerwise": [0.8, 0.9, 0.97]}  # steps of five, and both ends
    response, cohort = responses.read(line.dense), stored.cohort
    row = own[(own["method"] == paths.PRUNE_ONLY) & (own["sparsity"] == 0.5)].iloc[0]
    measured = evaluate(response.at(0.5, True), cohort.labels, cohort.class_names).metrics["balanced_accuracy"]
    assert (row["estimate"], row["low"], row["high"], row["n"]) == pytest.approx(
        (measured.estimate, measured.low, measured.high, measured.n)
    )
    control = frame[frame["method"] == "dense_trained_on"]
    assert list(control["trained"]) == [True, True]


def test_bars_are_the_last_epochs_of_the_steps(study):
    line, _ = study
    card = line.at("layerwise", 0.8).card
    frame = replication.bars(card)
    assert list(frame["source"]) == ["ours"] * 3, "the paper knows no such data set"
    assert list(frame["unit"]) == ["conv 1", "conv 2", "output"]
    ends = [[row for row in card.history if row["step"] == step][-1] for step in (1, 2, 3)]
    assert list(frame["accuracy"]) == [row["accuracy"] for row in ends]
    assert list(frame["sparsity"]) == [row["sparsity"] for row in ends]
    assert frame["sparsity"].iloc[-1] == pytest.approx(card.actual_sparsity)
    n = card.metrics["validation/accuracy"]["n"]
    _, low, high = wilson(ends[0]["accuracy"] * n, n)
    assert (frame["low"].iloc[0], frame["high"].iloc[0]) == pytest.approx((float(low), float(high)))


def test_bars_of_the_papers_studies_have_the_papers_beside_them():
    history = [{"step": 1, "last_layer": "features.0", "accuracy": 0.7, "sparsity": 0.01, "epoch": 1}]
    frame = replication.bars(entry("a/layerwise-80", "layerwise", 0.8, history=history).card)
    own, published = frame[frame["source"] == "ours"], frame[frame["source"] == "paper"]
    assert own["low"].isna().all(), "how many images is not recorded"
    assert list(published["accuracy"]) == list(paper.layerwise_progress("vgg16", "ham10000")["accuracy"])
    frame = replication.bars(entry("a/layerwise-50", "layerwise", 0.5, history=history).card)
    assert set(frame["source"]) == {"ours"}, "the paper tells of 80% only"


def test_learning_counts_epochs_on_over_steps(study):
    line, _ = study
    frame = replication.learning(line, 0.8)
    assert list(frame["method"].unique()) == ["dense", "dense_trained_on", "layerwise"]
    dense = frame[frame["method"] == "dense"]
    assert list(dense["epoch"]) == [1, 2]
    assert list(frame.loc[frame["method"] == "dense_trained_on", "epoch"]) == [2, 3, 4, 5]
    layerwise = frame[frame["method"] == "layerwise"]
    assert layerwise["epoch"].iloc[0] == 2
    assert layerwise["epoch"].iloc[-1] == pytest.approx(5)
    assert layerwise["epoch"].is_monotonic_increasing
    assert layerwise["accuracy"].iloc[0] == dense["accuracy"].iloc[-1], "all begin where the dense network ended"
    assert replication.learning(line, 0.5)["method"].nunique() == 2
