"""Checkpoints that are cut, altered, or something else altogether."""

import io
import json
import os
import pickle
import random
import re
import zipfile

import pytest
import torch

from core.checkpoints import container, list, load
from core.checkpoints.seal import KEY
from core.errors import CheckpointDamaged, CheckpointMismatch, UnsafeFile


def test_truncated_anywhere(saved, tmp_path):
    whole, broken = saved.path.read_bytes(), tmp_path / "broken.safetensors"
    for length in range(len(whole)):
        broken.write_bytes(whole[:length])
        with pytest.raises(CheckpointDamaged, match=r"broken\.safetensors"):
            load(broken, verify=length % 2 == 0)
    broken.write_bytes(whole + b"\0")
    with pytest.raises(CheckpointDamaged):
        load(broken)


def test_any_byte_altered(saved, tmp_path):
    whole, broken = saved.path.read_bytes(), tmp_path / "broken.safetensors"
    state, generator = saved.state_dict(), random.Random(0)
    harmless = 0
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1 << generator.randrange(8)
        broken.write_bytes(altered)
        loaded = attempt(broken)
        if loaded:
            # Only another spelling of the same JSON, such as 1E-5 for 1e-5, may pass, and then nothing differs.
            harmless += 1
            assert loaded.card == saved.card
            assert all(torch.equal(tensor, state[name]) for name, tensor in loaded.state_dict().items())
        if place % 4 == 0:
            unverified = attempt(broken, verify=False)
            assert unverified is None or unverified.model()
    assert harmless < 10


def attempt(path, **kwargs):
    try:
        return load(path, **kwargs)
    except (CheckpointDamaged, CheckpointMismatch, UnsafeFile):
        return None


def test_altered_tensors_and_card_are_told_by_the_digest(saved):
    whole = saved.path.read_bytes()
    for altered in (whole[:-1] + bytes([whole[-1] ^ 1]), whole.replace(b'\\"estimate\\":0.75', b'\\"estimate\\":0.95')):
        assert altered != whole
        saved.path.write_bytes(altered)
        with pytest.raises(CheckpointDamaged, match="digest"):
            load(saved.path)


@pytest.mark.parametrize("name", ["zeros", "weights"])
def test_a_card_that_counts_other_weights_than_there_are(saved, name):
    """Whoever writes a card can write its digest too."""
    whole, number = saved.path.read_bytes(), getattr(saved.card, name)
    length = int.from_bytes(whole[:8], "little")
    header = whole[8 : 8 + length].replace(*(f'\\"{name}\\":{count}'.encode() for count in (number, number + 1)))
    assert header != whole[8 : 8 + length]
    saved.path.write_bytes(len(header).to_bytes(8, "little") + header + whole[8 + length :])
    told = re.escape(f"masks prune {saved.card.zeros:,} of {saved.card.weights:,}")
    with pytest.raises(CheckpointDamaged, match=told):
        load(saved.path, verify=False)


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"NaN", b"9" * 400, b"[" * 600 + b"]" * 600])
def test_cards_with_values_that_cannot_be(saved, number):
    whole = saved.path.read_bytes()
    length = int.from_bytes(whole[:8], "little")
    header = whole[8 : 8 + length].replace(b'\\"loss\\":0.25', b'\\"loss\\":' + number)
    assert len(header) != length
    saved.path.write_bytes(len(header).to_bytes(8, "little") + header + whole[8 + length :])
    with pytest.raises(CheckpointDamaged):
        load(saved.path)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"a":NaN}',
        b'{"a":1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"__metadata__":3}',
        b'{"__metadata__":{"prunescope":3}}',
        b'{"__metadata__":{"prunescope":"["}}',
        b'{"__metadata__":{"prunescope":"[]"}}',
        b'{"__metadata__":{"prunescope":"NaN"}}',
        b'{"__metadata__":{"prunescope":"{}"}}',
        b'{"__metadata__":{"prunescope":"' + b"[" * 100_000 + b'"}}',
    ],
)
def test_headers_that_are_not(tmp_path, header):
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header)
    with pytest.raises(CheckpointDamaged, match=r"x\.safetensors"):
        load(path)
    assert "x.safetensors" in list(tmp_path)[0].error


@pytest.mark.parametrize("key", ['"__metadata__"', '"\\u005f_metadata__"'])
def test_two_cards_in_one_file_are_refused_by_the_list_and_the_load(saved, key):
    whole = saved.path.read_bytes()
    stop = 8 + int.from_bytes(whole[:8], "little")
    text = whole[8:stop].decode().rstrip()
    card, end = json.JSONDecoder().raw_decode(text, len('{"__metadata__":'))
    other = {KEY: card[KEY].replace('"one_shot"', '"layerwise"')}
    text = f"{text[:end]},{key}:{json.dumps(other)}{text[end:]}"
    saved.path.write_bytes(len(text).to_bytes(8, "little") + text.encode() + whole[stop:])
    with pytest.raises(CheckpointDamaged, match="twice"):
        load(saved.path, verify=False)
    (entry,) = list(saved.path.parents[2])
    assert entry.card is None
    assert "twice" in entry.error


def test_safetensors_of_others_lead_to_load_foreign(tmp_path):
    path = tmp_path / "x.safetensors"
    container.write(path, {"a": torch.zeros(3)}, {"format": "pt"})
    with pytest.raises(CheckpointMismatch, match=r"core bring weights FILE.*load_foreign"):
        load(path)


class Bomb:
    def __reduce__(self):
        return os.system, ("touch " + os.environ["BOMB"],)


def test_pickles_and_zips_in_disguise(tmp_path, monkeypatch):
    monkeypatch.setenv("BOMB", str(tmp_path / "exploded"))
    legacy, modern, archive = io.BytesIO(), io.BytesIO(), io.BytesIO()
    torch.save({"a": torch.zeros(3)}, legacy, _use_new_zipfile_serialization=False)
    torch.save({"a": Bomb()}, modern)
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.txt", "hello")
    path = tmp_path / "x.safetensors"
    for content in (
        legacy.getvalue(),
        modern.getvalue(),
        archive.getvalue(),
        *(pickle.dumps(Bomb(), protocol) for protocol in (2, 3, 4, 5)),
    ):
        path.write_bytes(content)
        with pytest.raises(UnsafeFile, match=r"core bring weights FILE.*load_foreign"):
            load(path)
    for content in (pickle.dumps(Bomb(), 0), b"MZ" * 100, b"GIF89a" + b"\0" * 100):
        path.write_bytes(content)
        with pytest.raises(CheckpointDamaged):
            load(path)
    assert not (tmp_path / "exploded").exists()


def test_things_that_are_no_files(tmp_path):
    folder, empty, pipe = (tmp_path / name for name in ("folder.safetensors", "empty.safetensors", "pipe.safetensors"))
    folder.mkdir()
    empty.touch()
    os.mkfifo(pipe)
    for path, message in ((folder, "folder"), (empty, "empty"), (pipe, "not a file")):
        with pytest.raises(CheckpointDamaged, match=message):
            load(path)
