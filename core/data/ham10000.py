"""HAM10000: 10,015 dermatoscopic images of 7,470 lesions in seven classes (Tschandl, Rosendahl & Kittler 2018).

Read from the official files as they come: image zips or folders, metadata as ``.csv`` or ``.tab``, masks if they are there.
"""

import hashlib
import os
from functools import partial
from pathlib import Path

import pandas as pd

from core.data.archive import Archive
from core.data.listing import Found, Listing, Source, checked_root, count
from core.data.splits import hashed_names
from core.errors import DataDamaged, DataNotFound, UnknownName, check_choice

TITLES = {
    "akiec": "Actinic keratosis / Bowen's disease",
    "bcc": "Basal cell carcinoma",
    "bkl": "Benign keratosis",
    "df": "Dermatofibroma",
    "mel": "Melanoma",
    "nv": "Naevus",
    "vasc": "Vascular lesion",
}
CLASSES = tuple(TITLES)


def class_words(names) -> tuple[str, str]:
    """What classes of these names are called, one and many: diagnoses if all are of this set (or of phantoms), else classes."""
    return ("diagnosis", "diagnoses") if set(names) <= set(TITLES) else ("class", "classes")


MALIGNANT = ("akiec", "bcc", "mel")
"""Cancers, and akiec as the stage before one: all that should not be left alone."""
SPLIT_RULES = ("lesion", "row")
PARTS = ("HAM10000_images_part_1", "HAM10000_images_part_2")
METADATA = "HAM10000_metadata"
MASKS = "HAM10000_segmentations_lesion_tschandl"
_REMEDY = (
    "run `python -m core data ham10000 --download` (2.9 GB from Harvard Dataverse, doi:10.7910/DVN/DBW86T), "
    "or put HAM10000_images_part_1.zip, HAM10000_images_part_2.zip and HAM10000_metadata.csv there yourself; "
    "to look elsewhere set PRUNESCOPE_DATA or --data"
)


def find(root: str | os.PathLike | None = None, split_by: str | None = None) -> Found:
    """Find HAM10000 under ``root/ham10000`` or ``root``.

    Args:
        root: the data root; see :func:`core.files.data_root`.
        split_by: ``"lesion"`` (default: no lesion is in two splits) or ``"row"``, which leaks and exists to show it.

    Raises:
        UnknownName: another split rule.
        DataNotFound: the metadata is not there.

    Listing what was found raises DataNotFound (images are missing; the message says which and how to get them), DataDamaged
    (metadata without its columns or with rows that contradict each other, an unreadable zip) and UnknownName (a diagnosis that
    HAM10000 does not have).
    """
    split_by = check_choice("split rule", split_by or "lesion", SPLIT_RULES)
    root = checked_root(root)
    for folder in (root / "ham10000", root):
        files = sorted(folder.iterdir()) if folder.is_dir() else []
        metadata = [
            file
            for file in files
            if file.stem.lower() == METADATA.lower() and file.suffix.lower() in (".csv", ".tab", "")
        ]
        metadata = [file for file in metadata if file.is_file()]
        if metadata:
            places = _places(files, "ham10000_images") or [folder]
            masks = _places(files, MASKS.lower())
            read = partial(_list, folder, metadata[0], places, masks, split_by)
            return Found("ham10000", folder, (metadata[0], *places, *masks), split_by, read)
    raise DataNotFound(
        "HAM10000 is not here", given=root / "ham10000", expected="HAM10000_metadata.csv", remedy=_REMEDY
    )


SOURCE = Source(
    name="ham10000",
    title="HAM10000",
    find=find,
    licence="CC BY-NC 4.0",
    citation="Tschandl, Rosendahl, Kittler: The HAM10000 dataset. Sci. Data 5, 180161 (2018)",
    url="https://doi.org/10.7910/DVN/DBW86T",
    class_titles=TITLES,
)


def _places(files: list[Path], start: str) -> list[Path]:
    # The Kaggle copy writes the names of the folders in lower case.
    known = [file for file in files if file.name.lower().startswith(start)]
    return [file for file in known if file.is_dir() or file.suffix.lower() == ".zip"]


def _list(folder: Path, metadata: Path, places: list[Path], masks: list[Path], split_by: str) -> Listing:
    table, notes = _read_metadata(metadata)
    images = Archive(places)
    by_stem = {stem: member for stem, member in images.by_stem().items() if not stem.endswith("_segmentation")}
    found = table["id"].isin(by_stem.keys())
    missing = table["id"][~found]
    if len(missing) > 0.1 * len(table):
        absent = [part for part in PARTS if not any(place.name.lower().startswith(part.lower()) for place in places)]
        raise DataNotFound(
            "Not all images of HAM10000 are there" if found.any() else "The images of HAM10000 are missing",
            given=f"{found.sum():,} of {len(table):,} images in {folder}",
            expected=" and ".join(f"{part}.zip" for part in absent or PARTS) + f", with {missing.iloc[0]} in it",
            remedy=_REMEDY,
        )
    if len(missing):
        one = len(missing) == 1
        notes.append(
            f"{len(missing):,} image{'' if one else 's'} named in the metadata {'is' if one else 'are'} missing, "
            f"the first {missing.iloc[0]}"
        )
    table = table[found].reset_index(drop=True)
    table["split"] = hashed_names(table["lesion_id"] if split_by == "lesion" else table["id"])
    mask_archive = Archive(masks) if masks else None
    mask_members = mask_archive.by_stem() if masks else {}

    def read_mask(image: str) -> bytes:
        member = mask_members.get(f"{image}_segmentation")
        if member is None:
            raise DataNotFound(
                f"The mask of {image} is missing", given=masks[0], expected=f"{image}_segmentation.png", remedy=_REMEDY
            )
        return mask_archive.read(member)

    key = hashlib.sha256(f"{images.digest()} {metadata.read_bytes()!r} {split_by}".encode()).hexdigest()[:16]
    return Listing(
        name="ham10000",
        key=key,
        mask_key=mask_archive.digest() if masks else None,
        class_names=CLASSES,
        counts=count(table, CLASSES, "lesion_id"),
        table=table,
        read=lambda image: images.read(by_stem[image]),
        read_mask=read_mask if masks else None,
        group="lesion_id",
        split_by=split_by,
        default_size=64,
        notes=tuple(notes),
    )


def _read_metadata(path: Path) -> tuple[pd.DataFrame, list[str]]:
    needed = ("image_id", "lesion_id", "dx")
    try:
        with path.open(encoding="utf-8-sig") as file:
            tabs = "\t" in file.readline()
        # Read as text: an id that looks like a number stays as it is written.
        table = pd.read_csv(path, sep="\t" if tabs else ",", dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise DataDamaged(
            f"{path.name} is not a table", given=error, expected=", ".join(needed), remedy=_REMEDY
        ) from error
    lacking = [column for column in needed if column not in table]
    if lacking:
        raise DataDamaged(
            f"{path.name} lacks the column{'s' if len(lacking) > 1 else ''} {', '.join(lacking)}",
            given=", ".join(map(str, table.columns[:20])),
            expected=", ".join((*needed, "dx_type", "age", "sex", "localization")),
            remedy=_REMEDY,
        )
    table = table.reset_index(drop=True)  # rows with more values than headings have another
    notes = []
    if "id" in table:
        table = table.drop(columns="id")
        notes.append(f"The column id of {path.name} was left out, as here image_id goes by this name")
    rows = len(table)
    table = table.rename(columns={"image_id": "id"})
    for column in ("id", "lesion_id"):
        table[column] = table[column].str.strip()
    table["dx"] = table["dx"].str.strip().str.lower()
    table = table.drop_duplicates()
    if rows > len(table):
        notes.append(f"{rows - len(table):,} rows of {path.name} are there twice")
    twice = table["id"][table["id"].duplicated()]
    blank = (table[["id", "lesion_id"]] == "").any(axis=1)
    if len(twice) or blank.any():
        raise DataDamaged(
            f"{path.name} contradicts itself" if len(twice) else f"{path.name} has rows without an image or a lesion",
            given=f"several rows for {twice.iloc[0]}" if len(twice) else f"row {blank.idxmax() + 2}",
            expected="one row an image, with image_id and lesion_id",
            remedy="correct these rows, or get the file again: " + _REMEDY,
        )
    if table.empty:
        raise DataDamaged(
            f"{path.name} lists no image", given="headings only", expected="a row an image", remedy=_REMEDY
        )
    unknown = ~table["dx"].isin(CLASSES)
    if unknown.any():
        row = unknown.idxmax()
        raise UnknownName(f"diagnosis ({path.name}, row {row + 2})", table["dx"][row], CLASSES)
    if "age" in table:
        table["age"] = pd.to_numeric(table["age"], errors="coerce")
    table["label"] = table["dx"].map(CLASSES.index).astype(int)
    return table, notes
