"""The machine that something was measured on, in words: no time means anything without it."""

import platform
from dataclasses import dataclass
from pathlib import Path

from core import device as devices


@dataclass(frozen=True)
class Machine:
    """Where and how networks were timed.

    Attributes:
        processor: its model, or the GPU's.
        cores: of the processor that this process may use.
        threads: that torch uses; 1 on a GPU.
        precision: ``"float32"`` or ``"bfloat16"``.
        torch: its version.
    """

    processor: str
    cores: int
    threads: int
    precision: str
    torch: str

    def __str__(self) -> str:
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"{self.processor}, {threads} on {self.cores} cores, {self.precision}, torch {self.torch}"


def machine(device=None, precision: str = "auto") -> Machine:
    """This machine.

    Args:
        device, precision: as for :func:`core.device.pick` and :func:`core.device.precision`.
    """
    import torch

    place = devices.pick(device)
    dtype = str(devices.precision(precision, place)).removeprefix("torch.")
    cores = devices.cores()
    if place.type == "cuda":
        return Machine(torch.cuda.get_device_name(place), cores, 1, dtype, torch.__version__)
    return Machine(_processor(), cores, torch.get_num_threads(), dtype, torch.__version__)


def _processor() -> str:
    """What the processor calls itself; on Linux in /proc, elsewhere as Python knows it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine() or "unknown processor"
