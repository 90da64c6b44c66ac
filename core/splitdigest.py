"""One digest for which image is in which split, as cards note it, and whether a data set still is what a network was made from."""

from core.checkpoints import Checkpoint
from core.data import DATASETS, SPLITS, ImageSet, load
from core.errors import CheckpointMismatch, DataDamaged, DataNotFound, UnknownName
from core.progress import Report, silent
from core.recipes import Recipe
from core.studies import Study


def split_digest(*sets: ImageSet) -> str:
    """One digest for which image is in which split."""
    return "-".join(images.digest[:8] for images in sets)


def check_images(made: Checkpoint, recipe: Recipe, data=None, report: Report = silent) -> None:
    """Raise where a folder of one's own holds other images by now: its network of before must not pass for one of these.

    Args:
        made: the checkpoint of ``recipe``.
        recipe: whose data set is looked at, if it is a folder or zip; where it is not on this machine, nothing is said.
        data: data root; by default :func:`core.files.data_root`.
        report: told of progress, where images are decoded; may raise Cancelled.

    Raises:
        CheckpointMismatch: images, their classes or their split are others. Pixels are not looked at.
    """
    name, noted = recipe.data, made.card.data.split_digest
    if name in DATASETS or not noted:
        return
    how = {"size": Study.parse(recipe.study).size, "root": data, "split_by": recipe.split_by, "report": report}
    try:
        sets = [load(name, split, **how) for split in SPLITS]
    except (DataNotFound, DataDamaged, UnknownName):
        return
    if (now := split_digest(*sets)) != noted:
        raise CheckpointMismatch(
            f"The images of {name} are not those that {made.id} was made from",
            given=f"{sum(map(len, sets)):,} images, {now}",
            expected=noted,
            remedy=f"give the folder of the new images another name, or delete {made.path} to train anew",
        )
