"""Weights of one's own on the tiny network: what fits becomes a study, what does not is explained, hostile files are refused."""

import pickle
import struct
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from core import checkpoints, evaluation, files, jobs, own, paths, runs
from core.data import load
from core.errors import (
    CheckpointDamaged,
    CheckpointMismatch,
    CheckpointNotFound,
    DataNotFound,
    FileTooLarge,
    InvalidValue,
    NotAllowed,
    PruneScopeError,
    UnsafeFile,
)
from core.models import build
from core.recipes import dense
from tests.core.tiny import CLASSES

pytestmark = pytest.mark.usefixtures("tiny")

ANNA = jobs.owner_of("anna")
HOW = {"trained_on": "colours", "size": 32, "architecture": "vgg16", "mean": (0.4, 0.4, 0.4), "std": (0.2, 0.2, 0.2)}


@pytest.fixture(autouse=True)
def _data(colours, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_DATA", str(colours))


@pytest.fixture
def state():
    torch.manual_seed(3)
    return {name: tensor for name, tensor in build("vgg16", 3).state_dict().items() if name not in ("mean", "std")}


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_weights_become_a_study_of_their_own_that_says_where_from(state, suffix, tmp_path):
    path = tmp_path / f"x.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save({"state_dict": OrderedDict(state)}, path)
    look = own.look_at_weights(path, "vgg16", 3)
    assert (look.fits, look.classes, look.tensors) == (True, 3, len(state))
    made = own.add_weights(path, "mine", ANNA, origin="\x1bours.pt", **HOW)
    assert made.id == "mine-32/vgg16/dense"
    assert (made.card.data.name, made.card.data.class_names) == ("colours", CLASSES)
    assert "Weights of others, taken in from �ours.pt" in made.card.notes[0]
    assert made.card.recipe["sha256"] in [one.sha256 for one in own.listing()]
    assert made.card.metrics == {}
    for name, tensor in made.state_dict().items():
        if name in state and tensor.is_floating_point():
            assert torch.allclose(tensor, state[name], rtol=1e-3, atol=1e-6)
    # Measured, it is the same network with numbers on its card.
    measured = own.measure(made.id)
    assert measured.id == made.id
    test = load("colours", "test", size=32)
    answers = evaluation.predict(measured.model(), test).argmax(1)
    assert measured.card.metrics["accuracy"]["estimate"] == pytest.approx((answers == test.labels).mean())
    assert measured.card.data.split_digest
    assert [entry.id for entry in checkpoints.list()] == [made.id]
    assert list(paths.studies()) == ["mine-32/vgg16"]
    own.remove("mine", ANNA)
    assert checkpoints.list() == []
    assert own.listing() == []


def test_deleted_while_it_is_measured_it_stays_deleted(state, tmp_path, monkeypatch):
    """It had come back, listed nowhere, with a name that nobody could use or delete any more."""
    save_file(state, tmp_path / "x.safetensors")
    made = own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW)
    real = runs.score

    def score(*args, **options):
        own.remove("mine", ANNA)
        return real(*args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(runs, "score", score)
        with pytest.raises(CheckpointNotFound, match="deleted while it was measured"):
            own.measure(made.id)
    assert checkpoints.list() == []
    assert own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW).id == made.id


def test_in_a_read_only_app_nothing_is_measured(state, tmp_path, monkeypatch):
    save_file(state, tmp_path / "x.safetensors")
    made = own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW)
    monkeypatch.setenv("PRUNESCOPE_READ_ONLY", "1")
    with pytest.raises(NotAllowed):
        own.measure(made.id)


def test_another_order_of_classes_is_turned_into_the_data_set_s(state, tmp_path):
    save_file(state, tmp_path / "x.safetensors")
    straight = own.add_weights(tmp_path / "x.safetensors", "straight", ANNA, **HOW)
    turned = own.add_weights(tmp_path / "x.safetensors", "turned", ANNA, order=("red", "blue", "green"), **HOW)
    images = load("colours", "test", size=32)
    one, two = (evaluation.predict(made.model(), images, precision="float32") for made in (straight, turned))
    # Output 0 of the file is "red" there, and "red" is the third class here.
    np.testing.assert_allclose(two, one[:, [1, 2, 0]], rtol=1e-5)
    for order in (("red", "blue"), ("red", "red", "blue"), ("red", "blue", "grey")):
        with pytest.raises(InvalidValue, match="order of the classes"):
            own.add_weights(tmp_path / "x.safetensors", "other", ANNA, order=order, **HOW)


def test_what_does_not_fit_is_explained_in_full(state, tmp_path):
    broken = dict(state)
    first, *_, last = [name for name in broken if name.endswith("weight") and broken[name].dim() > 1]
    broken["extra.weight"] = torch.zeros(2)
    del broken[first]
    broken[last] = torch.zeros(5, broken[last].shape[1])
    bias = last.replace("weight", "bias")
    broken[bias] = torch.tensor([0.0, float("nan"), 1.0])
    save_file(broken, tmp_path / "x.safetensors")
    look = own.look_at_weights(tmp_path / "x.safetensors", "vgg16", 3)
    assert not look.fits
    assert (look.missing, look.unexpected, look.not_finite) == ((first,), ("extra.weight",), (bias,))
    assert look.shapes == (f"{last} [5, 16] instead of [3, 16]",)
    assert (look.classes, look.expected_classes) == (5, 3)
    with pytest.raises(CheckpointMismatch, match="1 missing"):
        own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW)
    assert own.listing() == []


def test_weights_with_nan_are_refused(state, tmp_path):
    next(iter(state.values()))[0] = float("inf")
    save_file(state, tmp_path / "x.safetensors")
    assert own.look_at_weights(tmp_path / "x.safetensors", "vgg16", 3).not_finite
    with pytest.raises(CheckpointDamaged, match="NaN or infinity"):
        own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW)


def test_images_that_are_not_here_need_the_classes_said(state, tmp_path, monkeypatch):
    save_file(state, tmp_path / "x.safetensors")
    monkeypatch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataNotFound, match="say the classes"):
        own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW)
    made = own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, order=CLASSES, **HOW)
    with pytest.raises(DataNotFound, match="not on this machine"):
        own.measure(made.id)


def test_measured_on_images_of_other_classes_is_refused(state, tmp_path, monkeypatch):
    save_file(state, tmp_path / "x.safetensors")
    with monkeypatch.context() as patch:
        patch.setenv("PRUNESCOPE_DATA", str(tmp_path / "nowhere"))
        made = own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, order=("a", "b", "c"), **HOW)
    with pytest.raises(InvalidValue, match="other classes"):
        own.measure(made.id)


@pytest.mark.parametrize(
    "change",
    [
        {"mean": ("a", "b", "c")},
        {"mean": 0.5},
        {"order": [["dog"], ["cat"]]},
        {"mean": (0.5, 0.5)},
        {"std": (0.0, 1.0, 1.0)},
        {"mean": (float("nan"), 0.0, 0.0)},
        {"size": 8},
        {"size": 10**6},
    ],
)
def test_values_that_cannot_be(change, state, tmp_path):
    save_file(state, tmp_path / "x.safetensors")
    with pytest.raises(InvalidValue):
        own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW | change)


def test_what_is_another_s_or_taken_stays(state, tmp_path, monkeypatch):
    save_file(state, tmp_path / "x.safetensors")
    runs.run(dense("colours-32/vgg16", epochs=0))
    for name in ("colours", "phantom"):
        with pytest.raises(InvalidValue, match="already"):
            own.add_weights(tmp_path / "x.safetensors", name, ANNA, **HOW)
    own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW)
    with pytest.raises(NotAllowed, match="Only who brought"):
        own.remove("mine", jobs.owner_of("ben"))
    monkeypatch.setenv("PRUNESCOPE_SINGLE_USER", "1")
    own.remove("mine", jobs.owner_of("ben"))
    assert [entry.id for entry in checkpoints.list()] == ["colours-32/vgg16/dense"]


class _Evil:
    def __reduce__(self):
        return (print, ("this must never be printed",))


def _header(shape, stop, dtype="F32") -> bytes:
    text = f'{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{stop}]}}}}'.encode()
    return struct.pack("<Q", len(text)) + text


def _zip(*members, method=zipfile.ZIP_STORED):
    def write(path):
        with zipfile.ZipFile(path, "w", method) as archive:
            for name, content in members:
                archive.writestr(name, content)

    return write


CORPUS = {
    "empty": (lambda path: path.write_bytes(b""), CheckpointDamaged),
    "text": (lambda path: path.write_text("weights"), CheckpointDamaged),
    "bare pickle": (lambda path: path.write_bytes(pickle.dumps(_Evil())), UnsafeFile),
    "pickle in a zip": (lambda path: torch.save({"a": _Evil()}, path), UnsafeFile),
    "pickle in the old format": (
        lambda path: torch.save(_Evil(), path, _use_new_zipfile_serialization=False),
        UnsafeFile,
    ),
    "bomb": (_zip(("x/data.pkl", bytes(50_000_000)), method=zipfile.ZIP_DEFLATED), UnsafeFile),
    "large": (_zip(("x/data.pkl", b"N."), ("x/data/0", bytes(70_000_000))), FileTooLarge),
    "a shape beyond memory": (lambda path: path.write_bytes(_header([2**40, 2**20], 2**62)), CheckpointDamaged),
    "a shape that lies": (lambda path: path.write_bytes(_header([1000, 1000], 4) + bytes(4)), CheckpointDamaged),
    "a shape below zero": (lambda path: path.write_bytes(_header([-1, -4], 16) + bytes(16)), CheckpointDamaged),
    "a header beyond memory": (lambda path: path.write_bytes(struct.pack("<Q", 2**40) + b"{}"), CheckpointDamaged),
    "images": (_zip(("red/0.png", b"x"), ("blue/0.png", b"x")), UnsafeFile),
    "another type": (lambda path: torch.save([1, 2, 3], path), CheckpointMismatch),
    # A tensor of 4 TB that is one number, repeated by its strides.
    "a number repeated": (lambda path: torch.save({"a": torch.zeros(1).expand(10**12)}, path), CheckpointMismatch),
}


@pytest.mark.parametrize("name", CORPUS)
def test_what_means_harm_is_refused_by_name(name, tmp_path, capsys):
    write, kind = CORPUS[name]
    write(tmp_path / "x.pt")
    for act in (
        lambda: own.add_weights(tmp_path / "x.pt", "mine", ANNA, max_bytes=64_000_000, **HOW),
        lambda: _fitting(own.look_at_weights(tmp_path / "x.pt", "vgg16", 3, max_bytes=64_000_000)),
    ):
        with pytest.raises(kind):
            act()
    assert "never be printed" not in capsys.readouterr().out
    assert own.listing() == []
    assert not list(files.checkpoint_root().rglob("*.safetensors"))


def _fitting(look) -> None:
    if not look.fits:
        raise CheckpointMismatch("it was explained")


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=6)), min_size=1, max_size=4))
@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_any_bytes_altered_are_explained_or_refused_by_name(changes, suffix, state, tmp_path):
    path = tmp_path / f"whole.{suffix}"
    if not path.exists():
        save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    content = bytearray(path.read_bytes())
    for place, value in changes:
        # The header of the one and the pickle of the other lie in the first part: twice as often there.
        at = int(place**2 * (len(content) - 1))
        content[at : at + len(value)] = value
    (tmp_path / "x").write_bytes(bytes(content))
    try:
        look = own.look_at_weights(tmp_path / "x", "vgg16", 3)
    except PruneScopeError:
        return
    assert look.tensors >= 1
