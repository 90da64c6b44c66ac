"""`python -m core prune`: prune a dense network and fine-tune what is left."""

from core.cli.making import add_settings, add_study, carry_out, changes, check_study
from core.cli.output import add_command, remark, share
from core.errors import CheckpointMismatch, InvalidValue

_DESCRIPTION = """\
Prune the dense network of a study and fine-tune what is left. one_shot removes all that is to go at once; layerwise
takes one layer after the other; iterative removes a little, trains on, and repeats. All three spend the same epochs.
The method dense prunes nothing and trains on just as long: the control for a fair comparison. Where the study has no
dense network yet it is trained first. Weights that were brought (`bring weights`) are pruned like any dense network, on
the images that they were brought for.
Zeros alone make nothing faster. With --scope channel whole channels go, which `compact` then leaves out: that network is
smaller and faster on any machine. Its sparsity counts the channels' own weights; those that read them go as well."""

_EXAMPLES = """\
  python -m core prune ham10000-64/vgg16 one_shot 0.8
  python -m core prune ham10000-64/vgg16 iterative 0.9 --steps 3 --epochs 6
  python -m core prune ham10000-64/vgg16 one_shot 0.8 --criterion random --seed 1      a control: pruned at random
  python -m core prune ham10000-64/vgg16 one_shot 0.5 --scope channel                  whole channels
  python -m core prune mine-64/vgg16 layerwise 0.8 --rate 0.001                        weights brought as mine
  python -m core prune ham10000-64/vgg16 dense                                         a control: only trained on"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "prune",
        prune,
        usage="STUDY METHOD [SPARSITY] ",
        help="prune a network and fine-tune what is left",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_study(command)
    command.add_argument("method", metavar="METHOD", help="one_shot, layerwise, iterative, or dense (the control)")
    command.add_argument(
        "sparsity", metavar="SPARSITY", type=share, nargs="?", help="share of weights to zero, from 0 up to but not 1"
    )
    pruning = command.add_argument_group("pruning")
    pruning.add_argument("--criterion", help="which weights go first: magnitude (default) or random")
    pruning.add_argument(
        "--scope", help="what competes: global (default) all weights, layer those of each layer, channel whole channels"
    )
    pruning.add_argument("--steps", type=int, metavar="N", help="of iterative; by default one for every ten points")
    pruning.add_argument("--parent", metavar="ID", help="dense checkpoint to start from, where there are several")
    add_settings(command)


def prune(args) -> None:
    """Carry out the command."""
    if args.sparsity is None and args.method != "dense":
        args.usage_error("how much to prune is missing: give a SPARSITY, such as 0.8")
    study = check_study(args)
    from core import device, recipes

    values = changes(args, "criterion", "steps", "scope")
    seed = values.pop("seed", 0)
    # First with a parent that is surely right, so that a slip in a name or number is told before anything is loaded.
    recipes.pruned(recipes.dense(study), args.method, args.sparsity or 0.0, seed=seed, **values)
    device.pick(args.device)
    recipe = recipes.pruned(_parent(study, args), args.method, args.sparsity or 0.0, seed=seed, **values)
    if recipe.parent.brought and not {"rate", "batch"} <= set(values):
        settings = f"a learning rate from {recipe.training.rate:g}, {recipe.training.batch} images a step"
        remark(args, f"How these weights were trained is not known: {settings}. --rate and --batch say otherwise.")
    carry_out(recipe, args)


def _parent(study: str, args):
    """The recipe of the dense network to start from."""
    from core import checkpoints, recipes

    if args.parent:
        card = checkpoints.load(args.parent, root=args.checkpoints).card
        if card.study != study or card.method != recipes.DENSE:
            raise InvalidValue(
                "This checkpoint cannot be the parent",
                given=f"{args.parent}, {card.method} of {card.study}",
                expected=f"a dense network of {study}",
            )
        return _recipe(card)
    usual = recipes.dense(study)
    cards = [entry.card for entry in checkpoints.list(args.checkpoints) if entry.card]
    cards = [card for card in cards if card.study == study and card.method == recipes.DENSE]
    if any(card.recipe_hash == usual.hash for card in cards):
        return usual
    if len(cards) > 1:
        raise InvalidValue(
            "There are several dense networks of this study",
            given=", ".join(card.id for card in cards),
            expected="one to start from",
            remedy=f"say which, such as --parent {cards[0].id}",
        )
    if cards:
        return _recipe(cards[0])
    remark(args, f"There is no dense network of {study} yet: it is trained first.")
    return usual


def _recipe(card):
    from core import brought, recipes

    if brought.is_brought(card):
        return recipes.brought(card)
    recipe = recipes.Recipe.from_dict(card.recipe) if card.recipe else None
    if recipe is None or recipe.hash != card.recipe_hash:
        raise CheckpointMismatch(
            "This checkpoint does not say how to make it again, so nothing can be built on it",
            given=card.id,
            expected="a checkpoint that `python -m core train` made with this version",
        )
    return recipe
