"""How fast this machine trains a network: a few steps, timed once and kept."""

import json
import math
import time
from contextlib import suppress
from dataclasses import asdict, dataclass

from core import files
from core.checkpoints import Architecture
from core.jobs import places

_FILE = "speed.json"
_STEPS = 3
_ENOUGH = 8.0  # seconds; slow networks are timed for fewer steps
_IMAGES = 16  # in a timed step on a CPU, where twice the images take twice the time; a GPU gets the whole batch


@dataclass(frozen=True)
class Speed:
    """Seconds of training for one image.

    Attributes:
        fastest, slowest: of the timed steps.
        steps: how many were timed, after one that was not.
        batch: images in each.
        device: where, in words.
    """

    fastest: float
    slowest: float
    steps: int
    batch: int
    device: str


def known(architecture: Architecture, size: int, batch: int, device=None) -> Speed | None:
    """What was measured before, or None; also where what is kept cannot be a measurement."""
    with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
        stored = json.loads((places.root() / _FILE).read_text(encoding="utf-8"))
        speed = Speed(**stored[_key(architecture, size, batch, device)])
        counts = type(speed.steps) is type(speed.batch) is int and isinstance(speed.device, str)
        if counts and 0 < speed.fastest <= speed.slowest < math.inf:
            return speed
    return None


def measure(architecture: Architecture, size: int, batch: int, device=None) -> Speed:
    """Time a few steps of training on noise: forward, loss, backward and SGD, in the precision that training uses.

    Users of the app take turns with it, step by step.

    Args:
        architecture: of the network.
        size: height and width of the images in pixels.
        batch: images a step.
        device: as for :func:`core.device.pick`.

    Raises:
        StorageFull: it could not be kept.
    """
    import torch

    from core import device as devices
    from core.models import build

    place = devices.pick(device)
    images = batch if place.type != "cpu" else min(batch, _IMAGES)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = build(
            architecture.name,
            architecture.classes,
            head=architecture.head,
            stem=architecture.stem,
            norm=architecture.norm,
        )
        pixels = torch.randn(images, 3, size, size)
    model.to(place, memory_format=torch.channels_last).train()
    pixels = pixels.to(place, memory_format=torch.channels_last)
    labels = (torch.arange(images) % architecture.classes).to(place)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    dtype, times = devices.precision("auto", place), []
    for number in range(_STEPS + 1):
        with devices.turn(place):
            start = time.perf_counter()
            with devices.autocast(place, dtype):
                logits = model(pixels)
            loss = torch.nn.functional.cross_entropy(logits.float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            loss.item()  # waits for a GPU
            if place.type == "cuda":
                torch.cuda.synchronize(place)
            if number:  # the first also reserves memory
                times.append((time.perf_counter() - start) / images)
        if sum(times) * images > _ENOUGH:
            break
    speed = Speed(min(times), max(times), len(times), images, devices.describe(device))
    _store(_key(architecture, size, batch, device), speed)
    return speed


def _store(key: str, speed: Speed) -> None:
    path = places.root() / _FILE
    with places.alone():
        stored = {}
        with suppress(OSError, ValueError, TypeError, RecursionError):
            stored = dict(json.loads(path.read_text(encoding="utf-8")))
        files.write_text(path, json.dumps({**stored, key: asdict(speed)}, indent=1))


def _key(architecture: Architecture, size: int, batch: int, device) -> str:
    from core import device as devices

    return f"{devices.describe(device)} | {architecture} | {size} px | {batch}"
