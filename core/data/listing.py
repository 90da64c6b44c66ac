"""What a data set is before it is decoded: where its files lie, which images they hold, how to read one of them."""

import hashlib
import json
import os
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.archive import changed, readable, walk
from core.data.cache import FORMAT
from core.data.splits import SPLITS, encoded
from core.errors import DataNotFound
from core.files import cache_root, data_root, write_text


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What is known of a data set once it was listed; small, and kept in the cache so that it is listed once.

    Attributes:
        name: the data set.
        key: hex digest that changes when the content does; prepared arrays are kept under it.
        mask_key: the same for its masks, or None if it has none.
        class_names: in label order.
        counts: one record a class, see :func:`count`.
        group: column of the table that a split must not tear apart, or None.
        split_by: the rule behind the splits.
        default_size: pixels, where the caller names none.
        notes: sentences for the user.
    """

    name: str
    key: str
    class_names: tuple[str, ...]
    counts: tuple[dict, ...]
    mask_key: str | None = None
    group: str | None = None
    split_by: str = "image"
    default_size: int = 64
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Listing(Heading):
    """A data set that has been listed but not decoded.

    Attributes:
        table: one row an image with at least ``id`` (unique str), ``label`` (int) and ``split`` (one of
            :data:`core.data.splits.SPLITS`); every further column is kept as metadata.
        read: id -> encoded image (bytes) or decoded one (uint8 [H, W, 3]). Called from several threads.
        read_mask: id -> encoded mask (above 0 is inside), or None.
        draw, draw_masks: (ids, size) -> uint8 [size, size, 3] and bool [size, size] for each in order, where images are drawn
            by formula: then they are asked at the size wanted, and nothing is read and resampled.
        as_seen: turn pictures the way their camera noted and lay transparent parts on white, see
            :func:`core.data.pictures.open_picture`.
        check: (counts of what could be read) -> notes on it; raises DataDamaged if that is too little. None where any will do.
        drop_test_copies: leave out of train and validation what equals a test image pixel by pixel.
    """

    table: pd.DataFrame
    read: Callable[[str], bytes | np.ndarray]
    read_mask: Callable[[str], bytes] | None = None
    draw: Callable[[Sequence[str], int], Generator[np.ndarray, None, None]] | None = None
    draw_masks: Callable[[Sequence[str], int], Generator[np.ndarray, None, None]] | None = None
    as_seen: bool = False
    check: Callable[[tuple[dict, ...]], list[str]] | None = None
    drop_test_copies: bool = False


@dataclass(frozen=True)
class Found:
    """Files of a data set on the disk, not yet opened.

    Attributes:
        name: the data set.
        folder: where it lies, for the user.
        files: files and folders that its content comes from.
        rule: the split rule asked for.
        list: opens them. Called once.
        form: rises when the same files come to be listed or decoded differently.
    """

    name: str
    folder: Path
    files: tuple[Path, ...]
    rule: str
    list: Callable[[], Listing]
    form: int = 0

    @cached_property
    def listing(self) -> Listing:
        """The data set, listed: seconds the first time, as the directories of all its zips are read."""
        return self.list()

    @cached_property
    def heading(self) -> Heading:
        """What :attr:`listing` would say, from the cache while no file has changed its size or time."""
        path = cache_root() / self.name / "lists" / f"{self._stamp()}.json"
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            stored = json.loads(path.read_text(encoding="utf-8"))
            stored = {key: tuple(value) if isinstance(value, list) else value for key, value in stored.items()}
            if stored["name"] == self.name:
                return Heading(**stored)
        names = [item.name for item in fields(Heading)]
        heading = Heading(**{name: getattr(self.listing, name) for name in names})
        with suppress(OSError):  # it only saves time
            write_text(path, json.dumps(asdict(heading)))
        return heading

    def _stamp(self) -> str:
        state = hashlib.sha256(f"{FORMAT} {self.name} {self.rule}{f' {self.form}' if self.form else ''}\n".encode())
        for file in self.files:
            entries = walk(file) if file.is_dir() else [("", file.stat())]
            state.update(encoded(f"{file.absolute()}\n"))
            for name, status in entries:
                state.update(encoded(f"{name}:{status.st_size}:{changed(status)}\n"))
        return state.hexdigest()[:16]


@dataclass(frozen=True)
class Source:
    """A data set that PruneScope knows by name.

    Attributes:
        name, title: as in code and as people write it.
        find: (data root or None, split rule or None) -> :class:`Found`; raises DataNotFound.
        licence: in words.
        citation: whom to cite.
        url: where it comes from.
        class_titles: class name -> words for people, where they differ.
    """

    name: str
    title: str
    find: Callable[[str | os.PathLike | None, str | None], Found]
    licence: str = ""
    citation: str = ""
    url: str = ""
    class_titles: Mapping[str, str] = field(default_factory=dict)


def count(table: pd.DataFrame, class_names: tuple[str, ...], group: str | None = None) -> tuple[dict, ...]:
    """Images per class and split: ``{"class", "train", "validation", "test", "images"}`` a class in label order.

    With a ``group`` column also ``"groups"``: how many different ones, such as lesions.
    """
    number = pd.crosstab(table["label"], table["split"].astype(str)).reindex(
        index=range(len(class_names)), columns=SPLITS, fill_value=0
    )
    records = []
    for label, name in enumerate(class_names):
        record = {"class": name, **{split: int(number.at[label, split]) for split in SPLITS}}
        record["images"] = sum(record[split] for split in SPLITS)
        if group:
            record["groups"] = int(table.loc[table["label"] == label, group].nunique())
        records.append(record)
    return tuple(records)


def checked_root(root: str | os.PathLike | None) -> Path:
    """The data root (see :func:`core.files.data_root`), which may not exist yet.

    Raises:
        DataNotFound: it is a file, or may not be read.
    """
    place = data_root(root)
    try:
        fit = place.is_dir() and os.access(place, os.R_OK | os.X_OK) if place.exists() else True
    except (OSError, ValueError):  # a name too long, or below a folder that may not be entered
        fit = False
    if not fit:
        raise DataNotFound(
            "The place for data is not a folder that may be read",
            given=readable(place)[:300],
            expected="a folder that holds data sets, such as ham10000",
            remedy="point PRUNESCOPE_DATA or --data to a folder; a zip or folder of your own is loaded by its path",
        )
    return place
