"""`python -m core evaluate`: what a checkpoint is worth on images."""

import csv
from dataclasses import dataclass
from pathlib import Path

from core.cli.output import add_command, facts, percent, remark, reporter, share, table, write_json
from core.errors import CheckpointMismatch, InvalidValue
from core.files import atomic_path, check_destination

_DESCRIPTION = """\
Measure a checkpoint on images it was not trained on: accuracy, balanced accuracy, AUC and calibration, each with its
95% interval and the number of images behind it, then sensitivity and specificity for each class. With --sparsity it is
first pruned further without fine-tuning, as the slider of the app does."""

_EXAMPLES = """\
  python -m core evaluate ham10000-64/vgg16/dense
  python -m core evaluate ham10000-64/vgg16/dense --sparsity 0.9 --recalibrate
  python -m core evaluate ~/downloads/model.safetensors --split validation --csv metrics.csv"""

_SHARES = ("sensitivity", "specificity", "positive_predictive_value")


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "evaluate",
        evaluate,
        usage="CHECKPOINT ",
        help="measure a checkpoint on images",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    command.add_argument("checkpoint", metavar="CHECKPOINT", help="an id from `list`, or a .safetensors file")
    command.add_argument(
        "--split", choices=("validation", "test"), default="test", help="choose things by validation, report on test"
    )
    command.add_argument(
        "--sparsity", type=share, metavar="S", help="prune on by magnitude to this share of zeros, without fine-tuning"
    )
    command.add_argument(
        "--recalibrate", action="store_true", help="re-estimate batch norm on about a thousand training images first"
    )
    command.add_argument("--precision", default="auto", help="auto (default), float32 or bfloat16")
    command.add_argument("--csv", metavar="FILE", help="write all metrics to this file, a row each")


@dataclass(frozen=True)
class Outcome:
    """What was measured, on what.

    Attributes:
        report: from :func:`core.evaluation.evaluate`.
        about: which network on which images, for the reader and for JSON.
    """

    report: object
    about: dict


def evaluate(args) -> None:
    """Carry out the command."""
    if args.csv:
        check_destination(Path(args.csv))  # before minutes are spent
    outcome = _measure(args)
    if args.json:
        write_json(outcome.about | outcome.report.as_dict())
    else:
        _print(outcome)
        for note in outcome.report.notes:
            remark(args, note)
    if args.csv:  # last: a file that cannot be written must not take away what was measured
        _write_csv(outcome, args.csv)
        remark(args, f"Wrote {args.csv}.")


def _measure(args) -> Outcome:
    from core import checkpoints, device, evaluation
    from core.data import load
    from core.errors import check_sparsity
    from core.own.pruned import already, sentence
    from core.splitdigest import split_digest
    from core.training import calibration_rows

    sparsity = None if args.sparsity is None else check_sparsity(args.sparsity)
    device.precision(args.precision, args.device)
    checkpoint = checkpoints.load(args.checkpoint, root=args.checkpoints)
    card, report = checkpoint.card, reporter(args)
    sets = {
        split: load(
            card.data.name,
            split,
            size=card.data.size,
            root=args.data_root,
            split_by=card.data.split_by or None,
            report=report,
        )
        for split in ("train", "validation", "test")
    }
    images = sets[args.split]
    if images.class_names != card.data.class_names:
        raise CheckpointMismatch(
            "The data have other classes than the network",
            given=", ".join(images.class_names),
            expected=", ".join(card.data.class_names),
            remedy="point --data at the images that it was trained on",
        )
    if card.data.split_digest not in ("", split_digest(*sets.values())):
        remark(
            args,
            "Careful: these are not exactly the images of its training, or not split alike. It may have seen some.",
        )
    model, masks = _pruned(checkpoint, sparsity)
    if args.recalibrate:
        some = sets["train"].take(calibration_rows(sets["train"].labels, card.recipe))
        model = evaluation.recalibrate(model, some, device=args.device, report=report)
    answers = evaluation.predict(model, images, device=args.device, precision=args.precision, report=report)
    measured = evaluation.evaluate(answers, images.labels, images.class_names, groups=images.groups, **_watched(card))
    about = {
        "checkpoint": checkpoint.id,
        "method": card.method,
        "sparsity": masks.sparsity,
        "pruned_further": sparsity is not None,
        "recalibrated": args.recalibrate,
        "data": card.data.name,
        "size": card.data.size,
        "split": args.split,
    }
    if sparsity is not None and (share := already(card)):
        remark(args, sentence(share))
    return Outcome(measured, about)


def _pruned(checkpoint, sparsity: float | None):
    """The network and its masks, pruned on to ``sparsity``."""
    from core.errors import check_choice
    from core.models import prunable
    from core.pruning import CRITERIA, Masks, Ranking, bind

    model, masks = checkpoint.model(), Masks(checkpoint.masks)
    if sparsity is None:
        return model, masks
    if sparsity < masks.sparsity and round(sparsity * masks.size) < masks.zeros:
        raise InvalidValue(
            "What was pruned does not come back",
            given=f"sparsity {sparsity:g}",
            expected=f"{masks.sparsity:g} or more, as this checkpoint has",
            remedy="start from a checkpoint of lower sparsity, such as the dense one",
        )
    # On in the order that pruned it so far: what lots chose, lots go on to choose.
    name = check_choice("criterion", checkpoint.card.criterion or "magnitude", CRITERIA)
    scores = CRITERIA[name](prunable(model), seed=checkpoint.card.seed or 0)
    masks = Ranking(scores, keep=masks, once=True).masks(sparsity)
    return bind(model, masks), masks


def _print(outcome: Outcome) -> None:
    from core.evaluation import METRICS

    report, about = outcome.report, outcome.about
    further = ", pruned on without fine-tuning" if about["pruned_further"] else ""
    further += ", batch norm recalibrated" if about["recalibrated"] else ""
    lesions = f", {report.lesions:,} lesions" if report.grouped else ""
    print(f"{about['checkpoint']}: {percent(about['sparsity'])} of weights are zero{further}")
    print(f"{about['data']} at {about['size']} pixels, {about['split']}: {report.images:,} images{lesions}\n")
    print(facts({METRICS[name].title: _text(name, value) for name, value in report.metrics.items()}) + "\n")
    if report.positive is not None:
        print(f"The threshold is for {report.positive}: {percent(report.threshold)}, fixed on validation images.\n")
    rows = [
        (row["class"], row["images"], *(_share(row, name) for name in _SHARES), _plain(row["auc"]))
        for row in report.per_class.to_dict("records")
    ]
    headings = ("class", "images", "sensitivity", "specificity", "predictive value", "AUC")
    print(table(rows, headings, right=(1, 5)))


def _text(name: str, interval) -> str:
    from core.evaluation import METRICS

    return interval.format(percent=METRICS[name].unit == "%")


def _share(row: dict, name: str) -> str:
    if row[name] != row[name]:
        return "–"
    return f"{percent(row[name])} [{100 * row[f'{name}_low']:.1f}, {100 * row[f'{name}_high']:.1f}]"


def _watched(card) -> dict:
    """The class that the checkpoint was given a threshold for, on validation, and that threshold; nothing if there is none."""
    for name in card.data.class_names:
        threshold = card.metrics.get(f"threshold/{name}", {}).get("estimate")
        if threshold is not None:
            return {"positive": name, "threshold": threshold}
    return {}


def _plain(value: float) -> str:
    return "–" if value != value else f"{value:.3f}"


def _write_csv(outcome: Outcome, path: str) -> None:
    from core.spreadsheets import cell

    report = outcome.report
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        write = csv.writer(file).writerow
        write(("metric", "class", "estimate", "low", "high", "images"))
        for name, value in report.metrics.items():
            write((name, "", *_cells(value.estimate, value.low, value.high), value.n))
        answered = report.confusion.sum(axis=0)
        for row, answers in zip(report.per_class.to_dict("records"), answered.tolist(), strict=True):
            # What each is a share of: images of the class, of all others, and those that got it for an answer.
            images = dict(zip(_SHARES, (row["images"], report.images - row["images"], answers), strict=True))
            for name in _SHARES:
                values = _cells(row[name], row[f"{name}_low"], row[f"{name}_high"])
                write((name, cell(row["class"]), *values, images[name]))
            write(("auc", cell(row["class"]), *_cells(row["auc"], None, None), report.images))


def _cells(*values) -> list:
    # An empty cell is what every program reads as "not known".
    return ["" if value is None or value != value else float(value) for value in values]
