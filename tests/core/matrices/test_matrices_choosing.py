"""Which networks are compared with each other, and on which images."""

import dataclasses

import numpy as np
import pytest

from core import checkpoints, matrices, paths, recipes, replication, runs
from core.errors import InvalidValue
from core.matrices import ALL, OTHERS, WATCHED_ONLY, positions
from core.models import prunable
from core.similarity import cka_matrix
from core.whatif import Subject
from tests.core.matrices.conftest import CHANGES, STUDY, kept, line, make, pruned_to
from tests.core.tiny import image_set


def test_samples_are_the_same_each_time_and_a_small_one_is_part_of_a_large_one(monkeypatch):
    monkeypatch.setattr(positions, "WATCHED", "red")
    test = image_set(20, split="test")
    whole, few = matrices.samples(test, 60), matrices.samples(test, 25)
    assert {name: len(rows) for name, rows in whole.items()} == {ALL: 60, WATCHED_ONLY: 20, OTHERS: 40}
    assert len(few[ALL]) == 25
    np.testing.assert_array_equal(few[ALL], whole[ALL][:25])
    np.testing.assert_array_equal(few[WATCHED_ONLY], whole[WATCHED_ONLY])  # all red ones, for they are fewer than 25
    assert set(test.labels[whole[WATCHED_ONLY]]) == {2}
    assert set(test.labels[few[OTHERS]]) == {0, 1}
    assert set(few[OTHERS]) < set(few[ALL])
    monkeypatch.setattr(positions, "WATCHED", "mel")
    assert list(matrices.samples(test)) == [ALL]


def test_samples_too_small_to_compare_on_are_left_out_and_too_few_images_named(monkeypatch):
    monkeypatch.setattr(positions, "WATCHED", "red")
    test = image_set(20, split="test")
    rare = test.take([*np.flatnonzero(test.labels != 2)[:9], *np.flatnonzero(test.labels == 2)[:3]])
    assert {name: len(rows) for name, rows in matrices.samples(rare).items()} == {ALL: 12, OTHERS: 9}
    assert list(matrices.samples(rare, without={OTHERS: range(6)})) == [ALL]
    with pytest.raises(InvalidValue, match=r"too few images to compare on.*3 images"):
        matrices.samples(test.take([0, 1, 2]))


def compared(sparsity=None, usable=lambda _: True) -> dict[str, float]:
    return {name: entry.card.sparsity for name, entry in matrices.chosen(line(), sparsity, usable).items()}


def test_networks_are_compared_at_the_papers_sparsity_and_at_all_that_several_methods_have(study):
    three = {"dense": 0.0, "one_shot": 0.8, "layerwise": 0.8, "iterative": 0.8}
    assert compared() == three
    pruned_to(study, 0.5, "one_shot")
    assert matrices.sparsities(line()) == [0.8]
    assert compared() == three
    pruned_to(study, 0.5, "layerwise", "iterative")
    assert matrices.sparsities(line()) == [0.5, 0.8]
    assert compared(0.5) == {"dense": 0.0, "one_shot": 0.5, "layerwise": 0.5, "iterative": 0.5}

    # A network that is damaged, or of which only results are here, does not take the others to another sparsity.
    def is_here(entry) -> bool:
        return not entry.id.endswith("iterative-80")

    assert matrices.sparsities(line(), is_here) == [0.5, 0.8]
    assert compared(None, is_here) == {"dense": 0.0, "one_shot": 0.8, "layerwise": 0.8}
    assert compared(None, lambda entry: entry.id.endswith("one_shot-50")) == {"dense": 0.0, "one_shot": 0.5}
    assert compared(None, lambda _: False) == {"dense": 0.0}


def test_what_another_training_of_the_dense_network_gave_is_not_compared_with_this_one(study):
    entry = matrices.chosen(line())["iterative"]
    checkpoints.write_card(entry.path, dataclasses.replace(entry.card, parent_digest="another"), entry.size_bytes)
    entry.path.unlink()
    assert list(compared()) == ["dense", "one_shot", "layerwise"]


def test_networks_of_other_sparsities_are_compared_with_each_other_too(study, sets):
    pruned_to(study, 0.5, "one_shot", "iterative")
    known = make(study, sets)
    test = sets[0].take(matrices.samples(sets[0])[ALL])
    for sparsity in (0.5, 0.8):
        chosen = matrices.chosen(line(), sparsity)
        a, b = chosen["one_shot"], chosen["iterative"]
        expected = cka_matrix(*(checkpoints.load(entry.path).model() for entry in (a, b)), test)
        found = known.matrix(matrices.position(a), matrices.position(b))
        np.testing.assert_allclose(found.values, expected.values, atol=2e-4)
        assert found.mean_twins().low is not None


def test_two_dense_networks_of_different_seeds_are_compared(study, sets):
    runs.run(recipes.dense(STUDY, seed=1, **CHANGES))
    family = replication.lines(STUDY, checkpoints.list())
    assert [line.seed for line in family] == [0, 1]
    known = make(study, sets)
    matrix = known.matrix(*(matrices.position(line.dense) for line in family))
    test = sets[0].take(matrices.samples(sets[0])[ALL])
    models = [checkpoints.load(line.dense.path).model() for line in family]
    np.testing.assert_allclose(matrix.values, cka_matrix(*models, test).values, atol=2e-4)
    assert matrix.mean_twins().low is not None


def test_a_network_between_two_steps_of_the_slider_is_not_taken_for_the_step(study, sets):
    """87.5% rounds to 88, which is that network pruned on by half a percent."""
    pruned_to(study, 0.875, "one_shot", "iterative")
    path = paths.of(STUDY)["one_shot"]
    own, step = matrices.position(path.entries[-1]), matrices.on_path(path, 88, False)
    assert (own.percent, step.percent, own.network) == (87.5, 88, step.network)
    assert matrices.on_path(path, 87.5, True) == own
    assert [percent for percent in matrices.points(path) if percent > 86][:3] == [87, 87.5, 88]
    subject, calibration = Subject(checkpoints.load(own.network)), sets[1].images[:8]
    for place in (own, step):
        model = matrices.network(subject, place, calibration)
        zeros = sum(int((weight == 0).sum()) for weight in prunable(model).values())
        assert zeros == round(place.percent / 100 * subject.card.weights)
    found = matrices.make(paths.of(STUDY), checkpoints.list(), *sets, percents=(0, 88))
    dense = matrices.position(path.dense)
    twins = [found.twins(dense, place)["cka"].to_numpy() for place in (own, step)]
    assert not np.array_equal(*twins)
    again = kept(study)
    for place, values in zip((own, step), twins, strict=True):
        np.testing.assert_allclose(again.twins(dense, place)["cka"], values, atol=1e-4)
