import pytest
import torch

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


def test_a_single_number_is_a_weight_and_what_comes_is_fresh():
    weight = torch.tensor(-2.0)
    assert zeroed(weight, torch.tensor(False)).item() == 0
    kept = zeroed(weight, torch.tensor(True))
    kept.fill_(7)
    assert weight.item() == -2
