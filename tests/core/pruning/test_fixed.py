import numpy as np
import pytest
import torch
from torch.nn.utils import prune

from core.errors import InvalidSparsity, InvalidValue
from core.pruning import Masks, magnitude
from core.pruning.fixed import as_text, from_text, with_fixed

SHAPES = {"conv1": (8, 3, 3, 3), "conv2": (16, 8, 3, 3), "conv3": (16, 16, 3, 3), "head": (5, 16)}
UNITS = [["conv1"], ["conv2", "conv3"], ["head"]]


@pytest.fixture
def weights():
    torch.manual_seed(0)
    return {name: torch.randn(shape) for name, shape in SHAPES.items()}


def test_a_unit_set_by_hand_is_pruned_as_torch_prunes_it_and_the_others_stay(weights):
    whole = magnitude(weights, 0.6)
    masks = with_fixed(whole, weights, UNITS, {1: 90})
    for name in ("conv1", "head"):
        assert torch.equal(masks[name], whole[name])
    joined = torch.cat([weights[name].flatten() for name in UNITS[1]])
    layer = torch.nn.Linear(len(joined), 1, bias=False)
    layer.weight.data = joined[None]
    prune.l1_unstructured(layer, "weight", amount=round(0.9 * len(joined)))
    assert torch.equal(torch.cat([masks[name].flatten() for name in UNITS[1]]), layer.weight_mask[0].bool())
    assert masks.zeros == sum(int((~masks[name]).sum()) for name in SHAPES)


def test_nothing_fixed_is_nothing_changed(weights):
    whole = magnitude(weights, 0.6)
    assert with_fixed(whole, weights, UNITS, {}) == whole


def test_the_share_that_a_unit_has_anyway_changes_nothing(weights):
    """One layer of the global solution is that layer pruned by itself, as the order within it is the same."""
    whole = magnitude({name: weights[name] for name in ("conv2", "conv3")}, 0.5)
    units = [["conv2", "conv3"]]
    assert with_fixed(whole, {name: weights[name] for name in whole}, units, {0: 50}) == whole


def test_what_a_checkpoint_pruned_stays_pruned(weights):
    kept = magnitude(weights, 0.5)
    for percent in (0, 30, 70):
        masks = with_fixed(magnitude(weights, 0.6), weights, UNITS, {0: percent, 2: percent}, kept=kept)
        for number in (0, 2):
            (name,) = UNITS[number]
            assert not (masks[name] & ~kept[name]).any()
            size = masks[name].numel()
            zeros = max(round(percent / 100 * size), int((~kept[name]).sum()))
            assert int((~masks[name]).sum()) == zeros


def test_what_cannot_be_fixed_is_named(weights):
    whole = Masks.dense(weights)
    with pytest.raises(InvalidValue, match="no such unit"):
        with_fixed(whole, weights, UNITS, {3: 50})
    with pytest.raises(InvalidSparsity):
        with_fixed(whole, weights, UNITS, {0: 100})
    for fixed in ({"a": 1}, {0: "x"}, {0: None}, {0.5: 10}, {0: 50.5}, {True: 5}, [1], 7):
        with pytest.raises(InvalidValue):  # InvalidSparsity is one, too
            with_fixed(whole, weights, UNITS, fixed)


def test_layers_go_through_an_address_and_back():
    random = np.random.default_rng(0)
    for _ in range(50):
        fixed = {int(k): int(p) for k, p in zip(random.permutation(20)[:5], random.integers(0, 100, 5), strict=True)}
        assert from_text(as_text(fixed), 20) == fixed
    assert as_text({7: 92, 3: 50}) == "3-50_7-92"
    assert as_text({}) == ""


@pytest.mark.parametrize(
    "text", ["", "nonsense", "1-", "-5", "1-100", "9-50", "1-50-3", "1.5-20", "<script>", "1-5" * 5000]
)
def test_nonsense_in_an_address_fixes_nothing(text):
    assert from_text(text, 3) == {}


def test_what_can_be_read_of_an_address_counts():
    assert from_text("0-10_x_2-99_7-1", 3) == {0: 10, 2: 99}


def test_masks_may_be_any_mapping(weights):
    units = [[name] for name in weights]
    masks = magnitude(weights, 0.5)
    plain = with_fixed(dict(masks), weights, units, {0: 80}, kept=dict(masks))
    assert plain == with_fixed(masks, weights, units, {0: 80}, kept=masks)
