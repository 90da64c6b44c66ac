"""What a recipe will cost, said before it is begun: a range of time, and bytes."""

from dataclasses import dataclass

import numpy as np

from core import checkpoints
from core import device as devices
from core.checkpoints.architecture import layout
from core.data.sources import find, known_by_lying_there
from core.finished import Finished
from core.jobs import speed
from core.jobs.board import board
from core.jobs.record import RUNNING
from core.recipes import Recipe
from core.runs import epochs_done
from core.studies import Study

_FORWARD = 1 / 3
"""Scoring an image is a forward pass; training it is that and a backward pass of about twice the work."""
_SLACK = 1.5
"""Reading, augmenting and saving are not in the timed steps, and the machine has other things to do."""


@dataclass(frozen=True)
class Estimate:
    """What is still to be done for a recipe.

    Attributes:
        epochs: of training that are left, parents that are not there included.
        networks: how many networks will be made; 0 if it was made before.
        images: in the training split.
        seconds: (low, high), or None where neither finished runs nor a measurement tell.
        basis: in a sentence, what ``seconds`` rests on; empty if there are none.
        file_bytes: the finished checkpoint of the recipe itself.
        working_bytes: what the run keeps on disk while it goes on.
    """

    epochs: float
    networks: int
    images: int
    seconds: tuple[float, float] | None
    basis: str
    file_bytes: int
    working_bytes: int


def estimate(recipe: Recipe, *, device=None) -> Estimate:
    """What ``recipe`` costs, from finished runs of its study on this kind of device, else from a measured speed.

    Nothing is trained or timed; :func:`measure` times what is missing.

    Raises:
        DataNotFound, DataDamaged: the images are not on this machine.
    """
    heading = _heading(recipe)
    entries = [entry for entry in checkpoints.list() if entry.card]
    made = Finished(entries).of
    left = [] if made(recipe) else [one for one in (recipe.parent, recipe) if one and not made(one)]
    epochs = sum(max(0.0, one.training.epochs - (epochs_done(one) or 0.0)) for one in left)
    counts = {split: sum(record[split] for record in heading.counts) for split in ("train", "validation", "test")}
    seconds, basis = _from_runs(recipe, entries, device)
    if seconds is None:
        seconds, basis = _from_speed(recipe, len(heading.class_names), counts, device)
    file_bytes, working = _bytes(recipe, len(heading.class_names))
    return Estimate(
        epochs=epochs,
        networks=len(left),
        images=counts["train"],
        seconds=None if seconds is None else (epochs * seconds[0], epochs * seconds[1]),
        basis=basis,
        file_bytes=file_bytes,
        working_bytes=working if left else 0,
    )


def measure(recipe: Recipe, *, device=None) -> None:
    """Time a few steps of training for ``recipe``, so that :func:`estimate` can tell. Takes some seconds.

    Raises:
        DataNotFound, DataDamaged: the images are not on this machine, so the classes are not known.
        StorageFull: it could not be kept.
    """
    study, heading = Study.parse(recipe.study), _heading(recipe)
    speed.measure(recipe.architecture(len(heading.class_names)), study.size, recipe.training.batch, device)


def busy() -> bool:
    """Whether a job runs, so that what is timed now is slower than it will be."""
    return any(job.state == RUNNING for job in board().jobs)


def _heading(recipe: Recipe):
    with known_by_lying_there(recipe.data, "submit again"):
        return find(recipe.data, split_by=recipe.split_by).heading


def _from_runs(recipe: Recipe, entries, device):
    """Seconds an epoch in finished runs of the same network, batch and kind of device."""
    here, found, runs = devices.describe(device), [], 0
    for entry in entries:
        card = entry.card
        alike = (
            card.study == recipe.study
            and card.versions.get("trained on") == here
            and (card.recipe.get("training") or {}).get("batch") == recipe.training.batch
            and all(card.recipe.get(name) == getattr(recipe, name) for name in ("head", "stem", "norm"))
        )
        own = [_per_epoch(row) for row in card.history if _is_timed(row)] if alike else []
        found += own
        runs += bool(own)
    if not found:
        return None, ""
    low, high = np.percentile(found, [5, 95])
    runs_text = "one finished run" if runs == 1 else f"{runs} finished runs"
    return (float(low), float(high)), f"{len(found)} epochs of {runs_text} of this study on {here}"


def _is_timed(row: dict) -> bool:
    return all(isinstance(row.get(name), int | float) and row[name] > 0 for name in ("seconds", "epoch"))


def _per_epoch(row: dict) -> float:
    """Seconds for a whole epoch, where the row's may be the last part of one."""
    part = row["epoch"] % 1
    return row["seconds"] / part if part > 0.05 else row["seconds"]


def _from_speed(recipe: Recipe, classes: int, counts: dict[str, int], device):
    study = Study.parse(recipe.study)
    found = speed.known(recipe.architecture(classes), study.size, recipe.training.batch, device)
    if found is None:
        return None, ""
    images = counts["train"] + _FORWARD * counts["validation"]
    basis = f"{found.steps} timed steps of {found.batch} images on {found.device}"
    return (images * found.fastest, images * found.slowest * _SLACK), basis


def _bytes(recipe: Recipe, classes: int) -> tuple[int, int]:
    """Of the finished file and of the state of a run; see :mod:`core.checkpoints.codec` and :mod:`core.training.state`."""
    known = layout(recipe.architecture(classes))
    weights = sum(known[name].numel() for name in known.weights)
    others = sum(known[name].numel() * known.dtypes[name].itemsize for name in known if name not in known.weights)
    pruned = recipe.sparsity > 0
    file = others + 2 * round((1 - recipe.sparsity) * weights) + (weights // 8 if pruned else 0)
    return file, 2 * (others + 4 * weights) + (weights if pruned else 0)
