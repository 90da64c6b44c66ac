"""The images that alone decide what some layers tell apart, and so are left out of a comparison."""

import pandas as pd
import streamlit as st

from core import matrices
from core.checkpoints import Entry
from core.errors import PruneScopeError
from core.matrices import Stored
from core.similarity import Influence
from pages.components import gallery, loaders, look, panels


def draw(dense: Entry, known: Stored | None, sample: str) -> None:
    """Which images are left out of ``sample``, with how much each decides; nothing where none is.

    Args:
        dense: the study's dense network.
        known: what is stored of the study.
        sample: of the test images.
    """
    found = known.left_out(sample) if known else []
    if not found:
        return
    with st.expander(f"{len(found)} images left out", icon=":material/filter_alt:"):
        st.markdown(
            f"CKA weighs an image by how far its features lie from those of the others. {_far(found, known)} What such a layer makes of all "
            "other images hardly counts, and no band can be given. Left out is the image that makes up most of "
            "such a layer, if more than 5%, then the next, until all layers can be compared; **All diagnoses** keeps them."
        )
        _pictures(dense, known, found)


def _far(found: list[Influence], known: Stored) -> str:
    first = found[0]
    return (
        f"A few lie very far out: the first one here alone makes up **{first.share:.0%}** of what {_layer(first, known)} of the "
        f"{_in_a_sentence(first.network)} tells apart."
    )


def _layer(item: Influence, known: Stored) -> str:
    return look.short_layer(item.layer, known.layers.get(matrices.STANDARD, []))


def _words(network: str) -> str:
    """``iterative_seed_1`` as people read it: ``"Iterative, seed 1"``."""
    name, _, seed = network.partition("_seed_")
    return look.title(name) + (f", seed {seed}" if seed else "")


def _in_a_sentence(network: str) -> str:
    name, _, seed = network.partition("_seed_")
    return f"{look.title(name).lower()} network" + (f" of seed {seed}" if seed else "")


def _pictures(dense: Entry, known: Stored, found: list[Influence]) -> None:
    frame = pd.DataFrame(
        {
            "share": [item.share for item in found],
            "layer": [item.layer for item in found],
            "network": [_words(item.network) for item in found],
        }
    )
    try:
        test = loaders.cohort(dense)
        picture = loaders.picture(dense)
    except PruneScopeError:  # without the list of test images there are no names, and the shares are shown all the same
        test = picture = None
    if test is not None and test.digest == known.cohort:
        rows = [item.row for item in found]
        names = [look.diagnosis(test.class_names[test.labels[row]]) for row in rows]
        frame = frame.assign(image=[str(test.ids[row]) for row in rows], diagnosis=names)
        if picture is not None:
            gallery.show(
                rows,
                test,
                picture,
                words=lambda place: f"**{found[place].share:.0%}** of {_layer(found[place], known)}  \n{names[place]}",
                frame=lambda: frame,
                key="outliers",
            )
    frame = frame[[name for name in ("image", "diagnosis", "share", "network", "layer") if name in frame]]
    name = f"cka-left-out-{dense.card.study}"
    panels.table(frame, name=name, title="Images left out", key="outliers")
