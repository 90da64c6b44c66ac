"""Lines: a dense network and what came from it."""

from core import paths, replication
from core.checkpoints import write_card
from core.replication import Stored, lines
from tests.core import invented
from tests.core.invented import STUDY, entry
from tests.core.replication.conftest import metrics

COHORT = invented.cohort(50)


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
