"""What an attribution method is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from core.attribution.explainer import Explainer
from core.errors import InvalidValue, check_choice

BASELINES = ("mean", "black", "white")


@dataclass(frozen=True)
class Method:
    """One way of telling which pixels an answer rests on.

    Attributes:
        name: in the registry.
        title: for people.
        sentence: what it does, in one sentence for people.
        source: the paper.
        signed: whether a map has negative values, which speak against the target.
        complete: whether a map sums to the target's logit less the baseline's.
        maps: (explainer, x, target, **options) -> float32 [N, H, W], of normalised x [N, 3, H, W] and int64 targets [N].
        passes: (options, size) -> passes through the network that one image takes, for progress.
        options: what may be set, with defaults.
    """

    name: str
    title: str
    sentence: str
    source: str
    signed: bool
    complete: bool
    maps: Callable[..., Tensor]
    passes: Callable[[Mapping[str, Any], int], int]
    options: Mapping[str, Any] = field(default_factory=dict)

    def settings(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The options with those ``given`` in the place of their defaults.

        Raises:
            UnknownName: the method has no such option.
            InvalidValue: a value of the wrong kind.
        """
        for name, value in given.items():
            check_choice(f"option of {self.title}", name, self.options)
            _check(name, value)
        return {**self.options, **given}


def baseline(explainer: Explainer, x: Tensor, name: str) -> Tensor:
    """What stands for "nothing there": an image of one colour, of the shape of ``x`` (normalised).

    ``mean`` is the mean colour of the training images. Against ``black``, methods that multiply by the difference from the
    baseline are blind to dark pixels, and most lesions are dark (Sturmfels, Lundberg & Lee 2020, doi:10.23915/distill.00022).

    Raises:
        UnknownName: none of :data:`BASELINES`.
    """
    check_choice("baseline", name, BASELINES)
    if name == "mean":
        return torch.zeros_like(x)
    mean, std = explainer.network.mean, explainer.network.std
    return ((float(name == "white") - mean) / std).view(1, 3, 1, 1).expand_as(x)


def summed(attributions: Tensor) -> Tensor:
    """Contributions of the channels added up: float32 [N, H, W]. What holds of all pixels' sum goes on holding."""
    return attributions.detach().sum(dim=1)


def largest(gradients: Tensor) -> Tensor:
    """The largest magnitude over the channels, float32 [N, H, W] (Simonyan, Vedaldi & Zisserman 2014, section 3.1)."""
    return gradients.detach().abs().amax(dim=1)


def _check(name: str, value) -> None:
    """Whole numbers from 1 up for counts and lengths, a positive share for noise; names are checked where they are used."""
    if name in ("steps", "samples", "window", "stride"):
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1000):
            raise InvalidValue(f"The option {name} is out of range", given=repr(value), expected="1 to 1,000")
    elif name == "noise" and not (isinstance(value, int | float) and 0 < value <= 1):
        raise InvalidValue("The option noise is out of range", given=repr(value), expected="above 0, at most 1")
