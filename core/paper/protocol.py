"""How the paper trained and tested, and in what a run of ours differs: computed from the card, never asserted.

Known of the paper: ImageNet weights; CIFAR-100 at 32×32 and HAM10000 at 224×224; 7,000 rows of HAM10000 to train on,
the rest to test on, so that lesions are in both; torchvision's VGG16 and DenseNet169 as they are; SGD, momentum 0.9,
weight decay 5e-4; fine-tuning at a learning rate of 0.001 for 10 epochs a step of ten points (iterative), 10 epochs
(one-shot), 15 or 100 epochs a layer (layerwise); dropout and batch norm in training mode in the first epoch only; test
images of HAM10000 flipped at random.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.paper.facts import units

if TYPE_CHECKING:  # the paper's facts are read without torch
    from core.checkpoints import Card

SIZES = {"cifar100": 32, "ham10000": 224}
RATE, MOMENTUM, DECAY = 0.001, 0.9, 5e-4
ITERATIVE_EPOCHS, ITERATIVE_POINTS = 10, 0.1  # epochs a step, and by how much a step raises the sparsity
ONE_SHOT_EPOCHS = 10
LAYERWISE_EPOCHS = (15, 100)  # epochs a layer: one or the other, the paper does not say where which


@dataclass(frozen=True)
class Deviation:
    """One thing that we do otherwise than the paper.

    Attributes:
        mark: a letter for the cell of a table.
        what: what differs, a few words.
        ours, paper: how it is here and there, in words.
    """

    mark: str
    what: str
    ours: str
    paper: str


def budget(model: str, method: str, sparsity: float) -> tuple[float, float] | None:
    """Epochs of fine-tuning that the paper spent to reach ``sparsity``, at least and at most; None for other methods.

    Args:
        model: ``"vgg16"`` or ``"densenet169"``.
        method: ``"iterative"``, ``"one_shot"`` or ``"layerwise"``.
        sparsity: in [0, 1).
    """
    if method == "iterative":
        epochs = ITERATIVE_EPOCHS * round(sparsity / ITERATIVE_POINTS, 9)
        return epochs, epochs
    if method == "one_shot":
        return ONE_SHOT_EPOCHS, ONE_SHOT_EPOCHS
    if method == "layerwise":
        fewest, most = LAYERWISE_EPOCHS
        return fewest * len(units(model)), most * len(units(model))
    return None


def deviations(card: "Card") -> list[Deviation]:
    """In what the run behind ``card`` differs from the paper's.

    Args:
        card: of a pruned network.

    Returns:
        What differs, in a fixed order. What a card does not tell, such as one without a recipe, is left out.
    """
    return [*_data(card), *_network(card), *_training(card)]


def _data(card: "Card") -> Iterator[Deviation]:
    name, size = card.data.name, card.data.size
    if name in SIZES and size != SIZES[name]:
        yield Deviation("S", "image size", f"{size}×{size}", f"{SIZES[name]}×{SIZES[name]}")
    if name == "ham10000":
        if card.data.split_by not in ("", "row"):
            yield Deviation("L", "split", f"by {card.data.split_by}", "by row: lesions of test images are trained on")
        yield Deviation("F", "test images", "as they are", "flipped at random")


def _network(card: "Card") -> Iterator[Deviation]:
    own = card.architecture
    if card.recipe and card.recipe.get("start") != "imagenet":
        # Of weights that somebody brought, and of what was made of them, nobody here knows it.
        brought = "sha256" in card.recipe or "brought" in (card.recipe.get("parent") or {})
        first = "not known: brought" if brought else str(card.recipe.get("start") or "random")
        yield Deviation("I", "first weights", first, "ImageNet's")
    if own.name == "vgg16" and own.head != "stock":
        yield Deviation("H", "classifier", "one linear layer", "three linear layers, 4,096 wide")
    if own.name == "vgg16" and own.norm:
        yield Deviation("N", "batch norm", "with", "without")
    if own.stem != "stock":
        yield Deviation("P", "first max-pool", "left out", "as in torchvision's")


def _training(card: "Card") -> Iterator[Deviation]:
    spent = budget(card.architecture.name, card.method, card.sparsity)
    if spent and card.epochs not in spent:
        epochs = " or ".join(f"{value:g}" for value in dict.fromkeys(spent))
        yield Deviation("E", "fine-tuning", f"{card.epochs:g} epochs", f"{epochs} epochs")
    training = card.recipe.get("training")
    if not isinstance(training, dict):
        return
    for mark, name, what, paper in (
        ("R", "rate", "highest learning rate", RATE),
        ("O", "momentum", "momentum", MOMENTUM),
        ("D", "decay", "weight decay", DECAY),
    ):
        if training.get(name, paper) != paper:
            yield Deviation(mark, what, f"{training[name]}", f"{paper}")
    if training.get("balance"):
        yield Deviation("C", "classes in training", "rare ones drawn more often", "as common as they are")
    yield Deviation("M", "dropout and batch norm", "in training mode in every epoch", "in the first epoch only")
