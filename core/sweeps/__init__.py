"""Sweeps: a grid of runs, read from a TOML file and carried out by any ``concurrent.futures.Executor``.

``read`` turns the file into recipes, ``plan`` says what of them is made, ``run`` makes what is missing; ``processes`` and
``dask`` are two ways to have workers. The runs themselves are those of :mod:`core.runs`: each keeps its state after every
epoch and is found again by the hash of its recipe, so that a sweep that was cut off is gone on with by starting it again.
"""

from core.sweeps.crews import Crew, dask, processes
from core.sweeps.running import FAILED, MADE, SKIPPED, Item, Outcome, plan, run
from core.sweeps.spec import Sweep, parse, read

__all__ = [
    "FAILED",
    "MADE",
    "SKIPPED",
    "Crew",
    "Item",
    "Outcome",
    "Sweep",
    "dask",
    "parse",
    "plan",
    "processes",
    "read",
    "run",
]
