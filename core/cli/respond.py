"""`python -m core respond`: answers at every sparsity, stored, so that the slider answers at once and without images."""

from core.cli.making import add_study, check_study
from core.cli.output import add_command, images_of, remark, reporter, size

_DESCRIPTION = """\
Ask every network of a study about every test image, at each sparsity from its own upwards, raw and with batch norm
recalibrated, and store the answers beside the checkpoints. The app then answers a move of the slider at once, also on
machines without the images. Coarse steps come first, and what is done is kept: the same command goes on from there."""

_EXAMPLES = """\
  python -m core respond ham10000-64/vgg16             at 0, 1, ..., 99%
  python -m core respond ham10000-64/vgg16 --every 10  at 0, 10, ..., 90% only"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "respond",
        respond,
        usage="STUDY ",
        help="store a study's answers at every sparsity",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_study(command)
    command.add_argument(
        "--every", type=int, default=1, metavar="P", help="percentage points between steps; 1 by default"
    )


def respond(args) -> None:
    """Carry out the command."""
    from core import paths, responses
    from core.errors import InvalidValue

    if not 1 <= args.every <= 99:
        raise InvalidValue("The distance between steps is out of range", given=args.every, expected="1 to 99 percent")
    study = check_study(args)
    known = paths.of(study, args.checkpoints)
    entries = {entry.id: entry for path in known.values() for entry in path.entries}
    info = next(iter(known.values())).dense.card.data
    test, train = images_of(args, info, "test", "train")
    for entry in entries.values():
        made = responses.make(
            entry, test, train, percents=range(0, 100, args.every), device=args.device, report=reporter(args)
        )
        path = responses.path_of(entry)
        remark(args, f"{entry.id}: {len(made.answers)} steps in {path} ({size(path.stat().st_size)})")
