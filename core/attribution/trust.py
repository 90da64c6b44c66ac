"""Can this map be believed? The checks that a map has to pass before it is shown without a warning on its face."""

from dataclasses import dataclass

import numpy as np
from torch import nn

from core.attribution import arguments
from core.attribution.agreement import rank_correlation
from core.attribution.explainer import Explainer
from core.attribution.faithfulness import completeness_error
from core.attribution.methods import METHODS
from core.attribution.randomisation import half, random_maps
from core.errors import check_choice
from core.progress import Report, silent

LIKENESS = 0.5  # a rank correlation with random networks' maps from which on a map fails; a convention of ours
INCOMPLETE = 0.05  # of all that a map hands out; a convention too
NETWORKS = 3


@dataclass(frozen=True)
class Trust:
    """What the checks found of one map.

    Attributes:
        likeness: mean rank correlation of the map with those of ``networks`` networks whose upper half was randomised; NaN
            if none is defined.
        networks: how many such networks there were.
        stages: the stages that were random in them.
        missing: by how much the map misses the sum that it should have, as a share of all that it hands out; None for a method that
            promises no sum.
        empty: whether the map is the same everywhere.
        failures: which checks failed: "empty", "randomisation", "completeness".
    """

    likeness: float
    networks: int
    stages: tuple[str, ...]
    missing: float | None
    empty: bool
    failures: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return not self.failures


def examine(
    model: nn.Module,
    image,
    map_,
    *,
    method: str,
    target: int,
    networks: int = NETWORKS,
    device=None,
    report: Report = silent,
    **options,
) -> Trust:
    """Check one map.

    Args:
        model: the network that the map is of; untouched.
        image: uint8 [H, W, 3].
        map_: float [H, W], as :func:`core.attribution.attribute` gave it for the same arguments.
        method, target, options: that it was made with.
        networks: how many times to randomise; one alone can be alike by chance where a map is coarse.
        device, report: as for ``attribute``.

    Raises:
        UnknownName, InvalidValue, Cancelled: as for ``attribute``; a map of another shape, or no network.
    """
    chosen = METHODS[check_choice("attribution method", method, METHODS)]
    settings = chosen.settings(options)
    networks = arguments.whole("The number of networks", networks, 1, 1000)
    images = arguments.one_image(image)
    own = arguments.one_map(map_, images.shape[1:3]).astype(np.float32)
    others = random_maps(
        model,
        images,
        method=method,
        targets=target,
        networks=networks,
        device=device,
        report=report,
        **options,
    )[:, 0]
    found = rank_correlation(np.broadcast_to(own, others.shape), others)
    defined = found[~np.isnan(found)]
    likeness = float(defined.mean()) if len(defined) else float("nan")
    missing = None
    if chosen.complete:
        explainer = Explainer(model, device=device)
        missing = completeness_error(explainer, image, own, target=target, against=settings["baseline"])
    empty = bool(own.min() == own.max())
    failed = {
        "empty": empty,
        "randomisation": likeness >= LIKENESS,
        "completeness": missing is not None and not missing <= INCOMPLETE,
    }
    return Trust(
        likeness, networks, tuple(half(model)), missing, empty, tuple(name for name, fails in failed.items() if fails)
    )
