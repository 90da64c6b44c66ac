"""`python -m core data`: which images there are, what is missing, and how to get it."""

from pathlib import Path

from core.cli.output import add_command, facts, remark, reporter, table, write_json
from core.errors import PruneScopeError

_DESCRIPTION = """\
Show which images are there: how many of each class, in which split, and what is missing, where it goes and how to get
it. With --download they are fetched into the data root, with --size they are prepared: decoded once at that size, so that
training and the app open them at once. Without a name, all data sets are shown in short."""

_EXAMPLES = """\
  python -m core data
  python -m core data ham10000 --size 64
  python -m core data ham10000 --split-by row       by image instead of by lesion: to show the leak
  python -m core data cifar100 --download
  python -m core data ~/pictures/birds              any folder or zip as train/<class>/*.png or <class>/*.png"""

_SPLITS = ("train", "validation", "test")


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "data",
        show,
        usage="[NAME] ",
        help="which images are there; download or prepare them",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    command.add_argument(
        "name",
        metavar="NAME",
        nargs="?",
        help="ham10000, cifar100, phantom (drawn, so always there), or a folder or zip of class folders",
    )
    command.add_argument("--download", action="store_true", help="fetch what is missing into the data root")
    command.add_argument("--size", type=int, metavar="N", help="prepare at N×N pixels, 16 to 512")
    command.add_argument(
        "--split-by", metavar="RULE", help="lesion (default of HAM10000 and phantoms), or row, which leaks"
    )


def show(args) -> None:
    """Carry out the command."""
    if args.name is None:
        if args.download or args.size is not None or args.split_by:
            args.usage_error("say which data set, such as ham10000")
        _show_all(args)
        return
    from core.data import load, locate, summary

    if args.download:
        from core.data.download import download

        place = download(args.name, root=args.data_root, report=reporter(args))
        remark(args, f"All of {args.name} is in {place}.")
    if args.size is not None or args.split_by:
        # Also tells, as an error of its own, what is missing.
        listing = locate(args.name, root=args.data_root, split_by=args.split_by)
    about = summary(args.name, root=args.data_root)
    if about["error"]:
        raise _Missing(about["error"])
    if args.split_by:
        titles = {record["class"]: record["title"] for record in about["classes"]}
        about["classes"] = [{"title": titles[record["class"]], **record} for record in listing.counts]
        about["split_by"] = listing.split_by
    if args.size is not None:
        images = load(
            args.name, "all", size=args.size, root=args.data_root, split_by=args.split_by, report=reporter(args)
        )
        about |= {"prepared_size": args.size, "notes": list(images.notes)}
    if args.json:
        write_json(about)
        return
    _print(about)
    for note in about["notes"]:
        remark(args, f"Note: {note}.")
    from core.studies import MIN_SIZE

    if (args.size or about["size"]) >= MIN_SIZE:
        remark(args, f"To train on them: python -m core train {_study(args, about)}")
    else:
        remark(
            args,
            f"To train on them takes {MIN_SIZE} pixels or more: smaller images do not survive the halvings of the networks.",
        )


def _study(args, about: dict) -> str:
    """The study to train, with the root where it is another than the one in use."""
    from core.data import DATASETS
    from core.files import data_root

    place, study = Path(about["where"]).resolve(), f"{about['name']}-{args.size or about['size']}/vgg16"
    if about["name"] in DATASETS or place.parent == data_root(args.data_root).resolve():
        return study
    return f"{study} --data {place.parent}"


class _Missing(PruneScopeError):
    """What a summary says is wrong, in its own words."""

    def __init__(self, text: str):
        Exception.__init__(self, text)


def _print(about: dict) -> None:
    prepared = about.get("prepared_size") or (about["size"] if about["prepared"] else None)
    pairs = {
        "Data set": about["title"],
        "Place": about["where"],
        "Images": f"{about['images']:,}",
        "Split by": about["split_by"],
        "Masks": "yes" if about["masks"] else "no",
        "Prepared": f"at {prepared}×{prepared} pixels" if prepared else "not yet: done at the first use, or by --size",
    }
    pairs |= {name.capitalize(): about[name] for name in ("licence", "citation", "url") if about[name]}
    print(facts(pairs) + "\n")
    grouped = any("groups" in record for record in about["classes"])
    columns = [*_SPLITS, "images", *(["groups"] if grouped else [])]
    rows = [(_name(record), *(f"{record[name]:,}" for name in columns)) for record in about["classes"]]
    total = {name: f"{sum(record[name] for record in about['classes']):,}" for name in columns}
    own = about["split_by"] == "group"
    if own:
        total["groups"] = ""  # a patient may be in several classes
    rows.append(("all", *total.values()))
    headings = ["class", *_SPLITS, "images", *(["groups" if own else "lesions"] if grouped else [])]
    print(table(rows, headings, right=range(1, len(headings))))


def _name(record: dict) -> str:
    plain = record["class"].replace("_", " ")
    return record["class"] if record["title"] == plain else f"{record['class']}: {record['title']}"


def _show_all(args) -> None:
    from core.data import DATASETS, summary
    from core.files import data_root

    root = data_root(args.data_root)
    known = [summary(name, root=args.data_root) for name in DATASETS]
    places = sorted(root.iterdir()) if root.is_dir() else []
    places = [place for place in places if place.stem not in DATASETS and not place.name.startswith(".")]
    own = [summary(place) for place in places if place.is_dir() or place.suffix.lower() == ".zip"]
    found = [*known, *(about for about in own if about["present"])]
    if args.json:
        write_json(found)
        return
    rows = [
        (
            about["name"],
            f"{about['images']:,}" if about["present"] else "–",
            len(about["classes"]) if about["present"] else "–",
            about["where"] if about["present"] else "not here",
        )
        for about in found
    ]
    print(table(rows, ("name", "images", "classes", "place"), right=(1, 2)))
    for about in known:
        if about["error"]:
            remark(args, f"\n{about['error']}")
