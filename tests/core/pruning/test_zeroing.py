import pytest
import torch

from core.errors import InvalidValue
from core.models import prunable
from core.pruning import Masks, magnitude, masked
from core.pruning.zeroing import zeroed


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_zeros_are_positive_and_the_rest_keeps_its_bits(dtype):
    nan, inf, tiny = float("nan"), float("inf"), 1e-40
    weight = torch.tensor([[-1.5, nan, -inf], [tiny, -0.0, -3.0]], dtype=dtype)
    keep = torch.tensor([[False, False, False], [True, True, True]])
    out = zeroed(weight, keep)
    assert out.dtype == dtype
    assert out[0].tolist() == [0.0, 0.0, 0.0]
    assert not torch.signbit(out[0]).any()
    bits = {2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize]
    assert torch.equal(out[1].view(bits), weight[1].view(bits))
    assert torch.equal(zeroed(weight, ~keep)[0].view(bits), weight[0].view(bits))


def test_strides_do_not_matter():
    weight = torch.randn(4, 3, 2, 2).to(memory_format=torch.channels_last)
    keep = torch.rand(4, 3, 2, 2) > 0.5
    assert torch.equal(zeroed(weight, keep), weight * keep)
    assert torch.equal(zeroed(weight.transpose(0, 1), keep.transpose(0, 1)), (weight * keep).transpose(0, 1))


def test_masked_weights_are_fresh(net):
    weights = {name: weight.bfloat16() for name, weight in prunable(net).items()}
    before = {name: weight.clone() for name, weight in weights.items()}
    masks = magnitude(prunable(net), 0.6)
    pruned = masked(weights, masks)
    for name, weight in pruned.items():
        assert weight.dtype == torch.bfloat16
        assert torch.equal(weight, before[name] * masks[name])
        weight.fill_(7)
    assert all(torch.equal(weight, before[name]) for name, weight in weights.items())


def test_masks_of_other_weights_are_refused(net):
    with pytest.raises(InvalidValue, match="no mask for"):
        masked(prunable(net), Masks({"conv1": torch.ones(8, 3, 3, 3, dtype=torch.bool)}))


def test_any_mapping_is_taken_for_masks_and_a_single_number_for_a_weight(net):
    weights = prunable(net)
    masks = magnitude(weights, 0.6)
    for name, weight in masked(weights, dict(masks)).items():
        assert torch.equal(weight, masked(weights, masks)[name])
    one = {"a": torch.tensor(-2.0)}
    assert masked(one, {"a": torch.tensor(False)})["a"].item() == 0
    assert masked(one, {"a": torch.tensor(True)})["a"].item() == -2
