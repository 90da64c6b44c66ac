"""Images of one's own: a zip of class folders or with a list, screened, explained, and kept as a data set."""

import io
import os
import re
import shutil
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from core import files
from core.data import folder
from core.data.archive import readable
from core.data.listing import Listing, count
from core.data.pictures import FORMATS, MAX_PIXELS
from core.errors import DataDamaged, DataNotFound, FileTooLarge, InvalidValue, UnsafeFile
from core.own import records, zips
from core.own.records import IMAGES, Own, plain
from core.progress import Progress, Report, silent

MOST_CLASSES = 200
MOST_PIXELS = 1_500_000_000
"""Of all images together: what two cores decode in about half a minute."""
_SHOWN = 5
# Class names are shown on every page to everybody, so they hold nothing that a page could take for a link.
# Marks that other characters carry, as the vowels of Hindi, are taken off first.
_CLASS = re.compile(r"[\w .,()+&'-]{1,60}")


@dataclass(frozen=True)
class Look:
    """What a zip of class folders, or with a list, holds.

    Attributes:
        counts: one record a class, with ``class``, ``train``, ``validation``, ``test`` and ``images``, and ``groups`` where a list names some.
        notes: sentences for the user: what will be left out, what is split by us.
        images: how many can be read, by their headers.
        pixels: of all of them together.
        smallest: shorter side of the smallest image, in pixels.
    """

    counts: tuple[dict, ...]
    notes: tuple[str, ...]
    images: int
    pixels: int
    smallest: int


def look_at_images(path: str | os.PathLike, *, report: Report = silent) -> Look:
    """Screen a zip and say what of it would become a data set. Headers of images are read, no pixel is decoded.

    Args:
        path: the zip.
        report: told of progress; may raise Cancelled.

    Raises:
        FileTooLarge, UnsafeFile: see :func:`core.own.zips.screen`; also more than 1,500 megapixels or 200 classes.
        DataDamaged: no zip, no class folders, a list that is wrong (see :func:`core.data.labelled.find`), fewer than two classes, no image, or none that can be read of a class or split.
    """
    path = Path(path)
    entries = zips.screen(path)
    with _as_of_a_zip(path, len(entries)):
        listing = folder.find(path).listing
    if len(listing.class_names) > MOST_CLASSES:
        raise FileTooLarge(
            "There are too many classes",
            given=f"{len(listing.class_names):,}, such as {', '.join(plain(name, 40) for name in listing.class_names[:3])}",
            expected=f"at most {MOST_CLASSES}",
            remedy=f"if these are ids from a list, call its right column class; else {zips.WITHOUT_LIMIT}",
        )
    for name in listing.class_names:
        if not _can_be_shown(name):
            raise UnsafeFile(
                "A class has a name that cannot be shown",
                given=plain(name),
                expected="letters, digits, blanks and . , - + & ( ) ', 60 at most",
                remedy="rename its folder, or the class in the list",
            )
    sizes, unread = _headers(listing, report)
    shown = [plain(name, 60) for name in unread[:_SHOWN]]
    if not sizes:
        raise DataDamaged("Not one image of this zip can be read", given="; ".join(shown)[:500])
    usable = listing.table[~listing.table["id"].isin(unread)]
    with _as_of_a_zip(path, len(entries)):
        found = listing.check(count(usable, listing.class_names, listing.group))
    notes = [*listing.notes, *(note for note in found if note not in listing.notes)]
    if unread:
        names = ", ".join(shown) + (", …" if len(unread) > _SHOWN else "")
        notes.append(f"{len(unread):,} of the files cannot be read as images and will be left out: {names}")
    smallest = min(map(min, sizes))
    return Look(listing.counts, tuple(notes), len(sizes), sum(width * height for width, height in sizes), smallest)


def add_images(path: str | os.PathLike, name: str, owner: str, *, origin: str = "", report: Report = silent) -> Own:
    """Keep a zip as the data set ``name``: from then on every study ``name-SIZE/architecture`` can be made.

    Args:
        path: the zip; it is copied.
        name: of the data set.
        owner: see :func:`core.jobs.owner_of`.
        origin: what its owner calls the file.
        report: told of progress; may raise Cancelled.

    Raises:
        FileTooLarge, UnsafeFile, DataDamaged: as :func:`look_at_images`.
        InvalidValue: the name is taken, or cannot be one.
        NotAllowed, QueueFull, StorageFull: see :func:`core.own.records.adding`.
    """
    path = Path(path)
    records.check_name(name)
    look_at_images(path, report=report)
    size = path.stat().st_size
    with records.adding(name, owner, size):
        place = records.zip_of(name)
        files.check_space(place.parent, size)
        records.begin(name, IMAGES, owner, origin or path.name, size, zips.digest_of(path))
        with files.atomic_path(place) as temporary:
            shutil.copyfile(path, temporary)
        try:
            return records.keep(name, IMAGES, owner, origin or path.name, size, zips.digest_of(place))
        except BaseException:  # a zip without a record would block its name, and nobody could remove it
            place.unlink(missing_ok=True)
            raise


def name_for(origin: str) -> str:
    """A name that suits the data set or weights of a file: ``"My Clinic (2).zip"`` becomes ``"my-clinic-2"``."""
    name = folder.slug(Path(Path(origin.replace("\\", "/")).stem or "images")).replace("_", "-").lstrip("0123456789-")
    try:
        return records.check_name(name[:24].rstrip("-"))
    except InvalidValue:
        return "my-own"


@contextmanager
def _as_of_a_zip(path: Path, entries: int) -> Iterator[None]:
    try:
        yield
    except DataNotFound as error:
        # Elsewhere this says that images are not on this machine; here it is the file that is not what it should be.
        others = f"{entries:,} other file{'' if entries == 1 else 's'}" if entries else "nothing in it"
        left_out = str(error.given).removeprefix(readable(path)).removeprefix("; ")
        raise DataDamaged(
            "There is no image in this zip that can be read" if left_out else "There is no image in this zip",
            given=plain(left_out, 300) or others,
            expected=error.expected,
            remedy=folder.AS_JPEG
            if error.remedy == folder.AS_JPEG
            else "put the images into one folder a class, or with a list of their classes into one, and zip these folders",
        ) from error
    except DataDamaged as error:
        # Where the upload lay for a moment means nothing to its owner.
        given = plain(str(error.given).replace(str(path), "this zip"), 300)
        raise DataDamaged(
            plain(error.problem, 200), given=given, expected=error.expected, remedy=error.remedy
        ) from error


def _can_be_shown(name: str) -> bool:
    bare = "".join(one for one in name if unicodedata.category(one) not in ("Mn", "Mc"))
    # A heap of marks on one letter would run over the lines above and below.
    return bool(_CLASS.fullmatch(bare)) and len(name) <= min(3 * len(bare), 60)


def _headers(listing: Listing, report: Report) -> tuple[list[tuple[int, int]], list[str]]:
    """Width and height of each image that can be read, and the ids of those that cannot."""
    sizes, unread, total, start = [], [], 0, time.monotonic()
    ids = listing.table["id"].tolist()
    for number, image in enumerate(ids):
        if number % 100 == 0:
            report(Progress("Looking at the images", number, len(ids), "images", time.monotonic() - start))
        size = _size(listing, image)
        if size is None or not 0 < size[0] * size[1] <= MAX_PIXELS:
            unread.append(image)
            continue
        sizes.append(size)
        total += size[0] * size[1]
        if total > MOST_PIXELS:
            raise FileTooLarge(
                "The images have too many pixels together",
                given=f"more than {MOST_PIXELS / 1e6:,.0f} megapixels in the first {number + 1:,}",
                expected=f"at most {MOST_PIXELS / 1e6:,.0f} megapixels",
                remedy="make them smaller first: networks see 32 to 512 pixels of each",
            )
    report(Progress("Looking at the images", len(ids), len(ids), "images", time.monotonic() - start))
    return sizes, unread


def _size(listing: Listing, image: str) -> tuple[int, int] | None:
    try:
        # At most what the entry says of itself, all of which together was bounded.
        with Image.open(io.BytesIO(listing.read(image)), formats=FORMATS) as picture:
            return picture.size
    except Exception:  # zipfile, zlib and Pillow raise almost anything on damaged input
        return None
