"""`python -m core verify`: recompute stored answers from the weights and the images, and compare."""

from core.cli.output import add_command, images_of, remark, reporter, table, write_json
from core.errors import CheckpointNotFound, PruneScopeError

_DESCRIPTION = """\
Recompute the stored answers of checkpoints from their weights and the real test images, and compare: every answer must
be the same, but for ties between two classes that rounding decides. Checkpoints whose weights or answers are not here
are passed over. All stored steps of sparsity are recomputed, which takes as long as making them did; --steps takes some."""

_EXAMPLES = """\
  python -m core verify --steps 4                       four steps of every checkpoint
  python -m core verify ham10000-64/vgg16/one_shot-80   all steps of one"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "verify",
        verify,
        usage="[ID ...] ",
        help="recompute stored answers and compare",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    command.add_argument("ids", metavar="ID", nargs="*", help="checkpoints; all that have stored answers by default")
    command.add_argument(
        "--steps", type=int, metavar="N", help="so many steps of each, drawn at random with a fixed seed"
    )


def verify(args) -> None:
    """Carry out the command.

    Raises:
        CheckpointNotFound: an id that is not there, or nothing to verify.
        PruneScopeError: a stored answer does not come out again.
    """
    from core import responses, verification

    checks = []
    for entry in _entries(args):
        if not responses.path_of(entry).exists():
            continue
        info = entry.card.data
        test, train = images_of(args, info, "test", "train")
        found = list(
            verification.verify(entry, test, train, steps=args.steps, device=args.device, report=reporter(args))
        )
        if not found:
            remark(args, f"{entry.id}: its stored answers are of other weights or other images; passed over.")
        checks += found
    if not checks:
        raise CheckpointNotFound(
            "There is nothing to verify",
            expected="a checkpoint with its weights and its stored answers",
            remedy="store answers with `python -m core respond STUDY`",
        )
    _show(checks, args)
    wrong = [check for check in checks if not check.holds]
    if wrong:
        raise PruneScopeError(
            "Stored answers do not come out again",
            given=f"{len(wrong)} of {len(checks)} steps, such as {wrong[0].id} at {wrong[0].percent}%",
            remedy="delete the response file and make it again with `python -m core respond`",
        )


def _entries(args):
    from core import checkpoints

    known = {entry.id: entry for entry in checkpoints.list(args.checkpoints) if entry.card and entry.weights}
    for id in args.ids:
        if id not in known:
            checkpoints.load(id, root=args.checkpoints)  # says what is wrong with it
    return [known[id] for id in args.ids] or list(known.values())


def _show(checks, args) -> None:
    if args.json:
        write_json([vars(check) | {"holds": check.holds} for check in checks])
        return
    rows = [
        (
            check.id,
            f"{check.percent}%",
            "recalibrated" if check.recalibrated else "raw",
            f"{check.equal:,}/{check.images:,}",
            check.ties,
            f"{check.largest:.3f}",
            "yes" if check.holds else "NO",
        )
        for check in checks
    ]
    headings = ("id", "sparsity", "batch norm", "same answer", "ties", "largest difference", "holds")
    print(table(rows, headings, right=(1, 3, 4, 5)))
