"""`python -m core list`: the checkpoints there are."""

from core.cli.output import add_command, measured, percent, remark, size, table, write_json

_DESCRIPTION = """\
List all checkpoints: what each is called, how it was made, which share of its weights is zero, and how well it does on
the test images, with the 95% interval. A damaged file is listed with what is wrong with it, and the rest all the same."""

_EXAMPLES = """\
  python -m core list
  python -m core list --json --checkpoints ~/checkpoints"""


def add(commands, common) -> None:
    """Declare the command."""
    add_command(
        commands,
        common,
        "list",
        show,
        help="list the checkpoints",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )


def show(args) -> None:
    """Carry out the command."""
    from core import checkpoints, files

    entries = checkpoints.list(args.checkpoints)
    good = [entry for entry in entries if entry.card]
    known = {entry.id: entry for entry in good}
    if args.json:
        write_json([_record(entry, known) for entry in entries])
        return
    broken = [entry for entry in entries if not entry.card]
    if not entries:
        folder = args.checkpoints or files.checkpoint_root()
        remark(args, f"No checkpoints in {folder} yet. To make one: python -m core train ham10000-64/vgg16")
    if good:
        rows = [
            (
                entry.id,
                _how(entry, known),
                percent(entry.card.actual_sparsity),
                measured(entry.card.metrics, "balanced_accuracy"),
                size(entry.size_bytes) if entry.weights else "no weights",
            )
            for entry in good
        ]
        print(table(rows, ("id", "method", "sparsity", "balanced accuracy", "size"), right=(2, 4)))
    if broken:
        print(("\n" if good else "") + "cannot be read:")
        for entry in broken:
            print(f"  {entry.id} ({size(entry.size_bytes)}): {entry.error}")


def _apart(entry, known: dict) -> bool:
    """Whether a network comes from another training of its dense network than the one that is listed."""
    parent = known.get(entry.card.parent)
    return parent is not None and not entry.comes_from(parent)


def _how(entry, known: dict) -> str:
    """The method, and what sets a network apart from others of its study: above all a split that leaks, so that its figures mislead."""
    card = entry.card
    training = card.recipe.get("training") or {}
    parts = [card.method]
    if training.get("norm_decay") and isinstance(training.get("decay"), int | float):
        parts.append(f"decay {training['decay']:g}")
    if card.seed:
        parts.append(f"seed {card.seed}")
    if card.data.split_by == "row":
        parts.append("row split (leaks)")
    if _apart(entry, known):
        parts.append("of another dense training")
    return ", ".join(parts)


def _record(entry, known: dict) -> dict:
    record = {"id": entry.id, "path": str(entry.path), "bytes": entry.size_bytes, "error": entry.error}
    record["weights"] = entry.weights
    if entry.card:
        card = entry.card
        record |= {"study": card.study, "method": card.method, "sparsity": card.actual_sparsity}
        record |= {"split_by": card.data.split_by, "parent": card.parent, "another_training": _apart(entry, known)}
        record |= {"recipe_hash": card.recipe_hash, "metrics": card.metrics}
    return record
