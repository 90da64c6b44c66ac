"""The images of data sets, prepared once and mapped; who uses them is told as soon as they come, go or are replaced by others."""

import os
from pathlib import Path

import streamlit as st

from pages.components import preparing

_THEN = "reload the page"
_FILES = (".zip", ".csv", ".tab", ".gz")  # of data sets, in folders of their own
_MOST_PLACES = 1000  # that are looked at in a folder


def find(info) -> None:
    """Raise DataNotFound where the images behind ``card.data`` are not on this machine. Nothing is opened or prepared."""
    from core.data import sources

    with sources.known_by_lying_there(info.name, _THEN):
        sources.find(info.name, split_by=info.split_by or None)


def prepare(info) -> None:
    """Wait, with a bar, until these images are prepared; raises DataNotFound where they are not on this machine.

    Whatever asks for images within a cached function calls this before it: no bar can be drawn there.
    """
    key = (info.name, info.size, info.split_by or None)
    state = (*key, lying(info.name))
    if state in _prepared():
        return
    from core.data import sources

    with sources.known_by_lying_there(info.name, _THEN):
        preparing.together(key, lambda report: _prepare(*key, report))
    _prepared().add(state)


def prepared(info, split: str):
    """An image set of these; raises DataNotFound where they are not on this machine."""
    return _image_set(info.name, split, info.size, info.split_by or None, lying(info.name))


def forget() -> None:
    """Let go of all images: some were deleted, and as long as they are mapped the disk keeps them."""
    for cached in (_prepared, _image_set):
        cached.clear()


def lying(name: str) -> tuple:
    """Another value when images of a data set come, go or are replaced by others.

    For the price of a look at its files and at its folders of splits and classes, whose time changes as files come and go: not at
    thousands of pictures. A picture that is written over in its place is seen when the server starts anew.
    """
    from core.files import data_root

    root = data_root()
    places = [root, root / name, root / f"{name}.zip"]
    for folder in (root / name, *_inside(root / name)):
        places += _inside(folder)[:_MOST_PLACES]
    return (str(root), *map(_state, dict.fromkeys(places)))


def _inside(folder: Path) -> list[Path]:
    """Files and folders of a data set's own folder; of those below only the folders."""
    try:
        with os.scandir(folder) as found:
            return sorted(Path(item.path) for item in found if item.is_dir() or item.name.lower().endswith(_FILES))
    except OSError:
        return []


def _state(path: Path) -> tuple | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


@st.cache_resource(show_spinner=False)
def _prepared() -> set[tuple]:
    """What was prepared before, so that no folder of thousands of files is looked through at each rerun."""
    return set()


def _prepare(name: str, size: int, split_by: str | None, report) -> None:
    from core import data

    data.load(name, "test", size=size, split_by=split_by, report=report)


@st.cache_resource(max_entries=8, show_spinner=False)
def _image_set(name: str, split: str, size: int, split_by: str | None, lying: tuple):
    from core import data
    from core.data import sources

    with sources.known_by_lying_there(name, _THEN):
        return data.load(name, split, size=size, split_by=split_by)
