"""`python -m core leak`: what a split by image hides, on a network that was trained under it."""

from core.cli.output import add_command, percent, remark, reporter, size, table, write_json

_DESCRIPTION = """\
Score a network that was trained under the row split three times: on all its test images, on those whose lesion it never
saw, and on those whose lesion it had seen in training. Its answers are stored beside the checkpoint, so that the app
shows the lesson without images. To train such a network: python -m core train ham10000-64/vgg16 --split-by row"""

_EXAMPLES = """\
  python -m core leak                                      every network here that was trained under the row split
  python -m core leak ham10000-64/vgg16/dense-1a2b3c4d     this one"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "leak",
        leak,
        usage="[CHECKPOINT] ",
        help="score a network with and without the leak of the row split",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    command.add_argument("checkpoint", metavar="CHECKPOINT", nargs="?", help="an id from `list`")


def leak(args) -> None:
    """Carry out the command."""
    from core import device, leak
    from core.errors import CheckpointNotFound

    device.pick(args.device)
    found = {}
    for entry in _entries(args):
        stored = leak.read(entry)
        if stored is None and args.checkpoint is None and not entry.weights:
            remark(args, f"{entry.id}: left out, for neither its answers nor its weights are here")
            continue
        if stored is None:
            stored = leak.make(entry, data=args.data_root, device=args.device, report=reporter(args))
            path = leak.path_of(entry)
            remark(args, f"{entry.id}: {len(stored.labels):,} answers in {path} ({size(path.stat().st_size)})")
        found[entry.id] = stored
    if not found:
        raise CheckpointNotFound(
            "Of the networks of the row split neither answers nor weights are here",
            remedy="make the weights with `python -m core reproduce --profile paper`",
        )
    if args.json:
        write_json({id: leak.scores(stored).to_dict("records") for id, stored in found.items()})
        return
    print("\n\n".join(_text(id, stored) for id, stored in found.items()))


def _entries(args) -> list:
    from core import checkpoints, leak
    from core.checkpoints.names import not_found
    from core.errors import CheckpointNotFound

    entries = checkpoints.list(args.checkpoints)
    if args.checkpoint is None:
        if known := leak.networks(entries):
            return known
        raise CheckpointNotFound(
            "No network here was trained under the row split",
            remedy="train one with `python -m core train ham10000-64/vgg16 --split-by row`",
        )
    by_id = {entry.id: entry for entry in entries if entry.card is not None}
    if args.checkpoint not in by_id:
        raise not_found(args.checkpoint, by_id)
    return [by_id[args.checkpoint]]


def _text(id: str, stored) -> str:
    from core import leak

    rows = []
    for row in leak.scores(stored).to_dict("records"):
        span = f"{percent(row['estimate'])} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
        rows.append((row["group"], row["measure"], span, f"{row['n']:,.0f}", f"{row['lesions']:,.0f}"))
    headings = ("test images", "measure", "score", "images", "lesions")
    return f"{id}\n{table(rows, headings, right=(3, 4))}"
