"""Weights of one's own: read without running anything, explained where they do not fit, kept as the dense network of a study."""

import difflib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from core import checkpoints, data, files, runs
from core.checkpoints import MAX_BYTES, Card, Checkpoint, DataInfo, Fit
from core.checkpoints.architecture import Architecture
from core.data.sources import find
from core.errors import DataNotFound, InvalidValue, UnknownName
from core.jobs.access import check_writable
from core.models import ARCHITECTURES, HEADS, STEMS, layers, prunable
from core.models.normalisation import IMAGENET_MEAN, IMAGENET_STD
from core.own import pruned, records, zips
from core.own.records import WEIGHTS, plain
from core.progress import Report, silent
from core.recipes import DENSE
from core.studies import Study

UPLOAD_BYTES = 64_000_000
"""Most bytes of weights that come through a page: VGG16 with one linear layer in float32 has 59 MB."""


def look_at_weights(
    path: str | os.PathLike, architecture: str, classes: int, *, stem: str = "stock", max_bytes: int = MAX_BYTES
) -> Fit:
    """How a file of weights compares with an architecture; see :func:`core.checkpoints.explain_foreign`."""
    return checkpoints.explain_foreign(path, architecture, classes, stem=stem, max_bytes=max_bytes)


def noted_normalisation(
    path: str | os.PathLike, architecture: str, classes: int, *, stem: str = "stock", max_bytes: int = MAX_BYTES
) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Mean and deviation that a file says its network was trained with, as those say that PruneScope exported.

    Args and Raises: as for :func:`core.checkpoints.load_foreign`; the file fits (see :func:`look_at_weights`).

    Returns:
        None where the file says nothing, or ImageNet's, which are taken by default.
    """
    model = checkpoints.load_foreign(path, architecture, classes, stem=stem, max_bytes=max_bytes)
    usual = zip((model.mean, model.std), (IMAGENET_MEAN, IMAGENET_STD), strict=True)
    if all(torch.equal(own, torch.tensor(imagenet)) for own, imagenet in usual):
        return None
    return tuple(model.mean.tolist()), tuple(model.std.tolist())


def class_names(name: str) -> tuple[str, ...] | None:
    """The classes of a data set in label order; None where it is not on this machine."""
    try:
        return find(name).heading.class_names
    except (DataNotFound, UnknownName):
        return None


def add_weights(
    path: str | os.PathLike,
    name: str,
    owner: str,
    *,
    trained_on: str,
    size: int,
    architecture: str,
    order: Sequence[str] | None = None,
    stem: str = "stock",
    mean: tuple[float, float, float] | None = None,
    std: tuple[float, float, float] | None = None,
    origin: str = "",
    max_bytes: int = MAX_BYTES,
) -> Checkpoint:
    """Keep weights as the dense network of the study ``name-size/architecture``.

    Args:
        path: safetensors, or a ``.pt`` or ``.pth`` of PyTorch 1.6 or later; see :func:`core.checkpoints.load_foreign`.
        name: what the study begins with.
        owner: see :func:`core.jobs.owner_of`.
        trained_on: the data set that they are to be measured on.
        size: height and width of the images in pixels.
        architecture: ``"vgg16"`` or ``"densenet169"``, under torchvision's names.
        order: the classes in the order of the file's outputs; by default the data set's own.
        stem: as for :func:`core.models.build`.
        mean, std: of the images in [0, 1] that the network was trained with; by default the file's own (see
            :func:`noted_normalisation`), else ImageNet's.
        origin: what its owner calls the file.
        max_bytes: the most that the file may take, on disk and expanded.

    Returns:
        The checkpoint, not yet measured: see :func:`measure`.

    Raises:
        CheckpointMismatch, CheckpointDamaged, FileTooLarge, UnsafeFile: the file does not fit or is not safe to read.
        InvalidValue: another architecture, a name that is taken, an order that is none of the classes, or a normalisation that is none.
        DataNotFound: the data set is not here and ``order`` does not say what its classes are.
        NotAllowed, QueueFull, StorageFull: see :func:`core.own.records.adding`.
    """
    path = Path(path)
    _check_architecture(architecture)
    study = Study.parse(f"{records.check_name(name)}-{size}/{architecture}")
    names = class_names(trained_on)
    if names is None and order is None:
        raise DataNotFound(
            f"The images of {trained_on} are not on this machine, so their classes are not known",
            given=files.data_root(),
            remedy="say the classes in the order of the network's outputs (--order A,B,C), or bring the images first",
        )
    order = tuple(order) if order is not None else names
    names = names or order
    _check_order(order, names)
    _check_normalisation(mean, std)
    model = checkpoints.load_foreign(path, architecture, len(names), stem=stem, mean=mean, std=std, max_bytes=max_bytes)
    zeros = pruned.count(model)
    _reorder(model, [order.index(one) for one in names])
    sha256 = zips.digest_of(path)
    card = Card(
        study=study.name,
        data=DataInfo(trained_on, size, names),
        architecture=_architecture(model, architecture, len(names), stem),
        method=DENSE,
        recipe={"origin": plain(origin or path.name), "sha256": sha256, "order": list(order), "study": study.name}
        | ({pruned.ZEROS: zeros} if zeros else {}),
        notes=[
            f"Weights of others, taken in from {plain(origin or path.name)} (SHA-256 {sha256[:16]}…). How and on which images "
            "they were trained is not known here; test images may have been among them.",
            *_kept(model, zeros),
        ],
    )
    with records.adding(name, owner, path.stat().st_size):
        records.begin(name, WEIGHTS, owner, origin or path.name, path.stat().st_size, sha256, study.name)
        # Nothing is pruned here yet, zeros or not: what is called dense has to start at 0%.
        made = checkpoints.save(model, card, masks={})
        try:
            records.keep(name, WEIGHTS, owner, origin or path.name, made.size_bytes, sha256, study.name)
        except BaseException:  # as for images
            checkpoints.delete(made.id)
            raise
    return made


def measure(id: str, *, device=None, report: Report = silent) -> Checkpoint:
    """Measure own weights on the validation and test images of their data set, and note it on their card.

    Raises:
        CheckpointNotFound: no such checkpoint, or it was deleted meanwhile.
        NotAllowed: the app is read-only, or another process is adding something for a minute.
        DataNotFound, DataDamaged: the images are not here, or cannot be read.
        InvalidValue: the images have other classes now.
        StorageFull: the card could not be written; it is as it was.
    """
    check_writable()
    made = checkpoints.load(id)
    card = made.card
    try:
        train, validation, test = (
            data.load(card.data.name, split, size=card.data.size, report=report)
            for split in ("train", "validation", "test")
        )
    except UnknownName as error:  # a data set of one's own is known by lying in the data folder
        raise DataNotFound(
            f"The images of {card.data.name} are not on this machine", given=files.data_root()
        ) from error
    if train.class_names != card.data.class_names:
        raise InvalidValue(
            "These images have other classes than the network",
            given=", ".join(train.class_names)[:200],
            expected=", ".join(card.data.class_names)[:200],
        )
    # Who deletes it while it is measured must not find it there again, listed nowhere.
    return runs.measured(made, train, validation, test, device=device, held=records.alone)


def listed(text: str, names: Sequence[str]) -> tuple[str, ...]:
    """The classes in a text that are separated by commas or lines; of the known ``names`` some may have commas themselves."""
    found, rest = [], text.strip(", \n\t")
    longest = sorted(names, key=len, reverse=True)
    while rest:
        whole = (one for one in longest if rest.startswith(one) and re.match(r"[ \t]*(,|\n|\Z)", rest[len(one) :]))
        name = next(whole, None)
        name = name or re.split(r"[,\n]", rest, maxsplit=1)[0]
        found.append(name.strip())
        rest = rest[len(name) :].lstrip(", \n\t")
    return tuple(found)


def _kept(model: nn.Module, zeros: int) -> list[str]:
    """Notes on what is kept otherwise than it came."""
    weights = prunable(model).values()
    notes = []
    if all(torch.isfinite(weight.half()).all() for weight in weights):
        notes.append("Its weights are kept in half precision: three digits of each, as of every network here.")
    if zeros:
        notes.append(pruned.sentence(zeros / sum(weight.numel() for weight in weights)))
    return notes


def _check_architecture(name: str) -> None:
    if name in ARCHITECTURES:
        return
    near = difflib.get_close_matches(str(name).lower().replace("-", ""), ARCHITECTURES, n=1, cutoff=0.8)
    raise InvalidValue(
        "PruneScope prunes a few networks only, and this is none of them",
        given=repr(name)[:80],
        expected=" or ".join(ARCHITECTURES),
        remedy=f"did you mean {near[0]}?" if near else "other networks are not supported",
    )


def _check_order(order: tuple[str, ...], names: tuple[str, ...]) -> None:
    named = all(isinstance(one, str) for one in order)
    if not named or len(set(order)) != len(order) or set(order) != set(names) or len(order) < 2:
        raise InvalidValue(
            "This is not an order of the classes",
            given=", ".join(map(str, order))[:300],
            expected="each once: " + ", ".join(names)[:300],
        )


def _check_normalisation(mean, std) -> None:
    for what, values, low in (("mean", mean, 0.0), ("deviation", std, 1e-3)):
        if values is None:
            continue
        try:
            numbers = [float(value) for value in values]
        except (TypeError, ValueError):
            numbers = []
        if len(numbers) != 3 or not all(low <= number <= 10 for number in numbers):
            raise InvalidValue(
                "This is no normalisation of images in [0, 1]",
                given=f"{what} {values!r}"[:200],
                expected="three numbers each, such as 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225",
                remedy=_divided(numbers),
            )


def _divided(numbers: list[float]) -> str | None:
    if len(numbers) != 3 or not all(0 <= number <= 255 for number in numbers) or max(numbers) <= 1:
        return None
    return "these are of numbers from 0 to 255, so divide them by 255: " + ", ".join(f"{n / 255:.3f}" for n in numbers)


@torch.no_grad()
def _reorder(model: nn.Module, rows: list[int]) -> None:
    """Let output j be what output ``rows[j]`` was."""
    last = list(layers(model).values())[-1]
    for tensor in (last.weight, last.bias):
        tensor.copy_(tensor[rows].clone())


def _architecture(model: nn.Module, name: str, classes: int, stem: str) -> Architecture:
    """Which variant :func:`core.checkpoints.load_foreign` told from the shapes."""
    from core.checkpoints.architecture import layout

    shapes = {key: tensor.shape for key, tensor in model.state_dict().items()}
    for head in HEADS:
        for norm in (True, False):
            variant = Architecture(name, classes, head, stem, norm)
            try:
                if dict(layout(variant)) == shapes:
                    return variant
            except InvalidValue:
                continue
    raise InvalidValue("This network is none that PruneScope knows", given=name, expected=", ".join(STEMS))
