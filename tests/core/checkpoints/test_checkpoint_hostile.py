import io
import json
import os
import pickle
import random
import tracemalloc
import zipfile
from pathlib import Path

import pytest
import torch

from core.checkpoints import Architecture, Card, DataInfo, container, list, load
from core.checkpoints.opening import opened
from core.checkpoints.seal import KEY, digest
from core.errors import CheckpointDamaged, CheckpointMismatch, FileTooLarge, UnsafeFile


def reseal(path: Path, *, tensors=None, card=None, header=None) -> Path:
    """Write ``path`` again as an adversary who computes the digest would, with some of it changed."""
    with opened(path) as (handle, size):
        read = container.read_header(handle, size, path)
        stored = container.read_data(handle, read, path)
    for name, tensor in (tensors or {}).items():
        if tensor is None:
            del stored[name]
        else:
            stored[name] = tensor.contiguous()
    specs = container.plan(stored)
    values = json.loads(read.metadata[KEY]) | (card or {}) | {"digest": ""}
    values["digest"] = digest(values, specs, stored)
    entries = {"__metadata__": {KEY: json.dumps(values)}} | {name: spec.as_json() for name, spec in specs.items()}
    for name, change in (header or {}).items():
        entries[name] = entries.get(name, {}) | change
    text = json.dumps(entries).encode()
    path.write_bytes(
        len(text).to_bytes(8, "little") + text + b"".join(bytes(container.as_bytes(stored[name])) for name in specs)
    )
    return path


def test_reseal_itself_makes_a_good_file(saved):
    assert load(reseal(saved.path)).card.study == saved.card.study


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


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"0.weight.mask": torch.zeros(14, dtype=torch.uint8)}, "keeps another number"),
        ({"0.weight.mask": torch.zeros(13, dtype=torch.uint8)}, "another size"),
        ({"0.weight.mask": torch.zeros(14, dtype=torch.int8)}, "another size"),
        ({"0.weight.mask": None}, "needs its mask"),
        ({"0.weight.values": None}, "needs its mask"),
        ({"0.weight": torch.zeros(4, 3, 3, 3)}, "needs its mask"),
        ({"0.weight.values": torch.ones(1)}, "keeps another number"),
        ({"0.weight.values": torch.ones(1, 1)}, "another size"),
        ({"0.weight.values": torch.ones(109)}, "another size"),
        ({"0.weight.values": torch.ones(1, dtype=torch.int64)}, "type I64"),
        ({"0.bias": torch.zeros(4).half()}, "type F16"),
        ({"1.num_batches_tracked": torch.tensor(1.0)}, "type F32"),
        ({"1.running_mean": torch.full((4,), float("nan"))}, "NaN"),
    ],
)
def test_tensors_that_do_not_agree(saved, tensors, message):
    with pytest.raises(CheckpointDamaged, match=message):
        load(reseal(saved.path, tensors=tensors))


def test_bits_beyond_the_last_weight(saved):
    mask = saved.stored["0.weight.mask"].clone()
    assert 108 % 8 == 4
    mask[-1] ^= 1
    values = torch.ones(int(saved.masks["0"].sum()) + (1 if mask[-1] & 1 else -1))
    with pytest.raises(CheckpointDamaged, match="keeps another number"):
        load(reseal(saved.path, tensors={"0.weight.mask": mask, "0.weight.values": values}))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"0.bias": torch.zeros(5)}, r"1 of another shape: 0\.bias \[5\] instead of \[4\]"),
        ({"0.bias": None}, r"1 missing: 0\.bias"),
        ({"9.bias": torch.zeros(5)}, r"1 unexpected: 9\.bias"),
        ({f"{n}.x": torch.zeros(1) for n in range(10, 20)}, r"10 unexpected: .* and 7 more"),
    ],
)
def test_another_architecture(saved, tensors, message):
    with pytest.raises(CheckpointMismatch, match=message):
        load(reseal(saved.path, tensors=tensors))


@pytest.mark.parametrize(
    "lie",
    [
        {"architecture": {"name": "vgg16", "classes": 3, "head": "compact", "stem": "stock", "norm": True}},
        {"architecture": {"name": "toy", "classes": 3, "head": "stock", "stem": "stock", "norm": True}},
        {"architecture": {"name": "densenet169", "classes": 3, "head": "compact", "stem": "stock", "norm": False}},
        {"zeros": 0},
        {"weights": 1},
        {"mean": None},
        {"std": [1, 0, 1]},
        {"study": "../../x"},
        {"data": None},
    ],
)
def test_a_card_that_lies(saved, lie):
    with pytest.raises((CheckpointMismatch, CheckpointDamaged)):
        load(reseal(saved.path, card=lie))


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
    "change",
    [
        {"shape": [4, -1]},
        {"shape": [2**50]},
        {"shape": [True, 4]},
        {"shape": [1] * 9},
        {"shape": {}},
        {"shape": [2.0, 2]},
        {"shape": [5]},
        {"dtype": "F8"},
        {"dtype": ["F32"]},
        {"data_offsets": [0, 16]},
        {"data_offsets": [-16, 0]},
        {"data_offsets": [0]},
        {"data_offsets": [2**60, 2**60 + 16]},
        {"more": 1},
    ],
)
def test_header_entries(saved, change):
    with pytest.raises(CheckpointDamaged):
        load(reseal(saved.path, header={"0.bias": change}))


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
    with pytest.raises(CheckpointMismatch, match="load_foreign"):
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
        with pytest.raises(UnsafeFile, match="load_foreign"):
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


def test_too_large(saved):
    with pytest.raises(FileTooLarge, match="max_bytes="):
        load(saved.path, max_bytes=1000)
    expanded = sum(tensor.nbytes for tensor in saved.state_dict().values()) + saved.card.weights
    with pytest.raises(FileTooLarge):
        load(reseal(saved.path, card={"history": [], "metrics": {}, "notes": []}), max_bytes=saved.size_bytes // 10)
    assert load(saved.path, max_bytes=max(expanded, saved.size_bytes)).id


def test_a_small_file_cannot_ask_for_much_memory(tmp_path):
    architecture = Architecture("vgg16", 100_000, head="stock")
    data = DataInfo("x", 32, tuple("a" * 100_000))
    card = Card(study="x", data=data, architecture=architecture, method="dense").to_dict()
    path = tmp_path / "x.safetensors"
    container.write(path, {"features.0.bias": torch.zeros(64)}, {KEY: json.dumps(card)})
    tracemalloc.start()
    with pytest.raises((CheckpointMismatch, FileTooLarge)):
        load(path)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()
