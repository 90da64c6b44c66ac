"""Pieces of pages: errors, empty states, metric cards, tables that can be taken along."""

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

import pandas as pd
import streamlit as st
from streamlit.errors import StreamlitDuplicateElementKey

from core.errors import DataNotFound, PruneScopeError, WeightsNotHere
from core.spreadsheets import csv_text
from pages.components import loaders, look, phantoms

NOT_FOR_DIAGNOSIS = "PruneScope explains networks. It is not a medical device and **not for diagnosis**."


@contextmanager
def guard(*, of_study: bool = True) -> Iterator[None]:
    """Turn a named error into its message on the page, and anything else into an apology; never into a traceback.

    Args:
        of_study: whether the page is about a study: then images and weights that are not on this machine are no fault, and it
            says what can be seen without.
    """
    try:
        yield
    except PruneScopeError as error:
        if of_study and isinstance(error, DataNotFound):
            missing_data(error)
        elif of_study and isinstance(error, WeightsNotHere):
            missing_weights(error)
        else:
            st.error(_text(error), icon=":material/error:")
    except Exception:  # Streamlit's own stop and rerun signals are no Exceptions and pass through
        logging.getLogger(__name__).exception("A page failed")
        st.error(
            "Something went wrong on our side. Your selection is kept in the address of this page: reload it to try again. "
            "The server's log has the details.",
            icon=":material/error:",
        )
    for id, error in loaders.unreadable().items():
        st.warning(
            f"The stored answers of **{id}** cannot be read and are left out. {_text(error)}",
            icon=":material/broken_image:",
        )


def left_out(study: str | None = None) -> None:
    """Name the checkpoint files that cannot be read, so that nobody takes a method that is not shown for one never trained.

    Args:
        study: whose; None for all.
    """
    try:
        damaged = loaders.damaged()
    except PruneScopeError as error:  # the folder itself
        st.error(_text(error), icon=":material/error:")
        return
    found = [
        (f"**{look.literal(id)}**", look.literal(error))
        for id, error in damaged
        if study is None or id.startswith(f"{study}/")
    ]
    if not found:
        return
    one = len(found) == 1
    what = (
        f"The checkpoint {found[0][0]} cannot be read and is left out."
        if one
        else f"**{len(found)} checkpoints** cannot be read and are left out."
    )
    st.warning(what, icon=":material/broken_image:")
    # Folded: on a phone, what is wrong with a file fills the first screen of every page.
    with st.expander("What is wrong with it" if one else "Which, and what is wrong with them"):
        for name, error in found:
            st.markdown(error if one else f"{name}: {error}")


def missing_data(error: DataNotFound) -> None:
    """Images are not on this machine: what that means, how to get them, and phantoms in their place in one click."""
    st.info(
        f"**{look.literal(error.problem)}.** All that needs no image is still shown.",
        icon=":material/image_not_supported:",
    )
    phantoms.offer()
    with st.expander("How to get the images"):
        st.markdown(_text(error))


def missing_weights(error: WeightsNotHere) -> None:
    """Results shipped without weights are no fault: what can be seen all the same, and how to get the rest."""
    st.info(
        f"**{look.literal(error.problem)}.** This view is computed from the weights, and not all of them ship: they would make the "
        "download several times as large. What the networks answered does (*What if*), and so do the paper's claims (*Methods*).",
        icon=":material/weight:",
    )
    _offer_weights(str(error.given).rpartition("/")[0])
    with st.expander("How to make the weights"):
        card = next((entry.card for entry in loaders.cards() if entry.id == error.given), None)
        epochs = f" This trains **{look.literal(error.given)}** for {card.epochs:g} epochs." if card else ""
        st.markdown(f"{look.literal((error.remedy or '').replace('make', 'Make', 1))}.{epochs}")


def offer(study: str, others: Iterable[str], *, key: str, what: str = "page") -> None:
    """A button that opens this page with another study, of the same network where there is one; nothing where there is no other.

    Args:
        study: the one that is shown.
        others: those that have what is missing here, the better ones first.
        key: a second button of this key on a page is left out.
        what: is opened with it.
    """
    from core.studies import Study

    other = phantoms.nearest(study, list(others))
    if other is None:
        return
    with suppress(StreamlitDuplicateElementKey):  # another panel of this page has offered it already
        st.button(
            f"Open this {what} with {Study.parse(other).title}",
            key=key,
            icon=":material/open_in_browser:",
            on_click=_open,
            args=(other,),
        )


def offer_photographs(study: str) -> None:
    """The same, with a study of photographs of lesions, of which more is known than their class."""
    from core.paths import PRUNE_ONLY

    known = loaders.studies()
    found = (name for name in known if _data(known[name]) == "ham10000")
    best = sorted(found, key=lambda name: (not known[name][PRUNE_ONLY].dense.weights, name))
    offer(study, best, key="photographs-offer")


def _offer_weights(study: str) -> None:
    """The same, with a study whose weights are here, rather of photographs than of phantoms."""
    from core.paths import PRUNE_ONLY

    known = loaders.studies()
    here = (name for name, paths in known.items() if paths[PRUNE_ONLY].dense.weights)
    offer(study, sorted(here, key=lambda name: (_data(known[name]) == "phantom", name)), key="weights-offer")


def _data(paths: dict) -> str:
    return next(iter(paths.values())).dense.card.data.name


def _open(study: str) -> None:
    # The picker in the sidebar is bound to the address, which follows.
    st.session_state["study"] = study


def _text(error: PruneScopeError) -> str:
    parts = [f"**{look.literal(error.problem)}.**"]
    for label, value in (("Given", error.given), ("Expected", error.expected)):
        if value is not None:
            parts.append(f"{label}: {look.literal(value)}")
    if error.remedy:
        parts.append(f"What to do: {look.literal(error.remedy)}")
    return "  \n".join(parts)


def no_study() -> None:
    """Nothing was trained yet, or nothing of it can be read: what to do about it."""
    left_out()
    st.info(
        "**No trained network yet.** Train one, and it appears here without a restart:",
        icon=":material/model_training:",
    )
    st.code("python -m core train ham10000-64/vgg16", language="bash", wrap_lines=True)


def table(
    frame: pd.DataFrame | Callable[[], pd.DataFrame],
    *,
    name: str,
    title: str,
    key: str,
    label: str = "The numbers behind it",
    **columns,
) -> None:
    """The data behind a chart: a table on demand, and the same as CSV.

    Args:
        frame: what to show; or a function that makes it, which is called only while the table is open.
        name: of the CSV file, without suffix; the slash of a study and the sign of a percentage are left to this function.
        title: what the table holds, for screen readers.
        key: unique on the page.
        label: of the fold.
        columns: column -> Streamlit column configuration; the others are headed by :func:`look.heading`.
    """
    made = not callable(frame)
    with st.expander(label, key=f"table-{key}", on_change="ignore" if made else "rerun") as place:
        if not made and not place.open:
            return
        frame = frame if made else frame()
        headed = {name: st.column_config.Column(look.heading(name)) for name in map(str, frame.columns)}
        st.dataframe(frame, hide_index=True, column_config=headed | columns, alt=title)
        st.download_button(
            "Download as CSV",
            csv_text(frame),
            look.file_name(name, "csv"),
            "text/csv",
            key=f"csv-{key}",
            on_click="ignore",
            icon=":material/download:",
        )


def footer() -> None:
    """The same last line on every page."""
    st.divider()
    st.caption(NOT_FOR_DIAGNOSIS)
