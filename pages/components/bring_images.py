"""Images of one's own: a zip of class folders or with a list, what is in it, and the button that keeps it."""

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
_LISTED = """\
my-images.zip
├── images/0001.jpg, …
└── labels.csv:
    file,class,patient,age
    0001.jpg,melanoma,P17,63
    0002.jpg,naevus,P04,41"""


def draw() -> None:
    """The upload and what is found in it."""
    st.header("A zip with one folder a class, or with a list")
    file = bring_file.uploader("images", "Zip file", ["zip"], MOST_BYTES // 1_000_000)
    left, right = st.columns(2)
    with left:
        st.caption(
            "**One folder a class.** If you have made a split, put them into folders train, validation and test."
        )
        st.code(_LAYOUT, language=None)
    with right:
        st.caption("**A list beside the images**, as CSV: file, class and, if known, patient (or lesion) and split.")
        st.code(_LISTED, language=None)
    st.caption(
        f"JPEG, PNG, WebP, BMP or TIFF, at most {MOST_FILES:,} files. What comes without a split we split by a hash of each "
        "patient, if a list names them, or else of each image's name: images of one patient or lesion may then end up on both "
        "sides, which makes results look better than they are."
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
        names["groups"] = "Patients or lesions"  # where a list tells of them
        frame = frame[[name for name in names if name in frame]].rename(columns=names)
        st.dataframe(frame, hide_index=True, alt="How many images of each class are in each split")
        for note in found.notes:
            st.text(note)  # as it is: names of files are a stranger's
        small = frame.loc[frame["Test"] < 20, "Class"]
        if len(small):
            st.caption(
                f"Fewer than 20 test images of {len(small)} of {len(frame)} classes: intervals of their results will be wide."
            )
