"""A process that was killed between putting a thing of one's own in its place and writing its record."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save_file

from core import checkpoints, own
from core.models import build
from core.own import images, records
from tests.core.own import hostile
from tests.core.own.conftest import ANNA, BEN

pytestmark = pytest.mark.usefixtures("own_data")
HOW = {"trained_on": "nowhere", "size": 32, "architecture": "vgg16", "order": ("blue", "green", "red")}


def as_if_killed(name: str) -> None:
    """Leave what there is before the record is written: what is about to be added is noted, and the thing is in its place."""
    shutil.move(records.path_of(name), records.path_of(name, ".begun"))


@pytest.fixture
def zipped(tmp_path):
    return hostile.good(tmp_path / "up.zip")


def test_what_is_to_come_is_noted_before_it_is_copied(zipped, monkeypatch):
    seen = []

    def copy(source, target):
        seen.append(json.loads(records.path_of("mine", ".begun").read_text()))
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(images.shutil, "copyfile", copy)
    made = own.add_images(zipped, "mine", ANNA)
    assert seen[0]["sha256"] == made.sha256
    assert not records.path_of("mine", ".begun").exists()


def test_images_that_are_whole_get_their_record(zipped, caplog):
    before = own.add_images(zipped, "mine", ANNA)
    as_if_killed("mine")
    assert own.listing() == [before]
    assert "mine, which is finished" in caplog.text
    caplog.clear()
    assert own.listing() == [before]
    assert not caplog.text
    own.remove("mine", ANNA)
    assert not records.zip_of("mine").exists()


def test_images_that_are_not_there_block_no_name(zipped, caplog):
    own.add_images(zipped, "mine", ANNA)
    as_if_killed("mine")
    place = records.zip_of("mine")
    half = place.with_name(f".{place.name}.0a1b.tmp")
    shutil.move(place, half)
    assert own.add_images(zipped, "mine", BEN).owner == BEN
    assert "mine, which is forgotten" in caplog.text
    assert not half.exists()


def test_a_zip_that_somebody_else_put_there_is_left_alone(zipped):
    own.add_images(zipped, "mine", ANNA)
    as_if_killed("mine")
    records.zip_of("mine").write_bytes(b"another")
    assert own.listing() == []
    assert records.zip_of("mine").read_bytes() == b"another"


def test_a_note_beside_its_record_goes(zipped):
    before = own.add_images(zipped, "mine", ANNA)
    shutil.copy(records.path_of("mine"), records.path_of("mine", ".begun"))
    records.path_of("odd", ".begun").write_bytes(b"\xff")
    assert own.listing() == [before]
    assert [path.name for path in records._root().iterdir() if path.name != "lock"] == ["mine.json"]


def test_weights_that_are_whole_get_their_record_and_can_be_deleted(tiny, tmp_path):
    torch.manual_seed(0)
    state = {name: tensor for name, tensor in build("vgg16", 3).state_dict().items() if name not in ("mean", "std")}
    save_file(state, tmp_path / "x.safetensors")
    made = own.add_weights(tmp_path / "x.safetensors", "mine", ANNA, **HOW)
    as_if_killed("mine")
    own.remove("mine", ANNA)
    assert not checkpoints.list()
    assert own.listing() == []
    again = own.add_weights(tmp_path / "x.safetensors", "mine", BEN, **HOW)
    assert again.id == made.id


def test_while_it_is_still_being_added_it_is_left_alone(zipped, monkeypatch):
    found = []

    def copy(source, target):
        found.append(own.listing())
        assert records.path_of("mine", ".begun").exists()
        target.write_bytes(source.read_bytes())

    monkeypatch.setattr(images.shutil, "copyfile", copy)
    made = own.add_images(zipped, "mine", ANNA)
    assert found == [[]]
    assert own.listing() == [made]


def test_a_read_only_app_changes_nothing(zipped, monkeypatch):
    own.add_images(zipped, "mine", ANNA)
    as_if_killed("mine")
    monkeypatch.setenv("PRUNESCOPE_READ_ONLY", "1")
    assert own.listing() == []
    assert records.path_of("mine", ".begun").exists()


@pytest.mark.parametrize("change", [{"created": 5}, {"origin": None}, {"study": 7}, {"sha256": []}])
def test_a_record_of_other_types_is_passed_over(zipped, change):
    own.add_images(zipped, "mine", ANNA)
    path = records.path_of("mine")
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    assert own.listing() == []
