"""Image files of a data set by their name, whether they lie in zips or in folders. Nothing is ever unpacked to disk."""

import hashlib
import os
import re
import threading
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from core.data.splits import encoded
from core.errors import DataDamaged, FileTooLarge

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".tif", ".tiff"}
OTHER_SUFFIXES = {
    *(".gif", ".heic", ".heif", ".avif", ".jp2", ".j2k", ".jpf", ".jpx", ".jxl", ".dcm", ".dicom", ".psd", ".svg"),
    *(".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2"),
}
"""Pictures of kinds that are not read; whoever has some should hear of it."""
TABLE_SUFFIXES = {".csv", ".tsv", ".tab"}
MAX_MEMBER = 64 * 2**20  # bytes of one encoded image, before and after unzipping
MAX_MEMBERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Member:
    """One file: where it lies, how large it claims to be, and its checksum (zips) or time (folders)."""

    place: Path
    entry: zipfile.ZipInfo | str
    size: int
    stamp: int


class Archive:
    """Images in zips and folders, addressed by member name (``folder/file.png``), readable from several threads.

    Args:
        places: zip files and folders; of a member found twice the first counts.

    Attributes:
        members: name -> :class:`Member`, images only.
        tables: the same for tables, one of which may be a list of the images.
        folders: names of all folders met, also of those without an image.
        repeated: names found more than once.
        unsafe: names that point out of the archive; they are left out.
        unreadable: names of images that are not UTF-8, as bytes that old zips left behind; they are left out.
        others: names of pictures of kinds that are not read.

    Raises:
        DataDamaged: a zip that cannot be opened.
        FileTooLarge: more members than any data set has.
    """

    def __init__(self, places: Iterable[Path]):
        self.places = [Path(place) for place in places]
        self.members: dict[str, Member] = {}
        self.tables: dict[str, Member] = {}
        self.folders: set[str] = set()
        self.repeated: list[str] = []
        self.unsafe: list[str] = []
        self.unreadable: list[str] = []
        self.others: list[str] = []
        self._zips: dict[Path, zipfile.ZipFile] = {}
        self._lock = threading.Lock()
        for place in self.places:
            self._add(place)

    def by_stem(self) -> dict[str, str]:
        """File name without folder and suffix -> member; of a stem found twice the first counts."""
        stems: dict[str, str] = {}
        for name in self.members:
            stems.setdefault(stem(name), name)
        return stems

    def digest(self) -> str:
        """Sixteen hex digits over names, sizes and checksums (zips) or times and places (folders): cheap, and new when content is.

        Files of two folders may agree in names, sizes and times, as copies made by a program do, and hold other images.
        """
        state = hashlib.sha256()
        for place in self.places:
            if place.is_dir():
                state.update(encoded(f"{place.absolute()}\n"))
        for name, member in sorted(self.members.items()):
            state.update(encoded(f"{name}:{member.size}:{member.stamp}\n"))
        return state.hexdigest()[:16]

    def read(self, name: str) -> bytes:
        """Bytes of one member. At most :data:`MAX_MEMBER` bytes are ever expanded, whatever the zip claims of itself.

        Raises:
            DataDamaged: it cannot be read, or its checksum is wrong.
            FileTooLarge: more than :data:`MAX_MEMBER` bytes.
        """
        member = self.members.get(name) or self.tables[name]
        try:
            data = self._read(member) if member.size <= MAX_MEMBER else None
        except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
            raise DataDamaged(f"{name} in {member.place.name} cannot be read", given=error) from error
        if data is None or len(data) > MAX_MEMBER:
            size = len(data or b"") or member.size
            raise FileTooLarge(
                f"{name} is too large for an image", given=f"{size:,} bytes", expected=f"at most {MAX_MEMBER:,}"
            )
        return data

    def _add(self, place: Path) -> None:
        for name, entry, size, stamped in _folder_entries(place) if place.is_dir() else self._zip_entries(place):
            parts = [part for part in name.split("/") if part not in ("", ".")]
            kind = os.path.splitext(parts[-1])[1].lower() if parts and name[-1] != "/" else ""  # noqa: PTH122 - ten times faster
            if ".." in parts or name.startswith("/"):
                self.unsafe.append(name)
            elif any(part.startswith((".", "__MACOSX")) for part in parts):
                continue
            elif readable(name) != name:
                if kind in IMAGE_SUFFIXES:
                    self.unreadable.append(name)
            else:
                is_file = not name.endswith("/")
                self.folders.update("/".join(parts[:depth]) for depth in range(1, len(parts) + (not is_file)))
                clean = "/".join(parts)
                if kind in OTHER_SUFFIXES:
                    self.others.append(clean)
                elif kind in TABLE_SUFFIXES:
                    self.tables.setdefault(clean, Member(place, entry, size, stamped))
                elif kind in IMAGE_SUFFIXES:
                    if clean in self.members:
                        self.repeated.append(clean)
                    else:
                        self.members[clean] = Member(place, entry, size, stamped)
            if len(self.members) > MAX_MEMBERS:
                raise FileTooLarge(f"{place.name} holds too many files", given=len(self.members), expected=MAX_MEMBERS)

    def _zip_entries(self, place: Path) -> Iterator[tuple[str, zipfile.ZipInfo, int, int]]:
        try:
            archive = zipfile.ZipFile(place)
        except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise DataDamaged(
                f"{place.name} is not a zip that can be opened",
                given=f"{place} ({error})",
                expected="a whole zip file",
                remedy="delete it and get it again; it may be a download that stopped half way",
            ) from error
        self._zips[place] = archive
        for entry in archive.infolist():
            # Some Windows tools write backslashes.
            yield entry.filename.replace("\\", "/"), entry, entry.file_size, entry.CRC

    def _read(self, member: Member) -> bytes:
        if isinstance(member.entry, str):
            with (member.place / member.entry).open("rb") as file:
                return file.read(MAX_MEMBER + 1)
        if member.entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # The standard library bounds what it expands for deflate only.
            raise NotImplementedError("packed with a method other than deflate; zip it again in the usual way")
        # Reading is a sliver of decoding, so one handle and one lock do; a handle a thread would list the zip in each.
        with self._lock, self._zips[member.place].open(member.entry) as file:
            return file.read(member.size + 1)


def readable(name: str | os.PathLike) -> str:
    r"""A file name fit to be shown: bytes of it that are not UTF-8 are written out, as ``m\xfcller.png``."""
    text = os.fspath(name)
    try:
        text.encode()
    except UnicodeEncodeError:
        return re.sub("[\ud800-\udfff]", lambda half: f"\\x{ord(half[0]) & 0xFF:02x}", text)
    return text


def stem(name: str) -> str:
    """File name of ``name`` without folder and suffix."""
    return os.path.splitext(name.rpartition("/")[2])[0]  # noqa: PTH122 - ten times faster, and called for each image


def walk(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Relative name and status of each file and empty folder (``"name/"``) under ``folder``, hidden ones left out.

    Links are followed, but no folder is entered twice.
    """
    seen = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        try:
            status = Path(place).stat()
        except OSError:  # taken away just now
            folders.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        start = place[len(str(folder)) :].lstrip(os.sep).replace(os.sep, "/")
        for name in sorted(name for name in files if not name.startswith(".")):
            try:
                status = os.stat(os.path.join(place, name))  # noqa: PTH116, PTH118 - called for each image
            except OSError:
                continue  # a link to nowhere, or removed just now
            yield (f"{start}/{name}" if start else name), status
        if not files and not folders and start:
            yield f"{start}/", status


def changed(status: os.stat_result) -> int:
    """When a file was changed last, in nanoseconds. Its own time can be set, as copies do; that of its entry cannot."""
    return max(status.st_mtime_ns, status.st_ctime_ns)


def _folder_entries(folder: Path) -> Iterator[tuple[str, str, int, int]]:
    for name, status in walk(folder):
        yield name, name, status.st_size, changed(status)
