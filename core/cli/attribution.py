"""`python -m core attribution`: how attribution maps drift with pruning, stored, so that the app shows it without images."""

from core.cli.making import add_study, check_study
from core.cli.output import add_command, images_of, remark, reporter, size, table, write_json

_DESCRIPTION = """\
Explain a sample of test images of each class with every network of a study, at steps of sparsity, and store beside the
checkpoints how far each network's maps agree with the dense network's, how much of them lies on the lesion, and whether
they survive random weights. Also store what the training images look like, so that the app can warn of an upload that is
unlike them.

What is up to date is kept: stopped, or run again after a network was trained anew, the command makes what is missing."""

_EXAMPLES = """\
  python -m core attribution ham10000-64/vgg16
  python -m core attribution ham10000-64/vgg16 --per-class 30 --methods grad_cam saliency
  python -m core attribution phantom-64/densenet169 --every 5"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "attribution",
        attribution,
        usage="STUDY ",
        help="measure how attribution maps drift with pruning",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_study(command)
    command.add_argument("--per-class", type=int, metavar="N", help="lesions of each class; 12 by default")
    command.add_argument(
        "--methods",
        nargs="+",
        metavar="M",
        help="attribution methods; by default grad_cam saliency integrated_gradients deeplift guided_backprop",
    )
    command.add_argument(
        "--every", type=int, metavar="P", help="percentage points between steps; by default 10, and 95%%"
    )
    command.add_argument("--anew", action="store_true", help="compute everything again")


def attribution(args) -> None:
    """Carry out the command."""
    from core import drift, familiarity, paths
    from core.errors import InvalidValue
    from core.whatif import Bench, Subject

    if args.every is not None and not 1 <= args.every <= 99:
        raise InvalidValue("The distance between steps is out of range", given=args.every, expected="1 to 99 percent")
    per_class = drift.PER_CLASS if args.per_class is None else args.per_class
    drift.check(args.methods or drift.USUAL, per_class)  # before minutes are spent on what is usual
    study = check_study(args)
    known = paths.of(study, args.checkpoints)
    dense = known[paths.PRUNE_ONLY].dense
    info = dense.card.data
    test, train, validation = images_of(args, info, "test", "train", "validation")
    if args.anew or _stored(dense) is None:
        from core import checkpoints

        bench = Bench(Subject(checkpoints.load(dense.path)), test, train, device=args.device)
        try:
            made = familiarity.fit(
                bench.dense.model, bench.calibration, validation, device=args.device, report=reporter(args)
            )
            familiarity.write(dense, made)
        except InvalidValue as error:  # too few images for it; maps need no more than a few
            remark(args, f"What is usual for the network is left out. {error}")
    found = drift.make(
        known,
        test,
        train,
        per_class=per_class,
        methods=args.methods or drift.USUAL,
        percents=drift.PERCENTS if args.every is None else range(0, 100, args.every),
        anew=args.anew,
        device=args.device,
        report=reporter(args),
    )
    for path in (drift.path_of(dense), familiarity.path_of(dense)):
        if path.exists():
            remark(args, f"{path} ({size(path.stat().st_size)})")
    _show(args, found, known)


def _stored(dense):
    from core import familiarity
    from core.errors import DataDamaged

    try:
        return familiarity.read(dense)
    except DataDamaged:
        return None  # made anew


def _show(args, found, known) -> None:
    """How far the maps of each checkpoint agree with the dense network's."""
    from core import drift, matrices

    rows = []
    for path in known.values():
        for entry in path.entries[1:]:
            for method in found.methods():
                here = drift.at(found, matrices.position(entry), method)
                if len(here):
                    values = {name: drift.estimate(here, name) for name in drift.MEASURES}
                    rows.append((entry.id, method, {name: value for name, value in values.items() if value.defined}))
    if args.json:
        write_json(
            [
                {"network": id, "method": method} | {name: value.as_dict() for name, value in values.items()}
                for id, method, values in rows
            ]
        )
    elif rows:
        print("Maps of each network against the dense network's:")
        names = list(rows[0][2])
        cells = [(id, method, *(values[name].format(percent=False) for name in names)) for id, method, values in rows]
        print(table(cells, ("network", "method", *(drift.MEASURES[name].title for name in names))))
