"""The training loop: one function that fits a network, keeps its zeros at zero, and goes on where it was cut off."""

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core import device as devices
from core.data import ImageSet
from core.errors import InvalidValue, TrainingFailed
from core.evaluation.predict import as_images, predict
from core.evaluation.recalibration import recalibrate
from core.models import layers, normalise
from core.progress import Progress, Report, silent
from core.training.augment import AUGMENTATIONS
from core.training.convolution import quick
from core.training.sampling import draw
from core.training.settings import Settings
from core.training.state import State
from core.training.step import stepper

_TELL_EVERY = 10  # steps between two reports on a CPU; to read the loss makes a GPU wait, which goes by the clock alone
_TELL_AFTER = 1.0  # seconds: where a step takes long, who asked for a stop need not wait for ten
_KEEP_AFTER = {"cuda": 10.0}  # seconds between two states of a run: on a GPU writing one takes as long as an epoch


@devices.memory_named("train with smaller batches or smaller images")
def fit(
    model: nn.Module,
    train: ImageSet,
    validation: ImageSet,
    settings: Settings,
    *,
    masks: Mapping[str, Tensor] | None = None,
    steps: int | None = None,
    state: State | None = None,
    device=None,
    stage: str = "Training",
    report: Report = silent,
) -> list[dict]:
    """Train ``model`` in place.

    Args:
        model: from :func:`core.models.build`; its normalisation is used.
        train: images to learn from.
        validation: scored after each epoch, for the record; nothing is chosen by it here.
        settings: see :class:`Settings`.
        masks: layer name -> bool tensor, True keeps. Pruned weights are zero before, after and at every step.
        steps: batches to train on; by default what the epochs of ``settings`` come to. One part of a longer run has to be told,
            or each part would round by itself (see :func:`shared_steps`).
        state: where to keep the run after each epoch (on a GPU, whose epochs may take less than a second, every ten seconds
            and at the end). If it holds an earlier part of it, training goes on from there and ends, on one CPU with the same
            number of threads, in the same bits as if never interrupted.
        device: as for :func:`core.device.pick`.
        stage: what to call it in reports.
        report: told after every few steps; may raise Cancelled.

    Returns:
        One dict an epoch: epoch, loss (mean cross-entropy), rate (the last), accuracy and balanced_accuracy (both of
        validation), seconds.

    Raises:
        TrainingFailed: the loss or a weight is no longer a number; the last sound epoch is kept.
        InvalidValue: no training images, or masks of another network.
        StorageFull: the state could not be written.
        MemoryFull: no memory for a batch; finished epochs are kept.
    """
    if not len(train):
        raise InvalidValue("There is nothing to train on", given=f"no image in {train.name}/{train.split}")
    place = devices.pick(device)
    dtype = devices.precision("auto", place)
    model.to(place, memory_format=torch.channels_last)
    pinned = _pinned(model, masks)
    optimizer = _optimizer(model, settings)
    per_epoch = steps_per_epoch(len(train), settings.batch)
    total = round(settings.epochs * per_epoch) if steps is None else steps
    history = state.load(model, optimizer) if state else []
    _pin(pinned)
    images = as_images(train)
    labels = torch.tensor(train.labels)  # a copy: what comes out of a table may be read-only
    if place.type != "cpu":
        images, labels = images.to(place), labels.to(place)
    augment = AUGMENTATIONS[settings.augment]
    began, done_before = time.monotonic(), len(history) * per_epoch
    told = kept = began
    backward = stepper(model, place, dtype, settings.smoothing)
    epochs = math.ceil(total / per_epoch)
    for epoch in range(len(history), epochs):
        start = time.monotonic()
        first, last = epoch * per_epoch, min((epoch + 1) * per_epoch, total)
        order = torch.from_numpy(
            draw(train.labels, per_epoch * settings.batch, balance=settings.balance, seed=settings.seed, epoch=epoch)
        )
        generator = torch.Generator().manual_seed(settings.seed * 100_003 + epoch)
        # Every epoch: evaluation between epochs must not leave dropout off and batch norm frozen.
        model.train()
        losses = torch.zeros((), device=place)
        with quick(model), torch.random.fork_rng(devices=[place] if place.type == "cuda" else []):
            torch.manual_seed(settings.seed * 100_003 + epoch)
            for step in range(first, last):
                rate = learning_rate(step, total, per_epoch, settings)
                for group in optimizer.param_groups:
                    group["lr"] = rate
                rows = order[(step - first) * settings.batch :][: settings.batch]
                rows = rows.to(place)
                batch = augment(normalise(model, images[rows]), generator)
                losses += backward(batch.contiguous(memory_format=torch.channels_last), labels[rows])
                optimizer.step()
                _pin(pinned)
                due = time.monotonic() - told > _TELL_AFTER or (place.type == "cpu" and (step + 1) % _TELL_EVERY == 0)
                if due or step + 1 == last:
                    told = time.monotonic()
                    mean = _finite(losses, step - first + 1, rate, history)
                    elapsed = time.monotonic() - began
                    numbers = {"loss": mean, "epoch": epoch + 1}
                    report(Progress(stage, step + 1 - done_before, total - done_before, "steps", elapsed, numbers))
        _check_weights(model, rate, history)
        if settings.precise:
            _estimate_norms(model, images, train.labels, settings, epoch, place)
        history.append(
            {
                "epoch": round(min(epoch + 1, total / per_epoch), 4),
                "loss": round(float(losses) / (last - first), 5),
                "rate": round(rate, 7),
                **_score(model, validation, place),
                "seconds": round(time.monotonic() - start, 3),
            }
        )
        if state and (epoch + 1 == epochs or time.monotonic() - kept >= _KEEP_AFTER.get(place.type, 0)):
            state.save(model, optimizer, masks, history)
            kept = time.monotonic()
    model.eval()
    return history


def steps_per_epoch(images: int, batch: int) -> int:
    """Batches in a pass over ``images`` images, to the nearest whole one."""
    return max(1, round(images / batch))


def shared_steps(epochs: float, parts: Sequence[float], per_epoch: int) -> list[int]:
    """Batches for each of the parts of a run.

    Each part ends at the batch nearest to where its epochs end, counted from the start of the run. So the parts add up to
    ``round(epochs * per_epoch)`` however many they are, where each rounded by itself might give nothing at all.

    Args:
        epochs: of the whole run.
        parts: epochs of each part, which add up to ``epochs``.
        per_epoch: batches in an epoch.
    """
    ends = [round(math.fsum(parts[: number + 1]) * per_epoch) for number in range(len(parts))]
    # Not the sum, which may be a last bit beside the epochs: every way to divide them comes to the same.
    ends[-1:] = [round(epochs * per_epoch)]
    return [end - start for start, end in zip([0, *ends], ends, strict=False)]


def learning_rate(step: int, total: int, per_epoch: int, settings: Settings) -> float:
    """Linear warm-up, then half a cosine from ``rate`` to ``rate * floor`` (Loshchilov & Hutter 2017, without restarts)."""
    warmup = min(round(settings.warmup * per_epoch), total // 2)
    if step < warmup:
        return settings.rate * (step + 1) / warmup
    share = (step - warmup) / max(1, total - warmup)
    return settings.rate * (settings.floor + (1 - settings.floor) * 0.5 * (1 + math.cos(math.pi * share)))


def _optimizer(model: nn.Module, settings: Settings) -> torch.optim.SGD:
    weights = [p for p in model.parameters() if p.ndim > 1]
    scales = [module.weight for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    known = {id(p) for p in scales}
    others = [p for p in model.parameters() if p.ndim <= 1 and id(p) not in known]
    decays = (settings.decay, weights), (settings.norm_decay, scales), (0.0, others)
    groups = [{"params": some, "weight_decay": decay} for decay, some in decays if some]
    return torch.optim.SGD(groups, lr=settings.rate, momentum=settings.momentum, nesterov=settings.momentum > 0)


def _pinned(model: nn.Module, masks: Mapping[str, Tensor] | None) -> list[tuple[Tensor, Tensor]]:
    """Weights and the float masks that hold their zeros, for the layers where there are any."""
    if masks is None:
        return []
    own = layers(model)
    pairs = []
    for name, mask in masks.items():
        if name not in own or own[name].weight.shape != mask.shape:
            raise InvalidValue(
                "These masks belong to another network",
                given=f"{name} {list(mask.shape)}",
                expected=f"{list(own[name].weight.shape)}" if name in own else f"one of {', '.join(list(own)[:3])}, …",
            )
        if not mask.all():
            weight = own[name].weight
            keep = mask.to(weight.device, weight.dtype)
            format = torch.channels_last if weight.ndim == 4 else torch.contiguous_format
            pairs.append((weight, keep.contiguous(memory_format=format)))
    return pairs


@torch.no_grad()
def _pin(pinned: list[tuple[Tensor, Tensor]]) -> None:
    if pinned:
        torch._foreach_mul_([weight for weight, _ in pinned], [keep for _, keep in pinned])


def _finite(losses: Tensor, steps: int, rate: float, history: list[dict]) -> float:
    mean = float(losses) / steps
    if not math.isfinite(mean):
        raise _diverged("The loss is no longer a number", rate, history)
    return mean


def _check_weights(model: nn.Module, rate: float, history: list[dict]) -> None:
    # The last step's loss may be sound and the step itself not; such weights must not become the kept state.
    if not all(bool(tensor.isfinite().all()) for tensor in model.state_dict().values()):
        raise _diverged("The weights are no longer numbers", rate, history)


def _diverged(problem: str, rate: float, history: list[dict]) -> TrainingFailed:
    epochs = f"{len(history)} finished epoch{'' if len(history) == 1 else 's'}"
    return TrainingFailed(
        problem,
        given=f"after {epochs}, learning rate {rate:.3g}",
        remedy="start again with a smaller learning rate or a longer warm-up",
    )


@torch.no_grad()
def _estimate_norms(
    model: nn.Module, images: Tensor, labels: np.ndarray, settings: Settings, epoch: int, place
) -> None:
    rows = draw(labels, settings.precise, balance=settings.balance, seed=settings.seed, epoch=epoch)
    exact = recalibrate(model, images[torch.from_numpy(rows).to(images.device)], device=place)
    for own, other in zip(model.modules(), exact.modules(), strict=True):
        if isinstance(own, nn.BatchNorm2d):
            own.running_mean.copy_(other.running_mean)
            own.running_var.copy_(other.running_var)


def _score(model: nn.Module, validation: ImageSet, place: torch.device) -> dict[str, float]:
    if not len(validation):
        return {}
    right = predict(model, validation, device=place).argmax(1) == validation.labels
    recalls = [right[validation.labels == label].mean() for label in np.unique(validation.labels)]
    return {"accuracy": round(float(right.mean()), 5), "balanced_accuracy": round(float(np.mean(recalls)), 5)}
