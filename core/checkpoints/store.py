"""Saving, loading and deleting checkpoints."""

import glob
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

import core
from core.checkpoints import codec, container, names
from core.checkpoints.architecture import check_fit, layout
from core.checkpoints.card import Card
from core.checkpoints.cardfile import card_path, read_card
from core.checkpoints.checkpoint import Checkpoint
from core.checkpoints.container import SUFFIX
from core.checkpoints.opening import MAX_BYTES, as_path, damaged, opened
from core.checkpoints.plain import recipe_hash
from core.checkpoints.seal import KEY, card_values, digest
from core.errors import (
    CheckpointNotFound,
    InvalidValue,
    PruneScopeError,
    WeightsNotHere,
    check_choice,
)
from core.files import check_writable_name, is_file, storage_errors
from core.models import check_network, normalisation


def save(
    model: nn.Module,
    card: Card,
    *,
    masks: Mapping[str, Tensor] | None = None,
    path: str | os.PathLike | None = None,
    root: str | os.PathLike | None = None,
    dtype: str | None = None,
) -> Checkpoint:
    """Write ``model`` and ``card`` to one file in one step: a reader sees the old file or the whole new one.

    The same run (the same recipe hash) replaces its older file. A file of another run is never replaced: the new one
    then gets the start of its recipe hash as a suffix, so look at the ``path`` of what is returned. The same model,
    masks and card, with ``created`` and ``versions`` given, make the same bytes.

    Args:
        model: of ``card.architecture``, on any device; unchanged.
        card: see :class:`Card` for the fields that are filled in here.
        masks: layer name -> bool tensor of its weight's shape, True keeps; layers not named are kept whole. Without
            it, weights that are exactly 0 are pruned and all others kept.
        path: the file, ending in ``.safetensors``; by default ``<root>/<study>/<method>-<percent>.safetensors``.
        root: the folder of checkpoints; by default :func:`core.files.checkpoint_root`.
        dtype: of convolution and linear weights, ``"float16"`` or ``"float32"``; by default the first, unless it cannot hold one of
            them. All else stays float32.

    Returns:
        The checkpoint as a load of the file would give it, its weights rounded to ``dtype``.

    Raises:
        InvalidValue: what is no card, NaN, a weight too large for the precision asked for, masks that do not fit, or a path that is no name of a file
            or of another suffix.
        CheckpointMismatch: the model is not of ``card.architecture``.
        StorageFull: no room or no permission; nothing was changed.
    """
    if dtype is not None:
        check_choice("precision of weights", dtype, codec.PRECISIONS)
    if not isinstance(card, Card):
        raise InvalidValue("This is no card", given=repr(card)[:200], expected="a core.checkpoints.Card")
    check_network(model)
    if any(tensor.is_meta for tensor in model.state_dict().values()):
        raise InvalidValue(
            "This model has no weights", given="tensors on the meta device", expected="a model with its weights"
        )
    if not hasattr(model, "mean"):
        raise InvalidValue(
            "This model does not know the normalisation of its images",
            expected="its mean and std as buffers",
            remedy="make it with core.models.build, or call core.models.set_normalisation",
        )
    expected = layout(card.architecture)
    state = {name: tensor.detach() for name, tensor in model.state_dict().items()}
    check_fit({name: tensor.shape for name, tensor in state.items()}, card.architecture, "The model")
    state = {name: tensor.to("cpu", expected.dtypes[name]).contiguous() for name, tensor in state.items()}
    masks = codec.complete_masks(state, expected, masks)
    stored = codec.encode(state, expected, masks, dtype or codec.precision(state, expected))
    mean, std = normalisation(model)
    card = replace(
        card,
        mean=tuple(mean),
        std=tuple(std),
        zeros=sum(mask.numel() - int(mask.sum()) for mask in masks.values()),
        weights=sum(mask.numel() for mask in masks.values()),
        recipe_hash=card.recipe_hash or recipe_hash(card.recipe),
        versions=_versions(model) | card.versions,
        created=card.created or datetime.now(UTC).isoformat(timespec="seconds"),
    )
    wanted = names.path_of(names.default_id(card), root=root) if path is None else as_path(path)
    check_writable_name(wanted)
    # The id is a part of the name, and cards, tables and pages cannot hold bytes that are no characters.
    if wanted.suffix != SUFFIX or wanted.name.encode(errors="ignore").decode() != wanted.name:
        raise InvalidValue(
            "This is not the name of a checkpoint",
            given=repr(str(wanted))[:300],
            expected=f"a file name in UTF-8, ending in {SUFFIX}",
        )
    with names.locked(wanted.parent) as alone:
        place = _free(wanted, card.recipe_hash)
        # Of a process that was killed while it wrote this very file: whoever writes it now holds the lock.
        for leftover in place.parent.glob(f".{glob.escape(place.name)}.*.tmp") if alone else ():
            leftover.unlink(missing_ok=True)
        id = names.id_of(place, root)
        # A path outside the root must not end up in the bytes: the same run would differ from folder to folder.
        card = replace(card, id=id if not Path(id).is_absolute() else place.stem)
        values = card.to_dict() | {"digest": ""}
        card = replace(card, digest=digest(values, container.plan(stored), stored))
        text = json.dumps(card.to_dict(), sort_keys=True, allow_nan=False, separators=(",", ":"))
        size = container.write(place, stored, {KEY: text})
    return Checkpoint(id, place, card, size, stored)


def load(
    id_or_path: str | os.PathLike,
    *,
    root: str | os.PathLike | None = None,
    verify: bool = True,
    max_bytes: int = MAX_BYTES,
) -> Checkpoint:
    """Read a checkpoint, checking all that the file says before memory is set aside for it.

    Args:
        id_or_path: an id, looked up below the root and never above it; or the path of a file anywhere (a ``Path``,
            or a text that ends in ``.safetensors``). For text from a stranger use :func:`path_of` first.
        root: the folder of checkpoints; by default :func:`core.files.checkpoint_root`.
        verify: compare the digest with the bytes.
        max_bytes: the most that the file, and the network expanded to float32 with its masks, may take.

    Raises:
        CheckpointNotFound: nothing is there; near ids are suggested.
        CheckpointDamaged: truncated, altered, or not a checkpoint of ours.
        CheckpointMismatch: of a newer format, or its tensors are not those of its architecture.
        FileTooLarge: more than ``max_bytes``.
        UnsafeFile: a pickle or a zip, or an id that leads out of the root.
    """
    path = _find(id_or_path, root)
    with opened(path, max_bytes) as (handle, size):
        header = container.read_header(handle, size, path)
        values = card_values(header.metadata, path)
        card = Card.from_dict(values, of=path.name)
        try:
            expected = layout(card.architecture)
            shapes = codec.shapes(header.tensors, expected)
        except (InvalidValue, ValueError) as error:
            raise damaged(path, str(error)) from error
        check_fit(shapes, card.architecture, path.name)
        codec.check_size(expected, max_bytes, path.name)
        stored = container.read_data(handle, header, path)
    if verify and digest(values | {"digest": ""}, header.tensors, stored) != card.digest:
        raise damaged(path, "its bytes do not agree with its digest: it was altered after it was saved")
    try:
        zeros, weights = codec.check_values(stored, expected), sum(expected[name].numel() for name in expected.weights)
        if (zeros, weights) != (card.zeros, card.weights):
            told = f"{card.zeros:,} pruned weights of {card.weights:,}"
            raise ValueError(f"its card tells of {told}, its masks prune {zeros:,} of {weights:,}")
        if card.mean is None or card.std is None:
            raise ValueError("its card has no normalisation")
    except ValueError as error:
        raise damaged(path, str(error)) from error
    return Checkpoint(names.id_of(path, root), path, card, size, stored)


def delete(id: str, *, root: str | os.PathLike | None = None) -> None:
    """Delete the checkpoint of this id, damaged or not.

    Raises:
        CheckpointNotFound: there is none; near ids are suggested.
        UnsafeFile: the id leads out of the root.
        StorageFull: no permission; nothing was changed.
    """
    path = names.path_of(id, root=root)
    with storage_errors(path):
        card = card_path(path)
        alone = card.exists()
        card.unlink(missing_ok=True)
        try:
            path.unlink(missing_ok=alone)
        except (FileNotFoundError, IsADirectoryError) as error:
            raise names.not_found(id, _known(root)) from error


def _find(id_or_path: str | os.PathLike, root) -> Path:
    if isinstance(id_or_path, os.PathLike) or (isinstance(id_or_path, str) and id_or_path.endswith(SUFFIX)):
        path = as_path(id_or_path)
    else:
        path = names.path_of(id_or_path, root=root)
        if not is_file(path) and not is_file(card_path(path)):
            raise names.not_found(id_or_path, _known(root))
    if not is_file(path) and is_file(card_path(path)):
        id = names.id_of(path, root)
        raise WeightsNotHere(
            "Only the results of this checkpoint are here, not its weights",
            given=id,
            remedy=f"make the weights again with `python -m core reproduce {id}`",
        )
    return path


def _known(root) -> list[str]:
    return [names.id_of(path, root) for path in names.files(root)]


def _free(wanted: Path, own_hash: str) -> Path:
    """The first of ``name``, ``name-1a2b3c4d``, ``name-<whole hash>`` that is free or holds the same run."""
    for suffix in ("", f"-{own_hash[:8]}"):
        path = wanted.with_name(wanted.name.removesuffix(SUFFIX) + suffix + SUFFIX)
        try:
            if not is_file(path) and is_file(card_path(path)):
                if read_card(card_path(path))[0].recipe_hash == own_hash:
                    return path
                continue  # the results of another run, which would be taken for this one's
            with opened(path) as (handle, size):
                metadata = container.read_metadata(handle, size, path)
            if Card.from_dict(card_values(metadata, path), of=path.name).recipe_hash == own_hash:
                return path
        except CheckpointNotFound:
            return path
        except PruneScopeError:
            continue  # whatever it is, it is not ours to replace
    return wanted.with_name(f"{wanted.name.removesuffix(SUFFIX)}-{own_hash}{SUFFIX}")


def _versions(model: nn.Module) -> dict[str, str]:
    device = next(model.parameters()).device
    return {
        "prunescope": core.__version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
    }
