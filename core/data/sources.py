"""The data sets by name, and the one function that loads any of them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.archive import readable
from core.data.cache import once_more
from core.data.cifar100 import SOURCE as CIFAR100
from core.data.folder import find as find_in
from core.data.folder import named
from core.data.ham10000 import SOURCE as HAM10000
from core.data.imageset import ImageSet
from core.data.listing import Found, Listing, Source, checked_root
from core.data.phantom.dataset import SOURCE as PHANTOM
from core.data.prepare import Prepared, check_size, lookup, prepared, prepared_masks
from core.data.splits import check_split
from core.errors import DataNotFound, InvalidValue, PruneScopeError, UnknownName
from core.files import data_root, is_file, is_folder
from core.progress import Report, silent

DATASETS: dict[str, Source] = {source.name: source for source in (HAM10000, CIFAR100, PHANTOM)}

_DATA_SET = "data set"  # what an UnknownName says of names of these


def locate(name: str | os.PathLike, *, root=None, split_by: str | None = None) -> Listing:
    """List a data set without decoding it: which images of which class there are, and how to read one.

    Arguments and errors as in :func:`load`.
    """
    return find(name, root=root, split_by=split_by).listing


def load(
    name: str | os.PathLike,
    split: str,
    *,
    size: int | None = None,
    root: str | os.PathLike | None = None,
    split_by: str | None = None,
    report: Report = silent,
) -> ImageSet:
    """Load one split of a data set. The first time at a size decodes it; later times map the arrays and cost nothing.

    Args:
        name: ``"ham10000"``, ``"cifar100"``, ``"phantom"`` (drawn, so always there; 32 to 256 pixels), the path of a folder or
            zip of class folders (or of images and a list of their classes, such as labels.csv), or the name of one that lies in
            the data root: as it is, or in lower case with - for what is no letter or digit, as studies are named. A name
            without a separator is looked for there first, and where ``root`` is given only there.
        split: ``"train"``, ``"validation"``, ``"test"``, or ``"all"`` of them one after the other.
        size: height and width in pixels, 16 to 512; by default 64, and 32 for CIFAR-100.
        root: where data sets lie; by default ``PRUNESCOPE_DATA``, else ``data/`` of the project.
        split_by: for HAM10000 and phantoms ``"lesion"`` (default) or ``"row"``. Folders and zips have one rule each.
        report: told of the progress of the first preparation; may raise Cancelled.

    Raises:
        UnknownName: no such data set, split or split rule.
        InvalidValue: a size out of range, or a name that several folders go by.
        DataNotFound, DataDamaged: what is missing or broken, where it goes, and the command that gets it.
        StorageFull: no room for the prepared arrays.
    """
    check_split(split)
    if size is not None:
        check_size(size)
    found = find(name, root=root, split_by=split_by)
    heading = found.heading
    size = int(size or heading.default_size)

    def opened() -> tuple[Prepared, pd.DataFrame, np.ndarray]:
        arrays = lookup(heading, size) or prepared(found.listing, size, report)
        return arrays, arrays.table(), arrays.images()

    arrays, table, images = once_more(opened)
    rows = slice(None) if split == "all" else _slice(table["split"], split)
    own = table[rows].reset_index(drop=True)
    ids = own["id"].tolist()  # of this split alone: a mask that another lacks is none of its business
    return ImageSet(
        name=heading.name,
        split=split,
        size=size,
        images=images[rows],
        labels=own["label"].to_numpy(np.int64),
        ids=own["id"].to_numpy(str),
        class_names=heading.class_names,
        groups=own[heading.group].to_numpy(str) if heading.group else None,
        table=own,
        split_by=heading.split_by,
        notes=(*heading.notes, *arrays.notes),
        read_masks=(lambda: prepared_masks(found, size, ids, report)) if heading.mask_key else None,
    )


def summary(name: str | os.PathLike, *, root: str | os.PathLike | None = None) -> dict:
    """What there is of a data set, without decoding anything and without raising: for the Overview page and ``core data``.

    Args:
        name, root: as for :func:`load`.

    Returns:
        dict of plain values: ``name``; ``title``; ``present`` (bool); ``where`` (folder or None); ``error`` (what is wrong
        and what to do, or None); ``images`` (int); ``classes`` (a list of records that makes a DataFrame: ``class``,
        ``title``, ``train``, ``validation``, ``test``, ``images`` and, where images are grouped, ``groups``); ``split_by``;
        ``masks`` (bool); ``size`` (the default); ``prepared`` (bool: at that size, so that :func:`load` is instant);
        ``notes`` (list of str); ``licence``, ``citation``, ``url``.
    """
    source = DATASETS.get(str(name))
    about = {
        "name": readable(str(name)),
        "title": source.title if source else readable(_title(name)),
        "present": False,
        "where": None,
        "error": None,
        "images": 0,
        "classes": [],
        "split_by": None,
        "masks": False,
        "size": None,
        "prepared": False,
        "notes": [],
        "licence": source.licence if source else "",
        "citation": source.citation if source else "",
        "url": source.url if source else "",
    }
    try:
        found = find(name, root=root)
        about["where"] = readable(found.folder)
        heading = found.heading
    except PruneScopeError as error:
        return {**about, "error": str(error)}
    arrays = lookup(heading, heading.default_size)
    counts = arrays.counts if arrays else heading.counts
    titles = source.class_titles if source else {}
    return {
        **about,
        "name": heading.name,
        "present": True,
        "images": sum(record["images"] for record in counts),
        "classes": [
            {"class": r["class"], "title": titles.get(r["class"], r["class"].replace("_", " ")), **r} for r in counts
        ],
        "split_by": heading.split_by,
        "masks": heading.mask_key is not None,
        "size": heading.default_size,
        "prepared": arrays is not None,
        "notes": [*heading.notes, *(arrays.notes if arrays else ())],
    }


def _title(name: str | os.PathLike) -> str:
    path = Path(str(name)).absolute()
    return path.stem if path.suffix.lower() == ".zip" else path.name


def find(name: str | os.PathLike, *, root: str | os.PathLike | None = None, split_by: str | None = None) -> Found:
    """Which files make up a data set, without opening them. Arguments and errors as in :func:`load`."""
    if not isinstance(name, str | os.PathLike) or not str(name).strip():
        raise UnknownName(_DATA_SET, name, DATASETS)
    if str(name) in DATASETS:
        return DATASETS[str(name)].find(root, split_by)
    bare = isinstance(name, str) and not {"/", os.sep} & set(name) and not name.startswith((".", "~"))
    if bare and (found := _in_root(name, root, split_by)):
        return found
    path = Path(os.path.expanduser(name))  # noqa: PTH111 - Path.expanduser() raises where there is no such user
    if bare and root is not None and path.suffix.lower() != ".zip":
        known = named(checked_root(root))  # whoever says where data sets lie does not mean what lies here by chance
        raise UnknownName(_DATA_SET, readable(name)[:300], [*DATASETS, *(own for own in known if own not in DATASETS)])
    for source in DATASETS.values() if is_folder(path) else ():
        # The path of a known data set's own folder means that data set.
        with suppress(DataNotFound):
            if source.find(path, None).folder == path:
                return source.find(path, split_by)
    if is_folder(path) or is_file(path):
        return find_in(path, split_by)
    if not bare or path.suffix.lower() == ".zip":
        raise DataNotFound(
            "There is no folder or zip at this path",
            given=readable(path.absolute())[:300],
            expected="a folder or a zip with one folder a class",
            remedy="check the path; the data sets known by name are " + ", ".join(DATASETS),
        )
    known = named(checked_root(root))
    raise UnknownName(_DATA_SET, readable(name)[:300], [*DATASETS, *(own for own in known if own not in DATASETS)])


def _in_root(name: str, root, split_by: str | None) -> Found | None:
    """The folder or zip of this name in the data root, as it is called or as studies call it; None if there is none."""
    place = checked_root(root)
    for own in (place / name, place / f"{name}.zip"):
        if is_folder(own) or is_file(own):
            return find_in(own, split_by)
    if len(places := named(place).get(name, ())) > 1:
        raise InvalidValue(
            f"Several folders go by the name {name}",
            given=", ".join(readable(own.name) for own in places),
            expected="one of them",
            remedy="rename the others, or give the path of the one",
        )
    return find_in(places[0], split_by) if places else None


def _slice(column: pd.Series, split: str) -> slice:
    # Rows were sorted by split when they were prepared.
    rows = np.flatnonzero((column == split).to_numpy())
    return slice(int(rows[0]), int(rows[-1]) + 1) if rows.size else slice(0, 0)


@contextmanager
def known_by_lying_there(name: str, then: str) -> Iterator[None]:
    """Within it a data set of no known name is one that does not lie in the data root: a folder is known by lying there alone.

    Args:
        name: of the data set.
        then: what to do once it lies there, such as ``"reload the page"``.

    Raises:
        DataNotFound: for an UnknownName.
    """
    try:
        yield
    except UnknownName as error:
        if error.kind != _DATA_SET:  # a split rule, say
            raise
        raise DataNotFound(
            f"The images of {name} are not on this machine",
            given=data_root(),
            expected=f"a folder or zip called {name}",
            remedy=f"put it there and {then}",
        ) from error
