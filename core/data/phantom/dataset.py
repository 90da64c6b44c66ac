"""Phantoms as a data set like any other: 10,000 of them, by the name ``phantom``, without a file to download."""

import hashlib
import os
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.ham10000 import CLASSES, SPLIT_RULES, TITLES
from core.data.imageset import ImageSet
from core.data.listing import Found, Listing, Source, count
from core.data.phantom.many import images as many_images
from core.data.phantom.many import masks as many_masks
from core.data.phantom.parameters import NAMES, Parameters
from core.data.phantom.render import render
from core.data.phantom.sampling import sample
from core.data.splits import hashed_names
from core.errors import InvalidValue, check_choice
from core.files import cache_root

COUNT, SEED = 10_000, 20160801
VIEWS = 0.25  # of the lesions are there twice, as in HAM10000, so that a split by image leaks here too
VERSION = 2  # raise it when any pixel or parameter comes out differently: prepared arrays are kept under it
_READ_SIZE = 256


def find(root: str | os.PathLike | None = None, split_by: str | None = None) -> Found:
    """The phantoms, which are always there. Nothing is read under ``root``.

    Args:
        root: not used.
        split_by: ``"lesion"`` (default) or ``"row"``, which leaks and exists to show it.

    Raises:
        UnknownName: another split rule.
    """
    split_by = check_choice("split rule", split_by or "lesion", SPLIT_RULES)
    # This file carries the version, so a cached heading ends with it.
    return Found("phantom", cache_root() / "phantom", (Path(__file__),), split_by, partial(_list, split_by))


SOURCE = Source(
    name="phantom",
    title="Phantoms",
    find=find,
    licence="none needed: drawn by formula",
    citation="PruneScope's own phantoms; signs after Kittler et al., J. Am. Acad. Dermatol. 74, 1093 (2016)",
    class_titles=TITLES,
)


@cache
def phantoms(count: int) -> tuple[Parameters, ...]:
    """The first ``count`` of the set."""
    return tuple(sample(count, SEED, views=VIEWS))


def table(count: int) -> pd.DataFrame:
    """One row for each of so many phantoms: ``id``, ``lesion_id``, ``dx``, ``label``, ``fitzpatrick`` and every parameter."""
    drawn = phantoms(count)
    rows = pd.DataFrame([item.record() for item in drawn])
    lesions = pd.factorize(rows["seed"])[0]
    rows.insert(0, "id", [f"phantom_{number:05d}" for number in range(count)])
    rows.insert(1, "lesion_id", [f"lesion_{number:05d}" for number in lesions])
    rows.insert(2, "dx", rows["diagnosis"])
    rows.insert(3, "label", rows["dx"].map(CLASSES.index).astype(int))
    rows.insert(4, "fitzpatrick", [item.fitzpatrick for item in drawn])
    return rows


def parameters_of(images: ImageSet | pd.DataFrame) -> list[Parameters]:
    """What the phantoms of an image set, or of rows of its table, are made of.

    Raises:
        InvalidValue: it is not of phantoms.
    """
    rows = images.table if isinstance(images, ImageSet) else images
    lacking = [name for name in NAMES if name not in rows] if isinstance(rows, pd.DataFrame) else NAMES
    if lacking:
        raise InvalidValue(
            "These images are no phantoms",
            given=getattr(images, "name", f"a table without the column {lacking[0]}"),
            expected='images of core.data.load("phantom", …)',
        )
    return [Parameters.of(record) for record in rows[list(NAMES)].to_dict("records")]


def sign_masks(images: ImageSet) -> dict[str, np.ndarray]:
    """Where each sign is: name -> bool [N, size, size], for the signs that at least one of the images has.

    They are drawn anew, a hundred a second at 64 pixels: for some images of a set, ``sign_masks(images.take(rows))``.

    Raises:
        InvalidValue: the images are no phantoms.
    """
    return render(parameters_of(images), images.size).signs


def _list(split_by: str) -> Listing:
    rows = table(COUNT)
    rows["split"] = hashed_names(rows["lesion_id"] if split_by == "lesion" else rows["id"])
    of = dict(zip(rows["id"], phantoms(COUNT), strict=True))
    key = hashlib.sha256(f"{VERSION} {COUNT} {SEED} {VIEWS} {split_by}".encode()).hexdigest()[:16]
    return Listing(
        name="phantom",
        key=key,
        mask_key=key,
        class_names=CLASSES,
        counts=count(rows, CLASSES, "lesion_id"),
        table=rows,
        read=lambda image: render(of[image], _READ_SIZE).images[0],
        draw=lambda ids, size: many_images([of[image] for image in ids], size),
        draw_masks=lambda ids, size: many_masks([of[image] for image in ids], size),
        group="lesion_id",
        split_by=split_by,
        default_size=64,
    )
