"""``python -m core bring`` on the tiny network."""

import json

import pytest
import torch
from safetensors.torch import save_file

from core import checkpoints
from core.models import build
from tests.core.own import hostile

pytestmark = pytest.mark.usefixtures("tiny")


def test_images_are_brought_listed_and_deleted(call, tmp_path):
    path = hostile.good(tmp_path / "Moles.zip", 30)
    code, output, _ = call("bring", "images", path, "--quiet")
    assert code == 0
    assert "Data set  moles" in output
    assert [line.split()[-1] for line in output.splitlines() if line.startswith(("blue", "red"))] == ["30", "30"]
    found = json.loads(call("bring", "list", "--json")[1])
    assert [(one["name"], one["kind"], one["origin"]) for one in found] == [("moles", "images", "Moles.zip")]
    assert call("bring", "delete", "moles")[0] == 0
    assert json.loads(call("bring", "list", "--json")[1]) == []
    code, _, errors = call("bring", "delete", "moles")
    assert code == 1
    assert "nothing of your own" in errors


def test_images_with_a_list_are_brought_with_their_groups_counted(call, tmp_path):
    rows = [f"{number},{('red', 'blue')[number % 2]},P{number}" for number in range(24)]
    path = hostile.listed("image,label,patient", *rows)(tmp_path / "Moles.zip")
    code, output, errors = call("bring", "images", path)
    assert code == 0
    assert [line.split()[-1] for line in output.splitlines() if line.startswith(("class", "blue", "red"))] == [
        "groups",
        "12",
        "12",
    ]
    assert "Sorted by the list labels.csv: classes by its column label; images of one patient stay together" in errors
    described = call("data", "moles")[1]
    assert [line.split()[-1] for line in described.splitlines() if line.startswith(("class", "blue", "all"))] == [
        "groups",
        "12",
        "24",
    ]
    assert "group" in described.partition("Split by")[2].splitlines()[0]


def test_weights_are_brought_and_measured(call, tmp_path):
    torch.manual_seed(0)
    state = {name: tensor for name, tensor in build("vgg16", 3).state_dict().items() if name not in ("mean", "std")}
    save_file(state, tmp_path / "x.safetensors")
    how = ["--name", "mine", "--trained-on", "colours", "--size", 32, "--mean", "0.4,0.4,0.4", "--std", "0.2,0.2,0.2"]
    code, output, _ = call("bring", "weights", tmp_path / "x.safetensors", *how, "--measure")
    assert code == 0
    assert "mine-32/vgg16/dense" in output
    card = checkpoints.load("mine-32/vgg16/dense").card
    assert card.metrics["accuracy"]["n"] == 18
    assert card.mean == pytest.approx((0.4, 0.4, 0.4))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["bring"], 2, "WHAT"),
        (["bring", "images"], 2, "needs a file"),
        (["bring", "everything", "x"], 2, "everything"),
        (["bring", "images", "nowhere.zip"], 1, "nowhere.zip"),
        (["bring", "weights", "nowhere.pt", "--trained-on", "colours"], 1, "nowhere.pt"),
        (["bring", "weights", "nowhere.pt", "--mean", "a,b"], 1, "not numbers"),
    ],
)
def test_what_makes_no_sense_is_said(words, code, said, call):
    got, _, errors = call(*words)
    assert got == code, errors
    assert said in errors
    assert "Traceback" not in errors
