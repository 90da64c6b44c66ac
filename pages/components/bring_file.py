"""A file that a visitor sends: on the disk for a moment, looked at once, forgotten when it was kept."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import streamlit as st

from core import files
from core.errors import PruneScopeError
from pages.components import loaders

# Looking at a file takes a core and memory: visitors take turns.
_TURN = threading.Lock()
_SAID = "bring-said"


def uploader(kind: str, label: str, types: list[str], megabytes: int, **options):
    """The field for a file; empty again after :func:`kept`."""
    number = st.session_state.setdefault(f"bring-number-{kind}", 0)
    return st.file_uploader(label, types, max_upload_size=megabytes, key=f"bring-{kind}-{number}", **options)


def look(file, kind: str, how: tuple, work: Callable[[Path], object]):
    """What ``work`` finds in a file, done once for each file and ``how``.

    Raises:
        PruneScopeError: what it raised, again on every rerun.
    """
    key, asked = f"bring-look-{kind}", (file.file_id, how)
    if st.session_state.get(key, (None,))[0] != asked:
        with st.spinner("Looking at the file…"):
            try:
                with on_disk(file) as path:
                    found = work(path)
            except PruneScopeError as error:
                found = error
        st.session_state[key] = (asked, found)
    found = st.session_state[key][1]
    if isinstance(found, PruneScopeError):
        raise found
    return found


@contextmanager
def on_disk(file) -> Iterator[Path]:
    """The file in a folder of its own that goes afterwards. Its name is ours, and messages begin with it: a stranger's may say anything."""
    with _TURN, files.temporary_folder() as folder:
        path = folder / "The file"
        with files.temporary_errors():
            path.write_bytes(file.getbuffer())
        yield path


def kept(kind: str, said: str) -> None:
    """Forget the file and say what became of it."""
    st.session_state[f"bring-number-{kind}"] += 1
    st.session_state.pop(f"bring-look-{kind}", None)
    st.session_state.pop(f"bring-name-{kind}", None)  # it is taken now: the next file suggests its own
    st.session_state[_SAID] = said
    loaders.forget_checkpoints()  # it is shown at once
    st.rerun()


def say() -> None:
    """What was last kept or deleted, once."""
    if said := st.session_state.pop(_SAID, None):
        st.success(said, icon=":material/check:")


def name_field(kind: str, suggested: str, help: str) -> str:
    """The field for the name."""
    given = st.text_input(
        "Name", key=f"bring-name-{kind}", placeholder=suggested, max_chars=30, persist_state="session", help=help
    )
    return given.strip() or suggested
