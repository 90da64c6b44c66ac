"""Weights that were pruned before they were brought, that half precision cannot hold, and what is said of them and of slips."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.utils import prune

from core import checkpoints, cli, evaluation, jobs, own, paths, responses
from core.data import load
from core.errors import DataNotFound, InvalidValue
from core.models import build, prunable
from core.own import pruned
from core.own.weights import listed
from tests.core.tiny import CLASSES

pytestmark = pytest.mark.usefixtures("tiny")

ANNA = jobs.owner_of("anna")
HOW = {"trained_on": "colours", "size": 32, "architecture": "vgg16"}


@pytest.fixture(autouse=True)
def _data(colours, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))


@pytest.fixture
def model():
    torch.manual_seed(3)
    return build("vgg16", 3)


def kept(model, tmp_path, name="mine", **changes):
    state = {key: tensor for key, tensor in model.state_dict().items() if key not in ("mean", "std")}
    torch.save(state, tmp_path / "x.pt")
    return own.add_weights(tmp_path / "x.pt", name, ANNA, **HOW | changes)


def prune_to(model, share, remove=True):
    parts = [(layer, "weight") for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    prune.global_unstructured(parts, pruning_method=prune.L1Unstructured, amount=share)
    for layer, _ in parts if remove else ():
        prune.remove(layer, "weight")
    return model


@pytest.mark.parametrize("remove", [True, False])
def test_a_network_that_was_pruned_elsewhere_is_a_dense_one_with_a_note(model, tmp_path, remove):
    made = kept(prune_to(model, 0.8, remove), tmp_path)
    card = made.card
    assert (card.method, card.sparsity, card.actual_sparsity, card.zeros) == ("dense", 0.0, 0.0, 0)
    assert pruned.already(card) == pytest.approx(0.8, abs=1e-3)
    assert card.notes[-1].startswith("80.0% of this network's weights were zero when it was brought.")
    assert own.measure(made.id).card.notes == card.notes
    # Whatever prunes it begins at 0%, and to less than 80% changes nothing.
    path = paths.of("mine-32/vgg16")[paths.PRUNE_ONLY]
    test, train = (load("colours", split, size=32) for split in ("test", "train"))
    stored = responses.make(path.dense, test, train, percents=(0, 40, 90))
    assert stored.percents(False) == [0, 40, 90]
    assert (stored.at(0.0, False) == stored.at(0.4, False)).all()
    assert not (stored.at(0.0, False) == stored.at(0.9, False)).all()


def test_no_command_contradicts_itself(model, tmp_path, capsys):
    kept(prune_to(model, 0.8), tmp_path)
    outputs = []
    for words in ([], ["--sparsity", "0.5"]):
        assert cli.main(["evaluate", "mine-32/vgg16/dense", "--json", "--quiet", *words]) == 0
        outputs.append(json.loads(capsys.readouterr().out))
    assert [output["sparsity"] for output in outputs] == [0.0, pytest.approx(0.5, abs=1e-3)]
    assert outputs[0]["metrics"] == outputs[1]["metrics"]
    assert cli.main(["evaluate", "mine-32/vgg16/dense", "--sparsity", "0.5"]) == 0
    assert "80.0% of this network's weights were zero when it was brought" in capsys.readouterr().err


def test_of_a_network_that_nobody_pruned_nothing_is_said(model, tmp_path):
    prunable(model)["features.0"].data[0, 0, 0, 0] = 0
    card = kept(model, tmp_path).card
    assert pruned.already(card) == 0
    assert pruned.sentence(0.0) == ""
    assert not any("were zero" in note for note in card.notes)
    assert any("kept in half precision" in note for note in card.notes)


def test_a_weight_that_half_precision_cannot_hold_is_kept_in_single(model, tmp_path):
    with torch.no_grad():
        model.features[0].weight[0, 0, 0, 0] = 1e5
    made = own.measure(kept(model, tmp_path).id)
    assert torch.equal(made.model().features[0].weight, model.features[0].weight)
    assert not any("half precision" in note for note in made.card.notes)
    again = checkpoints.load(made.id).model()
    test = load("colours", "test", size=32)
    one, two = (evaluation.predict(net.eval(), test, precision="float32") for net in (model, again))
    assert (one == two).all()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a, b", ("a", "b")),
        ("nevus, atypical,mel", ("nevus, atypical", "mel")),
        ("mel\nnevus, atypical\n", ("mel", "nevus, atypical")),
        ("nevus,mel", ("nevus", "mel")),
        ("nevus, atypical , other", ("nevus, atypical", "other")),
        ("nevus, atypicals", ("nevus", "atypicals")),
        (" , ,", ()),
    ],
)
def test_classes_with_commas_can_be_put_in_order(text, found):
    assert listed(text, ("mel", "nevus", "nevus, atypical")) == found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mean": (127, 127, 127)}, r"divide them by 255: 0\.498, 0\.498, 0\.498"),
        ({"std": (63.75, 63.75, 51)}, r"divide them by 255: 0\.250, 0\.250, 0\.200"),
        ({"architecture": "resnet50"}, r"expected: vgg16 or densenet169.*other networks are not supported"),
        ({"architecture": "VGG-16"}, r"did you mean vgg16\?"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(model, tmp_path, change, said):
    with pytest.raises(InvalidValue, match=f"(?i){said}"):
        kept(model, tmp_path, **change)


def test_classes_that_are_not_known_are_asked_for_by_the_option(model, tmp_path, capsys):
    with pytest.raises(DataNotFound, match="--order A,B,C"):
        kept(model, tmp_path, trained_on="cifar10")
    save_file(
        {key: t for key, t in model.state_dict().items() if key not in ("mean", "std")}, tmp_path / "x.safetensors"
    )
    words = ["--trained-on", "cifar10", "--size", "32", "--name", "theirs", "--order", ",".join(CLASSES)]
    assert cli.main(["bring", "weights", str(tmp_path / "x.safetensors"), *words]) == 0
    assert checkpoints.load("theirs-32/vgg16/dense").card.data.class_names == CLASSES
    capsys.readouterr()


def test_the_command_says_what_was_zero(model, tmp_path, capsys):
    state = {key: t for key, t in prune_to(model, 0.8).state_dict().items() if key not in ("mean", "std")}
    save_file(state, tmp_path / "x.safetensors")
    words = ["--trained-on", "colours", "--size", "32", "--name", "mine"]
    assert cli.main(["bring", "weights", str(tmp_path / "x.safetensors"), *words]) == 0
    assert "80.0% of this network's weights were zero" in capsys.readouterr().err
