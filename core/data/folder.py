"""Any folder or zip with one folder a class, ``train/<class>/*.png`` and ``test/…`` or just ``<class>/*.png``, or with a list."""

import hashlib
import os
import re
import unicodedata
from functools import partial
from pathlib import Path

import pandas as pd

from core.data.archive import IMAGE_SUFFIXES, Archive, readable
from core.data.completing import check as check_complete
from core.data.completing import complete
from core.data.ham10000 import METADATA, PARTS
from core.data.labelled import EXPECTED
from core.data.labelled import find as find_list
from core.data.layout import Levels, loosely, strictly
from core.data.layout import levels as levels_of
from core.data.listing import Found, Listing, count
from core.errors import DataDamaged, DataNotFound, check_choice

SPLIT_RULE, GROUPED = "image", "group"
_LAYOUT = "train/<class>/*.png and test/<class>/*.png, or <class>/*.png"
AS_JPEG = "save them as JPEG or PNG"
HAM_IMAGES = PARTS[0].lower().removesuffix("_part_1")
_KINDS = ", ".join(sorted(suffix[1:] for suffix in IMAGE_SUFFIXES))
_FORM = 3  # of what is made of a folder; raise it when classes, splits or pixels of the same files would come out differently
_LISTED = 1  # the same for what a list sorts


def find(path: str | os.PathLike, split_by: str | None = None) -> Found:
    """A folder or zip of class folders. A single folder around everything, as zips often have, does no harm.

    Splits that are there (``train``, ``validation`` or ``val`` or ``valid``, ``test``) are kept, see :mod:`core.data.layout`; what is missing of them is
    taken from the training images by a hash of their names, and a note says so. Pictures are turned the way their camera noted,
    and transparent parts are laid on white, as in what users send (:mod:`core.uploads`). Where a table among the files lists
    them with their classes, the list says it all, and folders only where it does not; see :mod:`core.data.labelled`.

    Args:
        path: folder or zip; must exist.
        split_by: None, ``"image"``, or ``"group"`` where a list names groups; each set has one rule only.

    Raises:
        UnknownName: another split rule.

    Listing it raises DataNotFound (no image), UnknownName (the rule of other sets) and DataDamaged (no class folders, a list that
    is wrong, fewer than two classes, a class without training images, a split without images, an unreadable zip). Preparing it checks the same once more, as pictures that do not
    open are left out.
    """
    check_choice("split rule", split_by or SPLIT_RULE, (SPLIT_RULE, GROUPED))
    path = Path(path)
    return Found(slug(path), path, (path,), split_by or "", partial(_list, path, split_by), form=_FORM + _LISTED)


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


def _list(path: Path, rule: str | None) -> Listing:
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
    levels = levels_of(ids)
    placed = {name: name.split("/") for name in ids if levels.placed(name)}
    # A Mac writes é in two characters: without this, its class folders would not match those of other systems.
    classes = {name: unicodedata.normalize("NFC", parts[levels.label]) for name, parts in placed.items()}
    names = sorted(set(classes.values()))
    misread = _misread(path, names, notes + _outside(ids, levels, placed))
    listed = find_list(
        path, images, ids, {} if misread else classes, notes, needed=bool(misread) and not _of_ham(names)
    )
    if listed:
        table, given, group = listed.table, listed.given, listed.group
        notes += listed.notes
    elif misread:
        raise misread
    else:
        notes += _outside(ids, levels, placed)
        given, group = levels.split is not None, None
        table = pd.DataFrame(
            {"id": name, "class": classes[name], "split": levels.split_of(parts)} for name, parts in placed.items()
        )
    own = GROUPED if group else SPLIT_RULE
    check_choice("split rule", rule or own, (own,))
    class_names = tuple(sorted(set(table["class"])))
    table.insert(1, "label", table["class"].map({name: label for label, name in enumerate(class_names)}))
    notes += complete(table, given, group, by_list=bool(listed))
    counts = count(table, class_names, group)
    empty = [] if listed else _empty_folders(images, ids, levels)
    if empty:
        notes.append(f"Class folders without an image: {', '.join(empty)}")
    check = partial(check_complete, path, group, bool(listed))
    notes += check(counts)
    content = f"{images.digest()} {notes} {_FORM}" + (f" {listed.digest} {_LISTED}" if listed else "")
    return Listing(
        name=slug(path),
        key=hashlib.sha256(content.encode()).hexdigest()[:16],
        class_names=class_names,
        counts=counts,
        table=table,
        read=lambda image: images.read(ids[image]),
        group=group,
        split_by=own,
        notes=tuple(notes),
        as_seen=True,
        check=check,
    )


def _outside(ids: dict[str, str], levels: Levels, placed: dict[str, list[str]]) -> list[str]:
    """What to tell the user of images outside the class folders, and deep inside them."""
    notes = []
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
    return notes


def _of_ham(class_names: list[str]) -> bool:
    return bool(class_names) and all(name.lower().startswith(HAM_IMAGES) for name in class_names)


def _misread(path: Path, class_names: list[str], notes: list[str]) -> DataDamaged | None:
    """What to raise where the folders on the place of classes are certainly none, or too few."""
    given = f"{readable(path)}: {', '.join(class_names)}"
    if _of_ham(class_names):
        return DataDamaged(
            "These are the files of HAM10000, which no folder sorts by class",
            given=given,
            expected=_LAYOUT,
            remedy=f"put them into a folder ham10000 of the data root, beside {METADATA}.csv: the set is then called ham10000",
        )
    if len({loosely(name) for name in class_names}) > 1 and all(map(loosely, class_names)):
        return DataDamaged(
            "There are folders of splits, and no class folders in them",
            given=given,
            expected=_LAYOUT,
            remedy="put the images of each class into a folder with the name of the class, inside the folder of its split",
        )
    if len(class_names) < 2:
        what = f"one class folder, {class_names[0]}" if class_names else "images, but none in a class folder"
        return DataDamaged(
            "There are fewer than two classes",
            given=f"{readable(path)}: " + "; ".join([what, *notes]),
            expected=_LAYOUT,
            remedy=f"put the images of each class into a folder with the name of the class, or add {EXPECTED}",
        )
    return None


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
        if len(tops) > 1 or any(map(strictly, tops)):
            break
        names = {name.partition("/")[2] or name: member for name, member in names.items()}
    return names


def _empty_folders(images: Archive, ids: dict[str, str], levels: Levels) -> list[str]:
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
