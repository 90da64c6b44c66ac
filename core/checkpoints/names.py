"""Ids and the files they stand for: ``ham10000-64/vgg16/one_shot-80`` is that path below the root, and never above it."""

import difflib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.checkpoints.card import Card
from core.checkpoints.container import SUFFIX
from core.errors import CheckpointNotFound, InvalidValue, UnsafeFile
from core.files import checkpoint_root, is_file, storage_errors

_OF_TORCH = (".pt", ".pth")
_BRING = "bring weights in PyTorch's own format with `python -m core bring weights FILE`, or in Python with core.checkpoints.load_foreign"
MAX_NAME = 240  # bytes: file systems take 255, and the suffix has 12

try:
    import fcntl
except ImportError:  # Windows has none; there two saves at the same instant may take each other's name
    fcntl = None


def root_folder(root: str | os.PathLike | None) -> Path:
    """The folder of checkpoints: ``root``, else :func:`core.files.checkpoint_root`, which also names its errors."""
    return checkpoint_root(root)


def check_folder(root: str | os.PathLike | None) -> None:
    """Raise :class:`InvalidValue` where a file lies at the folder of checkpoints: an empty list would hide the mistake."""
    if is_file(folder := root_folder(root)):
        raise InvalidValue(
            "The place for checkpoints is a file",
            given=str(folder)[:300],
            expected="a folder, which need not exist yet",
            remedy="point PRUNESCOPE_CHECKPOINTS or --checkpoints to a folder; one checkpoint is loaded by its path",
        )


def default_id(card: Card) -> str:
    """A name that people can read: ``<study>/<method>-<percent>``, without the percent for a dense network."""
    percent = f"-{card.sparsity * 100:.10g}" if card.sparsity else ""
    return f"{card.study}/{card.method}{percent}"


def path_of(id: str, *, root: str | os.PathLike | None = None) -> Path:
    """The file that ``id`` stands for, whether or not it exists.

    Ids come from URLs and from other people's cards: whatever they say, the path lies below the root, links followed.

    Raises:
        UnsafeFile: ``id`` leads out of the root.
        CheckpointNotFound: ``id`` is not a name at all.
    """
    folder = root_folder(root).resolve()
    if not _is_text(id):
        raise CheckpointNotFound(
            "This is not the id of a checkpoint", given=repr(id)[:80], expected="such as 'ham10000-64/vgg16/dense'"
        )
    parts = id.replace("\\", "/").split("/")
    try:
        path = folder.joinpath(*parts[:-1], parts[-1] + SUFFIX)
        inside = ".." not in parts and "" not in parts and path.resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # a circle of links
        inside = False
    if not inside:
        raise UnsafeFile(
            "This id leads out of the folder of checkpoints",
            given=repr(id)[:200],
            expected=f"a name below {folder}",
            remedy=_BRING
            if id.endswith(_OF_TORCH)
            else "to open a file elsewhere give its path, ending in .safetensors",
        )
    return path


def _is_text(id) -> bool:
    try:
        return bool(id) and "\0" not in id and all(len(part.encode()) <= MAX_NAME for part in id.split("/"))
    except (AttributeError, TypeError, UnicodeEncodeError):  # no text, or half a character of a broken URL
        return False


def id_of(path: Path, root: str | os.PathLike | None) -> str:
    """The id of a file below the root; of any other its whole path, which ``load`` takes too."""
    whole, folder = path.resolve(), root_folder(root).resolve()
    if whole.is_relative_to(folder):
        return whole.relative_to(folder).as_posix().removesuffix(SUFFIX)
    return str(whole)


def files(root: str | os.PathLike | None, suffix: str = SUFFIX) -> list[Path]:
    """Every checkpoint file below the root, sorted; none if there is no such folder. Hidden ones are left out.

    A folder that goes while it is looked for is none; ``rglob`` of Python 3.11 raises where another process takes one away.
    """
    found = []
    for place, folders, names in os.walk(root_folder(root)):
        folders[:] = [name for name in folders if not name.startswith(".")]
        # Folders too: one of such a name is told as what it is, and not passed over.
        found += [
            Path(place, name) for name in (*names, *folders) if name.endswith(suffix) and not name.startswith(".")
        ]
    return sorted(found)


def not_found(id: str, known: Iterable[str]) -> CheckpointNotFound:
    """The error for an id without a file; it suggests the nearest of ``known``."""
    near = difflib.get_close_matches(id, list(known), n=3, cutoff=0.4)
    remedy = (
        "did you mean " + " or ".join(near) + "?"
        if near
        else "`python -m core list`, or core.checkpoints.list(), shows what there is"
    )
    if id.endswith(_OF_TORCH):
        remedy = _BRING
    return CheckpointNotFound("There is no checkpoint of this id", given=repr(id)[:200], remedy=remedy)


@contextmanager
def locked(folder: Path) -> Iterator[bool]:
    """Let one process at a time choose a name in ``folder`` and write it; two jobs of a sweep may end together.

    Yields whether the lock was to be had. It narrows a rare race and is not worth failing for.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    if fcntl is None:
        yield False
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        alone = False
        with suppress(OSError):  # some network file systems cannot lock a folder
            fcntl.flock(handle, fcntl.LOCK_EX)
            alone = True
        yield alone
    finally:
        os.close(handle)
