"""What the page about size and speed shows, made by the engine and kept. No number is computed here."""

import threading
from datetime import datetime

import pandas as pd
import streamlit as st

from core import cost, exports
from core.checkpoints import Entry
from core.progress import Progress, clock
from pages.components import loaders, look

_TURN = threading.Lock()
DENSE, ZEROS, COMPACTED = "Dense", "Pruned, zeros left in", "Compacted"


def entries(study: str) -> list[Entry]:
    """The networks of a study whose weights are here, as every page lists them: by sparsity, then method.

    Where no weights are here at all, those whose results are: whatever looks at one says then what is missing.
    """
    known = results(study)
    return [entry for entry in known if entry.weights] or known


def without_weights(study: str) -> int:
    """How many networks of a study are here as results only."""
    return sum(not entry.weights for entry in results(study))


def results(study: str) -> list[Entry]:
    """All that can be compared, with weights or without: under the row split a network has seen lesions of test images."""
    found = [
        entry
        for entry in loaders.entries()
        if entry.card is not None and entry.card.study == study and entry.card.data.split_by != "row"
    ]
    return sorted(found, key=lambda entry: (entry.card.sparsity, look.order(entry.card.method), entry.card.seed or 0))


def parent(entry: Entry, among: list[Entry]) -> Entry | None:
    """The dense network that a checkpoint was pruned from; itself if it is dense."""
    if entry.card.parent is None:
        return entry
    return next((other for other in among if entry.comes_from(other)), None)


def counted(entry: Entry) -> cost.Cost:
    """The cost of a checkpoint."""
    return loaders.results().make(("cost", entry.card.digest), lambda: cost.cost_of(entry))


def like_for_like(found: cost.Cost) -> str:
    """What of the smallest file rounding alone does, as a sentence to go on with; "" where it has all bits."""
    smallest = min(found.bytes, key=found.bytes.get)
    if not found.zeros or smallest not in ("sparse", "compact16") or "plain16" not in found.bytes:
        return ""
    return f". Rounding to 16 bits alone makes it {_mb(found.bytes['plain16'])} MB, pruning then {_mb(found.bytes[smallest])} MB"


def headline(found: cost.Cost) -> str:
    """Whether a network is smaller and faster, from what was counted of it."""
    smallest, plain = (_mb(size) for size in (min(found.bytes.values()), found.bytes["plain"]))
    left = found.flops_left / found.flops
    remain = f"{look.share(left)} of the operations remain"
    if not found.zeros and left == 1:
        return f"Nothing is pruned here: smaller by rounding alone, {smallest} of {plain} MB, and no faster."
    if left == 1:
        faster = "no, all operations remain"
    else:
        faster = f"hardly, {remain}" if 1 - left < cost.SAME else f"it should be, once compacted {remain}"
    return f"Smaller: {smallest} of {plain} MB. Faster: {faster}."


def _mb(size: int) -> str:
    return f"{size / 1e6:,.1f}"


def counted_all(known: list[Entry]) -> dict[str, cost.Cost]:
    """The costs of many checkpoints by id; those not counted before are counted now, with a sign of progress."""
    missing = [entry for entry in known if loaders.results().get(("cost", entry.card.digest)) is None]
    if missing:
        bar = st.progress(0.0, "Counting")
        try:
            for number, entry in enumerate(missing):
                bar.progress(number / len(missing), f"Counting {entry.id}, {number + 1} of {len(missing)}")
                counted(entry)
        finally:  # also where one has no weights here: its message takes the place of the bar
            bar.empty()
    return {entry.id: counted(entry) for entry in known}


def sizes(found: cost.Cost) -> pd.DataFrame:
    """The files that a network can be stored as, the largest first: file (title), bytes."""
    rows = [{"file": exports.FORMATS[name].title, "bytes": size} for name, size in found.bytes.items()]
    return pd.DataFrame(rows).sort_values("bytes", ascending=False)


def compacted(entry: Entry):
    """A checkpoint without its dead channels; shared, so never changed."""
    return _compacted(str(entry.path), entry.card.digest, entry)


@st.cache_resource(max_entries=4, show_spinner="Leaving out dead channels")
def _compacted(path: str, digest: str, _entry):
    from core.pruning import compact

    subject = loaders.subject(_entry)
    return compact(subject.model, subject.masks, size=_entry.card.data.size)


def measured(entry: Entry, dense: Entry) -> tuple[list[cost.Speed], str] | None:
    """What was timed of a checkpoint on this machine, and when; None if nothing was."""
    return loaders.results().get(_speed_key(entry, dense))


def measure(entry: Entry, dense: Entry) -> None:
    """Time a checkpoint against its dense network, here and now, and keep it."""
    networks = {DENSE: loaders.subject(dense).model}
    if entry.id != dense.id:
        networks[ZEROS] = loaders.subject(entry).model
    networks[COMPACTED] = compacted(entry)
    speeds = _with_progress(lambda report: cost.measure(networks, entry.card.data.size, report=report))
    loaders.results().put(_speed_key(entry, dense), (speeds, _now()))


def measured_all(known: list[Entry]) -> tuple[dict[str, cost.Times], cost.Machine, str] | None:
    """Seconds for one image of every compacted network, all timed together; None if they were not."""
    return loaders.results().get(_all_key(known))


def measure_all(known: list[Entry]) -> None:
    """Time all networks, compacted, on one image each. Visitors take turns: two would slow each other, and each holds all networks."""
    with _TURN:
        _measure_all(known)


def _measure_all(known: list[Entry]) -> None:
    from core import checkpoints
    from core.pruning import compact

    networks = {}
    bar = st.progress(0.0, "Getting ready")
    try:
        for number, entry in enumerate(known):
            bar.progress(number / len(known), f"Getting ready: {entry.id}")
            checkpoint = checkpoints.load(entry.path)
            networks[entry.id] = compact(checkpoint.model(), checkpoint.masks, size=entry.card.data.size)
    finally:
        bar.empty()
    seconds = min(60.0, 3.0 * len(known))
    size = known[0].card.data.size
    [speed] = _with_progress(lambda report: cost.measure(networks, size, batches=(1,), seconds=seconds, report=report))
    loaders.results().put(_all_key(known), (speed.times, speed.machine, _now()))


def head(entry: Entry) -> tuple[list[cost.Speed], float, bool] | None:
    """Linear layers timed as dense and sparse matrices: speeds, their sparsity, and whether they are the network's own."""
    return loaders.results().get(("head", entry.card.digest))


def measure_head(entry: Entry) -> None:
    """Time the linear layers of torchvision's head at this checkpoint's sparsity."""
    subject, size = loaders.subject(entry), entry.card.data.size
    made = cost.own_head(subject.model, subject.masks, size) or cost.stand_in_head(
        entry.card.actual_sparsity, len(entry.card.data.class_names), size
    )
    speeds = _with_progress(lambda report: cost.compare_heads(made, report=report))
    loaders.results().put(("head", entry.card.digest), (speeds, made.sparsity, made.own))


def _with_progress(work):
    bar = st.progress(0.0, "Getting ready")

    def report(progress: Progress) -> None:
        left = progress.seconds_left
        bar.progress(progress.fraction, progress.stage + (f", about {clock(left)} left" if left else ""))

    try:
        return work(report)
    finally:
        bar.empty()


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M, %d %B %Y")


def _speed_key(entry: Entry, dense: Entry) -> tuple:
    return "speed", entry.card.digest, dense.card.digest


def _all_key(known: list[Entry]) -> tuple:
    return "latencies", *(entry.card.digest for entry in known)
