"""Decode a data set once into a memory-mapped array; from then on every use of it is instant."""

import csv
import hashlib
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TypeVar

import numpy as np
import pandas as pd

from core.data.cache import cache_folder, gone, meta, once_more, publish, write_array
from core.data.listing import Found, Heading, Listing, count
from core.data.pictures import decode_mask, fingerprint, open_picture, square
from core.data.splits import SPLITS
from core.device import cores
from core.errors import DataDamaged, InvalidValue, PruneScopeError
from core.files import check_space, write_text
from core.progress import Progress, Report, silent

SIZES = (16, 512)
_CHUNK, _TASK, _TOLD = 256, 16, 64  # rows at a time, in a task of one thread, and between two reports
_COPY = "a copy of a test image"
_NOTED = ("counts", "notes", "text", "numbers")
T = TypeVar("T")


@dataclass(frozen=True)
class Prepared:
    """The decoded arrays of a data set at one size, as they lie in the cache.

    Attributes:
        folder: with ``images.npy``, ``table.csv`` and ``meta.json``.
        counts: as :func:`core.data.listing.count`, of what was really kept.
        notes: what was left out and why.
        text, numbers: columns of the table that are text, and those that are numbers and may have gaps.
    """

    folder: Path
    counts: tuple[dict, ...]
    notes: tuple[str, ...]
    text: tuple[str, ...]
    numbers: tuple[str, ...]

    def images(self) -> np.ndarray:
        """uint8 [N, size, size, 3], memory-mapped and read-only; sorted by split and id, so that a split is a slice."""
        return np.load(self.folder / "images.npy", mmap_mode="r")

    def table(self) -> pd.DataFrame:
        """N rows in the same order."""
        return _table(self.folder, self.text, self.numbers)


def check_size(size: int) -> int:
    """Return ``size`` if images can be prepared at it; raise InvalidValue otherwise."""
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not SIZES[0] <= size <= SIZES[1]:
        raise InvalidValue(
            "This image size cannot be prepared",
            given=repr(size),
            expected=f"a whole number from {SIZES[0]} to {SIZES[1]} pixels",
            remedy="choose a size such as 32, 64 or 128",
        )
    return int(size)


def lookup(heading: Heading, size: int) -> Prepared | None:
    """The prepared arrays of a data set, or None if they are not there or not whole. Costs a few file statuses."""
    folder = cache_folder(heading.name, f"{heading.key}-{size}")
    found = _usable(folder)
    return found and Prepared(folder, *(tuple(found[name]) for name in _NOTED))


def prepared(listing: Listing, size: int, report: Report = silent) -> Prepared:
    """The decoded arrays of ``listing`` at ``size``; made if they are not there.

    A picture that will not open is left out and named in the notes.

    Raises:
        DataDamaged: not one picture could be read, or too few of a class or of a split; or a name that a table cannot hold.
        StorageFull: no room in the cache folder.
        Cancelled: raised by ``report``; nothing is left behind.
        FileNotFoundError: the cache was deleted meanwhile; see :func:`core.data.cache.once_more`.
    """
    if done := lookup(listing, size):
        return done
    folder = cache_folder(listing.name, f"{listing.key}-{size}")
    table = listing.table.copy()
    table["split"] = pd.Categorical(table["split"], SPLITS)
    table = table.sort_values(["split", "id"]).reset_index(drop=True)
    check_space(folder.parent, len(table) * size * size * 3)

    def write(place: Path) -> dict:
        left_out: dict[str, str] = {}
        rows = _decoded(listing, table, size, left_out, report)
        write_array(place / "images.npy", np.uint8, (size, size, 3), rows)
        kept = table[~table["id"].isin(left_out.keys())]
        if kept.empty:
            first = next(iter(left_out.items()), ("it lists no image", ""))
            raise DataDamaged(f"No image of {listing.name} could be read", given=": ".join(first).rstrip(": "))
        counts, notes = count(kept, listing.class_names, listing.group), _notes(left_out)
        if listing.check:
            notes += _checked(listing, counts, notes)
        numeric = [column for column in kept if pd.api.types.is_numeric_dtype(kept[column])]
        text = [column for column in kept if column not in numeric]
        numbers = [column for column in numeric if kept[column].dtype.kind == "f"]
        # All text in quotes: pandas writes a carriage return bare, and reads it as the end of a row.
        write_text(place / "table.csv", kept.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC))
        _check_table(listing, place, kept["id"].tolist(), text, numbers)
        return {
            "counts": counts,
            "notes": notes,
            "left_out": left_out,
            "text": text,
            "numbers": numbers,
            "quoted": True,
        }

    publish(folder, write, _usable)
    if done := lookup(listing, size):
        return done
    raise gone(folder)


def _usable(folder: Path) -> dict | None:
    """What was noted of a folder of arrays, if that is all that is needed and its table can be read."""
    found = meta(folder)
    if found is None or not all(isinstance(found.get(name), list) for name in _NOTED):
        return None
    # Tables used to be written without quotes, and a carriage return in one broke a row in two.
    return found if found.get("quoted") or b"\r" not in (folder / "table.csv").read_bytes() else None


def _table(folder: Path, text: Sequence[str], numbers: Sequence[str]) -> pd.DataFrame:
    # Ids such as "007" or "nan" are text; pandas would read numbers and gaps.
    types, gaps = dict.fromkeys(text, str), {column: [""] for column in numbers}
    return pd.read_csv(folder / "table.csv", dtype=types, keep_default_na=False, na_values=gaps)


def _checked(listing: Listing, counts: tuple[dict, ...], notes: list[str]) -> list[str]:
    """What the data set has to say of the images that could be read, beyond what it said when it was listed."""
    try:
        return [note for note in listing.check(counts) if note not in listing.notes]
    except DataDamaged as error:
        given = "; ".join([str(error.given), *notes])
        raise DataDamaged(error.problem, given=given, expected=error.expected, remedy=error.remedy) from error


def _check_table(listing: Listing, place: Path, ids: list[str], text: list[str], numbers: list[str]) -> None:
    number = len(np.load(place / "images.npy", mmap_mode="r"))
    try:
        kept = _table(place, text, numbers)["id"].tolist()
    except FileNotFoundError:
        raise  # not the table's fault: the cache was deleted
    except (ValueError, KeyError, OSError) as error:
        kept = [str(error)]
    if kept != ids or number != len(ids):
        raise DataDamaged(
            f"The table of {listing.name} does not keep the names of its images",
            given=f"{number:,} images, {len(ids):,} names, {len(kept):,} of them read again",
            expected="names of files and classes, and texts, without control characters",
            remedy="rename the files or folders with such characters",
        )


def prepared_masks(found: Found, size: int, ids: list[str], report: Report = silent) -> np.ndarray:
    """Masks of ``ids`` as bool [N, size, size], memory-mapped; decoded on first use.

    Raises:
        DataNotFound: the mask of an image is missing.
        DataDamaged: a mask will not open.
        StorageFull: no room in the cache folder.
        Cancelled: raised by ``report``; nothing is left behind.
    """
    heading = found.heading
    rows = hashlib.sha256("\n".join(ids).encode()).hexdigest()[:8]
    folder = cache_folder(heading.name, f"{heading.mask_key}-{rows}-{size}-masks")

    def write(place: Path) -> dict:
        read, draw = found.listing.read_mask, found.listing.draw_masks
        masks = draw(ids, size) if draw else _each(lambda row: decode_mask(read(ids[row]), size), len(ids))
        stage = f"{'Drawing' if draw else 'Reading'} masks of {found.name}"
        write_array(place / "masks.npy", bool, (size, size), _told(masks, len(ids), stage, report))
        return {}

    def mapped() -> np.ndarray:
        if meta(folder) is None:
            check_space(folder.parent, len(ids) * size * size)
            publish(folder, write)
        return np.load(folder / "masks.npy", mmap_mode="r")

    return once_more(mapped)


def _decoded(
    listing: Listing, table: pd.DataFrame, size: int, left_out: dict[str, str], report: Report
) -> Iterator[np.ndarray]:
    """Yield the pictures in the order of ``table``; those that cannot or must not be used go to ``left_out`` with the reason."""
    ids, is_test = table["id"].tolist(), (table["split"] == "test").to_numpy()
    of_test = frozenset()
    if listing.drop_test_copies:
        test = np.flatnonzero(is_test)
        marks = _each(lambda i: _mark(listing, ids[test[i]]), len(test))
        told = _told(marks, len(test), f"Reading test images of {listing.name}", report)
        of_test = frozenset(mark for mark in told if mark)

    def one(row: int) -> np.ndarray | str:
        try:
            picture = open_picture(listing.read(ids[row]), as_seen=listing.as_seen)
        except PruneScopeError as error:
            return str(error)
        if of_test and not is_test[row] and fingerprint(picture) in of_test:
            return _COPY
        return square(picture, size)

    results = listing.draw(ids, size) if listing.draw else _each(one, len(ids))
    stage = f"{'Drawing' if listing.draw else 'Preparing'} {listing.name} at {size}×{size}"
    for image, result in zip(ids, _told(results, len(ids), stage, report), strict=True):
        if isinstance(result, str):
            left_out[image] = result
        else:
            yield result


def _mark(listing: Listing, image: str) -> bytes | None:
    try:
        return fingerprint(open_picture(listing.read(image), as_seen=listing.as_seen))
    except PruneScopeError:
        return None  # named when it is decoded


def _each(work: Callable[[int], T], number: int) -> Generator[T, None, None]:
    """Yield work(row) in order; decoding and resampling release the interpreter's lock, so threads pay.

    Several rows a task: handing over a task costs as much as decoding a picture of 32×32.
    """
    with ThreadPoolExecutor(min(8, cores())) as pool:
        for first in range(0, number, _CHUNK):
            rows = range(first, min(first + _CHUNK, number))
            tasks = [rows[start : start + _TASK] for start in range(0, len(rows), _TASK)]
            yield from chain.from_iterable(pool.map(lambda task: [work(row) for row in task], tasks))


def _told(results: Generator[T, None, None], number: int, stage: str, report: Report) -> Iterator[T]:
    """``results``, ``number`` of them, with a report now and then; if it cancels, they are closed."""
    began = time.monotonic()
    with closing(results):
        for row in range(number):
            if row % _TOLD == 0:
                report(Progress(stage, row, number, "images", time.monotonic() - began))
            yield next(results)
    report(Progress(stage, number, number, "images", time.monotonic() - began))


def _notes(left_out: dict[str, str]) -> list[str]:
    notes = []
    for rows, said in (
        ([name for name, why in left_out.items() if why != _COPY], "could not be read and {were} left out"),
        (
            [name for name, why in left_out.items() if why == _COPY],
            "of the training part equal{s} a test image pixel by pixel and {were} left out",
        ),
    ):
        if rows:
            one = len(rows) == 1
            names = ", ".join(rows[:3]) + (", …" if len(rows) > 3 else "")
            said = said.format(were="was" if one else "were", s="s" if one else "")
            notes.append(f"{len(rows):,} image{'' if one else 's'} {said}: {names}")
    return notes
