"""Comparisons that are stored beside a study's checkpoints, so that no image is needed to look at them.

One file a study, ``similarity.npz``: a JSON index and a few arrays of numbers, no pickle. CKA is kept to 0.0001, its standard
error to 0.00002, the shares of single images in a mean (which give paired intervals) in half precision. A comparison
counts only as long as both of its checkpoints have the digests that it was made from.
"""

import json
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.checkpoints import Entry
from core.errors import DataDamaged
from core.files import atomic_path
from core.matrices import coding
from core.matrices.positions import ALL, TYPICAL, Position
from core.similarity import CKAMatrix, Images, Influence

FILE = "similarity.npz"
STANDARD = "standard"
_VERSION = 1
# What NumPy and zipfile let through when bytes are wrong.
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, IndexError, EOFError, RuntimeError, NotImplementedError)
_UNREADABLE += (zipfile.BadZipFile, zlib.error)
_MOST = 64 << 20  # bytes that one array of the file may expand to


class Key(NamedTuple):
    """What a comparison is of: two networks, a sample of the test images, a level of detail."""

    a: Position
    b: Position
    sample: str = ALL
    level: str = STANDARD


@dataclass
class Stored:
    """The comparisons of one study.

    Attributes:
        cohort: digest of the test images.
        digests: id of each network -> digest of its card.
        images: sample -> the images it rests on.
        rows: sample -> int [n], which rows of the test images these are.
        influential: sample -> the images that alone decide what some layer tells apart on it, see
            :func:`core.similarity.influential`; ``row`` is one of the test images. None where nobody looked.
        layers: level of detail -> names of the layers.
        records: what is known, as coded in the file.
    """

    cohort: str
    digests: dict[str, str] = field(default_factory=dict)
    images: dict[str, Images] = field(default_factory=dict)
    rows: dict[str, np.ndarray] = field(default_factory=dict)
    influential: dict[str, list[Influence]] | None = None
    layers: dict[str, list[str]] = field(default_factory=dict)
    records: dict[Key, coding.Record] = field(default_factory=dict)

    def __contains__(self, key: Key) -> bool:
        return key in self.records

    def matrix(self, a: Position, b: Position, sample: str = ALL, level: str = STANDARD) -> CKAMatrix | None:
        """The layers of ``a`` against those of ``b``, or None if this is not stored."""
        for key in (Key(a, b, sample, level), Key(b, a, sample, level)):
            record = self.records.get(key)
            if record is not None and record.form != coding.TWINS:
                found = coding.decode(record, self.layers[level], self.images[sample])
                return found if key.a == a else found.transposed
        return None

    def twins(self, a: Position, b: Position, sample: str = ALL) -> pd.DataFrame | None:
        """Each layer of ``b`` against the same layer of ``a``, as :meth:`core.similarity.CKAMatrix.twins`; None if not stored."""
        record = self.records.get(Key(a, b, sample))
        return record and coding.decode(record, self.layers[STANDARD], self.images[sample]).twins()

    @property
    def usual(self) -> str:
        """The sample that tells most: all images, or where they leave layers grey, those without the influential ones."""
        return TYPICAL if TYPICAL in self.images else ALL

    def percents(self, network: str, recalibrated: bool) -> list[int]:
        """Steps of the slider at which ``network`` is stored, in percent, rising."""
        found = {key.b for key in self.records if key.b.network == network and key.b.recalibrated == recalibrated}
        return sorted({position.percent for position in found})

    def left_out(self, sample: str) -> list[Influence]:
        """The influential images that ``sample`` lacks."""
        if self.influential is None or sample == ALL:
            return []
        return self.influential.get(ALL if sample == TYPICAL else sample, [])

    def keep_samples(self, rows: Mapping[str, np.ndarray]) -> None:
        """From now on the samples are these; comparisons on other images go."""
        same = {name for name, own in rows.items() if np.array_equal(own, self.rows.get(name, own))}
        self.records = {key: record for key, record in self.records.items() if key.sample in same}
        self.images = {name: images for name, images in self.images.items() if name in same}
        self.rows = dict(rows)

    def add(self, key: Key, matrix: CKAMatrix, digests: Mapping[str, str], *, form: str, shares: bool) -> None:
        """Keep a comparison.

        Args:
            key: what it is of.
            matrix: the comparison.
            digests: id -> digest of both networks' cards.
            form: how much of it: a name in :mod:`core.matrices.coding`.
            shares: with what gives its means an interval.
        """
        self.digests |= digests
        self.images[key.sample] = matrix.images
        self.layers[key.level] = list(matrix.rows)
        self.records[key] = coding.encode(matrix, form, shares)


def path_of(entry: Entry) -> Path:
    """Where the comparisons of the study of ``entry`` lie: beside its checkpoints."""
    return entry.path.with_name(FILE)


def read(path: Path, entries: Iterable[Entry]) -> Stored | None:
    """What is stored at ``path`` and still of ``entries`` as they are now; None if there is no file.

    Raises:
        DataDamaged: the file is not what :func:`write` makes.
    """
    if not path.exists():
        return None
    known = {entry.id: entry.card.digest for entry in entries if entry.card is not None}
    try:
        _check_size(path)
        with np.load(path, allow_pickle=False) as arrays:
            index = json.loads(arrays["index"].tobytes())
            if index["version"] != _VERSION:
                return None
            stored = _restored(index, arrays)
    except _UNREADABLE as error:
        raise DataDamaged(
            f"{path.name} holds no comparisons",
            given=str(error)[:200],
            remedy="delete it and make it again with `python -m core similarity STUDY`",
        ) from error
    valid = {id for id, digest in stored.digests.items() if known.get(id) == digest}
    stored.records = {key: record for key, record in stored.records.items() if {key.a.network, key.b.network} <= valid}
    stored.digests = {id: stored.digests[id] for id in valid}
    return stored


def write(path: Path, stored: Stored) -> None:
    """Write it in one step.

    Raises:
        StorageFull: no room or no permission.
    """
    keys = sorted(stored.records)
    index = {
        "version": _VERSION,
        "cohort": stored.cohort,
        "digests": stored.digests,
        "layers": stored.layers,
        "influential": stored.influential,
        "samples": {name: [images.n, images.digest, images.debiased] for name, images in stored.images.items()},
        "records": [[*key, stored.records[key].facts()] for key in keys],
    }
    arrays = {"index": np.frombuffer(json.dumps(index).encode(), np.uint8)}
    arrays |= coding.join([stored.records[key] for key in keys])
    for name, images in stored.images.items():
        arrays[f"rows-{name}"] = stored.rows[name].astype(np.int32)
        if images.groups is not None:
            arrays[f"groups-{name}"] = images.groups.astype(np.int32)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)


def _check_size(path: Path) -> None:
    with zipfile.ZipFile(path) as file:
        for member in file.infolist():
            if member.file_size > _MOST:
                raise ValueError(f"{member.filename} would take {member.file_size:,} bytes")


def _restored(index: dict, arrays: Mapping[str, np.ndarray]) -> Stored:
    stored = Stored(index["cohort"], dict(index["digests"]), layers=dict(index["layers"]))
    if index.get("influential") is not None:  # files of earlier versions say nothing of them
        stored.influential = {name: [Influence(*item) for item in own] for name, own in index["influential"].items()}
    for name, (n, digest, debiased) in index["samples"].items():
        groups = arrays[f"groups-{name}"].astype(np.int64) if f"groups-{name}" in arrays else None
        stored.images[name] = Images(n, digest, groups, debiased)
        stored.rows[name] = arrays[f"rows-{name}"]
    records = list(_keys(index["records"]))
    sizes = [(len(stored.layers[key.level]), stored.images[key.sample].n) for key, _ in records]
    coded = coding.split([facts for _, facts in records], sizes, arrays)
    stored.records = dict(zip((key for key, _ in records), coded, strict=True))
    return stored


def _keys(records: list) -> Iterator[tuple[Key, dict]]:
    for a, b, sample, level, facts in records:
        yield Key(Position(*a), Position(*b), sample, level), facts
