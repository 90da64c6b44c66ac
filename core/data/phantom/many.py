"""Thousands of phantoms, drawn by several processes.

Drawing is hundreds of small steps of NumPy, and a thread has to win the interpreter back after each of them: eight threads
draw less than half of what one does (``python -m bench.phantom``). Processes do not wait for each other.
"""

import json
import os
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import suppress

import numpy as np

from core.data.phantom.parameters import Parameters
from core.data.phantom.render import lesion_masks, render
from core.device import cores
from core.files import PROJECT

PART = 16  # phantoms that a process is asked for at a time
_FEW = 256  # drawn here: processes take a second to start
_MOST = 8
_OF = {"images": lambda some, size: render(some, size).images, "masks": lesion_masks}


def images(
    parameters: Sequence[Parameters], size: int, processes: int | None = None
) -> Generator[np.ndarray, None, None]:
    """Draw phantoms, uint8 [size, size, 3], in order: the same bytes as :func:`core.data.phantom.render`, sooner.

    Close it to stop early.

    Args:
        parameters: of each.
        size: height and width in pixels, 32 to 256.
        processes: by default one a core, 8 at most, and for fewer than 256 phantoms none: then they are drawn here.

    Raises:
        InvalidValue: a size out of range.
    """
    return _each("images", (size, size, 3), np.uint8, parameters, size, processes)


def masks(
    parameters: Sequence[Parameters], size: int, processes: int | None = None
) -> Generator[np.ndarray, None, None]:
    """Where the lesions are, bool [size, size], in order; as :func:`images`."""
    return _each("masks", (size, size), bool, parameters, size, processes)


def serve() -> None:
    """Answer requests on standard input, a line each, with pixels on standard output: what a process of ours does."""
    with suppress(AttributeError, OSError):  # Windows has no such thing
        os.nice(5)  # pages of others are drawn meanwhile
    for line in sys.stdin:
        kind, size, records = json.loads(line)
        sys.stdout.buffer.write(_OF[kind]([Parameters.of(record) for record in records], size).tobytes())
        sys.stdout.buffer.flush()


def _each(
    kind: str, shape: tuple[int, ...], dtype: type, parameters: Sequence[Parameters], size: int, processes: int | None
) -> Generator[np.ndarray, None, None]:
    if processes is None:
        processes = min(_MOST, cores()) if len(parameters) >= _FEW else 0
    painters = [_Painter(kind, size) for _ in range(processes)]
    length = int(np.prod(shape)) * np.dtype(dtype).itemsize
    parts = [parameters[start : start + PART] for start in range(0, len(parameters), PART)]
    try:
        for painter, part in zip(painters, parts, strict=False):
            painter.ask(part)
        for number, part in enumerate(parts):
            pixels = None
            if painters:
                painter = painters[number % processes]
                pixels = painter.answer(length * len(part))
                # Asked only now: with a second request on its way, each could wait for the other to empty a pipe.
                if number + processes < len(parts):
                    painter.ask(parts[number + processes])
            # A process that could not start, or was killed: what it should have drawn is drawn here.
            yield from _OF[kind](part, size) if pixels is None else np.frombuffer(pixels, dtype).reshape(-1, *shape)
    finally:
        for painter in painters:
            painter.end()


class _Painter:
    """A process that draws what it is asked for, one part at a time."""

    def __init__(self, kind: str, size: int):
        self.kind, self.size = kind, size
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "core.data.phantom"],
                cwd=PROJECT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        except OSError:
            self.process = None

    def ask(self, part: Sequence[Parameters]) -> None:
        if self.process is None:
            return
        request = json.dumps([self.kind, self.size, [item.record() for item in part]])
        try:
            self.process.stdin.write(f"{request}\n".encode())
            self.process.stdin.flush()
        except OSError:
            self.end()

    def answer(self, length: int) -> bytes | None:
        """The pixels of the part it was asked for; None where there will be none any more."""
        if self.process is None:
            return None
        pixels = self.process.stdout.read(length)
        if len(pixels) == length:
            return pixels
        self.end()
        return None

    def end(self) -> None:
        if self.process is None:
            return
        self.process.kill()
        with suppress(OSError):  # a request that could not be sent
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()
        self.process = None
