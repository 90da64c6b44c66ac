"""What the page about similarity reads: stored comparisons at once, others computed live and kept."""

import streamlit as st

from core import checkpoints, matrices, paths, replication, similarity_claims
from core.checkpoints import Entry
from core.matrices import Position, Stored
from core.progress import Report
from core.replication import Line
from core.similarity import CKAMatrix, layer_names
from pages.components import loaders, similarity_words
from pages.components.memory import Memory


def lines(study: str) -> list[Line]:
    """The study's own networks, and repeats of them with other seeds."""
    return replication.lines(study, loaders.cards())


def stored(study: str) -> Stored | None:
    """What is stored of the study; None if nothing is. Read anew when the file or a checkpoint changes."""
    own = lines(study)
    if not own:
        return None
    path = matrices.path_of(own[0].dense)
    if not path.exists():
        return None
    family = [entry for entry in loaders.cards() if entry.card.study == study]
    state = tuple((entry.id, entry.card.digest) for entry in family)
    return _stored(str(path), path.stat().st_mtime_ns, state, path, family)


@st.cache_resource(max_entries=8, show_spinner=False)
def _stored(name: str, changed: int, state: tuple, _path, _family: list[Entry]) -> Stored | None:
    return matrices.read(_path, _family)


def comparable(study: str) -> set[str]:
    """Ids of the networks that can be compared: by their weights, or because comparisons of them are stored."""
    known = stored(study)
    return {entry.id for entry in loaders.cards() if entry.weights} | set(known.digests if known else ())


def sparsities(study: str) -> list[float]:
    """At which the pruned networks of the study can be compared with each other, rising."""
    usable = comparable(study)
    return matrices.sparsities(lines(study)[0], lambda entry: entry.id in usable)


def networks(study: str, sparsity: float | None) -> dict[str, Entry]:
    """The networks that are compared with each other: see :func:`core.matrices.chosen`."""
    usable = comparable(study)
    return matrices.chosen(lines(study)[0], sparsity, lambda entry: entry.id in usable)


def findings(study: str, sparsity: float | None) -> list[similarity_claims.Finding]:
    """The verdict on every claim about the study, of its networks at ``sparsity``."""
    return similarity_claims.judge(stored(study), lines(study), sparsity)


@st.cache_data(max_entries=8, show_spinner=False)
def levels(architecture: checkpoints.Architecture) -> dict[str, list[str]]:
    """Levels of detail of a network -> its layers, the same layers not twice."""
    from core.checkpoints.architecture import empty

    model, found = empty(architecture), {}
    for level in ("blocks", "standard", "convolutions", "all"):
        names = layer_names(model, level)
        if names not in found.values():
            found[level] = names
    return found


def stored_matrix(study: str, a: Position, b: Position, sample: str, level: str) -> CKAMatrix | None:
    """A comparison as stored."""
    known = stored(study)
    return known.matrix(a, b, sample, level) if known and level in known.layers else None


def matrix(study: str, a: Position, b: Position, sample: str, level: str, n: int, report: Report) -> CKAMatrix:
    """A comparison: the stored one if it is what is asked for, else one computed before, else one computed now.

    Args:
        study, a, b, sample, level: see :class:`core.matrices.Key`.
        n: at most so many images.
        report: told while it is computed; may raise Cancelled.

    Raises:
        DataNotFound, WeightsNotHere: it takes images, or weights, that are not here.
    """
    found = stored_matrix(study, a, b, sample, level) if n == matrices.N else None
    if found is not None:
        return found
    by_id = {entry.id: entry for entry in loaders.cards()}
    for place in (a, b):
        if not by_id[place.network].weights:
            raise similarity_words.cannot_compute(by_id[place.network])
    key = (*((place, by_id[place.network].card.digest) for place in (a, b)), sample, level, n)
    found = _memory().get(key)
    if found is None:
        subjects = [(loaders.subject(by_id[place.network]), place) for place in (a, b)]
        found = _live(study, sample, level, n).matrix(*subjects, report=report)
        _memory().put(key, found)
    return found


def _live(study: str, sample: str, level: str, n: int) -> matrices.Live:
    dense = paths_of(study)[paths.PRUNE_ONLY].dense
    known = stored(study)
    without = tuple(item.row for item in known.left_out(sample)) if known else ()
    return _comparer(dense.card.digest, sample, level, n, without, loaders.bench(dense))


@st.cache_resource(max_entries=3, show_spinner=False)
def _comparer(digest: str, sample: str, level: str, n: int, without: tuple[int, ...], _bench) -> matrices.Live:
    return matrices.Live(_bench, sample, n, level, without=without)


@st.cache_resource(show_spinner=False)
def _memory() -> Memory:
    return Memory(megabytes=300)  # of all 510 modules of DenseNet169 one takes a dozen


def paths_of(study: str) -> dict[str, paths.Path]:
    """The study's paths."""
    return loaders.studies()[study]
