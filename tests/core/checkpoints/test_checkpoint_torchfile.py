"""Zips that are two files at once, or more than they seem: torch is given what was checked and nothing else."""

import io
import struct
import zipfile
import zlib

import pytest
import torch

from core.checkpoints import load_foreign, torchfile
from core.errors import CheckpointDamaged, CheckpointMismatch, PruneScopeError, UnsafeFile


def members(value) -> dict[str, bytes]:
    content = io.BytesIO()
    torch.save(value, content)
    with zipfile.ZipFile(content) as archive:
        return {"archive/" + name.split("/", 1)[1]: archive.read(name) for name in archive.namelist()}


def local(parts: dict[str, bytes], compress: bool) -> tuple[bytes, list[tuple]]:
    """The members of a zip, and for its list of each: name, method, checksum, both sizes and where it begins."""
    content, listed = b"", []
    for name, data in parts.items():
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = packer.compress(data) + packer.flush() if compress else data
        row = (8 * compress, zlib.crc32(data), len(packed), len(data))
        listed.append((name, *row, len(content)))
        content += struct.pack("<4s5HL2L2H", b"PK\3\4", 20, 0, row[0], 0, 0, *row[1:], len(name), 0)
        content += name.encode() + packed
    return content, listed


def directory(listed: list[tuple], base: int, length: int | None = None) -> bytes:
    """The list of a zip, filled up to ``length`` bytes by the comment of its last member."""
    content = b""
    for name, method, check, packed, size, start in listed:
        content += struct.pack("<4s6H3L", b"PK\1\2", 20, 20, 0, method, 0, 0, check, packed, size)
        content += struct.pack("<5H2L", len(name), 0, 0, 0, 0, 0, base + start) + name.encode()
    if length is None or length == len(content):
        return content
    comment, last = length - len(content), len(content) - len(listed[-1][0]) - 46
    return content[: last + 32] + comment.to_bytes(2, "little") + content[last + 34 :] + b"x" * comment


def two_in_one(shown: dict[str, bytes], hidden: dict[str, bytes], *, compress: bool) -> bytes:
    """A zip whose list is ``shown`` to who looks before the end record, and ``hidden`` to who follows its offset."""
    first, its_list = local(hidden, compress)
    first += b"\0" * 4096  # so that no offset of the other falls below nothing
    second, other_list = local(shown, False)
    length = max(len(directory(its_list, 0)), len(directory(other_list, 0)))
    shift = length + len(second)
    base = len(first) + length - shift
    whole = first + directory(its_list, 0, length) + second + directory(other_list, base, length)
    return whole + struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(shown), len(hidden), length, len(first), 0)


def test_a_file_that_is_two_zips_is_refused(toy, tmp_path):
    path = tmp_path / "x.pt"
    shown = members(toy().state_dict())
    call = b"\x80\x02cbuiltins\nbytearray\nJ" + struct.pack("<i", 10**8) + b"\x85R."
    hidden = shown | {"archive/data.pkl": call}
    for other, compress in ((hidden, False), (members({"a": torch.zeros(10**6)}), True)):
        path.write_bytes(two_in_one(shown, other, compress=compress))
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == list(shown)  # what a check with Python's reader sees
        with pytest.raises(UnsafeFile, match="two places"):
            load_foreign(path, "toy", 3)


def test_torch_is_given_what_was_checked_and_nothing_else(toy, tmp_path, monkeypatch):
    given = []
    real = torch.load
    monkeypatch.setattr(torch, "load", lambda file, **options: (given.append(file), real(file, **options))[1])
    path = tmp_path / "x.pt"
    parts = members(toy().state_dict())
    # torch looks for "data.pkl" without regard to case.
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {"archive/DATA.PKL": b"x", "archive/other": b"y", **parts, "elsewhere/data/0": b"z"}.items():
            archive.writestr(name, data)
    load_foreign(path, "toy", 3)
    with zipfile.ZipFile(given[0]) as archive:
        held = {name: archive.read(name) for name in archive.namelist()}
    needed = ("data.pkl", "version", "byteorder", "data/")
    assert held == {name: data for name, data in parts.items() if name.split("/", 1)[1].startswith(needed)}


def edited(whole: bytes, place: int, new: bytes) -> bytes:
    """``whole`` with bytes replaced from ``place`` on, counted from its end."""
    place += len(whole)
    return whole[:place] + new + whole[place + len(new) :]


def test_the_two_end_records_have_to_agree(toy, tmp_path):
    path, content = tmp_path / "x.pt", io.BytesIO()
    torch.save(toy().state_dict(), content)
    whole = content.getvalue()
    assert (whole[-98:-94], whole[-42:-38], whole[-22:-18]) == (b"PK\x06\x06", b"PK\x06\x07", b"PK\x05\x06")
    path.write_bytes(edited(whole, -10, b"\xff" * 8))  # "look into the long record", as a file beyond 4 GB has it
    load_foreign(path, "toy", 3)
    for broken in (
        edited(whole, -10, bytes(4)),  # another length
        edited(whole, -6, bytes(4)),  # another offset in the short record
        edited(whole, -50, bytes(8)),  # in the long one
        edited(whole, -34, bytes(8)),  # and of the long one itself
        edited(whole, -98, b"PK\x07\x08"),
        edited(whole, -2, b"\1\0") + b"x",  # a comment
        whole + b"\0",
    ):
        path.write_bytes(broken)
        with pytest.raises((UnsafeFile, CheckpointDamaged)):
            load_foreign(path, "toy", 3)


def test_a_long_list_of_members_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "x.pt"
    content, _ = local({"a": b""}, False)
    listed = directory([(f"{number:06d}", 0, 0, 0, 0, 0) for number in range(20_000)], 0)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 20_000, 20_000, len(listed), len(content), 0)
    path.write_bytes(content + listed + end)
    monkeypatch.setattr(zipfile, "ZipFile", None)
    with pytest.raises(UnsafeFile, match=r"members of 1\.0 MB"):
        load_foreign(path, "toy", 3)


def pickled(path, value: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (members({"a": torch.zeros(2)}) | {"archive/data.pkl": b"\x80\x02" + value + b"."}).items():
            archive.writestr(name, data)


@pytest.mark.parametrize(
    "tuples",
    [b"\x85" * 100_000, b"N\x86" * 100_000, b"(" * 9000 + b"t" * 9000, b"q\0h\0\x86" * 9000, b"\x94" + b"\x85" * 60],
)
def test_tuples_deep_in_tuples_are_refused(tmp_path, tuples):
    # As a key of a dict they end the process: Python's hash of a tuple follows it down with no limit.
    pickled(tmp_path / "x.pt", b"})" + tuples + b"Ns")
    with pytest.raises((UnsafeFile, CheckpointDamaged)) as error:
        load_foreign(tmp_path / "x.pt", "toy", 3)
    assert b"(" in tuples or "deep in tuples" in str(error.value)


@pytest.mark.parametrize(
    "value",
    [
        b"\x8b" + struct.pack("<I", 9000) + b"\x01" * 9000,
        b"(t" + b"K\1",
        b"0",
        b"t",
        b"h\7",
        b"s",
        b"\x86",
        b"(0",
        b"q\0",
    ],
)
def test_keys_and_stacks_that_cannot_be(tmp_path, value):
    pickled(tmp_path / "x.pt", b"}" + value + b"Ns")
    with pytest.raises((CheckpointDamaged, CheckpointMismatch)):
        load_foreign(tmp_path / "x.pt", "toy", 3)


def test_a_long_pickle_is_refused(tmp_path):
    pickled(tmp_path / "x.pt", b"}" * 1_100_000)
    with pytest.raises(UnsafeFile, match="too long"):
        load_foreign(tmp_path / "x.pt", "toy", 3)


def test_what_training_programs_save_stays_far_below_the_limits(tmp_path):
    from core.models import build

    model = build("densenet169", 7)
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    path = tmp_path / "a name as long as people give it, with the day and the accuracy.pt"
    torch.save({"state_dict": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}, path)
    with zipfile.ZipFile(path) as archive:
        assert archive.getinfo(f"{path.stem}/data.pkl").file_size < torchfile._MAX_PICKLE / 2
        assert path.stat().st_size - archive.start_dir < torchfile._MAX_DIRECTORY / 2
    loaded = load_foreign(path, "densenet169", 7)
    assert all(torch.equal(value, loaded.state_dict()[name]) for name, value in model.state_dict().items())


def test_any_opcode_anywhere_is_no_traceback(toy, tmp_path):
    parts, path = members(toy().state_dict()), tmp_path / "x.pt"
    pickle = parts["archive/data.pkl"]
    for place in range(2, len(pickle), 7):
        for new in (b"\x85", b"(", b"0", b"s", b"R"):
            altered = parts | {"archive/data.pkl": pickle[:place] + new + pickle[place:]}
            content, listed = local(altered, False)
            listed = directory(listed, 0)
            end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(parts), len(parts), len(listed), len(content), 0)
            path.write_bytes(content + listed + end)
            try:
                load_foreign(path, "toy", 3)
            except PruneScopeError:
                continue
