import pytest
import torch

from core import device
from core.errors import InvalidValue, UnknownName


def test_the_named_device_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DEVICE", "nonsense")
    assert device.pick("cpu") == torch.device("cpu")
    with pytest.raises(InvalidValue, match="nonsense"):
        device.pick()


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "meta", "", 3.5])
def test_devices_that_cannot_compute_are_named(name, monkeypatch):
    if name == "":
        monkeypatch.setenv("PRUNESCOPE_DEVICE", "")
        assert device.pick(name).type in ("cpu", "cuda")  # empty means: choose
        return
    with pytest.raises(InvalidValue, match="cannot compute there"):
        device.pick(name)


def test_auto_is_half_precision_only_where_it_is_fast(monkeypatch):
    monkeypatch.setattr(device, "bfloat16_is_fast", lambda kind: False)
    assert device.precision("auto", "cpu") == torch.float32
    monkeypatch.setattr(device, "bfloat16_is_fast", lambda kind: True)
    assert device.precision("auto", "cpu") == torch.bfloat16
    assert device.precision("float32", "cpu") == torch.float32
    with pytest.raises(UnknownName, match="did you mean float32"):
        device.precision("float23")


def test_autocast_computes_in_the_precision_asked_for():
    a = torch.ones(2, 2)
    with device.autocast(torch.device("cpu"), torch.bfloat16):
        assert (a @ a).dtype == torch.bfloat16
    with device.autocast(torch.device("cpu"), torch.float32):
        assert (a @ a).dtype == torch.float32


def test_the_device_in_words():
    words = device.describe("cpu")
    assert words.startswith(f"CPU, {torch.get_num_threads()} thread")
    assert words.endswith(("float32", "bfloat16"))
