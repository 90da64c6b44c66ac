"""Lists beside images: tables as researchers keep them, one row an image, read as text and matched with files by name."""

import csv
import hashlib
import io
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from core.data.archive import IMAGE_SUFFIXES, OTHER_SUFFIXES, Archive
from core.data.layout import loosely
from core.errors import PruneScopeError

FILE = ("file", "filename", "image", "image_id", "image_name", "path")
CLASS = ("class", "label", "dx", "diagnosis", "target")
# The wider first: all lesions of a patient stay together when both are there.
GROUP = ("group", "patient", "patient_id", "lesion", "lesion_id")
SPLIT = ("split", "fold", "set")
_MOST = 20  # tables looked at; lists lie on top, and there is one
# What a stranger sends may be made of separators, and be larger in memory than any list of so many images.
_MOST_BYTES = (2**20, 1024)  # in all, and for each image
_MOST_CELLS = (100_000, 200)
SEVERAL = ""  # in the place of an image: the name means several
NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?")  # "007" is an id
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        name: of its file.
        columns: headings in small letters, without blanks around them; "" for none.
        rows: number of the row, counted from the heading's 1, and its values, as many as there are columns.
        uneven: number of the first row with more values than there are columns, or None.
        legible: whether its text could be decoded; else what could not is replaced.
        digest: of its bytes, in hex.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[int, list[str]], ...]
    uneven: int | None
    legible: bool
    digest: str

    def called(self, names: Iterable[str]) -> list[int]:
        """Where columns of these names stand, in the order of the names; ``Patient ID`` is ``patient_id``."""
        bare = [re.sub(r"[\s_.-]", "", column) for column in self.columns]
        return [bare.index(name) for name in (name.replace("_", "") for name in names) if name in bare]

    def column(self, at: int) -> list[str]:
        """The values of a column without blanks around them."""
        return [unicodedata.normalize("NFC", values[at].strip()) for _, values in self.rows]


def tables(images: Archive, depth: int) -> Iterator[Table]:
    """The tables of an archive that lie at most ``depth`` folders deep, those on top first; without what cannot be a list."""
    names = sorted((name.count("/"), name) for name in images.tables if name.count("/") <= depth)
    most_bytes, most_cells = (base + each * len(images.members) for base, each in (_MOST_BYTES, _MOST_CELLS))
    for _, name in names[:_MOST]:
        if images.tables[name].size > most_bytes:
            continue
        try:
            table = _table(name.rpartition("/")[2], images.read(name), most_cells)
        except (PruneScopeError, csv.Error):  # damaged, or no text: no list, whatever else it is
            continue
        if table:
            yield table


def _table(name: str, data: bytes, most_cells: int) -> Table | None:
    text, legible = _text(data)
    first = text.split("\n", 1)[0]
    if named := re.fullmatch(r"sep=(.)\r?", first):  # a line that Excel reads and writes
        text, separator = text.partition("\n")[2], named[1]
    else:
        separator = max(",;\t", key=first.count)
    if not text.strip() or text.count(separator) + text.count("\n") + text.count("\r") > most_cells:
        return None
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
    rows = [(number, row) for number, row in enumerate(reader, 2 if named else 1) if any(map(str.strip, row))]
    if not rows:
        return None
    columns = tuple(unicodedata.normalize("NFC", value.strip()).lower() for value in rows.pop(0)[1])
    width = len(columns)
    uneven = next((number for number, row in rows if any(map(str.strip, row[width:]))), None)
    rows = tuple((number, row[:width] + [""] * (width - len(row))) for number, row in rows)
    return Table(name, columns, rows, uneven, legible, hashlib.sha256(data).hexdigest())


def _text(data: bytes) -> tuple[str, bool]:
    kind = "utf-16" if data.startswith(_UTF16) else "utf-8-sig"
    try:
        return data.decode(kind), True
    except UnicodeDecodeError:
        return data.decode(kind, errors="replace"), False


class Names:
    """Images by what a list may call them: with or without folders and suffix, in capitals or not.

    Args:
        ids: of all images, names of files with folders.
    """

    def __init__(self, ids: Iterable[str]):
        self._known: tuple[dict[str, str], ...] = ({}, {}, {}, {})
        for image in ids:
            for tail in _tails(_clean(image)):
                for known, spelled in zip(self._known, _spellings(tail), strict=True):
                    known[spelled] = image if known.get(spelled, image) == image else SEVERAL

    def find(self, called: str) -> tuple[str | None, bool]:
        """The image meant, "" if it may be several, None if it is not there; and whether folders of the name had to be left out."""
        for number, tail in enumerate(_tails(_clean(called))):
            for known, spelled in zip(self._known, _spellings(tail), strict=True):
                if (image := known.get(spelled)) is not None:
                    return image, number > 0
        return None, False


def _clean(name: str) -> str:
    parts = unicodedata.normalize("NFC", name.strip()).replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def _tails(name: str) -> Iterator[str]:
    while name:
        yield name
        name = name.partition("/")[2]


def _spellings(name: str) -> tuple[str, str, str, str]:
    start, suffix = os.path.splitext(name)  # noqa: PTH122 - ten times faster, and called for each image
    bare = start if suffix.lower() in IMAGE_SUFFIXES | OTHER_SUFFIXES else name
    return name, bare, name.casefold(), bare.casefold()


@dataclass(frozen=True)
class Matched:
    """A table that names images: where its columns stand, and per row the image meant, as :meth:`Names.find` says."""

    table: Table
    file: int
    label: int | None
    group: int | None
    split: int | None
    images: list[str | None]

    def first(self, wrong: Callable[[int], bool], shown: Callable[[int], str]) -> str:
        """How many rows are wrong and the first three of them; "" if none is."""
        rows = [row for row in range(len(self.images)) if wrong(row)]
        return f"{len(rows):,}: {', '.join(map(shown, rows[:3]))}{', …' if len(rows) > 3 else ''}" if rows else ""

    def called(self, row: int) -> str:
        """What the list calls the image of a row."""
        number, values = self.table.rows[row]
        return values[self.file].strip()[:100] or f"nothing (row {number})"

    def heading(self, at: int) -> str:
        """What a column is called."""
        return self.table.columns[at]


def matched(table: Table, names: Names | None) -> Matched | None:
    """The table as a list; None if no file that it names is there."""
    for file in table.called(FILE):
        called = table.column(file)
        found = [names.find(one) for one in called]
        if not any(image is not None for image, _ in found):
            continue
        # What another row names exactly is not meant by one that only agrees in the end of its name.
        exact = {image for image, shortened in found if not shortened}
        first: dict[str, str] = {}
        images = [
            None
            if image and shortened and (image in exact or first.setdefault(image, called[row]) != called[row])
            else image
            for row, (image, shortened) in enumerate(found)
        ]
        labels = [at for at in table.called(CLASS) if at != file]
        # Of a number and a name for the same, people know the name.
        words = [at for at in labels if not all(not value or NUMBER.fullmatch(value) for value in table.column(at))]
        groups = [at for at in table.called(GROUP) if any(table.column(at))]
        splits = [at for at in table.called(SPLIT) if any(map(loosely, table.column(at)))]
        pick = [next(iter(columns), None) for columns in (words or labels, groups, splits)]
        return Matched(table, file, *pick, images)
    return None


def values(texts: list[str]) -> pd.Series:
    """Numbers where all are, as ages; else text."""
    numbers = any(texts) and all(not text or NUMBER.fullmatch(text) for text in texts)
    return pd.to_numeric(pd.Series([text or None for text in texts])) if numbers else pd.Series(texts, dtype=object)
