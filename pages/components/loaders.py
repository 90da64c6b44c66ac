"""Everything that is kept between reruns and shared between users. What is shared here is never changed by anyone."""

import threading
from collections import OrderedDict

import streamlit as st


@st.cache_data(ttl=2, show_spinner=False)
def studies() -> dict:
    """Study -> method -> path. Read anew every two seconds at most, so that a finished checkpoint appears at once."""
    from core import paths

    return paths.studies()


@st.cache_data(ttl=2, show_spinner=False)
def damaged() -> list[tuple[str, str]]:
    """Checkpoint files that cannot be read: (id, what is wrong)."""
    from core import checkpoints

    return [(entry.id, entry.error) for entry in checkpoints.list() if entry.error]


def subject(entry):
    """A checkpoint in memory, ready to be pruned further; reloaded when its file changes."""
    return _subject(str(entry.path), entry.card.digest)


@st.cache_resource(max_entries=8, show_spinner=False)
def _subject(path: str, digest: str):
    from pathlib import Path

    from core import checkpoints, whatif

    return whatif.Subject(checkpoints.load(Path(path)))


def bench(dense):
    """The images that a study's networks are compared on; raises DataNotFound where they are not on this machine."""
    return _bench(str(dense.path), dense.card.digest)


@st.cache_resource(max_entries=4, show_spinner=False)
def _bench(path: str, digest: str):
    from core import data, whatif

    dense = _subject(path, digest)
    info = dense.card.data
    test, train = (
        data.load(info.name, split, size=info.size, split_by=info.split_by or None) for split in ("test", "train")
    )
    return whatif.Bench(dense, test, train)


class Memory:
    """The last finished answers, so that going back on the slider costs nothing. Safe between threads."""

    def __init__(self, size: int = 512):
        self._size, self._items, self._lock = size, OrderedDict(), threading.Lock()

    def get(self, key):
        """What was kept under ``key``, or None."""
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key, value) -> None:
        """Keep ``value``; the one unused for longest goes when there are too many."""
        with self._lock:
            self._items[key] = value
            self._items.move_to_end(key)
            while len(self._items) > self._size:
                self._items.popitem(last=False)


@st.cache_resource(show_spinner=False)
def memory() -> Memory:
    """Finished estimates by what they are of."""
    return Memory()


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """Import torch and the engine in the background while the first page is being read."""

    def work() -> None:
        import core.whatif  # noqa: F401 (for its imports)

    thread = threading.Thread(target=work, name="warm-up", daemon=True)
    thread.start()
    return thread
