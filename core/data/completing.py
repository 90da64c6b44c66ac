"""What a folder of images lacks of training, validation and test: taken by a hash, told, and checked for being enough."""

from pathlib import Path

import pandas as pd

from core.data.archive import readable
from core.data.splits import SHARES, SPLITS, filled
from core.errors import DataDamaged


def complete(table: pd.DataFrame, given: bool, group: str | None = None, by_list: bool = False) -> list[str]:
    """Fill the splits that are not there, in place; return what to tell the user.

    Args:
        table: with ``id``, ``label`` and ``split``.
        given: whether ``split`` says anything yet.
        group: column whose images stay together, or None.
        by_list: whether a list says it, not folders.
    """
    there = set(table["split"])
    if not given or len(there) == 1:
        moved = _split(table, table.index, SHARES, group)
        only = there.pop()
        reason = "it comes without splits" if not given else f"only the folder {only} is there"
        reason = f"all images are for {only}" if given and by_list else reason
        by = group or "image's name"
        return [f"Split by us, as {reason}: 70% train, 10% validation, 20% test, by a hash of each {by}", *moved]
    lacking = [split for split in SPLITS[1:] if split not in there]
    train = table["split"] == "train"
    if lacking and train.any():
        shares = (0.9, 0.1, 0.0) if lacking == ["validation"] else (0.8, 0.0, 0.2)
        moved = _split(table, table.index[train], shares, group)
        share = "10%" if lacking == ["validation"] else "20%"
        none = f"No image is for {lacking[0]}" if by_list else f"There is no {lacking[0]} folder"
        by = f"each {group}" if group else "their names"
        return [f"{none}: {share} of the training images were taken for it, by a hash of {by}", *moved]
    return []


def _split(table: pd.DataFrame, rows: pd.Index, shares: tuple[float, ...], group: str | None) -> list[str]:
    """Split these rows in place by the hash of their ids or groups; a note if some had to move as there are so few."""
    numbers, moved = filled(table.loc[rows, group or "id"].tolist(), table.loc[rows, "label"].tolist(), shares)
    table.loc[rows, "split"] = [SPLITS[number] for number in numbers]
    if not moved:
        return []
    what = "1 image was" if moved == 1 else f"{moved:,} images were"
    return [
        f"As there are few images, {what} moved to another part, so that none is empty and each class can be trained"
    ]


def check(path: Path, group: str | None, by_list: bool, counts: tuple[dict, ...]) -> list[str]:
    """Notes on what there is of each class.

    Raises:
        DataDamaged: a class without training images, or a split without images.
    """
    untrained = [record for record in counts if not record["train"]]
    if untrained:
        names = ", ".join(record["class"] for record in untrained[:5]) + (", …" if len(untrained) > 5 else "")
        first = untrained[0]
        none = len(untrained) == len(counts)
        raise DataDamaged(
            f"There is no training image of {names}",
            given=f"{readable(path)}: {first['class']} has {first['validation']} images for validation and {first['test']} for test",
            expected="at least one training image of each class",
            remedy="give each class rows for train in the list, or take its column of splits away and let us split"
            if by_list
            else "add a folder train with one folder a class, or take the folders of the splits away and let us split"
            if none
            else "add images, or remove the folders of this class; class folders must be named alike in all splits",
        )
    for split in SPLITS[1:]:
        if not any(record[split] for record in counts):
            raise DataDamaged(
                f"There are too few images: none is left for {split}",
                given=f"{readable(path)}: {sum(record['images'] for record in counts)} images"
                + (f"; all of one {group} stay together" if group else ""),
                expected="at least one image in each of train, validation and test",
                remedy=f"add images of another {group}"
                if group
                else f"add images, or rows for {split} in the list"
                if by_list
                else f"add images, or a folder {split} with one folder a class",
            )
    untested = [record["class"] for record in counts if not record["test"]]
    return [f"No test image of: {', '.join(untested)}"] if untested else []
