"""What the page about methods reads, kept until a checkpoint or a stored answer changes."""

import pandas as pd
import streamlit as st

from core import claims, leak, replication
from core.checkpoints import Entry
from core.claims import Finding
from core.replication import Line, Stored
from pages.components import loaders


def lines(study: str) -> list[Line]:
    """The study's own networks, and repeats of them with other seeds."""
    return replication.lines(study, loaders.cards())


def command(study: str) -> str:
    """The command that makes what is missing of the study."""
    from core import profiles

    own = lines(study)
    return profiles.command(study, own[0].dense.card.recipe_hash if own else "")


def stored(study: str) -> Stored:
    """What is stored of the answers of the study's networks; nothing where it is not stored who was asked."""
    from core import responses

    dense = lines(study)[0].dense
    return Stored(loaders.cohort(dense) if responses.cohort_path(dense).exists() else None, loaders.response)


def findings(study: str, measure: str) -> list[Finding]:
    """The verdict on every claim about the study."""
    return _findings(study, measure, _state(study))


@st.cache_data(max_entries=16, show_spinner="Comparing the networks on the same images")
def _findings(study: str, measure: str, state: tuple) -> list[Finding]:
    own = lines(study)
    known = claims.claims(study, own[0].sparsities)
    return claims.judge(known, own, stored(study), measure)


def curves(study: str) -> pd.DataFrame:
    """Both measures at every sparsity that is known."""
    return _curves(study, _state(study))


@st.cache_data(max_entries=8, show_spinner="Measuring every step of sparsity")
def _curves(study: str, state: tuple) -> pd.DataFrame:
    return replication.curves(lines(study), stored(study))


def losses(study: str, watched: str) -> pd.DataFrame:
    """What each network of the study's methods loses against the dense one, of :func:`core.replication.losses`."""
    return _losses(study, watched, _state(study))


@st.cache_data(max_entries=16, show_spinner=False)
def _losses(study: str, watched: str, state: tuple) -> pd.DataFrame:
    known = stored(study)
    return pd.concat([replication.losses(path, known, watched) for path in loaders.studies()[study].values()])


def _state(study: str) -> tuple:
    """What the study's numbers depend on; changes when a checkpoint or a stored answer does."""
    from core import responses

    known = []
    for entry in loaders.cards():
        if entry.card.study == study:
            files = responses.path_of(entry), responses.cohort_path(entry)
            known.append((entry.id, entry.card.digest, *map(loaders.changed, files)))
    return tuple(known)


def leaks(study: str) -> dict[str, leak.Leak]:
    """Answers of the study's networks that were trained under the row split, by id; those that are stored."""
    known = {}
    for entry in leak.networks(loaders.cards(), study):
        path = leak.path_of(entry)
        found = _leak(str(path), path.stat().st_mtime_ns, entry.card.digest, entry) if path.exists() else None
        if found is not None:
            known[entry.id] = found
    return known


@st.cache_resource(max_entries=8, show_spinner=False)
def _leak(path: str, changed: int, digest: str, _entry: Entry):
    return leak.read(_entry)
