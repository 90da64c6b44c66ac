"""Files as people have them: under prefixes and other names, still pruned by torch, of another network; and what is said of them."""

import pytest
import torch
import torchvision
from torch import nn
from torch.nn.utils import prune

from core.checkpoints import explain_foreign, load_foreign
from core.errors import CheckpointMismatch
from core.models import build


def same(one, other) -> bool:
    mine, yours = one.state_dict(), other.state_dict()
    return mine.keys() == yours.keys() and all(torch.equal(mine[name], yours[name]) for name in mine)


def taken(path, value, architecture, classes):
    """The network in a file, once it is explained as fitting too."""
    torch.save(value, path)
    assert explain_foreign(path, architecture, classes).fits
    return load_foreign(path, architecture, classes)


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "_orig_mod.module.", "module._orig_mod.", "model.", "model._orig_mod.", "net.a."],
)
def test_a_prefix_before_all_names_is_taken_off(toy, tmp_path, prefix):
    model = toy()
    state = {prefix + name: tensor for name, tensor in model.state_dict().items()}
    assert same(model, taken(tmp_path / "x.pt", state, "toy", 3))


@pytest.mark.parametrize("key", ["net", "weights", "network", "my_net"])
def test_a_state_dict_lies_under_any_name(toy, tmp_path, key):
    model = toy()
    optimiser = torch.optim.Adam(model.parameters()).state_dict()
    value = {key: model.state_dict(), "optimizer": optimiser, "epoch": 3}
    assert same(model, taken(tmp_path / "x.pt", value, "toy", 3))


def test_data_parallel_around_a_part_of_the_network(tmp_path):
    model = build("vgg16", 7)
    state = {name.replace("features.", "features.module."): tensor for name, tensor in model.state_dict().items()}
    assert same(model, taken(tmp_path / "x.pt", state, "vgg16", 7))


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_what_torch_s_own_pruning_split_in_two_is_put_together(tmp_path, prefix):
    model = build("vgg16", 7)
    parts = [(layer, "weight") for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    prune.global_unstructured(parts, pruning_method=prune.L1Unstructured, amount=0.8)
    state = {prefix + name: tensor for name, tensor in model.state_dict().items()}
    loaded = taken(tmp_path / "x.pt", state, "vgg16", 7)
    for layer, _ in parts:
        prune.remove(layer, "weight")
    assert same(model, loaded)


def test_a_mask_that_is_none_or_of_another_size_is_not_multiplied(toy, tmp_path):
    state, path = dict(toy().state_dict()), tmp_path / "x.pt"
    whole = state.pop("5.weight")
    torch.save(state | {"5.weight_orig": whole, "5.weight_mask": torch.full_like(whole, 0.5)}, path)
    with pytest.raises(CheckpointMismatch, match=r"mask of 5\.weight is none"):
        load_foreign(path, "toy", 3)
    # Four terabytes that are one number, repeated by its strides.
    large = torch.zeros(1).expand(10**12)
    torch.save(state | {"5.weight_orig": large, "5.weight_mask": large}, path)
    assert explain_foreign(path, "toy", 3).missing == ("5.weight",)


def test_older_names_of_densenets(tmp_path):
    model = build("densenet169", 7)
    state = {
        name.replace("norm1", "norm.1")
        .replace("norm2", "norm.2")
        .replace("conv1", "conv.1")
        .replace("conv2", "conv.2"): t
        for name, t in model.state_dict().items()
    }
    assert "features.denseblock1.denselayer1.norm.1.weight" in state
    assert same(model, taken(tmp_path / "x.pt", state, "densenet169", 7))


@pytest.mark.parametrize("pruned", [False, True])
def test_the_last_layer_in_a_sequential_beside_a_dropout(tmp_path, pruned):
    model = build("densenet169", 7)
    last = model.classifier
    if pruned:
        prune.l1_unstructured(last, "weight", 0.5)
    model.classifier = nn.Sequential(nn.Dropout(0.3), last)
    loaded = taken(tmp_path / "x.pt", model.state_dict(), "densenet169", 7)
    assert torch.equal(loaded.classifier.weight, last.weight)
    # Of two linear layers nobody knows which is the last.
    model.classifier = nn.Sequential(nn.Linear(1664, 1664), nn.Linear(1664, 7))
    torch.save(model.state_dict(), tmp_path / "x.pt")
    assert not explain_foreign(tmp_path / "x.pt", "densenet169", 7).fits


@pytest.mark.parametrize("extra", [{"mean": 3, "std": 3}, {"criterion.weight": 7}, {"model_ema.features.0.weight": 2}])
def test_where_only_tensors_too_many_are_there_it_is_said_so(tmp_path, extra):
    path, state = tmp_path / "x.pt", {f"model.{name}": t for name, t in build("vgg16", 7).state_dict().items()}
    torch.save(state | {name: torch.zeros(count) for name, count in extra.items()}, path)
    with pytest.raises(CheckpointMismatch, match=rf"all else fits.* without '{next(iter(extra))}'.* save it without"):
        load_foreign(path, "vgg16", 7)
    found = explain_foreign(path, "vgg16", 7)
    assert (found.unexpected, found.missing, found.near, found.other) == (tuple(extra), (), True, None)


def test_two_networks_in_one_file_are_not_chosen_between(toy, tmp_path):
    one, two = toy(0).state_dict(), toy(1).state_dict()
    state = {f"student.{name}": t for name, t in one.items()} | {f"teacher.{name}": t for name, t in two.items()}
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(CheckpointMismatch, match="unexpected"):
        load_foreign(tmp_path / "x.pt", "toy", 3)


@pytest.mark.parametrize(("asked", "holds"), [("vgg16", "densenet169"), ("densenet169", "vgg16")])
def test_another_network_that_is_known_is_named(tmp_path, asked, holds):
    path = tmp_path / "x.pt"
    for classes in (7, 5):
        torch.save({f"module.{name}": t for name, t in build(holds, classes).state_dict().items()}, path)
        with pytest.raises(CheckpointMismatch, match=rf"the tensors of {holds}.*--architecture {holds}\)"):
            load_foreign(path, asked, 7)
        assert explain_foreign(path, asked, 7).other == holds


@pytest.mark.parametrize("network", ["resnet18", "vgg11", "vgg19_bn", "densenet121"])
@pytest.mark.parametrize("asked", ["vgg16", "densenet169"])
def test_a_network_that_is_not_known_is_said_to_be_none_of_them(tmp_path, asked, network):
    with torch.device("meta"):
        shapes = torchvision.models.get_model(network, num_classes=7).state_dict()
    # One number each, repeated by its strides: the file stays small.
    state = {name: torch.zeros((), dtype=tensor.dtype).expand(tensor.shape) for name, tensor in shapes.items()}
    torch.save(state, tmp_path / "x.pt")
    with pytest.raises(CheckpointMismatch, match=r"none of the networks that PruneScope knows.*other networks are not"):
        load_foreign(tmp_path / "x.pt", asked, 7)
    found = explain_foreign(tmp_path / "x.pt", asked, 7)
    assert (found.near, found.other) == (False, None)


@pytest.mark.parametrize("network", ["vgg16", "densenet169"])
def test_another_number_of_classes_is_said_to_be_that(tmp_path, network):
    torch.save(build(network, 5).state_dict(), tmp_path / "x.pt")
    with pytest.raises(CheckpointMismatch, match=r"its last layer has 5 outputs for 7 classes.*--trained-on"):
        load_foreign(tmp_path / "x.pt", network, 7)


def test_a_name_of_a_million_dots_takes_no_time(toy, tmp_path):
    torch.save(toy().state_dict() | {"." * 900_000: torch.zeros(1)}, tmp_path / "x.pt")
    assert not explain_foreign(tmp_path / "x.pt", "toy", 3).fits
