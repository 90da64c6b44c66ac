"""What an attribution method is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from core.attribution import arguments
from core.attribution.explainer import Explainer
from core.errors import check_choice

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
        """The options with those ``given`` in the place of their defaults; numbers of NumPy become Python's.

        Raises:
            UnknownName: the method has no such option.
            InvalidValue: a value of the wrong kind.
        """
        for name in given:
            check_choice(f"option of {self.title}", name, self.options)
        return {**self.options, **{name: _checked(name, value) for name, value in given.items()}}


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


def _checked(name: str, value):
    """Whole numbers for counts, lengths and seeds, a positive share for noise; names are checked where they are used."""
    what = f"The option {name}"
    if name in ("window", "stride") and value is None:
        return None  # chosen for the size of the image
    if name in ("steps", "samples", "window", "stride"):
        return arguments.whole(what, value, 1, 1000)
    if name == "seed":
        return arguments.seed(value, what)
    return arguments.part(what, value) if name == "noise" else value
