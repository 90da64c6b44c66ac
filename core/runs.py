"""Carry out a recipe: train, or prune and fine-tune step by step, evaluate, and save the checkpoint."""

import shutil
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from core import brought, checkpoints, evaluation, files, runfolder
from core import device as devices
from core.checkpoints import Card, Checkpoint, DataInfo
from core.data import SPLITS, ImageSet, load
from core.errors import CheckpointNotFound, InvalidValue
from core.evaluation import Interval
from core.finished import Finished
from core.models import build, imagenet_weights, prunable, set_normalisation, units
from core.progress import Report, silent
from core.pruning import Masks, plan, step_masks
from core.recipes import DENSE, Recipe
from core.splitdigest import check_images, split_digest
from core.studies import Study
from core.training import State, epochs_in, fit, peek, shared_steps, steps_per_epoch
from core.words import WATCHED

TARGET = 0.9
"""Melanoma is watched for at the threshold that finds this share of it on validation."""


def run(recipe: Recipe | Mapping, *, root=None, data=None, device=None, report: Report = silent) -> Checkpoint:
    """The checkpoint of ``recipe``: found if it was made before, made otherwise. Parents are made first, or measured if brought.

    A run keeps its state in ``runs/<hash>/`` after every epoch (on a GPU every ten seconds). Cancelled, killed or cut off, it goes on from there when
    it is asked for again. Two processes that ask for the same run make it once. What a process left that was killed between saving
    the checkpoint and clearing up is cleared then, and ``report`` told of it.

    Args:
        recipe: see :mod:`core.recipes`; or what a card holds of one, ``card.recipe``.
        root: folder of checkpoints; by default :func:`core.files.checkpoint_root`.
        data: data root; by default :func:`core.files.data_root`.
        device: as for :func:`core.device.pick`.
        report: told of progress; may raise Cancelled.

    Raises:
        InvalidValue: what is no recipe.
        DataNotFound, DataDamaged: the study's data.
        CheckpointNotFound: weights that somebody brought, and that are not here.
        CheckpointMismatch: a folder of one's own holds other images than those that the checkpoint was made from, or other classes than brought weights know.
        TrainingFailed: training diverged.
        StorageFull: no room for the state or the checkpoint; told before training where the place takes no file at all.
        Cancelled: raised by ``report``; finished epochs are kept.
    """
    if isinstance(recipe, Mapping):
        recipe = Recipe.from_dict(recipe)
    if not isinstance(recipe, Recipe):
        raise InvalidValue(
            "This is no recipe",
            given=repr(recipe)[:200],
            expected="a Recipe",
            remedy="make one with core.recipes.dense or core.recipes.pruned",
        )
    folder = files.runs_root() / recipe.hash
    if made := find(recipe, root=root):
        check_images(made, recipe, data, report)
        runfolder.clear(folder, root, report)
        return made
    if recipe.brought:
        raise brought.not_here(recipe.study, recipe.brought)
    files.check_takes_files(checkpoints.path_of(f"{recipe.study}/x", root=root).parent)  # before hours, not after them
    parent = run(recipe.parent, root=root, data=data, device=device, report=report) if recipe.parent else None
    with runfolder.alone(folder, report):
        made = find(recipe, root=root) or _make(recipe, parent, folder, root, data, device, report)
        shutil.rmtree(folder, ignore_errors=True)
    return made


def find(recipe: Recipe, *, root=None) -> Checkpoint | None:
    """The finished checkpoint of ``recipe``, or None."""
    entry = Finished(checkpoints.list(root)).of(recipe)
    return checkpoints.load(entry.path, root=root) if entry else None


def epochs_done(recipe: Recipe) -> float | None:
    """How many epochs of an unfinished run are kept; None if it was never begun."""
    path = files.runs_root() / recipe.hash / runfolder.STATE
    carry, _ = peek(path)
    if carry is None:
        return None
    # Of each step the last row counts.
    ends = {row.get("step", 0): row["epoch"] for row in carry["history"]}
    return sum(ends.values()) + epochs_in(path)


def _make(recipe: Recipe, parent: Checkpoint | None, folder: Path, root, data, device, report: Report) -> Checkpoint:
    size, own = Study.parse(recipe.study).size, recipe.parent is not None and recipe.parent.brought is not None
    with brought.wanted(parent.card) if own else nullcontext():
        sets = [
            load(recipe.data, split, size=size, root=data, split_by=recipe.split_by, report=report) for split in SPLITS
        ]
    train, validation, test = sets
    split = split_digest(*sets)
    if own:
        brought.check_classes(parent.card, train.class_names)
        # What it loses by pruning is told beside it, and pages compare with what is on its card.
        parent = parent if parent.card.metrics else measured(parent, *sets, device=device, root=root)
    runfolder.begin(folder, recipe.as_dict(), split, brought.identity(parent.card) if parent else None)
    model = parent.model() if parent else _fresh(recipe, train)
    masks, history, notes = _phases(recipe, model, train, validation, folder / runfolder.STATE, device, report)
    model.to("cpu")
    card = Card(
        study=recipe.study,
        data=DataInfo(recipe.data, size, train.class_names, train.split_by, split),
        architecture=recipe.architecture(len(train.class_names)),
        method=recipe.label,
        sparsity=recipe.sparsity,
        criterion=None if recipe.method == DENSE else recipe.criterion,
        parent=parent.id if parent else None,
        parent_digest=brought.identity(parent.card) if parent else "",
        seed=recipe.training.seed,
        recipe=recipe.as_dict(),
        recipe_hash=recipe.hash,
        epochs=recipe.training.epochs,
        history=history,
        notes=[*train.notes, *notes, *(brought.notes(parent.card, recipe.training) if own else ())],
    )
    saved = checkpoints.save(model, card, masks=masks, root=folder / "out")
    # Scored as saved: half precision is what a user loads.
    metrics = score(saved.model(), validation, test, device=device)
    versions = {"trained on": devices.describe(device)}
    runfolder.saving(folder, root)
    return checkpoints.save(model, replace(card, metrics=metrics, versions=versions), masks=masks, root=root)


def _phases(
    recipe: Recipe, model: nn.Module, train: ImageSet, validation: ImageSet, path: Path, device, report: Report
):
    """Carry out the plan's steps one after the other, going on where the state at ``path`` ends."""
    steps = (
        plan(recipe.method, units(model), recipe.sparsity, steps=recipe.steps, epochs=recipe.training.epochs)
        if recipe.method != DENSE
        else [None]
    )
    # Shared out together: rounded to whole batches one by one, the steps of a small data set would not spend the budget.
    parts = [recipe.training.epochs] if recipe.method == DENSE else [step.epochs for step in steps]
    batches = shared_steps(recipe.training.epochs, parts, steps_per_epoch(len(train), recipe.training.batch))
    carry, kept = peek(path)
    first, history = (carry["phase"], carry["history"]) if carry else (0, [])
    masks = Masks(kept) if kept else Masks.dense(prunable(model))
    for number in range(first, len(steps)):
        step = steps[number]
        settings = recipe.training
        stage = f"Training {recipe.study}"
        if step is not None:
            if number > first or not carry:
                model.to("cpu")  # ranked in the same arithmetic everywhere: ties at the threshold fall the same way
                how = {"criterion": recipe.criterion, "seed": settings.seed, "scope": recipe.scope}
                masks = step_masks(prunable(model), masks, step, **how)
            settings = replace(settings, epochs=step.epochs, seed=settings.seed + 1000 * number)
            stage = f"{recipe.method} to {step.sparsity:.0%}, step {number + 1} of {len(steps)}"
        state = State(path, [recipe.hash, number], {"phase": number, "history": history})
        rows = fit(
            model,
            train,
            validation,
            settings,
            masks=None if step is None else masks,
            steps=batches[number],
            state=state,
            device=device,
            stage=stage,
            report=report,
        )
        history = history + [_row(row, number, step, masks) for row in rows]
    return masks, history, _without_training(recipe, batches)


def _without_training(recipe: Recipe, batches: list[int]) -> list[str]:
    """A note for the card where the budget, if there is one, does not reach for every step of the plan."""
    if not recipe.training.epochs or sum(batches) >= len(batches):
        return []
    none = batches.count(0)
    return [
        f"{sum(batches)} batches of training are fewer than the {len(batches)} steps of this run, so {none} of these were "
        "followed by none: with so few images a smaller batch or more epochs would train after each."
    ]


def _row(row: dict, number: int, step, masks: Masks) -> dict:
    if step is None:
        return row
    return {
        "step": number + 1,
        "layers": len(step.layers),
        "last_layer": step.layers[-1],
        "sparsity": masks.sparsity,
    } | row


def measured(made: Checkpoint, *sets: ImageSet, device=None, root=None, held=nullcontext) -> Checkpoint:
    """The checkpoint of a network that somebody brought, saved again with its metrics on its card.

    Args:
        made: its checkpoint.
        sets: training, validation and test images of its data set; the first only tells the split.
        device, root: as for :func:`run`.
        held: what keeps others from deleting it while it is saved.

    Raises:
        CheckpointNotFound: it was deleted meanwhile.
        StorageFull: the card could not be written; it is as it was.
    """
    card, model = made.card, made.model()
    metrics = score(model, *sets[1:], device=device)
    info = replace(card.data, split_by=sets[0].split_by, split_digest=split_digest(*sets))
    with held():
        if not files.is_file(made.path):
            raise CheckpointNotFound("This network was deleted while it was measured", given=made.id)
        card = replace(card, data=info, metrics=metrics, id="", digest="")
        return checkpoints.save(model, card, masks=made.masks, root=root)


def score(model: nn.Module, validation: ImageSet, test: ImageSet, *, device=None) -> dict[str, dict]:
    """Everything measured of ``model``, as a card holds it.

    Returns:
        Name -> estimate, low, high, n, method: each metric of :data:`core.evaluation.METRICS` and
        ``sensitivity/<class>`` on the test images, the same under ``validation/`` on validation; and where melanoma is a
        class its threshold, fixed on validation to find 90% there.
    """
    on_validation = evaluation.predict(model, validation, device=device)
    watch, result = {}, {}
    if WATCHED in validation.class_names and (validation.labels == validation.class_names.index(WATCHED)).any():
        threshold = evaluation.threshold_for_sensitivity(
            on_validation, validation.labels, WATCHED, TARGET, validation.class_names
        )
        watch = {"positive": WATCHED, "threshold": threshold}
        result[f"threshold/{WATCHED}"] = Interval.none(threshold, len(validation), "fixed on validation").as_dict()
    for prefix, images, answers in (
        ("", test, evaluation.predict(model, test, device=device)),
        ("validation/", validation, on_validation),
    ):
        report = evaluation.evaluate(answers, images.labels, images.class_names, groups=images.groups, **watch)
        rows = {name: value.as_dict() for name, value in report.metrics.items()}
        method = "Wilson 95%, adjusted for lesions" if report.grouped else "Wilson 95%"
        for row in report.per_class.to_dict("records"):
            rows[f"sensitivity/{row['class']}"] = Interval(
                row["sensitivity"], row["sensitivity_low"], row["sensitivity_high"], row["images"], method
            ).as_dict()
        result |= {prefix + name: row for name, row in rows.items()}
    return result


def _fresh(recipe: Recipe, train: ImageSet) -> nn.Module:
    network = recipe.architecture(len(train.class_names))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.training.seed)
        model = build(network.name, network.classes, head=network.head, stem=network.stem, norm=network.norm)
    if recipe.start == "imagenet":
        imagenet_weights(model, network.name, norm=network.norm)  # with the normalisation they were trained under
        return model
    return set_normalisation(model, *_statistics(train.images))


def _statistics(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and deviation of each channel over all pixels, in [0, 1], from exact counts of the 256 intensities.

    The deviation of a channel with one value only is given as 1.
    """
    counts = np.zeros((3, 256))
    for first in range(0, len(images), 256):  # in blocks: counting widens each byte to eight
        block = images[first : first + 256]
        counts += [np.bincount(block[..., channel].ravel(), minlength=256) for channel in range(3)]
    shares, values = counts / counts.sum(1, keepdims=True), np.arange(256) / 255
    mean = shares @ values
    deviation = np.sqrt((shares @ values**2 - mean**2).clip(min=0))
    # A channel that is the same everywhere, as an empty one of a microscope's, tells nothing on any scale.
    return mean.tolist(), np.where(deviation > 0, deviation, 1).tolist()
