import copy
import hashlib
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InvalidValue
from core.models import prunable
from core.pruning import Masks

shapes = st.lists(st.lists(st.integers(1, 5), min_size=1, max_size=4), min_size=1, max_size=4)


def random_masks(shapes, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {f"layer{i}": torch.rand(shape, generator=generator) > 0.5 for i, shape in enumerate(shapes)}


def test_counts_by_hand():
    masks = Masks({"a": torch.tensor([[True, False], [False, False]]), "b": torch.tensor([True])})
    assert (masks.size, masks.zeros, masks.sparsity) == (5, 3, 0.6)
    frame = masks.per_layer()
    assert list(frame.columns) == ["layer", "weights", "zeros", "sparsity"]
    assert frame.to_numpy().tolist() == [["a", 4, 3, 0.75], ["b", 1, 0, 0.0]]


def test_per_layer_keeps_the_execution_order(net):
    assert list(Masks.dense(prunable(net)).per_layer()["layer"]) == ["conv1", "conv2", "classifier"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "empty"),
        ({"a": torch.ones(2)}, "not boolean"),
        ({"a": torch.ones(2, dtype=torch.uint8)}, "not boolean"),
        ({"a": np.ones(2, dtype=bool)}, "not a tensor"),
        ({"a": torch.ones(0, dtype=torch.bool)}, "empty"),
        ({1: torch.ones(2, dtype=torch.bool)}, "name"),
        ([torch.ones(2, dtype=torch.bool)], "mapping"),
        ({"a": torch.ones(2, dtype=torch.bool), "b": torch.ones(2, dtype=torch.bool, device="meta")}, "devices"),
        ({"a": torch.ones(2, dtype=torch.bool, device="meta")}, "meta device"),
        ({"a": torch.ones(2, dtype=torch.bool).to_sparse()}, "sparse_coo"),
    ],
)
def test_what_is_no_mask_is_refused(given, said):
    with pytest.raises(InvalidValue, match=said):
        Masks(given)


def test_immutable():
    source = {"a": torch.ones(3, dtype=torch.bool)}
    masks = Masks(source)
    before = masks.digest()
    source["a"][0] = False
    source["b"] = torch.ones(1, dtype=torch.bool)
    assert masks["a"].all()
    assert list(masks) == ["a"]
    assert Masks(masks).digest() == before
    with pytest.raises(TypeError):
        masks["a"] = source["a"]
    with pytest.raises(TypeError):
        del masks["a"]
    with pytest.raises(AttributeError):
        masks.zeros_of_everything = masks.sparsity = 0.5


@settings(deadline=None)
@given(shapes)
def test_pack_and_unpack(shapes):
    masks = Masks(random_masks(shapes))
    packed = masks.pack()
    assert all(bits.dtype == torch.uint8 for bits in packed.values())
    assert sum(bits.numel() for bits in packed.values()) == sum(-(-mask.numel() // 8) for mask in masks.values())
    again = Masks.unpack(packed, {name: mask.shape for name, mask in masks.items()})
    assert list(again) == list(masks)
    for name, mask in masks.items():
        assert torch.equal(again[name], mask)


def test_packing_puts_the_first_weight_into_the_highest_bit():
    masks = Masks({"a": torch.tensor([[True, False, True], [False, False, False], [False, False, True]])})
    assert masks.pack()["a"].tolist() == [0b10100000, 0b10000000]
    assert Masks.unpack({"a": np.array([160, 128], dtype=np.uint8)}, {"a": (3, 3)}) == masks


@pytest.mark.parametrize(
    ("packed", "said"),
    [
        ({"a": torch.zeros(1, dtype=torch.uint8)}, "does not fit"),
        ({"a": torch.zeros(3, dtype=torch.uint8)}, "does not fit"),
        ({"a": torch.zeros(2, dtype=torch.int16)}, "does not fit"),
        ({"a": torch.tensor([0, 1], dtype=torch.uint8)}, "beyond"),
        ({"b": torch.zeros(2, dtype=torch.uint8)}, "different layers"),
        ({}, "different layers"),
    ],
)
def test_damaged_packed_masks_are_refused(packed, said):
    with pytest.raises(InvalidValue, match=said):
        Masks.unpack(packed, {"a": (3, 3)})


def test_equal_by_content_in_any_order_and_so_are_digests():
    layers = random_masks([[2, 3], [4]])
    masks, reordered = Masks(layers), Masks(dict(reversed(layers.items())))
    assert masks == reordered
    assert masks.digest() == reordered.digest()
    assert len(masks.digest()) == len(hashlib.sha256().hexdigest())
    assert masks != layers


@pytest.mark.parametrize("change", ["bit", "shape", "name"])
def test_any_change_changes_equality_and_digest(change):
    layers = random_masks([[2, 3], [4]])
    masks = Masks(layers)
    if change == "bit":
        layers["layer1"][3] ^= True
    elif change == "shape":
        layers["layer0"] = layers["layer0"].view(3, 2)
    else:
        layers["layer2"] = layers.pop("layer1")
    assert Masks(layers) != masks
    assert Masks(layers).digest() != masks.digest()


def test_pickles_and_copies_are_equal_and_hold_each_weight_once():
    masks = Masks(random_masks([[1000], [1000], [1000], [1000]]))
    pickled = pickle.dumps(masks)
    assert pickle.loads(pickled) == masks == copy.deepcopy(masks)
    assert len(pickled) < 2 * masks.size


def test_intersection_keeps_what_both_keep():
    one, other = random_masks([[3, 4], [7]], seed=1), random_masks([[3, 4], [7]], seed=2)
    both = Masks(one) & Masks(other)
    for name in one:
        assert np.array_equal(both[name].numpy(), np.logical_and(one[name].numpy(), other[name].numpy()))
    with pytest.raises(InvalidValue):
        Masks(one) & Masks(random_masks([[3, 4], [8]]))
    with pytest.raises(TypeError):
        Masks(one) & one


def test_merge_overrides_the_layers_of_the_other():
    dense = Masks.dense({"a": torch.zeros(2, 2), "b": torch.zeros(3)})
    merged = dense.merge(Masks({"b": torch.tensor([True, False, True])}))
    assert list(merged) == ["a", "b"]
    assert merged["a"].all()
    assert merged["b"].tolist() == [True, False, True]
    assert dense.zeros == 0
    with pytest.raises(InvalidValue, match="no such layer as c"):
        dense.merge(Masks({"c": torch.tensor([True])}))
    with pytest.raises(InvalidValue, match="another shape in b"):
        dense.merge(Masks({"b": torch.tensor([True])}))


def test_from_zeros_sees_exact_zeros_only():
    masks = Masks.from_zeros({"a": torch.tensor([0.0, -0.0, 1e-45, float("nan"), -2.0])})
    assert masks["a"].tolist() == [False, False, True, True, True]


@pytest.mark.parametrize("weight", [torch.tensor([0, 3]), torch.tensor([True, False]), [0.0, 1.0]])
def test_from_zeros_names_what_is_no_weight(weight):
    with pytest.raises(InvalidValue):
        Masks.from_zeros({"a": weight})


def test_check_takes_weights_or_a_model(net):
    weights = prunable(net)
    Masks.dense(weights).check(net)
    Masks.dense(weights).check(weights)
    del weights["conv2"]
    with pytest.raises(InvalidValue, match="no mask for conv2"):
        Masks.dense(weights).check(net)
    with pytest.raises(InvalidValue, match="no such layer as x"):
        Masks.dense(prunable(net) | {"x": torch.ones(1)}).check(net)
    with pytest.raises(InvalidValue, match="another shape in conv1"):
        Masks.dense(prunable(net) | {"conv1": torch.ones(8, 3, 3, 2)}).check(net)


def test_channels_last_weights_give_masks_in_logical_order():
    weight = torch.arange(16.0).view(1, 4, 2, 2).to(memory_format=torch.channels_last)
    masks = Masks.from_zeros({"a": weight})
    assert masks["a"].flatten().tolist() == [False] + [True] * 15
    assert masks.pack()["a"].tolist() == [0b01111111, 0b11111111]


def test_any_mapping_of_boolean_tensors_is_as_good():
    masks = Masks(random_masks([[3, 2], [4]]))
    plain = dict(masks)
    assert Masks.of(masks) is masks
    assert Masks.of(plain) == masks
    dense = Masks.dense(plain)
    assert dense.merge({"layer1": plain["layer1"]}) == dense.merge(Masks({"layer1": plain["layer1"]}))
    with pytest.raises(InvalidValue, match="not boolean"):
        dense.merge({"layer1": torch.ones(4)})
