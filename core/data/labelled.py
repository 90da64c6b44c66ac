"""Images that a list sorts: which table of a folder or zip is such a list, and what it says of each image."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.data.archive import Archive, readable
from core.data.layout import loosely, strictly
from core.data.lists import CLASS, FILE, GROUP, SEVERAL, SPLIT, Matched, Names, Table, matched, tables, values
from core.errors import DataDamaged

EXPECTED = (
    f"a table with one row an image: its file ({', '.join(FILE)}), its class ({', '.join(CLASS)}) and, "
    f"if known, a group such as its patient ({', '.join(GROUP)}) and its split ({', '.join(SPLIT)})"
)
_OURS = ("id", "label", "class", "split", "_group")  # columns that mean something of ours
_FEW = 20  # classes that are not doubted, however few images they have


@dataclass(frozen=True)
class Labelled:
    """What a list says.

    Attributes:
        table: one row an image: ``id``, ``class``, ``split`` ("train" for all where none is given), and what else is known.
        group: the column that a split must not tear apart, or None.
        given: whether splits were given.
        notes: sentences for the user.
        digest: of the list, in hex.
    """

    table: pd.DataFrame
    group: str | None
    given: bool
    notes: list[str]
    digest: str


def find(
    path: Path, images: Archive, ids: Mapping[str, str], folders: Mapping[str, str], notes: list[str], *, needed: bool
) -> Labelled | None:
    """What the list among these images says of them; None if there is none.

    A table is a list if it has a column of files, of which one at least is there, and one of classes. Where folders tell the
    classes, one of groups or splits will do.

    Args:
        path: of the folder or zip, for the user.
        images: its files.
        ids: name of each image -> member.
        folders: name -> class by its folder, of all images that lie in class folders; empty if there are no such folders.
        notes: what to tell of several lists, where folders decide, is added to them.
        needed: whether tables that are no lists are an error, as nothing else sorts the images.

    Raises:
        DataDamaged: a list is needed and none of the tables is one; several lists; a list that contradicts itself
            or the images: files that are not there or not told apart, or twice with different classes, groups or splits, rows
            without a class, ids for classes, values that are no split, groups in several splits, text that is no UTF-8.
    """
    if not images.tables:
        return None
    name, member = max(ids.items(), key=lambda pair: len(pair[1]) - len(pair[0]))
    found = list(tables(images, member.removesuffix(name).count("/") + 1))
    names = Names(ids) if any(table.called(FILE) for table in found) else None
    read = [one for table in found if (one := matched(table, names))]
    usable = [
        one for one in read if one.label is not None or (folders and (one.group is not None or one.split is not None))
    ]
    if len(usable) > 1 and folders:
        several = ", ".join(one.table.name for one in usable)
        notes.append(f"Sorted by folders, as there are several lists of images, none of which was used: {several}")
        return None
    if len(usable) > 1:
        raise DataDamaged(
            "There are several lists of images",
            given=f"{readable(path)}: {', '.join(one.table.name for one in usable)}",
            expected="one list, with a row for each image",
            remedy="put them together into one, with a column split if they are one for each split, or leave one of them here",
        )
    if usable:
        return _read(path, usable[0], ids, folders)
    if not needed:
        return None
    others = {name.rpartition("/")[2] for name in images.tables} - {table.name for table in found}
    why = [
        *(_why_not(table, read) for table in found),
        *(f"{name} is too large or no table" for name in sorted(others)),
    ]
    raise DataDamaged(
        "No list here sorts the images into classes",
        given=f"{readable(path)}: " + "; ".join(why[:3]),
        expected=EXPECTED,
        remedy="name the columns so and give the files the names that they have, or put the images into one folder a class",
    )


def _why_not(table: Table, read: list[Matched]) -> str:
    columns = f"{table.name} has the columns {', '.join(name[:40] for name in table.columns[:20])}"
    if not table.called(FILE):
        return f"{columns}, none of them known for files"
    if any(one.table is table for one in read):
        return f"{columns}, none of them known for classes"
    first = next(iter(table.column(table.called(FILE)[0])), "")
    return f"{table.name} names no file that is there{f', the first is {first[:100]}' if first else ''}"


def _read(path: Path, one: Matched, ids: Mapping[str, str], folders: Mapping[str, str]) -> Labelled:
    _check(path, one)
    table, name = one.table, one.table.name
    by_folder = one.label is None
    classes = [folders.get(image, "") for image in one.images] if by_folder else table.column(one.label)
    if empty := one.first(lambda row: not classes[row], one.called):
        raise DataDamaged(
            f"Images of {name} lie in no class folder" if by_folder else f"Images have no class in {name}",
            given=empty,
            expected="a class for each image",
            remedy="fill it in, or take these rows out of the list",
        )
    splits, given = _splits(one)
    rows = pd.DataFrame({"id": one.images, "class": classes, "split": splits})
    group = None if one.group is None else one.heading(one.group)
    notes = [_told(one, group)]
    if group:
        rows[group] = table.column(one.group)
    _check_twice(one, rows)
    known, dropped = {}, []
    for at, heading in enumerate(table.columns):
        if at in (one.label, one.group, one.split) or not heading or heading.startswith("unnamed:"):
            continue
        if heading in _OURS or heading in rows:
            dropped.append(heading)
        elif heading not in known:
            known[heading] = values(table.column(at))
    rows = pd.concat([rows, pd.DataFrame(known)], axis=1)
    if dropped:
        notes.append(f"Columns of {name} left out, as these names are taken: {', '.join(dropped)}")
    if again := int(rows["id"].duplicated().sum()):
        notes.append(f"Rows of {name} that name an image once more and do not count: {again:,}")
        rows = rows.drop_duplicates("id").reset_index(drop=True)
    unlisted = sorted(set(ids) - set(rows["id"]))
    if unlisted:
        notes.append(f"Left out, as {name} does not list them: {_images(len(unlisted))} such as {unlisted[0]}")
    if group:
        notes += _grouped(one, rows, group, given)
    _check_classes(one, rows["class"])
    return Labelled(rows, group, given, notes, table.digest)


def _check(path: Path, one: Matched) -> None:
    """Raise where the table cannot be read, or names images that are not there or cannot be told apart."""
    name = one.table.name
    if not one.table.legible:
        raise DataDamaged(
            f"The text of {name} cannot be read",
            given=f"{readable(path)}: bytes in it that are not UTF-8",
            expected="text in UTF-8",
            remedy='save it once more in UTF-8: Excel calls this "CSV UTF-8"',
        )
    if one.table.uneven:
        raise DataDamaged(
            f"A row of {name} has more values than there are columns",
            given=f"row {one.table.uneven}",
            expected=f"{len(one.table.columns)} values",
            remedy="put values that hold a separator into quotes",
        )
    if missing := one.first(lambda row: one.images[row] is None, one.called):
        raise DataDamaged(
            f"Images that {name} names are not there",
            given=missing,
            expected="a file for each row",
            remedy="add these images, correct their names, or take their rows out of the list",
        )
    if several := one.first(lambda row: one.images[row] == SEVERAL, one.called):
        raise DataDamaged(
            f"Names in {name} may mean several images",
            given=several,
            expected="names that tell the images apart",
            remedy="write the folder and the suffix of each image into the list",
        )


def _check_twice(one: Matched, rows: pd.DataFrame) -> None:
    """Raise where two rows of an image contradict each other."""
    group = [] if one.group is None else [one.heading(one.group)]
    for column, what in (("class", "classes"), *((name, f"values of {name}") for name in group), ("split", "splits")):
        distinct = rows[["id", column]].drop_duplicates()
        twice = distinct.loc[distinct["id"].duplicated(), "id"]
        if len(twice):
            first = distinct.loc[distinct["id"] == twice.iloc[0], column].tolist()
            raise DataDamaged(
                f"{one.table.name} contradicts itself: images stand in it with different {what}",
                given=f"{len(twice):,}, the first {twice.iloc[0]} ({_some(first)})",
                expected="one row an image",
                remedy="take the wrong rows out of the list",
            )


def _check_classes(one: Matched, classes: pd.Series) -> None:
    """Raise where there is one class, or a column of ids was taken for classes."""
    number = classes.nunique()
    if number < 2:
        raise DataDamaged(
            "There are fewer than two classes",
            given=f"{one.table.name}: {_some(classes[:1])}",
            expected="images of two classes or more",
            remedy="add images of other classes to the list",
        )
    if number > _FEW and 2 * number > len(classes):
        heading = "its folders" if one.label is None else f"the column {one.heading(one.label)}"
        raise DataDamaged(
            f"There are too many classes in {one.table.name}",
            given=f"{number:,} in {heading} for {len(classes):,} images, such as {_some(sorted(set(classes)))}",
            expected="few classes with many images each",
            remedy="name the column that holds the classes class, and what stands in this one otherwise",
        )


def _splits(one: Matched) -> tuple[list[str], bool]:
    """The split of each row, and whether any was given: by the list, or else by folders called as splits."""
    if one.split is not None:
        values = one.table.column(one.split)
        found = [loosely(value) for value in values]
        wrong = one.first(
            lambda row: not found[row], lambda row: f"{values[row][:40] or 'nothing'} ({one.called(row)})"
        )
        if wrong:
            raise DataDamaged(
                f"The column {one.heading(one.split)} of {one.table.name} holds what is no split",
                given=wrong,
                expected="train, validation or test for each image",
                remedy="correct these values, or take the column out and let us split",
            )
        return found, True
    for rule in (strictly, loosely):
        found = [next(filter(None, map(rule, image.split("/")[:-1])), None) for image in one.images]
        if all(found) and len(set(found)) > 1:
            return found, True
    return ["train"] * len(one.images), False


def _grouped(one: Matched, rows: pd.DataFrame, group: str, given: bool) -> list[str]:
    """Name what is in no group, in place; return what to tell of groups. Raises DataDamaged where a split tears one apart."""
    notes = []
    if (alone := rows[group] == "").any():
        rows.loc[alone, group] = rows.loc[alone, "id"]
        notes.append(f"Counted as a {group} of its own each, as {one.table.name} names none: {_images(alone.sum())}")
    parts = rows.groupby(group)["split"].unique()
    torn = parts[parts.map(len) > 1]
    if given and len(torn):
        raise DataDamaged(
            f"The split puts images of one {group} into several parts",
            given=f"{len(torn):,} of {len(parts):,} are torn apart, such as {torn.index[0][:60]} ({', '.join(torn.iloc[0])})",
            expected=f"all images of a {group} in one of train, validation and test, or else results look better than they are",
            remedy=f"correct the split, or leave it out: we then split by {group}",
        )
    return notes


def _told(one: Matched, group: str | None) -> str:
    by = "their folders" if one.label is None else f"its column {one.heading(one.label)}"
    told = f"Sorted by the list {one.table.name}: classes by {by}"
    if one.split is not None:
        told += f", splits by {one.heading(one.split)}"
    if group:
        told += f"; images of one {group} stay together"
        told += (
            "" if "lesion" in group else f", and what other pages call a lesion is all images of one {group} and class"
        )
    return told


def _images(number: int) -> str:
    return f"{number:,} image{'' if number == 1 else 's'}"


def _some(texts: Iterable[str]) -> str:
    """The first of some texts, none of them too long for a message."""
    return ", ".join(text[:60] for text in list(texts)[:3])
