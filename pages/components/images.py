"""The images of data sets, prepared once and mapped; who uses them is told as soon as they come, go or are replaced by others."""

import streamlit as st

from pages.components import preparing

_THEN = "reload the page"


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
    """Another value when images of a data set come, go or are replaced by others, for the price of three looks at the disk."""
    from core.files import data_root

    root, found = data_root(), []
    for path in (root, root / name, root / f"{name}.zip"):
        try:
            status = path.stat()
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_ino, status.st_size))
    return (str(root), *found)


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
