"""A checkpoint's model card in Markdown: what it is, what it was made of, how well it does, what pruning took, its limits.

After Mitchell et al. (2019), Model cards for model reporting, FAT*.
"""

import json
import re

import pandas as pd

from core.checkpoints import Card, Checkpoint
from core.data.sources import DATASETS
from core.evaluation import METRICS, Interval
from core.exports.examples import example, fits
from core.exports.formats import FORMATS
from core.pruning import labels
from core.words import METHOD_SENTENCES, METHOD_TITLES

NOT_FOR_DIAGNOSIS = "**Not for diagnosis.** For teaching and research on pruning. This is no medical device."


def model_card(
    checkpoint: Checkpoint,
    format: str,
    file: str,
    *,
    harm: pd.DataFrame | None = None,
    level: int = 1,
    code: bool = True,
) -> str:
    """The model card that goes with ``file``.

    Args:
        checkpoint: what was exported.
        format: a name in :data:`core.exports.FORMATS`.
        file: name of the exported file.
        harm: from :func:`core.exports.stored_harm`; None where the answers to the test images are not stored.
        level: of its title; that of a page which shows the card is 1.
        code: whether it says how to load the file, and gives the whole recipe.

    Returns:
        Markdown.
    """
    card = checkpoint.card
    parts = [
        f"# {card.id}",
        NOT_FOR_DIAGNOSIS,
        _network(card),
        f"## This file\n\n`{file}`: {FORMATS[format].title}. {FORMATS[format].about} {fits(card)}",
        f"## Load and run it\n\n```python\n{example(card, format, file)}```" if code else "",
        _data(card),
        _metrics(card),
        _classes(card),
        _harm(card, harm),
        _limits(card),
        _recipe(card, code),
    ]
    return "\n\n".join(_lowered(part, level - 1) for part in parts if part) + "\n"


def _lowered(part: str, levels: int) -> str:
    """A part with its headings so many levels lower: its code has no line that looks like one."""
    return re.sub(r"^(#+ )", "#" * levels + r"\1", part, flags=re.MULTILINE)


def _network(card: Card) -> str:
    method = labels.parted(card.method).method
    title = METHOD_TITLES.get(method, method.replace("_", " ").capitalize()) + labels.variant(card.method)
    sentence = METHOD_SENTENCES.get(method, "")
    made = f"{title}. {sentence}" if sentence else f"{title}."
    pruned = f"{card.zeros:,} of {card.weights:,} convolution and linear weights are zero ({card.actual_sparsity:.1%})."
    parent = f" Pruned from `{card.parent}`." if card.parent else ""
    return (
        f"## The network\n\n{card.architecture}, for images of {card.data.size}×{card.data.size} pixels. {made} {pruned}{parent} "
        f"Trained for {card.epochs:g} epochs{'' if card.seed is None else f' with seed {card.seed}'}."
    )


def _data(card: Card) -> str:
    source = DATASETS.get(card.data.name)
    lines = [
        f"## Data\n\n{source.title if source else card.data.name}: {', '.join(map(_literally, card.data.class_names))}."
    ]
    if source and (source.citation or source.licence):
        lines.append(
            " ".join(
                filter(
                    None,
                    (
                        f"{source.citation}." if source.citation else "",
                        f"Licence: {source.licence}." if source.licence else "",
                        source.url,
                    ),
                )
            )
        )
    split = {"row": "by image: images of one lesion may be in training and test, which flatters all numbers"}
    split = split.get(card.data.split_by, f"by {card.data.split_by}" if card.data.split_by else "by image")
    lines.append(f"Split {split}. Digest of the split: `{card.data.split_digest or 'not known'}`.")
    lines += card.notes
    return "\n\n".join(lines)


def _metrics(card: Card) -> str:
    rows = [
        f"| {metric.title} | {Interval.from_dict(card.metrics[name]).format(percent=metric.unit == '%')} |"
        for name, metric in METRICS.items()
        if name in card.metrics
    ]
    if not rows:
        return "## How well it does\n\nNot measured."
    return (
        "## How well it does\n\nOn the test images, with 95% intervals.\n\n| measure | value |\n|---|---|\n"
        + "\n".join(rows)
    )


def _classes(card: Card) -> str:
    rows = [
        f"| {_literally(name)} | {Interval.from_dict(card.metrics[f'sensitivity/{name}']).format()} |"
        for name in card.data.class_names
        if f"sensitivity/{name}" in card.metrics
    ]
    if not rows:
        return "### By class\n\nNot measured."
    return "### By class\n\n| class | recognised (sensitivity) |\n|---|---|\n" + "\n".join(rows)


def _harm(card: Card, harm: pd.DataFrame | None) -> str:
    title = "## What pruning took and gave"
    if not card.parent:
        return f"{title}\n\nNothing was pruned." if not card.zeros else f"{title}\n\nIts dense network is not known."
    if harm is None:
        return (
            f"{title}\n\nNot known: the answers of this network and of `{card.parent}` to the test images are not stored. "
            "`python -m core respond` makes them."
        )
    columns = ["class", "lesions", "found_dense", "found_pruned", "newly_missed", "newly_caught"]
    words = ["class", "cases", "found dense", "found pruned", "newly missed", "newly caught"]
    rows = ["| " + " | ".join(_literally(str(row[name])) for name in columns) + " |" for row in harm.to_dict("records")]
    head = "| " + " | ".join(words) + " |\n" + "|---" * len(words) + "|"
    return f"{title}\n\nTest cases against `{card.parent}`; counts, without intervals.\n\n{head}\n" + "\n".join(rows)


def _limits(card: Card) -> str:
    lines = [
        "Its answers were measured on one data set only; other cameras, clinics and skins were not asked.",
        "It always answers with one of its classes, also to pictures of something else.",
        "Its probabilities are as calibrated as the calibration error above says, and no better.",
    ]
    if card.zeros:
        lines.append("Pruning may have harmed rare classes more than the accuracy shows: look at each class.")
    if card.data.name == "ham10000":
        lines.append(
            "HAM10000 holds mostly fair skin, from two clinics; most diagnoses of naevi were never confirmed by histology."
        )
    return "## Limits\n\n" + "\n".join(f"- {line}" for line in lines)


def _recipe(card: Card, code: bool) -> str:
    recipe = json.dumps(card.recipe, indent=1, ensure_ascii=False) if card.recipe else "null"
    versions = ", ".join(f"{name} {value}" for name, value in card.versions.items())
    parts = [
        f"## How it was made\n\nRecipe `{card.recipe_hash}`, {card.created}. {versions}.",
        *([f"```json\n{recipe}\n```"] if code else []),
        f"Digest of the checkpoint: `{card.digest}`",
    ]
    return "\n\n".join(parts)


def _literally(name: str) -> str:
    """A name that may be a stranger's, such as a class folder's, without what Markdown would take for the end of a cell or for markup."""
    return re.sub(r"[\\`*_\[\]<>|$~#]", r"\\\g<0>", name)
