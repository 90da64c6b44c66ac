import io
import os
import pickle
import zipfile
from collections import OrderedDict

import pytest
import torch
from safetensors.torch import save_file

from core.checkpoints import explain_foreign, export_state_dict, load_foreign
from core.errors import (
    CheckpointDamaged,
    CheckpointMismatch,
    CheckpointNotFound,
    FileTooLarge,
    InvalidValue,
    PruneScopeError,
    UnknownName,
    UnsafeFile,
)
from core.models import build, normalisation
from core.models.normalisation import IMAGENET_MEAN


def same(one, other) -> bool:
    mine, yours = one.state_dict(), other.state_dict()
    return mine.keys() == yours.keys() and all(torch.equal(mine[name], yours[name]) for name in mine)


@pytest.mark.parametrize(
    "wrap", [dict, OrderedDict, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {"model": s, "lr": 0.1}]
)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_state_dicts_of_pytorch(toy, tmp_path, wrap, prefix):
    model, path = toy(), tmp_path / "x.pth"
    torch.save(wrap({prefix + name: tensor for name, tensor in model.state_dict().items()}), path)
    loaded = load_foreign(path, "toy", 3, mean=(0.1, 0.2, 0.3), std=(1, 1, 1))
    assert same(model, loaded)
    assert not loaded.training
    assert normalisation(loaded)[0] == pytest.approx([0.1, 0.2, 0.3])
    loaded.train()(torch.randn(4, 3, 6, 6)).sum().backward()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(toy, tmp_path, dtype):
    model = toy()
    state = {name: t.to(dtype) if t.is_floating_point() else t for name, t in model.state_dict().items()}
    torch.save(state, tmp_path / "x.pt")
    save_file(state, tmp_path / "x.safetensors")
    one, two = (load_foreign(tmp_path / f"x.{suffix}", "toy", 3) for suffix in ("pt", "safetensors"))
    assert same(one, two)
    assert all(parameter.dtype == torch.float32 for parameter in one.parameters())


@pytest.mark.parametrize("kwargs", [{"head": "stock"}, {"norm": False}, {"head": "stock", "norm": False}, {}])
def test_head_and_norm_are_told_from_shapes(toy, tmp_path, kwargs):
    torch.manual_seed(1)
    model = build("toy", 3, **kwargs)
    save_file(model.state_dict(), tmp_path / "x.safetensors")
    assert same(model, load_foreign(tmp_path / "x.safetensors", "toy", 3))
    with pytest.raises(CheckpointMismatch):
        load_foreign(tmp_path / "x.safetensors", "toy", 3, head="compact" if "head" in kwargs else "stock")


def test_a_real_architecture_without_its_counters(tmp_path):
    model = build("densenet169", 7)
    state = {name: tensor for name, tensor in model.state_dict().items() if "num_batches" not in name}
    torch.save(state, tmp_path / "x.pth")
    assert same(model, load_foreign(tmp_path / "x.pth", "densenet169", 7))


def test_what_we_export(saved, tmp_path):
    path = export_state_dict(saved, tmp_path / "x.safetensors")
    assert same(saved.model(), load_foreign(path, "toy", 3))
    with pytest.raises(CheckpointMismatch, match=r"core\.checkpoints\.load"):
        load_foreign(saved.path, "toy", 3)


def test_the_normalisation_of_our_exports_is_read_unless_another_is_given(saved, toy, tmp_path):
    path = export_state_dict(saved, tmp_path / "x.safetensors")
    assert normalisation(load_foreign(path, "toy", 3)) == normalisation(saved.model())
    given = normalisation(load_foreign(path, "toy", 3, mean=(0.1, 0.2, 0.3)))
    assert given[0] == pytest.approx([0.1, 0.2, 0.3])
    assert given[1] == normalisation(saved.model())[1]
    # Others may mean something else by these keys.
    for mean in (
        "[0.5, 0.5]",
        "x",
        "[" * 100_000,
        "[0.5, 0.5, Infinity]",
        "[0.5, 0.5, true]",
        '"abc"',
        f"[0, 0, {10**400}]",
    ):
        save_file(toy().state_dict(), path, {"mean": mean, "std": "[1, 1, 1]"})
        assert normalisation(load_foreign(path, "toy", 3))[0] == pytest.approx(IMAGENET_MEAN)
    save_file(toy().state_dict(), path, {"mean": "[0.5, 0.5, 0.5]", "std": "[1, 1, 0]"})
    assert normalisation(load_foreign(path, "toy", 3))[0] == pytest.approx(IMAGENET_MEAN)


@pytest.mark.parametrize(
    ("name", "tensor", "part"),
    [
        ("5.bias", torch.zeros(3, dtype=torch.int64), "types"),
        ("5.bias", torch.zeros(3, dtype=torch.complex64), "types"),
        ("1.num_batches_tracked", torch.tensor(1.0), "types"),
        ("5.bias", torch.full((3,), 1e300, dtype=torch.float64), "not_finite"),
        ("5.bias", torch.full((3,), torch.nan), "not_finite"),
        ("5.bias", torch.zeros(3, dtype=torch.float64), None),
        ("1.num_batches_tracked", torch.tensor(1, dtype=torch.int32), None),
    ],
)
def test_what_is_said_to_fit_is_what_is_taken(toy, tmp_path, name, tensor, part):
    path = tmp_path / "x.pt"
    torch.save(toy().state_dict() | {name: tensor}, path)
    found = explain_foreign(path, "toy", 3)
    assert found.fits == (part is None)
    if part is None:
        load_foreign(path, "toy", 3)
        return
    assert getattr(found, part)[0].split()[0] == name
    with pytest.raises((CheckpointMismatch, CheckpointDamaged)):
        load_foreign(path, "toy", 3)


def test_mismatches_are_explained(toy, tmp_path):
    path = tmp_path / "x.pt"
    torch.save(toy(classes=5).state_dict(), path)
    with pytest.raises(CheckpointMismatch, match=r"2 of another shape: 5\.weight \[5, 4\] instead of \[3, 4\]"):
        load_foreign(path, "toy", 3)
    torch.save(toy().state_dict(), path)
    with pytest.raises(CheckpointMismatch, match=r"28 missing: features\.0\.weight.* and 25 more; 9 unexpected"):
        load_foreign(path, "vgg16", 3, norm=False, head="compact")
    with pytest.raises(UnknownName, match="vgg16"):
        load_foreign(path, "vgg", 3)
    with pytest.raises(InvalidValue, match="does not exist"):
        load_foreign(path, "densenet169", 3, norm=False)
    with pytest.raises(InvalidValue, match="classes"):
        load_foreign(path, "toy", 1)
    with pytest.raises(CheckpointNotFound):
        load_foreign(tmp_path / "nothing.pt", "toy", 3)


@pytest.mark.parametrize("value", [[1, 2], {}, {"a": 1}, torch.zeros(3), {"state_dict": None}, {3: torch.zeros(1)}])
def test_no_state_dict(tmp_path, value):
    torch.save(value, tmp_path / "x.pt")
    with pytest.raises(CheckpointMismatch, match="no state_dict"):
        load_foreign(tmp_path / "x.pt", "toy", 3)


@pytest.mark.parametrize("suffix", ["pt", "safetensors"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300])
def test_nan_and_infinity(toy, tmp_path, value, suffix):
    state = {name: t.double() if t.is_floating_point() else t for name, t in toy().state_dict().items()}
    state["5.bias"][0] = value
    path = tmp_path / f"x.{suffix}"
    (torch.save if suffix == "pt" else save_file)(state, path)
    with pytest.raises(CheckpointDamaged, match=r"5\.bias.*NaN or infinity"):
        load_foreign(path, "toy", 3)


def test_weights_that_are_no_real_numbers(toy, tmp_path):
    for tensor in (
        torch.zeros(3, dtype=torch.int64),
        torch.zeros(3, dtype=torch.complex64),
        torch.zeros(3).to_sparse(),
    ):
        torch.save(toy().state_dict() | {"5.bias": tensor}, tmp_path / "x.pt")
        with pytest.raises((CheckpointMismatch, UnsafeFile)):
            load_foreign(tmp_path / "x.pt", "toy", 3)


class Bomb:
    def __init__(self, call, *arguments):
        self.call, self.arguments = call, arguments

    def __reduce__(self):
        return self.call, self.arguments


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_code_is_refused_and_not_run(toy, tmp_path, protocol):
    trace, path = tmp_path / "exploded", tmp_path / "x.pt"
    for bomb in (
        Bomb(os.system, f"touch {trace}"),
        Bomb(eval, f"open({str(trace)!r}, 'w')"),
        Bomb(bytearray, 10**11),
        Bomb(torch.load, str(trace)),
    ):
        torch.save(toy().state_dict() | {"extra": bomb}, path, pickle_protocol=protocol)
        with pytest.raises(UnsafeFile, match=r"could run code.*safetensors"):
            load_foreign(path, "toy", 3)
        path.write_bytes(pickle.dumps(bomb, protocol))
        with pytest.raises(UnsafeFile, match="bare pickle"):
            load_foreign(path, "toy", 3)
    assert not trace.exists()


def test_the_format_before_1_6_is_refused_with_a_way_out(toy, tmp_path):
    torch.save(toy().state_dict(), tmp_path / "x.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(UnsafeFile, match="save_file"):
        load_foreign(tmp_path / "x.pt", "toy", 3)


def rezip(source: bytes, *, compression=zipfile.ZIP_STORED, change=lambda name, data: data, extra=()) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(target, "w", compression) as new:
        for member in old.infolist():
            new.writestr(member.filename, change(member.filename, old.read(member)))
        for name, data in extra:
            new.writestr(name, data)
    return target.getvalue()


def test_zip_bombs(toy, tmp_path):
    path, content = tmp_path / "x.pt", io.BytesIO()
    torch.save(toy().state_dict() | {"big": torch.zeros(5_000_000)}, content)
    path.write_bytes(rezip(content.getvalue(), compression=zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 100_000
    with pytest.raises(FileTooLarge, match=r"20\.0 MB"):
        load_foreign(path, "toy", 3, max_bytes=10_000_000)
    with pytest.raises(UnsafeFile, match="compressed"):
        load_foreign(path, "toy", 3)
    path.write_bytes(content.getvalue())
    with pytest.raises(FileTooLarge):
        load_foreign(path, "toy", 3, max_bytes=10_000_000)


def test_zips_that_hold_something_else(toy, tmp_path):
    path, content = tmp_path / "x.pt", io.BytesIO()
    torch.save(toy().state_dict(), content)
    whole = content.getvalue()
    with pytest.warns(UserWarning, match="Duplicate"):
        doubled = rezip(whole, extra=[(zipfile.ZipFile(content).namelist()[0], b"x")])
    for broken in (
        rezip(whole, extra=[("archive/constants.pkl", b"x")]),
        rezip(whole, extra=[("other/data.pkl", b"x")]),
        rezip(whole, change=lambda name, data: data[:10] if name.endswith("data.pkl") else data),
        rezip(whole, change=lambda name, data: b"" if name.endswith("data.pkl") else data),
        rezip(whole, change=lambda name, data: data[:-1] if "/data/" in name else data),
        doubled,
        rezip(whole, change=lambda name, data: data.replace(b"K\x04", b"K\x40") if name.endswith("data.pkl") else data),
    ):
        path.write_bytes(broken)
        with pytest.raises((UnsafeFile, CheckpointDamaged, CheckpointMismatch)):
            load_foreign(path, "toy", 3)
    for length in range(0, len(whole), 41):
        path.write_bytes(whole[:length])
        with pytest.raises((UnsafeFile, CheckpointDamaged)):
            load_foreign(path, "toy", 3)


def test_any_byte_altered_is_no_traceback(toy, tmp_path):
    path, content = tmp_path / "x.pt", io.BytesIO()
    torch.save(toy().state_dict(), content)
    whole = content.getvalue()
    for place in range(0, len(whole), 5):
        altered = bytearray(whole)
        altered[place] ^= 1 << place % 8
        path.write_bytes(altered)
        try:
            load_foreign(path, "toy", 3)
        except PruneScopeError:
            continue
