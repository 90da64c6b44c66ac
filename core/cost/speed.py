"""Networks timed against each other on this machine: one image at a time, and in batches."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from core import device as devices
from core.cost.machine import Machine, machine
from core.cost.timing import Times, interleaved
from core.evaluation import Predictor
from core.evaluation.predict import BATCH
from core.models import normalise
from core.progress import Report, silent

BATCHES = (1, BATCH)
"""One image as it comes in, and as many at once as the app asks for."""


@dataclass(frozen=True)
class Speed:
    """What was timed together.

    Attributes:
        batch: images at once.
        size: their height and width in pixels.
        times: name of the network -> seconds for one batch.
        machine: where.
    """

    batch: int
    size: int
    times: dict[str, Times]
    machine: Machine

    def share(self, name: str, of: str) -> tuple[float, float, float]:
        """The time of ``name`` as a share of the time of another: first quartile, median and third quartile over the rounds."""
        return self.times[name].over(self.times[of]).quartiles

    def faster(self, name: str, than: str) -> tuple[float, float, float]:
        """How many times as fast ``name`` is as ``than``: first quartile, median and third quartile over the rounds."""
        return self.times[than].over(self.times[name]).quartiles

    @property
    def took(self) -> float:
        """Seconds that the timing took, without the rounds that did not count."""
        return float(sum(times.seconds.sum() for times in self.times.values()))


def measure(
    networks: Mapping[str, nn.Module],
    size: int,
    *,
    batches: Sequence[int] = BATCHES,
    seconds: float = 5.0,
    device=None,
    precision: str = "auto",
    report: Report = silent,
) -> list[Speed]:
    """Time ``networks`` against each other, each made ready as the app does: batch norm folded, in the device's fast precision.

    Timed is the network alone, with normalised images in memory. Other work of this process on the device waits meanwhile.

    Args:
        networks: name -> network from :func:`core.models.build` or :func:`core.pruning.compact`; untouched.
        size: height and width of the images in pixels.
        batches: images at once.
        seconds: about how long for each batch size.
        device, precision: as for :class:`core.evaluation.Predictor`.
        report: told of progress; may raise Cancelled.

    Returns:
        One :class:`Speed` for each batch size.
    """
    ready = {name: Predictor(model, device=device, precision=precision) for name, model in networks.items()}
    place = next(iter(ready.values())).device
    pixels = np.random.default_rng(0).integers(0, 256, (max(batches), size, size, 3), dtype=np.uint8)
    found = []
    for batch in batches:
        works = {name: _work(predictor, torch.from_numpy(pixels[:batch])) for name, predictor in ready.items()}
        stage = f"Timing {'one image' if batch == 1 else f'{batch} images at once'}"
        times = interleaved(works, seconds=seconds, turn=devices.turn(place), stage=stage, report=report)
        found.append(Speed(batch, size, times, machine(place, precision)))
    return found


def _work(predictor: Predictor, images: Tensor):
    """What is timed: one forward pass, to its end."""
    with torch.inference_mode():
        planes = normalise(predictor.network, images).to(predictor.dtype)

    def work() -> None:
        with torch.inference_mode():
            predictor.network(planes)
            if predictor.device.type == "cuda":
                torch.cuda.synchronize(predictor.device)

    return work


def as_table(speeds: Sequence[Speed]) -> pd.DataFrame:
    """All that was timed, a row for each network and batch size.

    Returns:
        network, batch, size, milliseconds, low, high (median and quartiles for a batch), images_per_second (from the median), share,
        share_low, share_high (median and quartiles of the time as a share of the first network's in the same round), rounds, processor,
        threads, precision. The median share need not be the share of the medians: only the one leaves out what slowed both.
    """
    rows = []
    for speed in speeds:
        first = next(iter(speed.times))
        for name, times in speed.times.items():
            low, median, high = (1000 * value for value in times.quartiles)
            share_low, share, share_high = speed.share(name, first)
            rows.append(
                {
                    "network": name,
                    "batch": speed.batch,
                    "size": speed.size,
                    "milliseconds": median,
                    "low": low,
                    "high": high,
                    "images_per_second": 1000 * speed.batch / median,
                    "share": share,
                    "share_low": share_low,
                    "share_high": share_high,
                    "rounds": times.rounds,
                    "processor": speed.machine.processor,
                    "threads": speed.machine.threads,
                    "precision": speed.machine.precision,
                }
            )
    return pd.DataFrame(rows)
