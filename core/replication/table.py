"""The paper's table of results beside ours, cell by cell, from the cards alone."""

from collections.abc import Iterable

import pandas as pd

from core import paper
from core.checkpoints import Card, Entry
from core.errors import PruneScopeError
from core.replication.lines import Line, lines
from core.studies import Study

_OURS = ("accuracy", "balanced_accuracy")


def table(entries: Iterable[Entry]) -> pd.DataFrame:
    """Every cell of the paper's table with every network of ours that answers to it.

    Args:
        entries: from :func:`core.checkpoints.list`.

    Returns:
        One row a cell and study: model, dataset, sparsity, method, paper (accuracy, in [0, 1]), study, split_by, id,
        epochs, n, accuracy with accuracy_low and accuracy_high, balanced_accuracy with its own, difference (accuracy
        less paper), inside (whether the paper's number lies in our interval), marks (letters of
        :func:`core.paper.deviations`), same_dense (:meth:`core.replication.Line.at_home`), and over all seeds: seeds (how many), seeds_low and seeds_high (least and
        greatest accuracy). Networks trained under the row split have rows of their own. A cell that nothing of ours
        answers to has one row with study None.
    """
    entries = [entry for entry in entries if entry.card is not None]
    studies = _studies(entries)
    rows = []
    for cell in paper.accuracy().to_dict("records"):
        known = {name: cell[name] for name in ("model", "dataset", "sparsity", "method")} | {"paper": cell["accuracy"]}
        found = []
        for study, row_split, own in studies:
            if (study.architecture, study.data) == (cell["model"], cell["dataset"]):
                found.append(known | _ours(study.name, row_split, own, cell))
        rows += found or [known | {"study": None}]
    return pd.DataFrame(rows, columns=_COLUMNS)


_INTERVALS = [f"{name}{end}" for name in _OURS for end in ("", "_low", "_high")]
_COLUMNS = ["model", "dataset", "sparsity", "method", "paper", "study", "split_by", "id", "epochs", "n", *_INTERVALS]
_COLUMNS += ["difference", "inside", "marks", "same_dense", "seeds", "seeds_low", "seeds_high"]


def marks(entries: Iterable[Entry]) -> pd.DataFrame:
    """What the marks of :func:`table` mean.

    Args:
        entries: the checkpoints whose marks are to be explained.

    Returns:
        One row a mark and pair of values: mark, what, paper, ours.
    """
    found = dict.fromkeys(deviation for entry in entries for deviation in paper.deviations(entry.card))
    rows = sorted(((item.mark, item.what, item.paper, item.ours) for item in found), key=lambda row: row[0])
    return pd.DataFrame(rows, columns=["mark", "what", "paper", "ours"])


def _studies(entries: list[Entry]) -> list[tuple[Study, bool, list[Line]]]:
    found = []
    for name in sorted({entry.card.study for entry in entries}):
        try:
            study = Study.parse(name)
        except PruneScopeError:
            continue  # a card from elsewhere may be of a study that cannot be trained here
        for row_split in (False, True):
            if own := lines(name, entries, row_split=row_split):
                found.append((study, row_split, own))
    return found


def _ours(study: str, row_split: bool, own: list[Line], cell: dict) -> dict:
    row = {"study": study, "split_by": "row" if row_split else own[0].dense.card.data.split_by}
    repeats = [line.at(cell["method"], cell["sparsity"]) for line in own]
    if repeats[0] is None:
        return row
    card = repeats[0].card
    row |= {"id": repeats[0].id, "epochs": card.epochs, "marks": "".join(d.mark for d in paper.deviations(card))}
    row["same_dense"] = own[0].at_home(repeats[0])
    for name in _OURS:
        value = card.metrics.get(name) or {}
        row |= {name: value.get("estimate"), f"{name}_low": value.get("low"), f"{name}_high": value.get("high")}
        row["n"] = value.get("n")
    if row["accuracy"] is not None:
        row["difference"] = row["accuracy"] - cell["accuracy"]
        if row["accuracy_low"] is not None:
            row["inside"] = row["accuracy_low"] <= cell["accuracy"] <= row["accuracy_high"]
    seeds = [value for entry in repeats if entry and (value := _accuracy(entry.card)) is not None]
    if seeds:
        row |= {"seeds": len(seeds), "seeds_low": min(seeds), "seeds_high": max(seeds)}
    return row


def _accuracy(card: Card) -> float | None:
    return (card.metrics.get("accuracy") or {}).get("estimate")
