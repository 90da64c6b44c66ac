"""What a worker does: one run, whose outcome it tells in plain values.

An exception of ours would not survive the way back from another process, and one that cannot be unpickled ends a whole
pool of processes: so errors are told as a dict.
"""

import os
import re
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from core import files
from core.errors import InvalidValue, PruneScopeError

_MOST_ON_ONE_GPU = 64
# Dask gives a worker as many threads as there are cores; training in all of them at once would take longer.
_one_at_a_time = threading.Lock()
_pinned: tuple[str, FileLock] | None = None


def carry_out(values: Mapping, folders: Mapping[str, str], device: str | None, gpus: Sequence[str] = ()) -> dict:
    """Make the run of a recipe.

    Args:
        values: the recipe as :meth:`core.recipes.Recipe.as_dict` gives it.
        folders: absolute paths: ``"checkpoints"``, ``"data"`` and ``"runs"``.
        device: as for :func:`core.device.pick`.
        gpus: of this machine; this process then takes one and sees no other.

    Returns:
        ``{"id", "path"}`` of the checkpoint, or ``{"error"}`` with problem, given, expected and remedy.
    """
    with _one_at_a_time:
        try:
            os.environ["PRUNESCOPE_RUNS"] = folders["runs"]
            if gpus:
                pin(gpus)
            from core import runs
            from core.recipes import Recipe

            made = runs.run(Recipe.from_dict(values), root=folders["checkpoints"], data=folders["data"], device=device)
            return {"id": made.id, "path": str(made.path)}
        except PruneScopeError as error:
            return {"error": {name: _text(getattr(error, name, None)) for name in _PARTS} | _problem(error)}
        except Exception as error:
            given = f"{type(error).__name__}: {str(error)[:500]}"
            return {"error": {"problem": "The run failed in a way that was not foreseen", "given": given}}


def pin(gpus: Sequence[str]) -> str:
    """Take one of ``gpus`` for this process, for as long as it lives; later calls return the same.

    The GPU with the fewest processes of sweeps on it is taken. Who has one holds a file lock, which the system takes back
    whatever way the process ends, so a worker that is started anew finds the place of the dead one free.

    Args:
        gpus: indices or identifiers as ``CUDA_VISIBLE_DEVICES`` takes them.

    Raises:
        InvalidValue: this process has used a GPU already, so it can no longer be told which to see.
    """
    global _pinned
    if _pinned is None:
        import torch

        if torch.cuda.is_initialized():  # it is only imported until then, and reads the variable later
            raise InvalidValue(
                "This worker has used a GPU already", remedy="start it anew, with nothing before the sweep"
            )
        _pinned = _first_free(gpus)
        os.environ["CUDA_VISIBLE_DEVICES"] = _pinned[0]
    return _pinned[0]


def _first_free(gpus: Sequence[str]) -> tuple[str, FileLock]:
    # Of this machine and user, whatever sweep they belong to.
    folder = Path(tempfile.gettempdir()) / f"prunescope-gpus-{os.getuid() if hasattr(os, 'getuid') else 0}"
    with files.storage_errors(folder):
        folder.mkdir(mode=0o700, exist_ok=True)
    for place in range(_MOST_ON_ONE_GPU):
        for gpu in gpus:
            lock = FileLock(folder / f"{re.sub(r'[^A-Za-z0-9]+', '-', gpu)}.{place}.lock", thread_local=False)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            return gpu, lock
    raise InvalidValue("There are too many workers on these GPUs", given=", ".join(gpus), expected="at most 64 each")


_PARTS = ("problem", "given", "expected", "remedy")


def _problem(error: PruneScopeError) -> dict:
    # An error that words its message itself has no parts.
    return {} if getattr(error, "problem", None) else {"problem": str(error)[:2000]}


def _text(value) -> str | None:
    return None if value is None else str(value)[:2000]
