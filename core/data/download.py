"""Getting a data set from where its makers keep it."""

import os
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.data.cifar_pickles import TAR
from core.data.fetch import fetch, md5_of
from core.data.ham10000 import MASKS, METADATA, PARTS
from core.data.listing import checked_root
from core.data.sources import find
from core.errors import DataDamaged, DataNotFound, DownloadFailed, check_choice
from core.progress import Report, silent

__all__ = ["FILES", "SERVERS", "Remote", "download", "fetch"]

SERVERS = {
    "cifar100": "https://www.cs.toronto.edu/~kriz",
    "ham10000": "https://dataverse.harvard.edu/api/access/datafile",
}


@dataclass(frozen=True)
class Remote:
    """One file of a data set.

    Attributes:
        file: its name here.
        path: its name on the server.
        md5: its checksum, where one is known.
        masks: the data set can be used without it.
    """

    file: str
    path: str
    md5: str | None = None
    masks: bool = False


# The md5 is torchvision's. For the files on Dataverse none is known to us, so zips are opened and the table is read.
FILES: dict[str, tuple[Remote, ...]] = {
    "cifar100": (Remote(TAR, TAR, "eb9058c3a382ffc7106e4002c42a8d85"),),
    "ham10000": (
        Remote(f"{METADATA}.tab", "3172582"),
        Remote(f"{PARTS[0]}.zip", "3172585"),
        Remote(f"{PARTS[1]}.zip", "3172584"),
        Remote(f"{MASKS}.zip", "3838943", masks=True),
    ),
}


def download(
    name: str, root: str | os.PathLike | None = None, report: Report = silent, *, server: str | None = None
) -> Path:
    """Download what is missing of a data set into ``root/name``, and check that the whole can be listed.

    Sound files that are there already stay; a truncated one is replaced.

    Args:
        name: ``"cifar100"`` (169 MB) or ``"ham10000"`` (2.9 GB).
        root: the data root; see :func:`core.files.data_root`.
        report: told of each file's progress in bytes; may raise Cancelled, which keeps what has come.
        server: where to take the files from, in place of :data:`SERVERS`.

    Returns:
        The folder that holds the data set.

    Raises:
        UnknownName: a data set that is not downloaded.
        DownloadFailed: as for :func:`fetch`, or what came is not a zip.
        StorageFull: no room, or no permission.
        DataNotFound, DataDamaged: what came is whole, but is not the data set.
    """
    check_choice("data set to download", name, FILES)
    root = checked_root(root)
    server = (server or SERVERS[name]).rstrip("/")
    listing = None
    with suppress(DataNotFound, DataDamaged):
        listing = find(name, root=root).listing
    for remote in FILES[name]:
        target = root / name / remote.file
        lacks = listing is None or (remote.masks and listing.mask_key is None)
        if lacks and not _sound(target, remote):
            check = _check_zip if target.suffix == ".zip" else None
            fetch(f"{server}/{remote.path}", target, md5=remote.md5, report=report, check=check)
    found = find(name, root=root)
    _ = found.heading  # lists it, and keeps the list
    return found.folder


def _sound(target: Path, remote: Remote) -> bool:
    if not target.is_file():
        return False
    if remote.md5:
        return md5_of(target) == remote.md5
    return target.suffix != ".zip" or zipfile.is_zipfile(target)


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            if not archive.infolist():
                raise zipfile.BadZipFile("it is empty")
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        with path.open("rb") as file:
            start = file.read(40)
        given = f"{path.stat().st_size:,} bytes that begin with {start!r} ({error})"
        raise DownloadFailed(
            f"What came as {path.stem} is not a zip; it was removed",
            given=given,
            expected="a zip of images",
            remedy="the makers may ask to accept terms first: get it by hand from https://doi.org/10.7910/DVN/DBW86T",
        ) from error
