"""Take it home: files that work without PruneScope, each with its model card and the code that runs it."""

import importlib.util
from pathlib import Path

import streamlit as st

from core import checkpoints, exports, files
from core.checkpoints import Entry
from pages.components import cost_data, cost_state, look

# On a phone a table of six columns and a digest of 64 letters would make the whole page scroll sideways.
_STYLE = """<style>
.st-key-model-card :is(td, th) { padding: 0.25rem !important; font-size: 0.85rem; }
.st-key-model-card code { overflow-wrap: anywhere; white-space: pre-wrap; }
</style>"""


def draw(study: str) -> None:
    """A network, a format, the file, its card and its code."""
    known = cost_data.entries(study)
    left, right = st.columns(2, gap="large")
    with left:
        entry = cost_state.checkpoint(known)
    with right:
        name = cost_state.format({name: item.title for name, item in exports.FORMATS.items()})
    item = exports.FORMATS[name]
    file = look.file_name(f"{entry.id}-{name}", item.suffix.removeprefix("."))
    st.markdown(item.about)
    checkpoint = _checkpoint(entry)
    dense = cost_data.parent(entry, known)
    harm = exports.stored_harm(entry, dense if entry.card.parent else None)
    card = exports.model_card(checkpoint, name, file, harm=harm)
    with st.container(horizontal=True):
        _file(entry, name, file)
        st.download_button(
            "Model card",
            card,
            look.file_name(f"{entry.id}-{name}", "md"),
            "text/markdown",
            key="card",
            on_click="ignore",
            icon=":material/description:",
        )
    st.header("Load and run it")
    st.caption(
        "Python with torch, torchvision and safetensors; no PruneScope. "
        if name != "onnx"
        else "Python with onnxruntime; no torch."
    )
    st.code(exports.example(entry.card, name, file), language="python", wrap_lines=True)
    with st.expander("The model card"), st.container(key="model-card"):
        st.html(_STYLE)
        st.caption("The file that the button gives has the code and the whole recipe too.")
        # Below the page's own title, and without the code, which stands above.
        st.markdown(exports.model_card(checkpoint, name, file, harm=harm, level=3, code=False))


def _file(entry: Entry, name: str, file: str) -> None:
    if name == "onnx":
        missing = [package for package in exports.onnx.PACKAGES if importlib.util.find_spec(package) is None]
        if missing:
            st.info(
                f"Writing ONNX needs {' and '.join(missing)}. On the machine that runs this page: `pip install {' '.join(missing)}`"
            )
            return
        label = "ONNX file"
    else:
        size = cost_data.counted(entry).bytes[name]
        label = f"File ({size / 1e6:,.1f} MB, {size:,} bytes)"
    st.download_button(
        label,
        lambda: _bytes(entry, name),
        file,
        "application/octet-stream",
        key="file",
        on_click="ignore",
        type="primary",
        icon=":material/download:",
    )


def _bytes(entry: Entry, name: str) -> bytes:
    """The file, made only when somebody asks for it."""
    checkpoint = checkpoints.load(entry.path)
    with files.temporary_folder() as folder, files.temporary_errors():
        return exports.write(checkpoint, name, folder / "file").read_bytes()


def _checkpoint(entry: Entry):
    return _loaded(str(entry.path), entry.card.digest)


@st.cache_resource(max_entries=4, show_spinner=False)
def _loaded(path: str, digest: str):
    return checkpoints.load(Path(path))
