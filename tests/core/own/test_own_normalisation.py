"""Own weights are normalised as the file says, where PruneScope exported it; then as is given; else as ImageNet's."""

import pytest
import torch
from safetensors.torch import save_file

from core import checkpoints, jobs, own
from core.checkpoints import export_state_dict
from core.models import build
from core.models.normalisation import IMAGENET_MEAN, IMAGENET_STD

pytestmark = pytest.mark.usefixtures("tiny")

HOW = {"trained_on": "colours", "size": 32, "architecture": "vgg16"}
MEAN, STD = (0.7, 0.5, 0.6), (0.1, 0.2, 0.15)


@pytest.fixture(autouse=True)
def _data(colours, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))


@pytest.fixture
def silent(tmp_path):
    path = tmp_path / "silent.safetensors"
    save_file(build("vgg16", 3).state_dict(), path)
    return path


@pytest.fixture
def telling(tmp_path, silent):
    """The file that comes back from a network of another normalisation."""
    own.add_weights(silent, "first", jobs.owner_of("anna"), mean=MEAN, std=STD, **HOW)
    return export_state_dict(checkpoints.load("first-32/vgg16/dense"), tmp_path / "telling.safetensors")


def kept(path, name: str, **given):
    model = own.add_weights(path, name, jobs.owner_of("anna"), **HOW, **given).model()
    return torch.stack([model.mean, model.std])


def test_what_a_file_says_is_told_and_taken(telling):
    noted = own.noted_normalisation(telling, "vgg16", 3)
    assert torch.equal(torch.tensor(noted), torch.tensor([MEAN, STD]))
    assert torch.equal(kept(telling, "again"), torch.tensor([MEAN, STD]))


def test_what_is_given_goes_before_what_the_file_says(telling):
    found = kept(telling, "given", mean=IMAGENET_MEAN, std=IMAGENET_STD)
    assert torch.equal(found, torch.tensor([IMAGENET_MEAN, IMAGENET_STD]))


def test_a_file_that_says_nothing_is_imagenets(silent):
    assert own.noted_normalisation(silent, "vgg16", 3) is None
    assert torch.equal(kept(silent, "usual"), torch.tensor([IMAGENET_MEAN, IMAGENET_STD]))
