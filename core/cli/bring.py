"""`python -m core bring`: images and weights of one's own, as the page "Your own" takes them; weights of any size."""

from core.cli.output import add_command, facts, measured, remark, reporter, size, table, write_json

_DESCRIPTION = """\
Look at, keep, list and delete images and weights of one's own. Images come as a zip with one folder a class, or with a list of
them (labels.csv: file, class and, if known, patient and split), and become the data set NAME; weights come as a state_dict
(safetensors, .pt or .pth) under torchvision's names and become the dense network of the study NAME-SIZE/ARCHITECTURE, which
`prune NAME-SIZE/ARCHITECTURE METHOD SPARSITY` prunes and fine-tunes like any other. Files are read as if a stranger had made
them: nothing in them is run. A zip that is larger than a stranger's may be needs no bringing: put it into the folder of data,
and it goes by its name. Where networks were made from weights, `delete` names them and deletes all together with --with-made."""

_EXAMPLES = """\
  python -m core bring images moles.zip --name my-clinic
  python -m core bring weights vgg16.pt --name mine --trained-on ham10000 --size 64 --architecture vgg16 --measure
  python -m core prune mine-64/vgg16 iterative 0.8
  python -m core bring list
  python -m core bring delete my-clinic"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "bring",
        bring,
        usage="{images,weights} FILE | list | delete NAME ",
        help="bring images and weights of your own",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    command.add_argument("what", choices=("images", "weights", "list", "delete"), metavar="WHAT", help="see above")
    command.add_argument("file", nargs="?", metavar="FILE", help="the file; of delete the name")
    group = command.add_argument_group("what is kept")
    group.add_argument("--name", help="of the data set, or of what the study begins with; by default after the file")
    group = command.add_argument_group("weights")
    group.add_argument("--trained-on", default="ham10000", metavar="DATA", help="whose classes they know (ham10000)")
    group.add_argument("--size", type=int, default=64, metavar="N", help="of the images in pixels (64)")
    group.add_argument("--architecture", default="vgg16", metavar="NAME", help="vgg16 (default) or densenet169")
    group.add_argument("--stem", default="stock", help="of DenseNet169: stock (default) or small")
    group.add_argument(
        "--order", metavar="A,B,C", help="classes in the order of the outputs; the data set's by default"
    )
    group.add_argument(
        "--mean",
        metavar="R,G,B",
        help="of the images in [0, 1] it was trained with; by default what the file says, else ImageNet's",
    )
    group.add_argument("--std", metavar="R,G,B", help="their deviation; by default what the file says, else ImageNet's")
    group.add_argument("--measure", action="store_true", help="measure them on the validation and test images")
    group.add_argument("--with-made", action="store_true", help="of delete: networks that were pruned from them go too")


def bring(args) -> None:
    """Carry out the command.

    Raises:
        PruneScopeError: what is wrong with the file, the name or the place.
    """
    if args.what != "list" and not args.file:
        args.usage_error(f"bring {args.what} needs a {'name' if args.what == 'delete' else 'file'}")
    if args.what == "list" and args.file:
        args.usage_error("bring list shows all there is, and takes no name")
    _point_to(args)
    {"images": _images, "weights": _weights, "list": _list, "delete": _delete}[args.what](args)


def _images(args) -> None:
    from core import own
    from core.own.images import name_for

    look = own.look_at_images(args.file, report=reporter(args))
    for note in look.notes:
        remark(args, f"{note}.")
    made = own.add_images(args.file, args.name or name_for(args.file), _owner(), report=reporter(args))
    if args.json:
        write_json({"name": made.name, "bytes": made.bytes, "classes": look.counts, "notes": look.notes})
        return
    print(facts({"Data set": made.name, "Images": f"{look.images:,} that can be read", "Size": size(made.bytes)}))
    columns = ("class", "train", "validation", "test", "images", *(["groups"] if "groups" in look.counts[0] else []))
    print(table([[record[name] for name in columns] for record in look.counts], columns, right=range(1, len(columns))))


def _weights(args) -> None:
    from core import device, own
    from core.own.images import name_for
    from core.own.pruned import already, sentence
    from core.own.weights import class_names, listed

    if args.measure:
        device.pick(args.device)  # a slip is told before anything is kept
    changes = {key: _numbers(getattr(args, key)) for key in ("mean", "std") if getattr(args, key)}
    made = own.add_weights(
        args.file,
        args.name or name_for(args.file),
        _owner(),
        trained_on=args.trained_on,
        size=args.size,
        architecture=args.architecture,
        stem=args.stem,
        order=listed(args.order, class_names(args.trained_on) or ()) if args.order else None,
        **changes,
    )
    if args.measure:
        made = own.measure(made.id, device=args.device, report=reporter(args))
    if args.json:
        write_json({"id": made.id, "study": made.card.study, "metrics": made.card.metrics, "notes": made.card.notes})
        return
    pairs = {"Checkpoint": made.id, "File": f"{made.path} ({size(made.size_bytes)})"}
    if args.measure:
        pairs["Balanced accuracy"] = measured(made.card.metrics, "balanced_accuracy")
    print(facts(pairs))
    if share := already(made.card):
        remark(args, sentence(share))


def _list(args) -> None:
    from dataclasses import asdict

    from core import own

    found = own.listing()
    if args.json:
        write_json([asdict(one) for one in found])
        return
    rows = [(one.study or one.name, one.kind, size(one.bytes), one.origin, one.created[:10]) for one in found]
    print(table(rows, ("name", "kind", "size", "from", "since"), right=(2,)))


def _delete(args) -> None:
    from core import own

    # Who may run commands here may delete any of it.
    whose = {one.name: one.owner for one in own.listing()}
    own.remove(args.file, whose.get(args.file, _owner()), with_made=args.with_made)
    remark(args, f"Deleted: {args.file}.")


def _owner() -> str:
    from core import jobs

    return jobs.owner_of("command line")


def _numbers(text: str) -> tuple[float, ...]:
    from core.errors import InvalidValue

    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise InvalidValue("These are not numbers", given=text, expected="three, such as 0.5,0.5,0.5") from error


def _point_to(args) -> None:
    """Own things lie where the environment says, so the options speak through it, in this process only."""
    import os

    for name, value in (("PRUNESCOPE_DATA", args.data_root), ("PRUNESCOPE_CHECKPOINTS", args.checkpoints)):
        if value:
            os.environ[name] = value
