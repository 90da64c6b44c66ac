"""The folder in which a run keeps its state: who may work in it, what it was begun with, and what a killed process left there."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from core import files
from core.errors import StorageFull
from core.progress import Progress, Report

STATE = "state.safetensors"
_NOTE, _SAVING, _QUEUED = "run.json", "saving.txt", "queued.txt"


@contextmanager
def alone(folder: Path, report: Report) -> Iterator[None]:
    """Wait until no other process makes the run of ``folder``."""
    lock, start = FileLock(folder / "lock"), time.monotonic()
    with files.storage_errors(folder):
        while not lock.is_locked:
            # Who was first takes the folder away in the end, and the lock with it, perhaps while we wait: begin again.
            with suppress(FileNotFoundError):
                folder.mkdir(parents=True, exist_ok=True)
                try:
                    lock.acquire(timeout=1)
                except Timeout:
                    spent = time.monotonic() - start
                    report(Progress("Waiting for another process that makes this run", 0, 1, "", spent))
    try:
        yield
    finally:
        if [item.name for item in folder.glob("*")] == ["lock"]:  # it failed before it began: leave no empty folder
            shutil.rmtree(folder, ignore_errors=True)
        lock.release()


def begin(folder: Path, recipe: dict, split: str, parent: str | None) -> None:
    """Note what the run is made of, and drop the state of an earlier start if it was made of something else.

    Args:
        folder: of the run, held (:func:`alone`).
        recipe: as plain values.
        split: digest of which image is in which split.
        parent: digest of the network that it starts from; None for a run that starts from none.
    """
    for leftover in folder.glob(".*.tmp"):  # of a process that was killed while it wrote; whoever lives holds the lock
        leftover.unlink(missing_ok=True)
    (folder / _SAVING).unlink(missing_ok=True)
    about = {"recipe": recipe, "split_digest": split}
    text = json.dumps(about | ({} if parent is None else {"parent_digest": parent}), indent=1)
    known = {text, json.dumps(about, indent=1)}  # older notes do not tell of the parent
    note = folder / _NOTE
    if note.exists() and note.read_text(encoding="utf-8", errors="replace") not in known:
        (folder / STATE).unlink(missing_ok=True)
    files.write_text(note, text)


def queued(folder: Path) -> None:
    """Note that the queue begins this run, unless epochs of it are kept already: those are of whoever trained them."""
    if not (folder / STATE).exists():
        with files.storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        files.write_text(folder / _QUEUED, "")


def is_queued(folder: Path) -> bool:
    """Whether all that is kept of this run was made by the queue, which may then delete it."""
    return (folder / _QUEUED).is_file()


def saving(folder: Path, root) -> None:
    """Note that the run's checkpoint is about to be written below ``root``, after which nothing here is needed any more."""
    files.write_text(folder / _SAVING, _place(root))


def clear(folder: Path, root, report: Report) -> None:
    """Take away what is left of a run whose checkpoint is below ``root``, if its process was killed before it could do so itself.

    What another process holds, or goes on from for another folder of checkpoints, stays.
    """
    note = folder / _SAVING
    if not files.is_file(note) or note.read_text(encoding="utf-8", errors="replace") != _place(root):
        return
    with suppress(StorageFull), alone(folder, report):
        shutil.rmtree(folder, ignore_errors=True)
        report(Progress("Cleared what a process that was killed had left of this finished run", 1, 1))


def _place(root) -> str:
    return str(files.checkpoint_root(root).resolve())
