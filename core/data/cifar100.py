"""CIFAR-100: 60,000 images of 32×32 pixels, 100 fine and 20 coarse classes (Krizhevsky 2009).

Read from zips of class folders or from the official archive, packed or not. Both end in the same form: the same ids, order,
labels and pixels. The official test images are the test split; 10% of the official training images are for validation.
"""

import hashlib
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.archive import Archive, stem
from core.data.cifar_pickles import FOLDER, MD5, TAR, read_official
from core.data.listing import Found, Listing, Source, checked_root, count
from core.data.splits import hashed_names
from core.errors import DataDamaged, DataNotFound, check_choice

CLASSES = 100
ZIPS = ("test.zip", *(f"train_{part}.zip" for part in range(5)))
NAMES = ("labels.csv", "coarse_names.txt")
SPLIT_RULE = "official"
UNKNOWN = "unknown"
_REMEDY = (
    "run `python -m core data cifar100 --download` (169 MB from the University of Toronto), or put cifar-100-python.tar.gz "
    "there yourself, unpacked or not; to look elsewhere set PRUNESCOPE_DATA or --data"
)


def find(root: str | os.PathLike | None = None, split_by: str | None = None) -> Found:
    """Find CIFAR-100 under ``root/cifar100`` or ``root``: six zips of class folders, or the official archive.

    Args:
        root: the data root; see :func:`core.files.data_root`.
        split_by: None or ``"official"``; there is one rule only.

    Raises:
        UnknownName: another split rule.
        DataNotFound: nothing is there, or a part is missing; the message says which.

    Listing what was found raises DataDamaged: an unreadable zip, not 100 classes, or a file that is not the official one.
    """
    check_choice("split rule", split_by or SPLIT_RULE, (SPLIT_RULE,))
    root = checked_root(root)
    lacking: list[str] = []
    for folder in (root / "cifar100", root):
        zips = [folder / name for name in ZIPS if (folder / name).is_file()]
        pickles = [folder / FOLDER / name for name in MD5 if (folder / FOLDER / name).is_file()]
        tar = folder / TAR
        if len(zips) == len(ZIPS):
            extra = [folder / name for name in NAMES if (folder / name).is_file()]
            return Found("cifar100", folder, (*zips, *extra), SPLIT_RULE, partial(_list_zips, folder))
        if len(pickles) == len(MD5):
            return Found("cifar100", folder, tuple(pickles), SPLIT_RULE, partial(_list_official, folder / FOLDER))
        if tar.is_file():
            return Found("cifar100", folder, (tar,), SPLIT_RULE, partial(_list_official, tar))
        if not lacking and (zips or pickles):
            present = {path.name for path in zips or pickles}
            lacking = [
                str(folder / (name if zips else f"{FOLDER}/{name}"))
                for name in (ZIPS if zips else MD5)
                if name not in present
            ]
    raise DataNotFound(
        "CIFAR-100 is not complete" if lacking else "CIFAR-100 is not here",
        given=f"no {', '.join(lacking)}" if lacking else root / "cifar100",
        expected=f"{TAR}, the folder {FOLDER}, or {', '.join(ZIPS)}",
        remedy=_REMEDY,
    )


SOURCE = Source(
    name="cifar100",
    title="CIFAR-100",
    find=find,
    licence="none stated by its makers",
    citation="Krizhevsky: Learning Multiple Layers of Features from Tiny Images (2009)",
    url="https://www.cs.toronto.edu/~kriz/cifar.html",
)


def _list_zips(folder: Path) -> Listing:
    # Two archives: the same class/file.webp may name another image in each part.
    archives = {"test": Archive([folder / ZIPS[0]]), "train": Archive([folder / name for name in ZIPS[1:]])}
    members = {
        f"{part}/{name.rpartition('/')[0].rpartition('/')[2]}/{stem(name)}": (
            archive,
            name,
        )  # whatever lies around the class
        for part, archive in archives.items()
        for name in archive.members
    }
    ids = list(members)
    repeated = [name for archive in archives.values() for name in archive.repeated]
    if repeated or len(ids) < sum(len(archive.members) for archive in archives.values()):
        raise DataDamaged(
            "The zips of CIFAR-100 hold an image twice",
            given=(repeated or ["two files of one name"])[0],
            remedy=_REMEDY,
        )
    fine = [name.split("/")[1] for name in ids]
    key = "".join(archive.digest() for archive in archives.values())
    for name in NAMES:
        place = folder / name
        key += place.read_text(encoding="utf-8", errors="backslashreplace") if place.is_file() else "-"
    coarse = _coarse_names(folder)

    def read(image: str) -> bytes:
        archive, name = members[image]
        return archive.read(name)

    return _listing(ids, fine, sorted(set(fine)), [coarse.get(name, UNKNOWN) for name in fine], key, read)


def _list_official(place: Path) -> Listing:
    parts, fine_names, coarse_names = read_official(place, _REMEDY)
    ids, fine, coarse, rows = [], [], [], {}
    for part, entry in parts.items():
        for row, file in enumerate(entry["filenames"]):
            name = fine_names[entry["fine_labels"][row]]
            image = f"{part}/{name}/{stem(file)}"
            ids.append(image)
            fine.append(name)
            coarse.append(coarse_names[entry["coarse_labels"][row]])
            rows[image] = (part, row)
    if len(rows) < len(ids):
        raise DataDamaged("The archive of CIFAR-100 names an image twice", given=place, remedy=_REMEDY)

    def read(image: str) -> np.ndarray:
        part, row = rows[image]
        return np.ascontiguousarray(parts[part]["data"][row].reshape(3, 32, 32).transpose(1, 2, 0))

    return _listing(ids, fine, fine_names, coarse, " ".join(MD5.values()), read)


def _listing(
    ids: list[str],
    fine: list[str],
    class_names: list[str],
    coarse: list[str],
    content: str,
    read: Callable[[str], bytes | np.ndarray],
) -> Listing:
    if len(class_names) != CLASSES:
        raise DataDamaged(
            "These are not the classes of CIFAR-100",
            given=f"{len(class_names)} class{'' if len(class_names) == 1 else 'es'}: {', '.join(class_names[:3])}, …",
            expected=f"{CLASSES} classes",
            remedy=_REMEDY,
        )
    order = {name: label for label, name in enumerate(class_names)}
    table = pd.DataFrame({"id": ids, "label": [order[name] for name in fine], "fine": fine, "coarse": coarse})
    is_test = table["id"].str.startswith("test/")
    table["split"] = "test"
    table.loc[~is_test, "split"] = hashed_names(table.loc[~is_test, "id"], (0.9, 0.1, 0.0))
    notes = (
        ["The coarse classes are unknown: labels.csv or coarse_names.txt is missing or does not say"]
        if UNKNOWN in coarse
        else []
    )
    return Listing(
        name="cifar100",
        key=hashlib.sha256(content.encode()).hexdigest()[:16],
        class_names=tuple(class_names),
        counts=count(table, tuple(class_names)),
        table=table,
        read=read,
        split_by=SPLIT_RULE,
        default_size=32,
        notes=(*notes, "Validation is 10% of the official training images, chosen by a hash of their names"),
        drop_test_copies=True,
    )


def _coarse_names(folder: Path) -> dict[str, str]:
    """Fine class name -> coarse class name, as far as ``labels.csv`` and ``coarse_names.txt`` say; the set works without."""
    try:
        names = (folder / "coarse_names.txt").read_text(encoding="utf-8").split()
        table = pd.read_csv(folder / "labels.csv", usecols=["member", "coarse_label"])
        pairs = table.assign(fine=table["member"].str.split("/").str[0])[["fine", "coarse_label"]].drop_duplicates(
            "fine"
        )
        if (pairs["coarse_label"] < 0).any():
            return {}  # it would count from the end
        return {fine: names[int(label)] for fine, label in pairs.itertuples(index=False)}
    except (OSError, ValueError, IndexError, AttributeError, OverflowError):
        return {}
