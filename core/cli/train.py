"""`python -m core train`: the dense network of a study."""

from core.cli.making import add_settings, add_study, carry_out, changes, check_study
from core.cli.output import add_command
from core.errors import InvalidValue

_DESCRIPTION = """\
Train the dense network of a study: the one that all pruning starts from. It is saved as a checkpoint with its whole
recipe and its metrics on the test images. The same command a second time finds what was made; after Ctrl-C it goes on
from the last finished epoch."""

_EXAMPLES = """\
  python -m core train ham10000-64/vgg16
  python -m core train ham10000-64/densenet169 --stem small --epochs 12 --seed 1
  python -m core train cifar100-32/vgg16 --head stock --no-norm
  python -m core --data ~/pictures train birds-64/vgg16      images in ~/pictures/birds/<class>/*.png, or birds.zip"""


def add(commands, common) -> None:
    """Declare the command."""
    command = add_command(
        commands,
        common,
        "train",
        train,
        usage="STUDY ",
        help="train the dense network of a study",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_study(command)
    network = command.add_argument_group("network and data")
    network.add_argument("--head", help="compact (default: one linear layer) or stock (torchvision's own)")
    network.add_argument(
        "--stem", help="stock (default), or small for DenseNet169: no first max-pool, for small images"
    )
    network.add_argument("--no-norm", dest="norm", action="store_const", const=False, help="VGG16 without batch norm")
    network.add_argument(
        "--start", metavar="WEIGHTS", help="imagenet: begin with torchvision's weights (needs a network, or its file)"
    )
    network.add_argument("--split-by", metavar="RULE", help="lesion (default of HAM10000), or row, which leaks")
    add_settings(command)


def train(args) -> None:
    """Carry out the command."""
    study = check_study(args)
    from core import device, recipes

    _check_not_brought(study, args)
    recipe = recipes.dense(study, **changes(args, "head", "stem", "norm", "split_by", "start"))
    device.pick(args.device)  # a slip is told before the images are made ready, which can take minutes
    carry_out(recipe, args)


def _check_not_brought(study: str, args) -> None:
    """Raise :class:`InvalidValue` where the study is of weights that were brought: there are no images of its name to train on."""
    from core import brought, checkpoints

    cards = [entry.card for entry in checkpoints.list(args.checkpoints) if entry.card]
    if card := next((card for card in cards if card.study == study and brought.is_brought(card)), None):
        raise InvalidValue(
            "This study has weights that were brought, which are there already",
            given=study,
            expected="the study of a data set",
            remedy=f"to prune them: python -m core prune {study} iterative 0.8; to train a network of your own on the same images: "
            f"python -m core train {card.data.name}-{card.data.size}/{card.architecture.name}",
        )
