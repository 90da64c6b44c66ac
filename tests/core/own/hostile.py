"""Zips that mean harm, made in the test: by name, a function that writes one, and the error that names it."""

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from core.errors import DataDamaged, FileTooLarge, UnsafeFile


def png(colour=(200, 10, 10), size=(32, 32)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def good(path: Path, per_class: int = 12, classes=("red", "blue"), extra=()) -> Path:
    """A data set of ``per_class`` small pictures a class; ``extra``: (ZipInfo or name, content) beside them."""
    with zipfile.ZipFile(path, "w") as archive:
        for label, name in enumerate(classes):
            for number in range(per_class):
                archive.writestr(f"{name}/{number}.png", png((90 * label, number, 30)))
        for entry, content in extra:
            archive.writestr(entry, content)
    return path


def _named(name: str):
    return lambda path: good(path, extra=[(zipfile.ZipInfo(name), png())])


def _mode(mode: int):
    def write(path: Path) -> Path:
        entry = zipfile.ZipInfo("red/link.png")
        entry.create_system, entry.external_attr = 3, mode << 16
        return good(path, extra=[(entry, "/etc/passwd")])

    return write


def _patched(change):
    """A good zip with bytes changed: ``change`` gets and gives a bytearray."""

    def write(path: Path) -> Path:
        content = bytearray(good(path).read_bytes())
        path.write_bytes(bytes(change(content)))
        return path

    return write


def _end(offset: int, value: bytes):
    def change(content: bytearray) -> bytearray:
        at = content.rfind(b"PK\x05\x06") + offset
        content[at : at + len(value)] = value
        return content

    return _patched(change)


def _central(offset: int, value: bytes):
    """Changed in the first entry of the list of files."""

    def change(content: bytearray) -> bytearray:
        at = content.find(b"PK\x01\x02") + offset
        content[at : at + len(value)] = value
        return content

    return _patched(change)


def bomb(path: Path) -> Path:
    """1.2 GB of zeros in a few MB."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(20):
            with archive.open(f"red/{number}.png", "w") as file:
                for _ in range(60):
                    file.write(bytes(1_000_000))
    return path


def liar(path: Path) -> Path:
    """Members of 3 MB that say they have 100 bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(24):
            archive.writestr(f"{('red', 'blue')[number % 2]}/{number}.png", bytes(3_000_000))
    content = bytearray(path.read_bytes())
    at = 0
    while (at := content.find(b"PK\x01\x02", at)) >= 0:
        content[at + 24 : at + 28] = struct.pack("<I", 100)
        at += 4
    path.write_bytes(bytes(content))
    return path


def million(path: Path, count: int = 1_000_000) -> Path:
    """A zip whose list has a million entries for one and the same empty file, written as bytes: 51 MB."""
    name = b"a/b.x"
    local = b"PK\x03\x04" + struct.pack("<5HIIIHH", 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0) + name
    entry = (
        b"PK\x01\x02" + struct.pack("<6HIIIHHHHHII", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0) + name
    )
    end = b"PK\x05\x06" + struct.pack("<4HIIH", 0, 0, count % 65_536, count % 65_536, count * len(entry), len(local), 0)
    path.write_bytes(local + entry * count + end)
    return path


def million_64(path: Path) -> Path:
    """The same, told by the records for very large zips, while the ordinary end says that there is one file."""
    million(path, 200_000)
    content = path.read_bytes()
    body, end = content[:-22], content[-22:]
    size, offset = struct.unpack("<II", end[12:20])
    record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 200_000, 200_000, size, offset)
    locator = b"PK\x06\x07" + struct.pack("<IQI", 0, len(body), 1)
    path.write_bytes(body + record + locator + b"PK\x05\x06" + struct.pack("<4HIIH", 0, 0, 1, 1, 51, offset, 0))
    return path


def pixels(path: Path) -> Path:
    """Forty pictures of 39 megapixels each, in a small file."""
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((6_250, 6_240), np.uint8)).save(buffer, "PNG", compress_level=9)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(40):
            archive.writestr(f"{('red', 'blue')[number % 2]}/{number}.png", buffer.getvalue())
    return path


def listed(*rows: str, name: str = "labels.csv"):
    """Pictures in one folder, and a list of them."""

    def write(path: Path) -> Path:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            for number in range(24):
                archive.writestr(f"images/{number}.png", png((10 * number, 0, 30)))
            archive.writestr(name, "\n".join(rows))
        return path

    return write


def _rows(of=lambda number: ("red", "blue")[number % 2]) -> list[str]:
    return ["file,class", *(f"{number}.png,{of(number)}" for number in range(24))]


CORPUS = {
    "empty": (lambda path: (path.touch(), path)[1], DataDamaged, "not a whole zip"),
    "text": (lambda path: (path.write_text("<svg onload=alert(1)>"), path)[1], DataDamaged, "not a whole zip"),
    "no members": (lambda path: good(path, 0), DataDamaged, "no image in this zip.*nothing in it"),
    "only other files": (lambda path: good(path, 0, extra=[("readme.txt", "x")]), DataDamaged, "1 other file"),
    "one class": (lambda path: good(path, classes=("red",)), DataDamaged, "fewer than two classes"),
    "up": (_named("../../red/x.png"), UnsafeFile, "leads out of its folder"),
    "up in the middle": (_named("red/../../x.png"), UnsafeFile, "leads out of its folder"),
    "up by backslash": (_named("..\\..\\x.png"), UnsafeFile, "leads out of its folder"),
    "absolute": (_named("/etc/cron.d/x.png"), UnsafeFile, "leads out of its folder"),
    "drive": (_named("C:\\x.png"), UnsafeFile, "leads out of its folder"),
    "home": (_named("~root/x.png"), UnsafeFile, "leads out of its folder"),
    "control characters": (_named("red/\x1b[2J\x07.png"), UnsafeFile, "cannot be shown"),
    "right to left": (_named("red/\u202egnp.exe.png"), UnsafeFile, "cannot be shown"),
    "a long name": (_named("red/" + "x" * 2000 + ".png"), UnsafeFile, "cannot be shown"),
    "deep": (_named("d/" * 30 + "x.png"), UnsafeFile, "cannot be shown"),
    "a class that is a link": (
        lambda path: good(path, classes=("red", "![x](http-evil)")),
        UnsafeFile,
        "A class has a name that cannot be shown",
    ),
    "twice": (_named("RED/0.PNG"), UnsafeFile, "two files of one name"),
    "symlink": (_mode(0o120777), UnsafeFile, "a link"),
    "device": (_mode(0o020666), UnsafeFile, "a device"),
    "pipe": (_mode(0o010666), UnsafeFile, "a device"),
    "encrypted": (_central(8, b"\x01\x00"), UnsafeFile, "encrypted"),
    "bzip2": (_central(10, b"\x0c\x00"), UnsafeFile, "other than deflate"),
    "cut off": (_patched(lambda content: content[: len(content) // 2]), DataDamaged, "its end is missing"),
    "list cut off": (_end(12, b"\xff\xff\x1f\x00"), DataDamaged, "not a whole zip"),
    "a number that lies": (_end(10, b"\xfe\xff"), FileTooLarge, "65,534"),
    "a list that lies": (_end(12, b"\xff\xff\xff\x7f"), FileTooLarge, "2147.5 MB"),
    "bomb": (bomb, FileTooLarge, "1,200 MB"),
    "a million files": (million, FileTooLarge, "too many files"),
    "many files of the other kind": (million_64, FileTooLarge, "zip64"),
    "members that lie": (liar, DataDamaged, "Not one image"),
    "a list of commas": (listed("file,class" + "," * 60_000_000), DataDamaged, "labels.csv is too large"),
    "a list of blanks": (listed("file,class", *[" ,"] * 100_000), DataDamaged, "labels.csv is too large"),
    "a list whose class is a link": (
        listed(*_rows(lambda number: ("red", "![x](http-evil)")[number % 2])),
        UnsafeFile,
        "A class has a name that cannot be shown",
    ),
    "a list with a name that is a link": (
        listed(*_rows(), "[x](y)\x1b[2J,red", name="[x](http-evil).csv"),
        DataDamaged,
        "names are not there",
    ),
    "pixels": (pixels, FileTooLarge, "1,500 megapixels"),
}
