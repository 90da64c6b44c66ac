"""Carry out a sweep: parents first, each run once, failures tried again, what is made left alone."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass
from pathlib import Path

from core import checkpoints, files, runs
from core.errors import PruneScopeError
from core.finished import Finished
from core.progress import Progress, Report, silent
from core.recipes import Recipe
from core.sweeps.crews import Crew
from core.sweeps.worker import carry_out

MADE, FAILED, SKIPPED, STARTED, MISSING = "made", "failed", "skipped", "started", "missing"
_LOOK = 2.0  # seconds between two reports of progress


@dataclass(frozen=True)
class Item:
    """A run of the plan: :data:`MADE`, with the id of its checkpoint; ``"started"``, with its epochs so far; or ``"missing"``."""

    recipe: Recipe
    state: str
    epochs: float = 0.0
    id: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a run.

    Attributes:
        recipe: of the run.
        state: :data:`MADE`; :data:`FAILED`; or :data:`SKIPPED`, because its parent failed.
        attempts: how often it was begun here; 0 if it was made before, or skipped.
        id: of the checkpoint, if there is one.
        error: why there is none.
    """

    recipe: Recipe
    state: str
    attempts: int = 0
    id: str | None = None
    error: PruneScopeError | None = None


def plan(recipes: Iterable[Recipe], *, root=None) -> list[Item]:
    """How far each run is. Nothing is made.

    Args:
        recipes: the runs.
        root: folder of checkpoints; by default :func:`core.files.checkpoint_root`.
    """
    known = Finished(checkpoints.list(root))
    items = []
    for recipe in recipes:
        if made := known.of(recipe):
            items.append(Item(recipe, MADE, recipe.training.epochs, made.id))
            continue
        epochs = runs.epochs_done(recipe)
        items.append(Item(recipe, MISSING if epochs is None else STARTED, epochs or 0.0))
    return items


def run(
    recipes: Iterable[Recipe],
    crew: Crew,
    *,
    retries: int = 1,
    root=None,
    data=None,
    device: str | None = None,
    report: Report = silent,
) -> Iterator[Outcome]:
    """Make what is missing of ``recipes``.

    A worker that is killed costs its run the epoch under way and nothing else: a new one goes on. Where a pool breaks, nobody
    can tell which of the runs under way did it, so each of them is then tried alone, and only who breaks it alone is blamed.

    Args:
        recipes: the runs; parents that are not among them are made too.
        crew: who does the work.
        retries: how often a run that failed is tried again.
        root: folder of checkpoints; by default :func:`core.files.checkpoint_root`. All workers must see it at this path, and
            the folders of runs and data too.
        data: data root; by default :func:`core.files.data_root`.
        device: as for :func:`core.device.pick`, in the workers.
        report: told of the epochs that are done; may raise Cancelled.

    Yields:
        One :class:`Outcome` a run, as soon as it is known.

    Raises:
        PruneScopeError: there are no workers to be had.
    """
    todo = _Todo(plan(_with_parents(recipes), root=root), retries)
    places = {
        "checkpoints": files.checkpoint_root(root),
        "data": files.data_root(data),
        "runs": files.runs_root(),
    }
    folders = {name: str(place.absolute()) for name, place in places.items()}
    yield from todo.found
    while todo.open:
        with crew.start() as executor:
            yield from _work(todo, executor, crew, (folders, device, crew.gpus), report)


class _Todo:
    """The runs that are not settled yet."""

    def __init__(self, items: list[Item], retries: int):
        self.found = [Outcome(item.recipe, MADE, 0, item.id) for item in items if item.state == MADE]
        self.open = {item.recipe.hash: item.recipe for item in items if item.state != MADE}
        self.retries = retries
        self.attempts: Counter[str] = Counter()
        self.suspects: set[str] = set()
        self.epochs = sum(item.recipe.training.epochs for item in items)
        self.settled = sum(outcome.recipe.training.epochs for outcome in self.found)

    def ready(self, under_way: set[str], at_once: int | None) -> list[Recipe]:
        """What can begin now: no parent missing, and room for it."""
        if self.suspects:
            at_once = 1
        room = len(self.open) if at_once is None else at_once - len(under_way)
        found = [
            recipe
            for hash, recipe in self.open.items()
            if hash not in under_way
            and (recipe.parent is None or recipe.parent.hash not in self.open)
            and (not self.suspects or hash in self.suspects)
        ]
        return found[: max(0, room)]

    def settle(self, recipe: Recipe, told: dict) -> Iterator[Outcome]:
        """Take note of what a worker told; a failure that may be tried again stays open."""
        self.suspects.discard(recipe.hash)
        self.attempts[recipe.hash] += 1
        attempts = self.attempts[recipe.hash]
        if "error" not in told:
            yield self._close(Outcome(recipe, MADE, attempts, told["id"]))
        elif attempts > self.retries:
            parts = dict(told["error"])
            yield self._close(Outcome(recipe, FAILED, attempts, error=PruneScopeError(parts.pop("problem"), **parts)))
            children = [one for one in self.open.values() if one.parent is not None and one.parent.hash == recipe.hash]
            for child in children:
                error = PruneScopeError("Its dense network could not be made", given=recipe.hash)
                yield self._close(Outcome(child, SKIPPED, 0, error=error))

    def broken(self, under_way: list[Recipe]) -> Iterator[Outcome]:
        """Take note of a pool that broke while these were under way."""
        if len(under_way) == 1:
            yield from self.settle(under_way[0], _KILLED)
        self.suspects |= {recipe.hash for recipe in under_way if recipe.hash in self.open}

    def _close(self, outcome: Outcome) -> Outcome:
        del self.open[outcome.recipe.hash]
        self.suspects.discard(outcome.recipe.hash)
        self.settled += outcome.recipe.training.epochs
        return outcome


def _work(todo: _Todo, executor: Executor, crew: Crew, how: tuple, report: Report) -> Iterator[Outcome]:
    """Hand out runs until all are settled or the executor breaks."""
    under_way: dict[Future, Recipe] = {}
    start, before = time.monotonic(), todo.settled + sum(runs.epochs_done(one) or 0.0 for one in todo.open.values())
    try:
        while todo.open:
            for recipe in todo.ready({one.hash for one in under_way.values()}, crew.at_once):
                under_way[executor.submit(carry_out, recipe.as_dict(), *how)] = recipe
            done, _ = wait(under_way, timeout=_LOOK, return_when=FIRST_COMPLETED)
            for future in done:
                told = _told(future)
                yield from todo.settle(under_way.pop(future), told)
            epochs = todo.settled + sum(runs.epochs_done(one) or 0.0 for one in under_way.values())
            # What was there before took no time: the estimate of what is left rests on what came since.
            report(Progress("Sweep", epochs - before, todo.epochs - before, "epochs", time.monotonic() - start))
    except BrokenExecutor:
        yield from todo.broken(list(under_way.values()))
    finally:
        for future in under_way:
            future.cancel()


def _told(future: Future) -> dict:
    """What a worker told; raises BrokenExecutor where nobody lives who could."""
    try:
        told = future.result()
    except BrokenExecutor:
        raise
    except (Exception, CancelledError) as error:  # the way there and back: Dask's workers killed again and again
        return {
            "error": {"problem": "The worker of this run was lost", "given": f"{type(error).__name__}: {error}"[:500]}
        }
    if "path" in told and not _seen(Path(told["path"])):
        return {"error": _ELSEWHERE | {"given": told["path"]}}
    return told


def _seen(path: Path) -> bool:
    """Whether a worker's file is here too; a network file system may need a moment."""
    for _ in range(10):
        if path.exists():
            return True
        time.sleep(0.5)
    return False


def _with_parents(recipes: Iterable[Recipe]) -> list[Recipe]:
    found: dict[str, Recipe] = {}
    for recipe in recipes:
        if recipe.parent is not None:
            found.setdefault(recipe.parent.hash, recipe.parent)
        found.setdefault(recipe.hash, recipe)
    return list(found.values())


_KILLED = {
    "error": {
        "problem": "The process of this run was ended from outside",
        "given": "the system does so when memory runs out",
        "remedy": "start the sweep again with fewer workers; finished epochs are kept",
    }
}
_ELSEWHERE = {
    "problem": "A worker wrote its checkpoint where it cannot be seen from here",
    "expected": "one folder of checkpoints that all workers share",
    "remedy": "put the folder on a shared file system and point PRUNESCOPE_CHECKPOINTS to it",
}
