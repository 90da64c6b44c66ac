"""Which layers pay: what it costs to prune one layer alone, asked of validation images, computed once and stored small.

Nothing is fine-tuned. Each part of the network is pruned to each sparsity while all others stay whole, and the answers are
compared with the network's own to the same images. Test images take no part: they choose nothing.
"""

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from torch import nn

from core import checkpoints
from core.checkpoints import Entry
from core.data import ImageSet
from core.errors import DataDamaged, check_choice, check_sparsity
from core.evaluation import has_batch_norm, predict, recalibrate
from core.evaluation.changes import pair
from core.evaluation.metrics import METRICS, Settings
from core.evaluation.paired import DIFFERENCES
from core.files import write_text
from core.models import prunable, units
from core.progress import Progress, Report, silent
from core.pruning import Masks, Step, bind, step_masks
from core.training import calibration_rows

SUFFIX = ".sensitivity.json"
SPARSITIES = (0.5, 0.8, 0.9, 0.95)
MEASURES = ("accuracy", "balanced_accuracy")
MANY = 40
"""More layers than this are pruned in the units of layerwise pruning: a DenseNet169 has 169 layers and nine units."""
_ROW = ("part", "layers", "weights", "sparsity", "recalibrated")
_VERSION = 1
_SAME = 1e-5  # sparsities are stored with five digits


@dataclass(frozen=True)
class Sensitivity:
    """What is known of a checkpoint.

    Attributes:
        digest: of the checkpoint's card.
        validation: digest of the validation images.
        n: how many they are.
        lesions: how many lesions they show; None where images stand for themselves.
        recalibrated_on: training images behind recalibrated batch norm; 0 where the network has none.
        base: measure -> the network's own value, without and with recalibration: {"accuracy": [0.8, 0.8], …}.
        rows: one for each part, sparsity and mode: part, layers, weights, sparsity, recalibrated, and for each of :data:`MEASURES`
            the difference from the whole network, with _low and _high (paired 95% interval).
    """

    digest: str
    validation: str
    n: int
    lesions: int | None
    recalibrated_on: int
    base: Mapping[str, list[float]]
    rows: pd.DataFrame

    def has(self, part: str, sparsity: float, recalibrated: bool) -> bool:
        """Whether this row is there."""
        rows = self.rows
        if rows.empty:
            return False
        same = (rows["part"] == part) & (rows["recalibrated"] == recalibrated)
        return bool((same & ((rows["sparsity"] - sparsity).abs() < _SAME)).any())


def parts(model: nn.Module, by: str = "auto") -> dict[str, tuple[str, ...]]:
    """What is pruned by itself: name -> its layers, in execution order.

    Args:
        model: the network.
        by: ``"layer"``, ``"unit"`` (of :func:`core.models.units`), or ``"auto"``: layers where they are few.
    """
    check_choice("kind of part", by, ("auto", "layer", "unit"))
    names = list(prunable(model))
    if by == "layer" or (by == "auto" and len(names) <= MANY):
        return {name: (name,) for name in names}
    return {_common(unit): tuple(unit) for unit in units(model)}


def path_of(entry: Entry) -> Path:
    """Where the sensitivity of a checkpoint lies: beside it."""
    return entry.path.with_name(entry.path.name.removesuffix(".safetensors") + SUFFIX)


def read(entry: Entry) -> Sensitivity | None:
    """What is stored; None if nothing is, or if it is of an earlier version of the checkpoint.

    Raises:
        DataDamaged: the file is not what it should be.
    """
    path = path_of(entry)
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values.pop("version") != _VERSION or values["digest"] != entry.card.digest:
            return None
        rows = values.pop("rows")
        return Sensitivity(**values, rows=pd.DataFrame(rows["data"], columns=rows["columns"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataDamaged(
            f"{path.name} does not hold what pruning single layers costs",
            given=error,
            remedy="delete it and make it again with `python -m core sensitivity`",
        ) from error


def make(
    entry: Entry,
    validation: ImageSet,
    train: ImageSet,
    *,
    sparsities: Iterable[float] = SPARSITIES,
    by: str = "auto",
    device=None,
    report: Report = silent,
) -> Sensitivity:
    """Compute what is missing of a checkpoint's sensitivity and store it beside the checkpoint, a part at a time.

    Args:
        entry: the checkpoint, usually a dense one.
        validation: images to ask.
        train: where images for batch-norm recalibration are drawn from, as in training.
        sparsities: in [0, 1).
        by: as for :func:`parts`.
        device: as for :func:`core.device.pick`.
        report: told after each part; may raise Cancelled. What is done is kept.

    Raises:
        CheckpointDamaged, StorageFull: as for loading and writing.
        InvalidSparsity: a sparsity outside [0, 1).
    """
    sparsities = [check_sparsity(value) for value in sparsities]
    checkpoint = checkpoints.load(entry.path)
    probe = _Probe(checkpoint, validation, train, device)
    known = _known(entry, probe)
    wanted = [
        (part, layers, sparsity, mode)
        for sparsity in sparsities
        for part, layers in parts(probe.model, by).items()
        for mode in probe.modes
    ]
    missing = [item for item in wanted if not known.has(item[0], item[2], item[3])]
    start = time.monotonic()
    for number, (part, layers, sparsity, mode) in enumerate(missing):
        report(Progress(f"Pruning parts of {entry.id} alone", number, len(missing), "parts", time.monotonic() - start))
        row = pd.DataFrame([probe.row(part, layers, sparsity, mode)])
        rows = row if known.rows.empty else pd.concat([known.rows, row], ignore_index=True)
        known = Sensitivity(**{**vars(known), "rows": rows})
        _write(entry, known)
    report(Progress(f"Pruning parts of {entry.id} alone", 1, 1, "", time.monotonic() - start))
    return known


class _Probe:
    """A checkpoint, the images it is asked about, and its own answers to them."""

    def __init__(self, checkpoint, validation: ImageSet, train: ImageSet, device):
        self.validation, self.device = validation, device
        self.model, self.masks = checkpoint.model(), Masks(checkpoint.masks)
        drawn = calibration_rows(train.labels, checkpoint.card.recipe)
        self.modes = (False, True) if has_batch_norm(self.model) else (False,)
        self.calibration = train.take(drawn) if len(self.modes) > 1 else None
        self.own = {mode: self.answers(self.model, mode) for mode in self.modes}

    def answers(self, model: nn.Module, recalibrated: bool):
        if recalibrated:
            model = recalibrate(model, self.calibration, device=self.device)
        return predict(model, self.validation, device=self.device)

    def row(self, part: str, layers: tuple[str, ...], sparsity: float, recalibrated: bool) -> dict:
        masks = step_masks(prunable(self.model), self.masks, Step(layers, sparsity, 0.0))
        answers = self.answers(bind(self.model, masks), recalibrated)
        both = pair(
            self.own[recalibrated], answers, self.validation.labels, self.validation.class_names, self.validation.groups
        )
        weights = sum(masks[layer].numel() for layer in layers)
        row = dict(zip(_ROW, (part, len(layers), weights, sparsity, recalibrated), strict=True))
        for name in MEASURES:
            change = DIFFERENCES[name](*both, Settings())
            row |= {name: change.estimate, f"{name}_low": change.low, f"{name}_high": change.high}
        return row

    def base(self) -> dict[str, list[float]]:
        groups, names = self.validation.groups, self.validation.class_names
        checked = [pair(own, own, self.validation.labels, names, groups)[0] for own in self.own.values()]
        return {name: [METRICS[name].measure(one, Settings()).estimate for one in checked] for name in MEASURES}


def _known(entry: Entry, probe: _Probe) -> Sensitivity:
    validation = probe.validation
    try:
        known = read(entry)
    except DataDamaged:
        known = None
    if known is not None and known.validation == validation.digest:
        return known
    lesions = None if validation.groups is None else len(set(validation.groups))
    on = 0 if probe.calibration is None else len(probe.calibration)
    return Sensitivity(entry.card.digest, validation.digest, len(validation), lesions, on, probe.base(), pd.DataFrame())


def _write(entry: Entry, known: Sensitivity) -> None:
    rows = json.loads(known.rows.to_json(orient="split", index=False, double_precision=5))
    write_text(path_of(entry), json.dumps({"version": _VERSION} | vars(known) | {"rows": rows}, separators=(",", ":")))


def _common(unit: list[str]) -> str:
    """What a unit is called: its layer, or what the names of its layers begin with."""
    if len(unit) == 1:
        return unit[0]
    first, last = (name.split(".") for name in (unit[0], unit[-1]))
    shared = next(i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b)
    return ".".join(first[:shared])
