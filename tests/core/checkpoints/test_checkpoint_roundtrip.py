import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from core.checkpoints import Architecture, Card, DataInfo, export_state_dict, load, save
from core.errors import CheckpointMismatch, InvalidValue, UnknownName
from core.models import build, normalisation, prunable


def test_toy_comes_back_as_it_was(pruned, card, tmp_path):
    model, masks = pruned()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    saved = save(model, card(), masks=masks, root=tmp_path, dtype="float32")
    loaded = load(saved.id, root=tmp_path)
    assert saved.id == loaded.id == loaded.card.id == "phantom-6/toy/one_shot-50"
    assert saved.card == loaded.card
    assert loaded.path == tmp_path / "phantom-6/toy/one_shot-50.safetensors"
    assert loaded.size_bytes == loaded.path.stat().st_size
    for name, tensor in model.state_dict().items():
        assert torch.equal(before[name], tensor), "saving changed the model"
        assert torch.equal(tensor, loaded.state_dict()[name])
        assert tensor.dtype == loaded.state_dict()[name].dtype
    again = loaded.model()
    assert not again.training
    assert normalisation(again) == normalisation(model)
    image = torch.randn(2, 3, 6, 6)
    assert torch.equal(again(image), model(image))


def test_half_precision_rounds_weights_and_nothing_else(pruned, card, tmp_path):
    model, masks = pruned()
    loaded = load(save(model, card(), masks=masks, path=tmp_path / "x.safetensors").path)
    weights = {f"{layer}.weight" for layer in prunable(model)}
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor.half().float() if name in weights else tensor)
    for layer, mask in masks.items():
        assert torch.equal(loaded.masks[layer], mask)
        assert torch.equal(loaded.masks[layer], saved_zeros(loaded, layer))
    assert loaded.card.zeros == sum(int((~mask).sum()) for mask in masks.values())
    assert loaded.card.weights == sum(mask.numel() for mask in masks.values())


def saved_zeros(checkpoint, layer):
    return checkpoint.state_dict()[f"{layer}.weight"] != 0


@pytest.mark.parametrize("name", ["vgg16", "densenet169"])
def test_real_architectures(name, tmp_path):
    torch.manual_seed(0)
    model = build(name, 7)
    masks = {layer: torch.rand(weight.shape) < 0.2 for layer, weight in prunable(model).items()}
    for layer, weight in prunable(model).items():
        weight.mul_(masks[layer])
    data = DataInfo("ham10000", 64, tuple("abcdefg"))
    card = Card(
        study=f"ham10000-64/{name}", data=data, architecture=Architecture(name, 7), method="one_shot", sparsity=0.8
    )
    saved = save(model, card, masks=masks, root=tmp_path)
    random_state = torch.get_rng_state()
    loaded = load(saved.id, root=tmp_path)
    state = loaded.model().state_dict()
    assert torch.equal(random_state, torch.get_rng_state()), "loading drew random numbers"
    assert list(loaded.masks) == list(masks)
    assert all(torch.equal(loaded.masks[layer], masks[layer]) for layer in masks)
    weights = {f"{layer}.weight" for layer in masks}
    for key, tensor in model.state_dict().items():
        least = torch.finfo(torch.float16).smallest_normal / 1024
        half = torch.where((tensor != 0) & (tensor.half() == 0), tensor.sign() * least, tensor.half().float())
        assert torch.equal(state[key], half if key in weights else tensor), key
        if key in weights:
            assert torch.equal(state[key] != 0, tensor != 0), "as many zeros as masks and card count"
    assert loaded.card.actual_sparsity == pytest.approx(0.8, abs=0.001)
    assert loaded.size_bytes < 0.16 * sum(tensor.nbytes for tensor in model.state_dict().values())


def test_same_input_same_bytes(pruned, card, tmp_path):
    model, masks = pruned()
    one = save(model, card(), masks=masks, path=tmp_path / "a" / "x.safetensors")
    two = save(model, card(), masks=dict(reversed(masks.items())), path=tmp_path / "b" / "x.safetensors")
    assert one.path.read_bytes() == two.path.read_bytes()


def test_the_file_is_safetensors(saved):
    with safe_open(saved.path, "pt") as file:
        assert json.loads(file.metadata()["prunescope"])["study"] == "phantom-6/toy"
        assert {name: tuple(file.get_tensor(name).shape) for name in file.keys()} == {  # noqa: SIM118
            name: tuple(tensor.shape) for name, tensor in saved.stored.items()
        }
        assert all(torch.equal(file.get_tensor(name), tensor) for name, tensor in saved.stored.items())


def test_a_weight_that_underflows_stays_kept_and_a_kept_zero_too(toy, card, tmp_path):
    model = toy()
    weight = prunable(model)["0"]
    mask = torch.ones_like(weight, dtype=torch.bool)
    mask[0] = False
    weight[0] = 0.0
    weight[1, 0, 0, :2] = torch.tensor([1e-12, -1e-12])
    weight[2] = 0.0
    loaded = load(save(model, card(), masks={"0": mask}, root=tmp_path).path)
    assert torch.equal(loaded.masks["0"], mask)
    found = loaded.state_dict()["0.weight"]
    assert found[1, 0, 0, :2].tolist() == [2.0**-24, -(2.0**-24)], "the smallest number of half precision, and no zero"
    assert (found[2] == 0).all()
    assert loaded.masks["5"].all()
    assert loaded.card.zeros == int((~mask).sum())


def test_without_masks_zeros_are_pruned(toy, card, tmp_path):
    model = toy()
    weight = prunable(model)["0"]
    weight[1] = 0.0
    weight[2, 0, 0, 0] = 1e-12
    loaded = load(save(model, card(), root=tmp_path).path)
    assert torch.equal(loaded.masks["0"], weight != 0)
    assert loaded.masks["0"][2, 0, 0, 0]


@pytest.mark.parametrize("kept", [0, 1])
def test_a_layer_of_zeros_or_of_one_weight(toy, card, tmp_path, kept):
    model = toy()
    weight = prunable(model)["5"]
    weight[:] = 0
    weight.view(-1)[:kept] = 1.5
    loaded = load(save(model, card(), root=tmp_path).path)
    assert torch.equal(loaded.state_dict()["5.weight"], weight)


def test_dense_and_channels_last(toy, card, tmp_path):
    model = toy().to(memory_format=torch.channels_last)
    loaded = load(save(model, card(method="dense", sparsity=0.0), root=tmp_path, dtype="float32").id, root=tmp_path)
    assert loaded.id == "phantom-6/toy/dense"
    assert torch.equal(loaded.state_dict()["0.weight"], model.state_dict()["0.weight"])
    assert all(mask.all() for mask in loaded.masks.values())


def test_what_is_loaded_may_be_changed_and_trained(saved):
    with torch.inference_mode():
        loaded = load(saved.path)
    first = loaded.state_dict()
    for tensor in first.values():
        tensor.zero_()
    with torch.inference_mode():
        model = loaded.model()
    model.train()(torch.randn(4, 3, 6, 6)).sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert all(torch.equal(loaded.state_dict()[name], saved.state_dict()[name]) for name in first)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_model_may_be_trained_on_after_it_was_saved(pruned, card, tmp_path, dtype):
    model, masks = pruned()
    saved = save(model, card(), masks=masks, root=tmp_path, dtype=dtype)
    for tensor in (*model.state_dict().values(), *masks.values()):
        tensor.zero_()
    loaded = load(saved.id, root=tmp_path)
    assert all(torch.equal(tensor, saved.state_dict()[name]) for name, tensor in loaded.state_dict().items())
    assert all(torch.equal(mask, saved.masks[layer]) for layer, mask in loaded.masks.items())


def test_what_half_precision_cannot_hold_is_kept_in_single_unless_half_is_asked_for(toy, card, tmp_path):
    model = toy()
    prunable(model)["5"][0, 0] = 70000.0
    with pytest.raises(InvalidValue, match=r"5\.weight.*70000.*dtype='float32'"):
        save(model, card(), root=tmp_path, dtype="float16")
    for dtype in (None, "float32"):
        loaded = load(save(model, card(), root=tmp_path, dtype=dtype).path)
        assert torch.equal(loaded.state_dict()["5.weight"], model.state_dict()["5.weight"])
    prunable(model)["5"][0, 0] = 65504.0
    assert save(model, card(), root=tmp_path).stored["5.weight"].dtype == torch.float16


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["0.weight", "1.running_var", "5.bias"])
def test_no_nan_is_saved(toy, card, tmp_path, name, value):
    model = toy()
    model.state_dict()[name].view(-1)[-1] = value
    with pytest.raises(InvalidValue, match="NaN or infinity"):
        save(model, card(), root=tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_wrong_arguments(toy, card, tmp_path):
    model = toy()
    with pytest.raises(UnknownName, match="prunable layer"):
        save(model, card(), masks={"9": torch.ones(1, dtype=torch.bool)}, root=tmp_path)
    with pytest.raises(InvalidValue, match="does not fit its weight"):
        save(model, card(), masks={"5": torch.ones(1, dtype=torch.bool)}, root=tmp_path)
    with pytest.raises(InvalidValue, match="does not fit its weight"):
        save(model, card(), masks={"5": torch.ones(3, 4)}, root=tmp_path)
    with pytest.raises(InvalidValue, match="not zero"):
        save(model, card(), masks={"5": torch.zeros(3, 4, dtype=torch.bool)}, root=tmp_path)
    with pytest.raises(UnknownName, match="float16"):
        save(model, card(), root=tmp_path, dtype="float8")
    with pytest.raises(InvalidValue, match=r"\.safetensors"):
        save(model, card(), path=tmp_path / "x.pt")
    with pytest.raises(CheckpointMismatch, match="of another shape"):
        save(toy(classes=4), card(), root=tmp_path)
    del model.mean
    with pytest.raises(InvalidValue, match="set_normalisation"):
        save(model, card(), root=tmp_path)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_metrics_can_be_added_later(saved, tmp_path):
    model = load(saved.path).model()
    card = replace(saved.card, metrics={"auc": {"estimate": 0.5}})
    again = save(model, card, masks=saved.masks, root=tmp_path)
    assert again.path == saved.path
    assert again.card.digest != saved.card.digest
    assert load(saved.id, root=tmp_path).card.metrics == {"auc": {"estimate": 0.5}}


def test_export_needs_only_torch_and_safetensors(saved, tmp_path):
    path = export_state_dict(saved, tmp_path / "plain" / "weights.safetensors")
    script = (
        "import sys, torch; from safetensors.torch import load_file; state = load_file(sys.argv[1])\n"
        "print({name: [str(t.dtype), list(t.shape), float(t.double().sum())] for name, t in sorted(state.items())})\n"
        "assert 'core' not in sys.modules"
    )
    run = subprocess.run(
        [sys.executable, "-I", "-c", script, path], capture_output=True, text=True, cwd=Path("/"), check=True
    )
    expected = {
        name: [str(tensor.dtype), list(tensor.shape), float(tensor.double().sum())]
        for name, tensor in sorted(saved.state_dict().items())
    }
    assert run.stdout.strip() == str(expected)
    with safe_open(path, "pt") as file:
        assert json.loads(file.metadata()["mean"]) == list(saved.card.mean)
