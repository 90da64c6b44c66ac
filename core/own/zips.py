"""A zip of a stranger, looked at before any part of it is unpacked: how many files, how large, and where they want to go.

Whatever a zip says of itself is checked against its own length first: ``zipfile`` alone would make an object for each of a
million entries before anybody could count them.
"""

import os
import stat
import zipfile
import zlib
from pathlib import Path

from core.errors import DataDamaged, DataNotFound, FileTooLarge, UnsafeFile
from core.files import is_file
from core.own.records import plain

MOST_BYTES = 64_000_000
MOST_FILES = 20_000
MOST_EXPANDED = 1_000_000_000
_MOST_DIRECTORY = 4_000_000  # bytes of the list of files; an entry has 46 and its name
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_END_LENGTH = 22
WITHOUT_LIMIT = (
    "put the zip into the folder of data on the machine itself: it then goes by its name, without this limit"
)
_REMEDY = "zip the folder again with the zip tool of your system, images only"


def screen(path: Path) -> list[zipfile.ZipInfo]:
    """The entries of the zip at ``path``, once nothing of it can do harm. Nothing is unpacked.

    Raises:
        FileTooLarge: more than 64 MB, 20,000 files, or 1 GB once unpacked.
        UnsafeFile: names that lead out of the folder or cannot be shown, links, devices, encrypted files, files of one name,
            or a way of packing whose expansion cannot be bounded.
        DataDamaged: no zip, or not a whole one.
        DataNotFound: no file.
    """
    if not is_file(path):
        raise DataNotFound("There is no such file", given=str(path)[:300], expected="a zip", remedy="check the path")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise FileTooLarge(
            "The zip is too large",
            given=f"{size / 1e6:.1f} MB",
            expected=f"at most {MOST_BYTES / 1e6:.0f} MB",
            remedy=f"make the images smaller, or {WITHOUT_LIMIT}",
        )
    _check_directory(path, size)
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError, NotImplementedError, EOFError, RuntimeError) as error:
        raise _damaged(str(error)) from error
    _check_count(len(entries))
    total = sum(entry.file_size for entry in entries)
    if total > MOST_EXPANDED:
        raise FileTooLarge(
            "The zip would be too large once unpacked",
            given=f"{total / 1e6:,.0f} MB from {size / 1e6:.1f} MB",
            expected=f"at most {MOST_EXPANDED / 1e6:,.0f} MB",
            remedy=f"leave out what is no image, make the images smaller, or {WITHOUT_LIMIT}",
        )
    seen = set()
    for entry in entries:
        _check_entry(entry)
        name = entry.filename.replace("\\", "/").casefold()
        if name in seen:
            raise _unsafe("two files of one name", entry)
        seen.add(name)
    return entries


def _check_directory(path: Path, size: int) -> None:
    """Bound the list of files before ``zipfile`` reads it, finding it where ``zipfile`` will."""
    with path.open("rb") as file:
        file.seek(max(0, size - 65_535 - _END_LENGTH))
        tail = file.read()
    at = len(tail) - _END_LENGTH
    if not (at >= 0 and tail[at : at + 4] == _END and tail[-2:] == b"\0\0"):
        at = tail.rfind(_END)
    end = tail[at : at + _END_LENGTH] if at >= 0 else b""
    if len(end) < _END_LENGTH:
        raise _damaged("its end is missing" if size else "it is empty")
    if tail[max(0, at - 20) : at].startswith(_END_64):
        raise FileTooLarge(
            "The zip is of the kind for very many or very large files (zip64)",
            expected=f"at most {MOST_FILES:,} files",
            remedy=_REMEDY,
        )
    # Two numbers of files, on this disk and in all, then the bytes of their list.
    _check_count(int.from_bytes(end[10:12], "little"))
    length = int.from_bytes(end[12:16], "little")
    if length > _MOST_DIRECTORY:
        raise FileTooLarge(
            "The zip lists too many files",
            given=f"a list of {length / 1e6:.1f} MB",
            expected=f"at most {MOST_FILES:,} files with names of ordinary length",
            remedy=_REMEDY,
        )


def _check_count(count: int) -> None:
    if count > MOST_FILES:
        raise FileTooLarge("The zip holds too many files", given=f"{count:,}", expected=f"at most {MOST_FILES:,}")


def _check_entry(entry: zipfile.ZipInfo) -> None:
    name = entry.filename.replace("\\", "/")
    parts = name.split("/")
    if ".." in parts or name.startswith(("/", "~")) or (len(name) > 1 and name[1] == ":"):
        raise _unsafe("a name that leads out of its folder", entry)
    if not name.isprintable() or len(name.encode(errors="replace")) > 1000 or len(parts) > 20:
        raise _unsafe("a name that cannot be shown", entry)
    mode = entry.external_attr >> 16
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _unsafe("a link" if stat.S_ISLNK(mode) else "a device", entry)
    if entry.flag_bits & 1:
        raise _unsafe("an encrypted file", entry)
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _unsafe("a file packed with a method other than deflate", entry)


def _unsafe(what: str, entry: zipfile.ZipInfo) -> UnsafeFile:
    return UnsafeFile(f"The zip holds {what}; nothing of it was kept", given=plain(entry.filename), remedy=_REMEDY)


def _damaged(why: str) -> DataDamaged:
    return DataDamaged("This is not a whole zip file", given=why[:200], expected="a zip", remedy=_REMEDY)


def digest_of(path: str | os.PathLike) -> str:
    """SHA-256 of a file, in hex."""
    import hashlib

    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
