"""What `train` and `prune` share: the study, the settings, and carrying out a recipe."""

from core.cli.output import facts, measured, percent, remark, reporter, size, write_json
from core.errors import InvalidValue


def number(text: str) -> int | float:
    """A number as Python would read it: 8 stays whole."""
    try:
        return int(text)
    except ValueError:
        return float(text)


# Kept here, so that --help needs no torch; a test holds it to the fields of core.training.Settings.
SETTINGS = {
    "epochs": (number, "passes over the training images, fractions allowed; of a pruned run all fine-tuning together"),
    "rate": (number, "highest learning rate"),
    "warmup": (number, "epochs of rising learning rate"),
    "floor": (number, "last learning rate as a share of the highest"),
    "batch": (int, "images a step"),
    "momentum": (number, "of gradient descent"),
    "decay": (number, "weight decay"),
    "norm_decay": (number, "decay of batch norm's scales, which lets whole channels die"),
    "balance": (number, "0 draws classes as they are, 1 all alike"),
    "augment": (str, "none, dermoscopy or objects"),
    "smoothing": (number, "label smoothing"),
    "precise": (int, "images to estimate batch norm on after each epoch; 0 keeps the running averages"),
    "seed": (int, "of initial weights, order and augmentation"),
}


def add_study(command) -> None:
    """Declare STUDY."""
    command.add_argument(
        "study",
        metavar="STUDY",
        help="data-size/architecture, such as ham10000-64/vgg16 or cifar100-32/densenet169; a folder of your own in "
        "the data root goes by its name, such as mydata-64/vgg16",
    )


def add_settings(command) -> None:
    """Declare an option for each setting of training."""
    group = command.add_argument_group("training", "What is not given is the study's own choice.")
    for name, (kind, help) in SETTINGS.items():
        # With a dash as all options are; as it is called in code, too.
        spelt = dict.fromkeys((f"--{name.replace('_', '-')}", f"--{name}"))
        group.add_argument(*spelt, dest=name, type=kind, metavar=kind.__name__[0].upper(), help=help)


def changes(args, *names: str) -> dict:
    """The settings and the further options ``names`` that were given."""
    values = {name: getattr(args, name) for name in (*SETTINGS, *names)}
    return {name: value for name, value in values.items() if value is not None}


def check_study(args) -> str:
    """The study asked for.

    Raises:
        InvalidValue, UnknownName: there can be none of this name; for the path of a folder or zip it says what to write.
    """
    from core.studies import Study

    try:
        return Study.parse(args.study).name
    except InvalidValue as error:
        from core.checkpoints.opening import as_path
        from core.data.folder import slug
        from core.files import is_file, is_folder

        path = as_path(args.study)
        if not is_file(path) and not is_folder(path):
            raise
        path = path.resolve()
        own, name = path.stem if path.is_file() else path.name, slug(path)
        rename = "" if own == name else f"rename it to {name}{path.suffix if path.is_file() else ''}, then "
        raise InvalidValue(
            "This is a place of images, not a study",
            given=args.study,
            expected="data-size/architecture",
            remedy=f"{rename}write --data {path.parent} {name}-64/vgg16",
        ) from error


def carry_out(recipe, args) -> None:
    """Find or make the run of ``recipe`` and tell of its checkpoint."""
    from core import files, runfolder, runs

    remark(args, f"Recipe {recipe.hash}: {describe(recipe)}.")
    if runs.find(recipe, root=args.checkpoints):
        remark(args, "Already made.")
    elif (files.runs_root() / recipe.hash / runfolder.STATE).exists():
        remark(args, "Going on from the last finished epoch.")
    show(runs.run(recipe, root=args.checkpoints, data=args.data_root, device=args.device, report=reporter(args)), args)


def describe(recipe) -> str:
    """A recipe in half a sentence."""
    training = recipe.training
    span = f"{training.epochs:g} epoch{'' if training.epochs == 1 else 's'}, seed {training.seed}"
    if recipe.parent is None:
        return f"{recipe.study}, dense, {span}"
    what = (
        "trained on without pruning" if recipe.method == "dense" else f"{recipe.method} to {100 * recipe.sparsity:g}%"
    )
    if recipe.scope != "global":
        what += f" in scope {recipe.scope}"
    if recipe.criterion != "magnitude":
        what += f" by {recipe.criterion}"
    parent = "the weights that were brought" if recipe.parent.brought else f"dense {recipe.parent.hash}"
    return f"{recipe.study}, {what}, {span}, from {parent}"


def show(checkpoint, args) -> None:
    """Tell of a checkpoint on standard output."""
    from core.evaluation import METRICS

    card = checkpoint.card
    if args.json:
        about = {"id": checkpoint.id, "path": str(checkpoint.path), "bytes": checkpoint.size_bytes}
        about |= {"recipe_hash": card.recipe_hash, "method": card.method, "sparsity": card.actual_sparsity}
        write_json(about | {"metrics": card.metrics, "history": card.history})
        return
    pairs = {"Checkpoint": checkpoint.id, "File": f"{checkpoint.path} ({size(checkpoint.size_bytes)})"}
    pairs["Sparsity"] = f"{percent(card.actual_sparsity)}, {card.zeros:,} of {card.weights:,} weights are zero"
    pairs |= {METRICS[name].title: measured(card.metrics, name) for name in METRICS if name in card.metrics}
    print(facts(pairs))
