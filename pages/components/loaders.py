"""Everything that is kept between reruns and shared between users. What is shared here is never changed by anyone."""

import threading
from contextlib import suppress

import streamlit as st

from pages.components import images
from pages.components.memory import Memory

_UNREADABLE = "_unreadable"  # in the session: networks whose stored answers could not be read


@st.cache_resource(ttl=2, show_spinner=False)
def studies() -> dict:
    """Study -> method -> path. Read anew every two seconds at most, so that a finished checkpoint appears at once."""
    from core import paths

    return paths.studies()


@st.cache_resource(ttl=2, show_spinner=False)
def entries() -> list:
    """Every checkpoint file; read anew every two seconds at most."""
    from core import checkpoints

    return checkpoints.list()


def forget_checkpoints() -> None:
    """Look for checkpoints anew at once: one was added or deleted here."""
    entries.clear()
    studies.clear()


def cards() -> list:
    """Every checkpoint whose card can be read."""
    return [entry for entry in entries() if entry.card is not None]


def damaged() -> list[tuple[str, str]]:
    """Checkpoint files that cannot be read: (id, what is wrong)."""
    return [(entry.id, entry.error) for entry in entries() if entry.error]


def subject(entry):
    """A checkpoint in memory, ready to be pruned further; reloaded when its file changes."""
    return _subject(str(entry.path), entry.card.digest)


@st.cache_resource(max_entries=8, show_spinner=False)
def _subject(path: str, digest: str):
    from pathlib import Path

    from core import checkpoints, whatif

    return whatif.Subject(checkpoints.load(Path(path)))


def units(entry) -> list[list[str]]:
    """The units of layers of a checkpoint's network, from input to output."""
    from core import models

    return models.units(subject(entry).model)


def forget_images() -> None:
    """Let go of all images: some were deleted."""
    images.forget()
    _bench.clear()


def pictures(dense):
    """The test images of a study; raises DataNotFound where they are not on this machine."""
    images.prepare(dense.card.data)
    return images.prepared(dense.card.data, "test")


def picture(dense):
    """A function from a row to that test image, uint8 [H, W, 3]; None where the images of a study are not on this machine.

    Phantoms are drawn one by one: for a gallery of a dozen nobody need wait for ten thousand.
    """
    from core.errors import DataNotFound

    if dense.card.data.name == "phantom":
        return lambda row: drawn(dense, row).images[0]
    try:
        pixels = pictures(dense).images
    except DataNotFound:
        return None
    return lambda row: pixels[row]


def drawn(dense, row: int):
    """A test image of a study of phantoms with its masks, as :func:`core.data.phantom.render` gives it."""
    test = cohort(dense)
    return _drawn(test.digest, int(row), dense.card.data.size, test.table)


@st.cache_data(max_entries=256, show_spinner=False)
def _drawn(digest: str, row: int, size: int, _table):
    from core.data.phantom import parameters_of, render

    return render(parameters_of(_table.iloc[[row]]), size)


def bench(dense):
    """The images that a study's networks are compared on; raises DataNotFound where they are not on this machine."""
    images.prepare(dense.card.data)
    return _bench(str(dense.path), dense.card.digest, images.lying(dense.card.data.name), dense)


@st.cache_resource(max_entries=4, show_spinner=False)
def _bench(path: str, digest: str, lying: tuple, _entry):
    from core import whatif

    test, train = (images.prepared(_entry.card.data, split) for split in ("test", "train"))
    return whatif.Bench(_subject(path, digest), test, train)


def response(entry):
    """The stored answers of a checkpoint, or None; read anew when its file changes.

    A file that cannot be read counts as none, so that one of many does not take a page away; the page says so at its end.
    """
    from core import responses
    from core.errors import PruneScopeError

    written = changed(path := responses.path_of(entry))
    if written is None:
        return None
    # Answers of many classes cannot be read without the list of test images.
    key = (str(path), written, changed(responses.cohort_path(entry)), entry.card.digest)
    found = _responses().make(key, lambda: _read(entry))
    if isinstance(found, PruneScopeError):
        st.session_state.setdefault(_UNREADABLE, {})[entry.id] = found
        return None
    return found


def unreadable() -> dict:
    """Networks whose stored answers could not be read since this was asked last: id -> error."""
    return st.session_state.pop(_UNREADABLE, {})


@st.cache_resource(show_spinner=False)
def _responses() -> Memory:
    """Stored answers that were read: of all networks of some studies, whose pages ask for all of them in turn."""
    return Memory(megabytes=256)


def _read(entry):
    from core import responses
    from core.errors import DataDamaged, DataNotFound

    try:
        return responses.read(entry)
    except (DataDamaged, DataNotFound) as error:
        return error


def changed(path) -> int | None:
    """When a file was written last, in nanoseconds; None if it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None


def cohort(entry):
    """The test images of a study without their pictures: as stored, else from the images themselves."""
    from core import responses
    from core.cohort import Cohort

    path = responses.cohort_path(entry)
    return _cohort(str(path), path.stat().st_mtime_ns) if path.exists() else Cohort.of(bench(entry).test)


def asked(entry) -> tuple:
    """Names the test images of a study, for what is kept of answers to them; they may be others after a while, or missing."""
    from core import responses

    stored = cohort(entry).digest if responses.cohort_path(entry).exists() else None
    return (stored, images.lying(entry.card.data.name))


@st.cache_resource(max_entries=8, show_spinner=False)
def _cohort(path: str, changed: int):
    from pathlib import Path

    from core.cohort import Cohort

    return Cohort.load(Path(path))


@st.cache_resource(show_spinner=False)
def estimates() -> Memory:
    """Finished estimates by what they are of."""
    return Memory()


@st.cache_resource(show_spinner=False)
def results() -> Memory:
    """Small tables and numbers made of estimates, by what they are of: a position seen before costs nothing."""
    return Memory()


@st.cache_resource(max_entries=8, show_spinner=False)
def groups(digest: str, _cohort):
    """Which groups of patients the images of a cohort belong to; by the cohort's digest."""
    from core import subgroups

    return subgroups.of(_cohort)


@st.cache_resource(show_spinner=False)
def warm_up() -> threading.Thread:
    """While the first page is being read: let jobs that waited when the server stopped go on, and import the engine."""

    def work() -> None:
        from core import jobs
        from core.errors import PruneScopeError

        # What cannot be read or started is told by the page Generate, to whom it concerns.
        with suppress(PruneScopeError, OSError):
            jobs.advance()
        import core.whatif  # noqa: F401 (for its imports)

    thread = threading.Thread(target=work, name="warm-up", daemon=True)
    thread.start()
    return thread


def engine() -> None:
    """Wait, with a word, until the engine is imported: the first visitor after a start would look at an empty page."""
    if warm_up().is_alive():
        with st.spinner("Getting ready …"):
            import core.whatif  # noqa: F401 (waits for the other thread's import)
