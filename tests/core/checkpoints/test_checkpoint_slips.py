"""Names, masks and leftovers that a save or a list meets, and that must be neither a traceback nor in the way."""

import os
import threading

import numpy as np
import pytest

from core import checkpoints, cli
from core.checkpoints.cardfile import read_card
from core.errors import CheckpointDamaged, InvalidValue


@pytest.mark.parametrize("name", ["a\0b", "a\ud800b", os.fsdecode(b"a\x80b"), "x\0y/a"])
def test_a_name_that_no_checkpoint_can_have(toy, card, tmp_path, name):
    with pytest.raises(InvalidValue, match="the name of a"):
        checkpoints.save(toy(), card(), path=tmp_path / f"{name}.safetensors")
    with pytest.raises(InvalidValue, match="the name of a"):
        checkpoints.save(toy(), card(), path=f"{tmp_path}/{name}.safetensors")
    assert not list(tmp_path.rglob("*"))


def test_an_export_to_a_name_that_no_file_can_have(saved, tmp_path):
    with pytest.raises(InvalidValue, match="name of a file"):
        checkpoints.export_state_dict(saved, tmp_path / "a\0b.safetensors")


@pytest.mark.parametrize("mask", [np.ones((4, 3, 3, 3), bool), 5, None])
def test_a_mask_that_is_no_tensor(toy, card, tmp_path, mask):
    with pytest.raises(InvalidValue, match="mask of 0 is no tensor"):
        checkpoints.save(toy(), card(), masks={"0": mask}, root=tmp_path)


def test_half_a_file_of_a_killed_save_goes_with_the_next_of_its_name(toy, card, tmp_path):
    made = checkpoints.save(toy(), card(), root=tmp_path)
    mine = made.path.with_name(f".{made.path.name}.0a1b.tmp")
    other = made.path.with_name(".other.safetensors.0a1b.tmp")
    for half in (mine, other):
        half.write_bytes(b"half")
    checkpoints.save(toy(), card(), root=tmp_path)
    assert not mine.exists()
    assert other.exists(), "somebody may be writing it"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
def test_a_pipe_in_the_place_of_a_card_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.card.json")
    done = []
    reader = threading.Thread(target=lambda: done.extend(checkpoints.list(tmp_path)), daemon=True)
    reader.start()
    reader.join(30)
    assert [entry.error is not None for entry in done] == [True]
    with pytest.raises(CheckpointDamaged, match="no file"):
        read_card(tmp_path / "x.card.json")


def test_a_folder_of_checkpoints_that_cannot_be(capsys):
    assert cli.main(["list", "--checkpoints", "~nosuchuser/x"]) == 1
    assert "no home folder" in capsys.readouterr().err
    assert cli.main(["list", "--checkpoints", "x" * 300]) == 0
