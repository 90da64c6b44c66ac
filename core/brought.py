"""Weights that somebody brought, as what runs start from: no recipe makes them again, so the file they came in names them."""

import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields

from core.checkpoints import Card
from core.data.sources import known_by_lying_there
from core.errors import CheckpointMismatch, CheckpointNotFound, DataNotFound, InvalidValue
from core.training import Settings

WITHOUT_IMAGES = "what works is to look at its weights (pages Layers and Size and speed), and at answers that `respond` stored before on What if"
_DENSE = "dense"
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What decides how brought weights answer, and nothing that changes when they are measured or the file is renamed.

    Attributes:
        sha256: of the file they came in, in hex.
        data: the data set that they are fine-tuned and measured on; the study is called by a name of their own.
        order: the classes in the order of the file's outputs.
        mean, std: of the images in [0, 1], for each channel.

    Raises:
        InvalidValue: a value that no brought weights have.
    """

    sha256: str
    data: str
    order: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self):
        for name in ("order", "mean", "std"):
            value = getattr(self, name)
            object.__setattr__(self, name, tuple(value) if isinstance(value, list | tuple) else ())
        named = isinstance(self.sha256, str) and isinstance(self.data, str)
        classes = len(self.order) > 1 and all(isinstance(one, str) for one in self.order)
        numbers = all(
            len(values) == 3 and all(type(one) in (int, float) and math.isfinite(one) for one in values)
            for values in (self.mean, self.std)
        )
        if not (named and self.data and _DIGEST.fullmatch(self.sha256) and classes and numbers):
            raise InvalidValue(
                "These are no brought weights",
                given=repr(asdict(self))[:200],
                expected="the SHA-256 of a file, a data set, an order of classes, and a mean and deviation of images",
            )
        for name in ("mean", "std"):  # 0 and 0.0 are one run
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))

    def as_dict(self) -> dict:
        """All of it, ready for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping) -> "Brought":
        """What :meth:`as_dict` gave.

        Raises:
            InvalidValue: it did not give this.
        """
        known = {item.name for item in fields(cls)}
        if not isinstance(values, Mapping) or set(values) != known:
            raise InvalidValue("These are no brought weights", given=repr(values)[:200], expected=", ".join(known))
        return cls(**values)


def is_brought(card: Card) -> bool:
    """Whether a card is of weights that were brought (:mod:`core.own`), and not of a network that was made here."""
    return card.method == _DENSE and "sha256" in card.recipe and "training" not in card.recipe


def of(card: Card) -> Brought:
    """What runs from the brought weights of ``card`` are named by.

    Raises:
        InvalidValue: the card is of no brought weights.
    """
    recipe = card.recipe
    return Brought(
        sha256=recipe.get("sha256"), data=card.data.name, order=recipe.get("order"), mean=card.mean, std=card.std
    )


def origin(card: Card) -> str:
    """What the weights of ``card`` came in, for a reader: the file as its owner calls it, and the start of its digest."""
    return f"{card.recipe.get('origin', 'a file')} (SHA-256 {str(card.recipe['sha256'])[:16]}…)"


def identity(card: Card) -> str:
    """What the card of a child notes of its parent: the digest, or for brought weights that of their file.

    Measuring brought weights writes metrics on their card and so changes its digest; what was made of them stays theirs.
    """
    return card.recipe["sha256"] if is_brought(card) else card.digest


@contextmanager
def wanted(card: Card) -> Iterator[None]:
    """Within it, where the images that brought weights would be fine-tuned on are not here, the error says what works without.

    Raises:
        DataNotFound: they are not here.
    """
    try:
        with known_by_lying_there(card.data.name, "ask again"):
            yield
    except DataNotFound as error:
        raise DataNotFound(
            f"Fine-tuning {card.id} needs the training images of {card.data.name}, which are not on this machine",
            given=error.given,
            expected=error.expected,
            remedy=f"{error.remedy}. Without them nothing can be trained; {WITHOUT_IMAGES}",
        ) from error


def check_classes(card: Card, names: tuple[str, ...]) -> None:
    """Raise :class:`CheckpointMismatch` unless the outputs of brought weights are the classes ``names`` in their order."""
    if names == card.data.class_names:
        return
    if sorted(names) == sorted(card.data.class_names):
        why, how = (
            "in another order",
            "delete it and bring the same file again: now that the images are here, it is turned",
        )
    else:
        why, how = "others than it knows", "it can be fine-tuned on images of its own classes only"
    raise CheckpointMismatch(
        f"The classes of {card.data.name} are {why}",
        given=", ".join(names)[:200],
        expected=f"{', '.join(card.data.class_names)[:200]}, as {card.id} was brought with",
        remedy=how,
    )


def notes(card: Card, training: Settings) -> list[str]:
    """What the card of a network says for a reader that was made from the brought weights of ``card``."""
    return [
        f"Made from weights of others, {card.id}, taken in from {origin(card)}. How and on which images these were trained is not "
        f"known here; test images may have been among them. Fine-tuned at a learning rate from {training.rate:g}, "
        f"{training.batch} images a step."
    ]


def not_here(study: str, brought: Brought) -> CheckpointNotFound:
    """The error for brought weights that a run is to start from and that are here no more, or never were."""
    name, _, rest = study.rpartition("-")
    size, architecture = rest.split("/")
    how = f"--name {name} --trained-on {brought.data} --size {size} --architecture {architecture}"
    return CheckpointNotFound(
        f"The weights of {study} are not on this machine",
        given=f"a file whose SHA-256 begins with {brought.sha256[:16]}",
        expected="weights brought under this name, with the same order of classes and the same normalisation",
        remedy=f"bring that file: python -m core bring weights FILE {how}",
    )
