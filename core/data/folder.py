"""Any folder or zip with one folder a class: ``train/<class>/*.png`` and ``test/…``, or just ``<class>/*.png``."""

import hashlib
import os
import re
import unicodedata
from functools import partial
from pathlib import Path

import pandas as pd

from core.data import layout
from core.data.archive import IMAGE_SUFFIXES, Archive, readable
from core.data.ham10000 import METADATA, PARTS
from core.data.listing import Found, Listing, count
from core.data.splits import SHARES, SPLITS, filled
from core.errors import DataDamaged, DataNotFound, check_choice

SPLIT_RULE = "image"
_LAYOUT = "train/<class>/*.png and test/<class>/*.png, or <class>/*.png"
AS_JPEG = "save them as JPEG or PNG"
HAM_IMAGES = PARTS[0].lower().removesuffix("_part_1")
_KINDS = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
_FORM = 3  # of what is made of a folder; raise it when classes, splits or pixels of the same files would come out differently


def find(path: str | os.PathLike, split_by: str | None = None) -> Found:
    """A folder or zip of class folders. A single folder around everything, as zips often have, does no harm.

    Splits that are there (``train``, ``validation`` or ``val`` or ``valid``, ``test``) are kept, see :mod:`core.data.layout`; what is missing of them is
    taken from the training images by a hash of their names, and a note says so. Pictures are turned the way their camera noted,
    and transparent parts are laid on white, as in what users send (:mod:`core.uploads`).

    Args:
        path: folder or zip; must exist.
        split_by: None or ``"image"``; there is one rule only.

    Raises:
        UnknownName: another split rule.

    Listing it raises DataNotFound (no image) and DataDamaged (no class folders, fewer than two classes, a class without
    training images, a split without images, an unreadable zip). Preparing it checks the same once more, as pictures that do not
    open are left out.
    """
    check_choice("split rule", split_by or SPLIT_RULE, (SPLIT_RULE,))
    path = Path(path)
    return Found(slug(path), path, (path,), SPLIT_RULE, partial(_list, path), form=_FORM)


def slug(path: Path) -> str:
    """The name of a data set after its folder: lower case, and nothing that a file name or a study's name cannot have."""
    path = path.absolute()
    name = path.stem if path.suffix.lower() == ".zip" else path.name
    return re.sub(r"[^a-z0-9_]+", "-", name.lower()).strip("-_") or "images"


def named(root: Path) -> dict[str, list[Path]]:
    """The folders and zips in a data root by the names that they go by, hidden ones left out.

    One whose own name is exactly that is alone with it; several others may share one, and then none can be told by it.
    """
    found: dict[str, list[Path]] = {}
    for path in sorted(root.iterdir()) if root.is_dir() else ():
        if not path.name.startswith(".") and (path.is_dir() or path.suffix.lower() == ".zip"):
            found.setdefault(slug(path), []).append(path)
    return {
        name: [path for path in places if name in (path.name, path.stem)] or places for name, places in found.items()
    }


def _list(path: Path) -> Listing:
    images = Archive([path])
    ids = _without_top(images)
    notes = _left_out(images)
    if not ids:
        raise DataNotFound(
            "There is no image in this place",
            given="; ".join([readable(path), *notes]),
            expected=f"{_KINDS} files as {_LAYOUT}",
            remedy=AS_JPEG
            if images.others
            else "give one of the zips in it, or unpack them"
            if _holds_zips(path)
            else "check the path",
        )
    levels = layout.levels(ids)
    given = levels.split is not None
    placed = {name: name.split("/") for name in ids if levels.placed(name)}
    if len(placed) < len(ids):
        stray = next(name for name in ids if name not in placed)
        notes.append(
            f"Left out, as they lie outside the class folders: {_files(len(ids) - len(placed))} such as {stray}"
        )
    deeper = [name for name, parts in placed.items() if len(parts) > levels.folders + 1]
    if deeper:
        notes.append(
            f"Folders inside the class folders are not told apart: {_files(len(deeper))} such as {deeper[0]} "
            f"{'counts' if len(deeper) == 1 else 'count'} as {placed[deeper[0]][levels.label]}"
        )
    # A Mac writes é in two characters: without this, its class folders would not match those of other systems.
    classes = {name: unicodedata.normalize("NFC", parts[levels.label]) for name, parts in placed.items()}
    class_names = tuple(sorted(set(classes.values())))
    _check_meant(path, class_names)
    if len(class_names) < 2:
        raise DataDamaged(
            "There are fewer than two classes",
            given=f"{readable(path)}: "
            + "; ".join(
                [f"one class folder, {class_names[0]}" if class_names else "images, but none in a class folder", *notes]
            ),
            expected=_LAYOUT,
            remedy="put the images of each class into a folder with the name of the class",
        )
    order = {name: label for label, name in enumerate(class_names)}
    table = pd.DataFrame(
        {
            "id": name,
            "label": order[classes[name]],
            "class": classes[name],
            "split": levels.split_of(parts),
        }
        for name, parts in placed.items()
    )
    notes += _complete(table, given)
    counts = count(table, class_names)
    empty = _empty_folders(images, ids, levels)
    if empty:
        notes.append(f"Class folders without an image: {', '.join(empty)}")
    notes += _check(path, counts)
    return Listing(
        name=slug(path),
        key=hashlib.sha256(f"{images.digest()} {notes} {_FORM}".encode()).hexdigest()[:16],
        class_names=class_names,
        counts=counts,
        table=table,
        read=lambda image: images.read(ids[image]),
        split_by=SPLIT_RULE,
        notes=tuple(notes),
        as_seen=True,
        check=partial(_check, path),
    )


def _check_meant(path: Path, class_names: tuple[str, ...]) -> None:
    """Raise where folders on the place of classes are certainly none."""
    if class_names and all(name.lower().startswith(HAM_IMAGES) for name in class_names):
        raise DataDamaged(
            "These are the files of HAM10000, which no folder sorts by class",
            given=f"{readable(path)}: {', '.join(class_names)}",
            expected=_LAYOUT,
            remedy=f"put them into a folder ham10000 of the data root, beside {METADATA}.csv: the set is then called ham10000",
        )
    if len({layout.loosely(name) for name in class_names}) > 1 and all(map(layout.loosely, class_names)):
        raise DataDamaged(
            "There are folders of splits, and no class folders in them",
            given=f"{readable(path)}: {', '.join(class_names)}",
            expected=_LAYOUT,
            remedy="put the images of each class into a folder with the name of the class, inside the folder of its split",
        )


def _holds_zips(path: Path) -> bool:
    return path.is_dir() and any(one.suffix.lower() == ".zip" for one in path.iterdir())


def _left_out(images: Archive) -> list[str]:
    """What to tell the user of files that are no members."""
    kinds = sorted({name.rpartition(".")[2].lower() for name in images.others})
    return [
        f"Left out, as {why}: {_files(len(names))} such as {readable(names[0])}"
        for names, why in (
            (images.unsafe, "their names point out of the archive"),
            (images.unreadable, "their names are not UTF-8 (rename them to have them in)"),
            (images.others, f"pictures of these kinds are not read ({', '.join(kinds)}; {AS_JPEG})"),
        )
        if names
    ]


def _without_top(images: Archive) -> dict[str, str]:
    """Image id -> member: its name without the folders around everything. The id keeps the suffix: x.png and x.jpg are two."""
    names = {name: name for name in images.members}
    while any(name.count("/") >= 2 for name in names):
        # A picture beside the folders, such as a preview, does not count.
        tops = {name.partition("/")[0] for name in names if "/" in name}
        if len(tops) > 1 or any(map(layout.strictly, tops)):
            break
        names = {name.partition("/")[2] or name: member for name, member in names.items()}
    return names


def _complete(table: pd.DataFrame, given: bool) -> list[str]:
    """Fill the splits that are not there, in place; return what to tell the user."""
    there = set(table["split"])
    if not given or len(there) == 1:
        moved = _split(table, table.index, SHARES)
        reason = f"only the folder {there.pop()} is there" if given else "it comes without splits"
        return [
            f"Split by us, as {reason}: 70% train, 10% validation, 20% test, by a hash of each image's name",
            *moved,
        ]
    lacking = [split for split in SPLITS[1:] if split not in there]
    train = table["split"] == "train"
    if lacking and train.any():
        shares = (0.9, 0.1, 0.0) if lacking == ["validation"] else (0.8, 0.0, 0.2)
        moved = _split(table, table.index[train], shares)
        share = "10%" if lacking == ["validation"] else "20%"
        return [
            f"There is no {lacking[0]} folder: {share} of the training images were taken for it, by a hash of their names",
            *moved,
        ]
    return []


def _split(table: pd.DataFrame, rows: pd.Index, shares: tuple[float, ...]) -> list[str]:
    """Split these rows in place by the hash of their ids; a note if some had to move as there are so few."""
    numbers, moved = filled(table.loc[rows, "id"].tolist(), table.loc[rows, "label"].tolist(), shares)
    table.loc[rows, "split"] = [SPLITS[number] for number in numbers]
    if not moved:
        return []
    what = "1 image was" if moved == 1 else f"{moved:,} images were"
    return [
        f"As there are few images, {what} moved to another part, so that none is empty and each class can be trained"
    ]


def _check(path: Path, counts: tuple[dict, ...]) -> list[str]:
    untrained = [record for record in counts if not record["train"]]
    if untrained:
        names = ", ".join(record["class"] for record in untrained[:5]) + (", …" if len(untrained) > 5 else "")
        first = untrained[0]
        none = len(untrained) == len(counts)
        raise DataDamaged(
            f"There is no training image of {names}",
            given=f"{readable(path)}: {first['class']} has {first['validation']} images for validation and {first['test']} for test",
            expected="at least one training image of each class",
            remedy="add a folder train with one folder a class, or take the folders of the splits away and let us split"
            if none
            else "add images, or remove the folders of this class; class folders must be named alike in all splits",
        )
    for split in SPLITS[1:]:
        if not any(record[split] for record in counts):
            raise DataDamaged(
                f"There are too few images: none is left for {split}",
                given=f"{readable(path)}: {sum(record['images'] for record in counts)} images",
                expected="at least one image in each of train, validation and test",
                remedy=f"add images, or a folder {split} with one folder a class",
            )
    untested = [record["class"] for record in counts if not record["test"]]
    return [f"No test image of: {', '.join(untested)}"] if untested else []


def _empty_folders(images: Archive, ids: dict[str, str], levels: layout.Levels) -> list[str]:
    name, member = max(ids.items(), key=lambda pair: len(pair[1]) - len(pair[0]))
    top, depth = member.removesuffix(name), levels.label
    full = {"/".join(image.split("/")[: depth + 1]) for image in ids}
    inside = [folder.removeprefix(top) for folder in images.folders if folder.startswith(top)]
    return sorted(
        folder
        for folder in inside
        if folder.count("/") == depth and folder not in full and (not depth or levels.split_of(folder.split("/")))
    )


def _files(number: int) -> str:
    return f"{number:,} file{'' if number == 1 else 's'}"
