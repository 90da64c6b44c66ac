"""`python -m core sensitivity`: what it costs to prune one layer alone, stored beside the network."""

from core.cli.making import add_study, check_study
from core.cli.output import add_command, images_of, remark, reporter, share, size

_DESCRIPTION = """\
Prune each layer of a study's dense network alone, to a few sparsities and without fine-tuning, and store how much
accuracy that costs, with intervals. It is asked of the validation images; test images choose nothing. A DenseNet is
taken block by block (--by layer takes each of its 169 layers, which lasts hours). What is done is kept: the same
command goes on from there."""

_EXAMPLES = """\
  python -m core sensitivity ham10000-64/vgg16
  python -m core sensitivity phantom-64/densenet169 --at 0.8 0.9"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "sensitivity",
        sensitivity,
        usage="STUDY ",
        help="store what pruning one layer alone costs",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_study(command)
    command.add_argument("--at", type=share, nargs="+", metavar="S", help="sparsities; 0.5 0.8 0.9 0.95 by default")
    command.add_argument("--by", default="auto", help="auto (default), layer or unit, as layerwise pruning takes them")


def sensitivity(args) -> None:
    """Carry out the command."""
    study = check_study(args)
    from core import paths
    from core import sensitivity as engine

    entry = next(iter(paths.of(study, args.checkpoints).values())).dense
    info = entry.card.data
    validation, train = images_of(args, info, "validation", "train")
    made = engine.make(
        entry,
        validation,
        train,
        sparsities=args.at or engine.SPARSITIES,
        by=args.by,
        device=args.device,
        report=reporter(args),
    )
    path = engine.path_of(entry)
    remark(args, f"{entry.id}: {len(made.rows)} rows in {path} ({size(path.stat().st_size)})")
