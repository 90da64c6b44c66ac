"""What a report says of one position of the slider: numbers with intervals, the recipe, the commands. No markup, no chart."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pandas as pd

import core
from core import evaluation
from core.checkpoints import Card, Entry
from core.claims.wording import percent
from core.cohort import Cohort
from core.data.ham10000 import TITLES, class_words
from core.evaluation import Interval
from core.evaluation.outcomes import METHOD
from core.paths import PRUNE_ONLY, Path, is_trained
from core.pruning.fixed import as_text
from core.report import commands
from core.studies import Study
from core.whatif import Estimate
from core.words import METHOD_TITLES

NOT_FOR_DIAGNOSIS = "PruneScope explains networks. It is not a medical device and not for diagnosis."


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Attributes:
        title: what it shows.
        frame: the cells.
        note: on what it rests.
    """

    title: str
    frame: pd.DataFrame
    note: str


@dataclass(frozen=True)
class Content:
    """All that a report says.

    Attributes:
        title: of the report.
        facts: (name, value), what was looked at.
        tables: the numbers.
        commands: make and measure it again, in order.
        cards: (id, card as JSON-ready values) of both networks, recipes included.
        link: path and query of the same view in the app.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    commands: tuple[str, ...]
    cards: tuple[tuple[str, dict], ...]
    link: str


def assemble(
    path: Path,
    sparsity: float,
    own: Entry,
    estimate: Estimate,
    cohort: Cohort,
    *,
    diagnosis: str | None = None,
    fixed: tuple[tuple[int, int], ...] = (),
    link: str = "",
) -> Content:
    """What is to be said of a position.

    Args:
        path: of the method.
        sparsity: in [0, 1).
        own: the network that stands for it, see :meth:`core.paths.Path.standing`.
        estimate: both networks' answers to all test images, in their order.
        cohort: the test images.
        diagnosis: the class that is brought out, if any.
        fixed: units of layers set by hand, (number, percent).
        link: path and query of the view.
    """
    dense = path.dense.card
    return Content(
        f"{Study.parse(path.study).title}: {_method(path.method)}, {percent(sparsity)} of the weights removed",
        tuple(_facts(path, sparsity, own, estimate, cohort, diagnosis, fixed)),
        (_scores(estimate, cohort), _ledger(estimate, cohort, diagnosis)),
        tuple(_commands(own.card, sparsity, bool(estimate.recalibrated_on), fixed)),
        _cards(own.card, dense),
        link,
    )


def _facts(path: Path, sparsity: float, entry: Entry, estimate: Estimate, cohort: Cohort, diagnosis, fixed):
    own, dense = entry.card, path.dense.card
    yield "Study", f"{Study.parse(path.study).title} ({path.study})"
    yield "Method", _method(path.method)
    trained = is_trained(entry, sparsity) and not fixed
    reached = "a trained checkpoint" if trained else f"pruned on from {percent(own.sparsity)} without fine-tuning"
    yield "Sparsity", f"{percent(sparsity)}, {reached}"
    if fixed:
        yield "Layers set by hand", as_text(dict(fixed))
    images = estimate.recalibrated_on
    yield "Batch norm", f"re-estimated on {images:,} training images, for both networks" if images else "as trained"
    lesions = "" if cohort.groups is None else f" of {len(set(cohort.groups)):,} lesions"
    yield "Test images", f"{len(cohort):,}{lesions}; none was trained on, and none chose anything"
    if diagnosis:
        yield "Brought out", TITLES.get(diagnosis, diagnosis)
    yield "Dense network", f"{dense.id}, digest {dense.digest}"
    yield "Pruned network", f"{own.id}, digest {own.digest}"
    yield "Digest of the test images", cohort.digest
    yield "Made", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC by PruneScope {core.__version__}"


def _scores(estimate: Estimate, cohort: Cohort) -> Table:
    metrics = evaluation.headlines(short=estimate.short)
    scores = evaluation.scoreboard(estimate.dense, estimate.pruned, cohort.labels, cohort.groups, metrics=metrics)
    rows = []
    for score in scores:
        percent = score.metric.unit == "%"
        rows.append(
            {
                "Measure": score.metric.title,
                "Dense": _number(score.dense, percent),
                "Pruned": _number(score.pruned, percent),
                "Difference": _number(score.change, percent, signed=True),
                "Interval of the difference": score.change.method,
            }
        )
    note = f"n = {estimate.n:,} test images, the same for both networks. In brackets 95% intervals."
    return Table("How good both networks are", pd.DataFrame(rows), note)


def _ledger(estimate: Estimate, cohort: Cohort, diagnosis: str | None) -> Table:
    labels, names = cohort.labels, cohort.class_names
    table = evaluation.ledger(estimate.dense, estimate.pruned, labels, names, cohort.groups)
    thing = "images" if cohort.groups is None else "lesions"
    rows = []
    for place, row in enumerate(table.to_dict("records")):
        if not row["lesions"]:
            continue
        together = place == len(names)
        name = "All together" if together else TITLES.get(row["group"], row["group"])
        rows.append(
            {
                class_words(names)[0].capitalize(): f"{name} *" if row["group"] == diagnosis and not together else name,
                thing.capitalize(): f"{row['lesions']:,}",
                "Found, dense": _share(row, "found_dense", "dense"),
                "Found, pruned": _share(row, "found_pruned", "pruned"),
                "Newly missed": _share(row, "newly_missed", "missed"),
                "Newly caught": _share(row, "newly_caught", "caught"),
                "McNemar p": f"{row['p_value']:.3f}" if row["p_value"] >= 0.001 else "< 0.001",
            }
        )
    note = (
        f"Counts of {thing}, and in brackets their share with its 95% interval. Found: Wilson. Newly missed and caught: {METHOD if thing == 'lesions' else METHOD.replace('lesion', 'image')}."
        + (" * brought out." if diagnosis else "")
    )
    return Table("What pruning takes and gives", pd.DataFrame(rows), note)


def _share(row: dict, count: str, share: str) -> str:
    low, high = (100 * row[f"{share}_{end}"] for end in ("low", "high"))
    return f"{row[count]:,} ({row[share]:.1%} [{low:.1f}, {high:.1f}])"


def _number(value: Interval, percent: bool, signed: bool = False) -> str:
    return value.format(percent=percent, signed=signed).partition(", n =")[0]


def _commands(own: Card, sparsity: float, recalibrated: bool, fixed) -> list[str]:
    made = commands.make(own)
    if fixed:
        return made  # layers set by hand are of the app's slider only
    return made + commands.again(own, sparsity, recalibrated)


def _cards(own: Card, dense: Card) -> tuple[tuple[str, dict], ...]:
    known = {card.id: card for card in (dense, own)}
    return tuple(
        (
            id,
            {
                "recipe": card.recipe,
                "recipe_hash": card.recipe_hash,
                "digest": card.digest,
                "split_digest": card.data.split_digest,
                "seed": card.seed,
                "epochs": card.epochs,
                "zeros": card.zeros,
                "weights": card.weights,
                "versions": card.versions,
            },
        )
        for id, card in known.items()
    )


def _method(name: str) -> str:
    return METHOD_TITLES.get(name, "No fine-tuning" if name == PRUNE_ONLY else name.replace("_", " ").capitalize())
