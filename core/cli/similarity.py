"""`python -m core similarity`: networks compared layer by layer, stored, so that the app shows it at once and without images."""

from core.cli.making import add_study, check_study
from core.cli.output import add_command, facts, images_of, remark, reporter, size, write_json

_DESCRIPTION = """\
Compare the features of a study's networks layer by layer (CKA) and store the result beside the checkpoints: each network
with itself and with each other at each sparsity that several methods have, over all test images, over melanoma and over
the rest, and each step of the sparsity slider against the dense network. Images that alone decide what a layer tells apart
are left out where layers could not be compared otherwise; the page names them. Two dense networks of different seeds are
the floor to compare with: train a second one with `python -m core train STUDY --seed 1`.

What is up to date is kept: stopped, or run again after a network was trained anew, the command makes what is missing."""

_EXAMPLES = """\
  python -m core similarity ham10000-64/vgg16
  python -m core similarity ham10000-64/vgg16 --every 5   more steps of the slider
  python -m core similarity ham10000-64/vgg16 --anew      forget what is stored"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "similarity",
        similarity,
        usage="STUDY ",
        help="compare the features of a study's networks",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_study(command)
    command.add_argument(
        "--every",
        type=int,
        metavar="P",
        help="percentage points between steps of the slider; by default 10, and 85, 95 and 99%%",
    )
    command.add_argument("--anew", action="store_true", help="compute everything again")


def similarity(args) -> None:
    """Carry out the command."""
    from core import checkpoints, matrices, paths, replication, similarity_claims
    from core.errors import InvalidValue

    if args.every is not None and not 1 <= args.every <= 99:
        raise InvalidValue("The distance between steps is out of range", given=args.every, expected="1 to 99 percent")
    study = check_study(args)
    known, entries = paths.of(study, args.checkpoints), checkpoints.list(args.checkpoints)
    dense = next(iter(known.values())).dense
    info = dense.card.data
    test, train = images_of(args, info, "test", "train")
    percents = matrices.PERCENTS if args.every is None else range(0, 100, args.every)
    made = matrices.make(
        known, entries, test, train, percents=percents, anew=args.anew, device=args.device, report=reporter(args)
    )
    path = matrices.path_of(dense)
    remark(args, f"{len(made.records)} comparisons in {path} ({size(path.stat().st_size)})")
    findings = similarity_claims.judge(made, replication.lines(study, entries))
    if args.json:
        write_json(similarity_claims.as_table(findings).to_dict("records"))
        return
    for finding in findings:
        print(f"{finding.claim.sentence}  {finding.outcome}")
        print(facts({f"  {item.first.words} over {item.second.words}": _difference(item) for item in finding.evidence}))


def _difference(item) -> str:
    if item.difference is None:
        return item.reason
    text = item.difference.format(percent=False, signed=True)
    return f"{text}  {item.verdict}" + (f": {item.reason}" if item.reason else "")
