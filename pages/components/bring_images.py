"""Images of one's own: a zip of class folders, what is in it, and the button that keeps it."""

import pandas as pd
import streamlit as st

from core import own
from core.own.images import Look, name_for
from core.own.zips import MOST_BYTES, MOST_FILES
from pages.components import bring_file, generate_parents, generate_state

_LAYOUT = """\
my-images.zip
├── melanoma/
│   ├── 0001.jpg
│   └── …
└── naevus/
    └── …"""


def draw() -> None:
    """The upload and what is found in it."""
    st.header("A zip with one folder a class")
    left, right = st.columns([1.4, 1])
    with left:
        file = bring_file.uploader("images", "Zip file", ["zip"], MOST_BYTES // 1_000_000)
    with right:
        st.code(_LAYOUT, language=None)
    st.caption(
        f"JPEG, PNG, WebP, BMP or TIFF, at most {MOST_FILES:,} files. If you have made a split, name the folders train, "
        "validation and test and put the class folders into them; else we split by a hash of each image's name. Images of one "
        "patient or lesion may then end up on both sides, which makes results look better than they are."
    )
    if file is None:
        return
    found = bring_file.look(file, "images", (), own.look_at_images)
    _show(found)
    suggested = name_for(file.name)
    name = bring_file.name_field("images", suggested, "Small letters, digits and hyphens; studies begin with it.")
    if st.button("Keep as a data set", type="primary", icon=":material/save:"):
        with bring_file.on_disk(file) as path:
            own.add_images(path, name, generate_state.owner(), origin=file.name)
        generate_parents.data_sets.clear()
        generate_state.keep_key(True)
        bring_file.kept("images", f"**{name} is kept.** It can be chosen on the page Generate.")


def _show(found: Look) -> None:
    with st.container(border=True):
        images, classes, smallest = st.columns(3)
        images.metric("Images", f"{found.images:,}")
        classes.metric("Classes", len(found.counts))
        smallest.metric("Shortest side of all", f"{found.smallest} px")
        frame = pd.DataFrame(found.counts)
        names = {"class": "Class", "train": "Training", "validation": "Validation", "test": "Test", "images": "All"}
        frame = frame[list(names)].rename(columns=names)
        st.dataframe(frame, hide_index=True, alt="How many images of each class are in each split")
        for note in found.notes:
            st.text(note)  # as it is: names of files are a stranger's
        small = frame.loc[frame["Test"] < 20, "Class"]
        if len(small):
            st.caption(
                f"Fewer than 20 test images of {len(small)} of {len(frame)} classes: intervals of their results will be wide."
            )
