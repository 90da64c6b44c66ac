"""How a network is trained: every number that decides the outcome, and nothing else."""

from dataclasses import asdict, dataclass
from numbers import Real

from core.errors import InvalidValue, check_choice
from core.training.augment import AUGMENTATIONS

_WHOLE = ("batch", "seed", "precise")


@dataclass(frozen=True)
class Settings:
    """Stochastic gradient descent with momentum, as the paper uses it.

    Attributes:
        epochs: passes over as many images as the training split has; may be fractional.
        rate: highest learning rate, reached after the warm-up; from there half a cosine down to ``rate * floor``.
        warmup: epochs of linear rise.
        floor: last learning rate as a share of ``rate``.
        batch: images a step.
        momentum, decay: of SGD (Nesterov); decay acts on all weights but biases and batch norm.
        norm_decay: of batch norm's scales. Only where these shrink can a channel die, and its weights with it: without, batch
            norm undoes whatever decay does to a channel's weights (van Laarhoven 2017, arXiv:1706.05350).
        balance: classes are drawn in proportion to count ** (1 - balance): 0 as they are, 1 all alike.
        augment: one of :data:`core.training.augment.AUGMENTATIONS`.
        smoothing: label smoothing.
        precise: images, drawn as those of training but not augmented, on which the statistics of batch norm are estimated
            anew after each epoch; 0 keeps the running averages. These lag behind the weights, which costs a deep network
            points of accuracy (Wu & Johnson 2021, arXiv:2105.07576, "precise BN").
        seed: of initial weights, order and augmentation.
    """

    epochs: float = 12
    rate: float = 0.05
    warmup: float = 1.0
    floor: float = 0.01
    batch: int = 64
    momentum: float = 0.9
    decay: float = 5e-4
    norm_decay: float = 0.0
    balance: float = 0.5
    augment: str = "dermoscopy"
    smoothing: float = 0.0
    precise: int = 0
    seed: int = 0

    def __post_init__(self):
        check_choice("augmentation", self.augment, AUGMENTATIONS)
        limits = {
            "epochs": (0, 10_000),
            "rate": (0, 10),
            "warmup": (0, 1000),
            "floor": (0, 1),
            "batch": (2, 65_536),
            "momentum": (0, 0.9999),
            "decay": (0, 1),
            "norm_decay": (0, 1),
            "balance": (0, 1),
            "smoothing": (0, 0.9),
            "precise": (0, 1_000_000),
            "seed": (0, 2**31 - 1),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
                raise InvalidValue(
                    f"The setting {name} is out of range", given=repr(value), expected=f"{low} to {high}"
                )
            whole = value == int(value)
            if name in _WHOLE and not whole:
                raise InvalidValue(
                    f"The setting {name} is a whole number", given=repr(value), expected=f"{low} to {high}"
                )
            if name == "precise" and value == 1:
                raise InvalidValue("The setting precise is out of range", given="1", expected="0, or 2 to 1000000")
            # 8 and 8.0 are one run, so they get one text and one hash.
            kind = int if name in _WHOLE or (name == "epochs" and whole) else float
            object.__setattr__(self, name, kind(value))

    def as_dict(self) -> dict:
        """All settings by name, ready for JSON."""
        values = asdict(self)
        # Younger than the first runs, whose hashes it must not change.
        for name in ("precise", "norm_decay"):
            if not values[name]:
                del values[name]
        return values
