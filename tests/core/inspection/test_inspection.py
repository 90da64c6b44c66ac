import numpy as np
import pytest
import torch
from sklearn.metrics import jaccard_score

from core import inspection
from core.errors import InvalidValue
from core.models import prunable
from core.pruning import Masks, channel_states, magnitude
from tests.core.tiny import Tiny


def lots(seed, *shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def weight():
    return torch.randn(20, 30, generator=torch.Generator().manual_seed(0))


def test_every_weight_is_in_one_bin_of_one_colour(weight):
    keep = weight.abs() > 0.8
    frame = inspection.histogram(weight, keep)
    assert frame["kept"].sum() == keep.sum()
    assert frame["removed"].sum() == (~keep).sum()
    middle = (frame["low"] + frame["high"]) / 2
    assert middle[len(frame) // 2] == pytest.approx(0, abs=1e-12)
    assert (frame["removed"] * (middle.abs() > 0.85)).sum() == 0
    reach = np.quantile(weight.abs(), 0.999)
    assert frame["high"].iloc[-1] == pytest.approx(reach)
    inner = frame.iloc[1:-1]
    for row in inner.sample(9, random_state=1).itertuples():
        inside = (weight >= row.low) & (weight < row.high)
        assert row.kept + row.removed == inside.sum()


def test_zeros_of_before_are_not_counted_and_a_layer_of_zeros_has_a_histogram(weight):
    weight[:5] = 0
    frame = inspection.histogram(weight, torch.ones_like(weight, dtype=torch.bool))
    assert frame["kept"].sum() == 450
    assert inspection.histogram(torch.zeros(3), torch.zeros(3).bool())[["kept", "removed"]].sum().sum() == 0


def test_shapes_and_bins_that_do_not_fit_are_refused(weight):
    with pytest.raises(InvalidValue, match="histogram"):
        inspection.histogram(weight, torch.ones(3).bool())
    with pytest.raises(InvalidValue, match="odd"):
        inspection.histogram(weight, torch.ones_like(weight).bool(), bins=10)


def test_the_cutoff_is_found_where_there_is_one(weight):
    masks = magnitude({"a": weight, "last": weight[:1]}, 0.7)
    found = inspection.cutoff(weight, masks["a"])
    assert ((weight.abs() <= found) == ~masks["a"]).all()
    swapped = masks["a"].clone()
    swapped[tuple((weight.abs() == weight.abs().max()).nonzero()[0])] = False
    assert inspection.cutoff(weight, swapped) is None
    for whole in (torch.ones_like(swapped), torch.zeros_like(swapped)):
        assert inspection.cutoff(weight, whole) is None


def test_filters_are_as_strong_as_what_is_left_of_them():
    torch.manual_seed(1)
    model = Tiny(3).eval()
    masks = dict(magnitude(prunable(model), 0.5))
    masks["features.0"][2] = False
    masks = Masks(masks)
    states = channel_states(model, masks)
    frame = inspection.filters(model.features[0].weight, masks["features.0"], states["features.0"])
    for row in frame.itertuples():
        left = (model.features[0].weight * masks["features.0"])[row.channel].detach().numpy()
        assert row.norm == pytest.approx(np.linalg.norm(left.ravel()), rel=1e-6)
        assert row.kept == np.count_nonzero(left)
        assert row.sparsity == pytest.approx(1 - row.kept / 27)
    assert frame["state"].tolist().count("constant") == 1
    tally = inspection.tally(states)
    assert tally["channels"].tolist() == [8, 16, 3]
    assert (tally[["alive", "constant", "unread"]].sum(axis=1) == tally["channels"]).all()
    with pytest.raises(InvalidValue, match="different layers"):
        inspection.filters(model.features[0].weight, masks["features.4"], states["features.0"])


def test_layers_stand_side_by_side_by_their_share_of_the_weights():
    masks = Masks({"a": lots(0, 4, 5) > 0.5, "b": lots(1, 60) > 0.25, "c": lots(2, 20) > 2})
    frame = inspection.spread(masks)
    assert frame["share"].tolist() == [0.2, 0.6, 0.2]
    np.testing.assert_allclose(frame["start"], [0, 0.2, 0.8])
    np.testing.assert_allclose(frame["stop"], [0.2, 0.8, 1.0])
    assert frame["sparsity"].iloc[2] == 1.0
    assert (frame["share"] * frame["sparsity"]).sum() == pytest.approx(masks.sparsity)


def test_overlap_counts_every_weight_once_and_agrees_with_scikit_learn():
    one = Masks({"a": lots(0, 40, 50) > 0.6, "b": lots(1, 3000) > 0.9})
    two = Masks({"a": lots(2, 40, 50) > 0.3, "b": (lots(1, 3000) + 0.2 * lots(3, 3000)) > 1.0})
    frame = inspection.overlap(one, two)
    assert (frame[["both", "only_first", "only_second", "neither"]].sum(axis=1) == frame["weights"]).all()
    for row, layer in zip(frame.itertuples(), one, strict=True):
        first, second = (~masks[layer].flatten().numpy() for masks in (one, two))
        assert row.both == (first & second).sum()
        assert row.both + row.only_first == first.sum()
        assert row.both + row.only_second == second.sum()
        assert row.by_chance == pytest.approx(first.mean() * second.mean() * len(first))
    total = inspection.total(frame)
    flat = [np.concatenate([~mask.flatten().numpy() for mask in masks.values()]) for masks in (one, two)]
    assert total["shared"] == pytest.approx(jaccard_score(*flat))
    assert total["shared"] > total["shared_by_chance"]


def test_chance_is_what_shuffled_masks_show():
    one, two = lots(0, 20000) > 0.6, lots(1, 20000) > 0.5
    frame = inspection.overlap(Masks({"a": one}), Masks({"a": two}))
    generator = np.random.default_rng(0)
    shuffled = [(~one.numpy()[generator.permutation(20000)] & ~two.numpy()).sum() for _ in range(20)]
    assert frame["by_chance"][0] == pytest.approx(np.mean(shuffled), rel=0.01)


def test_parts_count_what_their_layers_count():
    names = ("a", "b", "c")
    one, two = (Masks({name: lots(seed + number, 500) > 0.5 for number, name in enumerate(names)}) for seed in (0, 9))
    frame = inspection.overlap(one, two).set_index("layer")
    parts = inspection.grouped(frame.reset_index(), {"first": ("a", "c"), "last": ("b",)}).set_index("layer")
    assert list(parts.index) == ["first", "last"]
    assert (parts.loc["first"] == frame.loc["a"] + frame.loc["c"]).all()
    assert (parts.loc["last"] == frame.loc["b"]).all()


def test_equal_masks_share_all_and_masks_without_zeros_share_nothing_that_has_a_name():
    masks = Masks({"a": lots(0, 100) > 0.5})
    assert inspection.total(inspection.overlap(masks, masks))["shared"] == 1.0
    whole = Masks.dense({"a": lots(0, 100)})
    assert np.isnan(inspection.total(inspection.overlap(whole, whole))["shared"])
