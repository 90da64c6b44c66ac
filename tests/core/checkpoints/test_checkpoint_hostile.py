"""Checkpoints whose digest fits and whose content lies: about tensors, architecture, card, header and size."""

import json
import tracemalloc
from pathlib import Path

import pytest
import torch

from core.checkpoints import Architecture, Card, DataInfo, container, load
from core.checkpoints.opening import opened
from core.checkpoints.seal import KEY, digest
from core.errors import CheckpointDamaged, CheckpointMismatch, FileTooLarge


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
