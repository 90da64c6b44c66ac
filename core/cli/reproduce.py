"""`python -m core reproduce`: make every network and every stored answer that ships, or that a profile asks for."""

from argparse import ArgumentTypeError
from functools import partial

from core.cli.output import add_command, percent, remark, reporter, table, warn, write_json
from core.errors import InvalidValue, PruneScopeError

_DESCRIPTION = """\
Plan, make and report a whole set of runs: the dense network of each study, the three methods of pruning at 80, 90, 50
and 95%, and two controls with the same epochs (the dense network trained on, and pruning at random), then every network's
answers to the test images. Run again, it makes only what is missing; after Ctrl-C it goes on where it was.

profiles:
  cpu    at sizes that two cores can train, one seed
  gpu    CIFAR-100 trained to the end, HAM10000 at 128 pixels besides 64, three seeds
  paper  HAM10000 with the paper's row split and its unequal budgets, to explain its numbers"""

_EXAMPLES = """\
  python -m core reproduce --plan                          what is made and what is missing; makes nothing
  python -m core reproduce ham10000-64/vgg16
  python -m core reproduce cifar100-32/vgg16/iterative-80  the weights of one network whose results ship without them
  python -m core reproduce --profile gpu --minutes 90      stop in good order after an hour and a half
  for i in 1 2 3; do python -m core reproduce --profile gpu --share $i/3 & done; wait    three at once on one GPU"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "reproduce",
        reproduce,
        usage="[STUDY|ID ...] ",
        help="make all networks and answers of a profile",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    command.add_argument(
        "studies",
        metavar="STUDY|ID",
        nargs="*",
        help="studies of the profile, all of them by default; or ids of networks that `list` shows without weights",
    )
    command.add_argument("--profile", default="cpu", metavar="NAME", help="cpu (default), gpu or paper")
    command.add_argument("--plan", action="store_true", help="show the plan and make nothing")
    command.add_argument("--minutes", type=float, metavar="M", help="stop in good order after so long")
    command.add_argument(
        "--share", type=_share, default=(1, 1), metavar="I/N", help="of N processes at once, this makes the I-th part"
    )


def _share(text: str) -> tuple[int, int]:
    number, _, shares = text.partition("/")
    if not (number.isdigit() and shares.isdigit()):
        raise ArgumentTypeError(f"{text!r} is no share: write 2/4 for the second of four")
    return int(number), int(shares)


def reproduce(args) -> None:
    """Carry out the command.

    Raises:
        InvalidValue: no time, no such share or device, or studies and networks at once; nothing was made.
        PruneScopeError: the first problem, once all that could be made was made.
    """
    from core import device, profiles
    from core import reproduce as engine

    if args.minutes is not None and not args.minutes > 0:
        raise InvalidValue("There is no time to work in", given=f"{args.minutes:g} minutes", expected="more than 0")
    number, shares = args.share
    if not 1 <= number <= shares:  # before the plan, which is the same for every share
        raise InvalidValue("There is no such share", given=f"{number}/{shares}", expected="1/4 to 4/4, say")
    root = {"root": args.checkpoints}
    ids = [name for name in args.studies if name.count("/") > 1]
    if ids and ids != args.studies:
        raise InvalidValue(
            "Studies and networks cannot be asked for at once",
            given=" ".join(args.studies),
            expected="the one or the other",
        )
    profile = profiles.profile(args.profile)
    if not args.plan:
        device.pick(args.device)
    if ids:
        about, plan, make = "", lambda: engine.plan_again(ids, **root), partial(engine.again, ids)
    else:
        about, plan = f"{profile.about} ", lambda: engine.plan(profile, args.studies, **root)
        make = partial(engine.reproduce, profile, args.studies)
    items = plan()
    if args.plan:
        _show(items, args)
        return
    missing = sum(item.state != engine.MADE for item in items)
    remark(args, f"{about}{len(items)} network{'s' if len(items) > 1 else ''}, {missing} to be made.")
    given = {"data_root": args.data_root, "device": args.device, "minutes": args.minutes, "share": args.share}
    given["report"] = reporter(args)
    failed: list[PruneScopeError] = []
    for outcome in make(**root, **given):
        if outcome.error:
            warn(f"Could not make {outcome.what}. {outcome.error}")
            failed.append(outcome.error)
        else:
            remark(args, f"Made: {outcome.what}.")
    _show(plan(), args)
    if failed:
        raise failed[0]


def _show(items, args) -> None:
    from core.reproduce import describe

    if args.json:
        write_json([_record(item) for item in items])
        return
    rows = [
        (
            describe(item.recipe),
            item.state,
            f"{item.epochs:g}/{item.recipe.training.epochs:g}",
            _score(item),
            f"{item.answers}/{item.wanted}",
        )
        for item in items
    ]
    print(table(rows, ("run", "state", "epochs", "balanced accuracy", "answers"), right=(2, 3, 4)))


def _score(item) -> str:
    metric = item.entry.card.metrics.get("balanced_accuracy") if item.entry else None
    return percent(metric["estimate"]) if metric else "–"


def _record(item) -> dict:
    return {
        "recipe_hash": item.recipe.hash,
        "recipe": item.recipe.as_dict(),
        "state": item.state,
        "epochs": item.epochs,
        "id": item.entry.id if item.entry else None,
        "answers": item.answers,
        "answers_wanted": item.wanted,
    }
