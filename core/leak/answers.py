"""Answers of a network that was trained under the row split to its own test images, stored beside its checkpoint."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core import checkpoints, evaluation
from core.checkpoints import Entry
from core.data import load
from core.errors import CheckpointMismatch, DataDamaged, InvalidValue
from core.progress import Report, silent

SUFFIX, _HEAD = ".leak.parquet", "leak"
ROW = "row"


@dataclass(frozen=True)
class Leak:
    """Stored answers of a network to the test images of its own row split.

    Attributes:
        digest: of the checkpoint's card.
        class_names: in label order.
        ids, lesions: str [N].
        labels: int64 [N].
        seen: bool [N], whether an image of the same lesion was trained on.
        pictures: int64 [N], how many images the whole data set has of the lesion.
        probabilities: float32 [N, classes].
    """

    digest: str
    class_names: tuple[str, ...]
    ids: np.ndarray
    lesions: np.ndarray
    labels: np.ndarray
    seen: np.ndarray
    pictures: np.ndarray
    probabilities: np.ndarray


def networks(entries: Iterable[Entry], study: str | None = None) -> list[Entry]:
    """The checkpoints that were trained under the row split, by id; of one study if it is given."""
    known = [entry for entry in entries if entry.card is not None and entry.card.data.split_by == ROW]
    return sorted((entry for entry in known if study in (None, entry.card.study)), key=lambda entry: entry.id)


def path_of(entry: Entry) -> Path:
    """Where the answers of a checkpoint lie: beside it."""
    return entry.path.with_name(entry.path.name.removesuffix(".safetensors") + SUFFIX)


def make(entry: Entry, *, data=None, device=None, report: Report = silent) -> Leak:
    """Ask a network about the test images of its own row split and store what it answers.

    Args:
        entry: its checkpoint.
        data: data root; by default :func:`core.files.data_root`.
        device: as for :func:`core.device.pick`.
        report: told of progress; may raise Cancelled.

    Raises:
        InvalidValue: it was not trained under the row split, or the lesions of its images are not known.
        CheckpointMismatch: the images here are not those it was trained on, or not split alike.
        DataNotFound, DataDamaged, CheckpointNotFound, CheckpointDamaged, StorageFull: as for loading and writing.
    """
    from core.splitdigest import split_digest

    info = entry.card.data
    if info.split_by != ROW:
        raise InvalidValue(
            "This network was not trained under the row split",
            given=f"{entry.id}, split by {info.split_by or 'a rule that its card does not name'}",
            expected="a network that has seen lesions of its test images",
            remedy=f"train one with `python -m core train {entry.card.study} --split-by row`",
        )
    checkpoint = checkpoints.load(entry.path)
    sets = [
        load(info.name, split, size=info.size, root=data, split_by=ROW, report=report)
        for split in ("train", "validation", "test")
    ]
    train, validation, test = sets
    if test.groups is None:
        raise InvalidValue("It is not known which images show the same lesion", given=info.name, expected="lesion ids")
    if info.split_digest and info.split_digest != split_digest(*sets):
        raise CheckpointMismatch(
            "These are not the images that the network was trained on, or not split alike",
            given=split_digest(*sets),
            expected=info.split_digest,
            remedy="point --data at the images of its training, or train it again on these",
        )
    lesions, counts = np.unique(np.concatenate([train.groups, validation.groups, test.groups]), return_counts=True)
    answers = evaluation.predict(checkpoint.model(), test, device=device, report=report)
    leak = Leak(
        checkpoint.card.digest,
        test.class_names,
        test.ids,
        test.groups,
        test.labels,
        np.isin(test.groups, train.groups),
        counts[np.searchsorted(lesions, test.groups)],
        answers.astype(np.float16).astype(np.float32),
    )
    _write(path_of(entry), leak)
    return leak


def _write(path: Path, leak: Leak) -> None:
    import pyarrow as pa

    from core import tablefile

    columns = {"id": leak.ids, "lesion": leak.lesions, "label": leak.labels.astype(np.int16), "seen": leak.seen}
    columns["pictures"] = leak.pictures.astype(np.int16)
    stored = leak.probabilities.astype(np.float16)
    columns |= {f"p{i}": np.ascontiguousarray(stored[:, i]) for i in range(stored.shape[1])}
    facts = {"digest": leak.digest, "class_names": leak.class_names}
    tablefile.write(path, _HEAD, facts, pa.table({name: pa.array(values) for name, values in columns.items()}))


def read(entry: Entry) -> Leak | None:
    """The stored answers of a checkpoint; None if there are none, or if they are of an earlier version of it.

    Raises:
        DataDamaged: the file does not hold them.
    """
    from core import tablefile

    path = path_of(entry)
    if not path.exists():
        return None
    try:
        facts, arrow = tablefile.read(path, _HEAD)
        if facts["digest"] != entry.card.digest:
            return None
        names = tuple(facts["class_names"])
        values = np.stack([arrow[f"p{i}"].to_numpy() for i in range(len(names))], axis=1).astype(np.float32)
        return Leak(
            facts["digest"],
            names,
            arrow["id"].to_numpy().astype(str),
            arrow["lesion"].to_numpy().astype(str),
            arrow["label"].to_numpy().astype(np.int64),
            arrow["seen"].to_numpy(zero_copy_only=False),
            arrow["pictures"].to_numpy().astype(np.int64),
            values,
        )
    except tablefile.ERRORS as error:
        raise DataDamaged(
            f"{path.name} does not hold a network's answers",
            given=error,
            remedy="delete it and make it again with `python -m core leak`",
        ) from error
