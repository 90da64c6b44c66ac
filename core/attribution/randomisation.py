"""The parameter-randomisation check: a map that stays the same when the network forgets what it learnt explains the picture.

Adebayo, J. et al. (2018). Sanity checks for saliency maps. NeurIPS 31, arXiv:1810.03292.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from core.attribution import arguments
from core.attribution.agreement import rank_correlation
from core.attribution.maps import attribute, attribute_all
from core.attribution.skeleton import stages
from core.errors import check_choice
from core.progress import Report, silent
from core.pruning import private

KINDS = ("cascading", "independent")


@dataclass(frozen=True)
class Step:
    """One step of the check.

    Attributes:
        stage: the stage that this step randomised.
        randomised: all stages that are random by now.
        share: of the network's convolution and linear layers that are random, in (0, 1].
        correlation: rank correlation of the map with the trained network's; NaN if one of them is the same everywhere.
    """

    stage: str
    randomised: tuple[str, ...]
    share: float
    correlation: float


def randomised(model: nn.Module, names: list[str], *, seed: int = 0) -> nn.Module:
    """A private copy of ``model`` with some stages as before training: initialised afresh, batch norm at its start.

    Weights are drawn as He et al. (2015) do, and those that pruning set to zero stay zero; what is left is scaled up, so that
    the activations of a sparse network do not fade to nothing. The same seed draws the same weights for each layer, whichever
    other stages are random.

    Args:
        model: untouched.
        names: of :func:`core.attribution.stages`.
        seed: of the draw.

    Raises:
        UnknownName: no such stage.
        InvalidValue: a seed out of range.
    """
    seed = arguments.seed(seed)
    known = stages(model)
    for name in names:
        check_choice("stage of the network", name, known)
    tops = [top for name in names for top in known[name]]
    with torch.inference_mode(False), torch.no_grad():
        copy = private(model)
        for number, (name, module) in enumerate(copy.named_modules()):
            if any(name == top or name.startswith(f"{top}.") for top in tops):
                random = torch.Generator().manual_seed(seed * 100_003 + number)
                if isinstance(module, nn.Conv2d | nn.Linear):
                    _draw(module, random)
                elif isinstance(module, nn.BatchNorm2d):
                    _start(module)
    return copy


def check(
    model: nn.Module,
    image,
    *,
    method: str,
    target: int,
    kind: str = "cascading",
    seed: int = 0,
    device=None,
    report: Report = silent,
    **options,
) -> list[Step]:
    """How much of one image's map is left when the network is randomised, stage by stage from the output to the input.

    Args:
        model, image, method, target, device, report, options: as for :func:`core.attribution.attribute`.
        kind: "cascading" randomises one stage more at each step, "independent" one stage only.
        seed: of the random weights.

    Returns:
        A step for each stage, the classifier first.

    Raises:
        UnknownName: another kind.
        UnknownName, InvalidValue, MemoryFull: as for ``attribute``; and a seed out of range.
    """
    check_choice("kind of randomisation", kind, KINDS)
    seed = arguments.seed(seed)

    def explained(network: nn.Module) -> np.ndarray:
        return attribute(network, image, method=method, target=target, device=device, report=report, **options)

    trained, order = explained(model), list(stages(model))[::-1]
    layers = _layers(model)
    found = []
    for number, stage in enumerate(order, 1):
        chosen = order[:number] if kind == "cascading" else [stage]
        other = explained(randomised(model, chosen, seed=seed))
        correlation = float(rank_correlation(trained[None], other[None])[0])
        share = sum(layers[name] for name in chosen) / sum(layers.values())
        found.append(Step(stage, tuple(chosen), share, correlation))
    return found


def half(model: nn.Module) -> list[str]:
    """The stages from the output down to which at least half of the network's layers lie, the classifier first.

    Adebayo et al. see the difference there: a map of the network's reasons is gone by then, while guided backpropagation, which
    restores the picture from the lower layers, has not changed.
    """
    layers = _layers(model)
    order = list(layers)[::-1]
    reached = np.cumsum([layers[stage] for stage in order])
    return order[: int(np.argmax(2 * reached >= reached[-1])) + 1]


def random_maps(
    model: nn.Module,
    images,
    *,
    method: str,
    targets,
    networks: int,
    device=None,
    report: Report = silent,
    **options,
) -> np.ndarray:
    """The maps of networks whose upper :func:`half` was randomised, float32 [networks, N, H, W].

    Args:
        networks: how many; their seeds are 0, 1, 2, ….

    Other arguments and errors as for :func:`core.attribution.attribute_all`.

    Raises:
        InvalidValue: not from 1 to 1,000 networks.
    """
    networks = arguments.whole("The number of networks", networks, 1, 1000)
    stages_, maps = half(model), []
    for seed in range(networks):
        network = randomised(model, stages_, seed=seed)
        maps.append(
            attribute_all(network, images, method=method, targets=targets, device=device, report=report, **options)
        )
    return np.stack(maps)


def _layers(model: nn.Module) -> dict[str, int]:
    """How many convolutions and linear layers each stage has."""
    count = lambda module: sum(isinstance(child, nn.Conv2d | nn.Linear) for child in module.modules())  # noqa: E731
    return {stage: sum(count(model.get_submodule(name)) for name in names) for stage, names in stages(model).items()}


def _draw(module: nn.Conv2d | nn.Linear, random: torch.Generator) -> None:
    old = module.weight
    kept: Tensor = old != 0
    share = max(1, int(kept.sum())) / kept.numel()
    new = torch.empty(old.shape)
    nn.init.kaiming_normal_(new, nonlinearity="relu", generator=random)
    module.weight = nn.Parameter((new.to(old) * kept / share**0.5).contiguous(), requires_grad=old.requires_grad)
    if module.bias is not None:
        module.bias = nn.Parameter(torch.zeros_like(module.bias), requires_grad=module.bias.requires_grad)


def _start(module: nn.BatchNorm2d) -> None:
    module.reset_running_stats()  # buffers of the private copy
    module.weight = nn.Parameter(torch.ones_like(module.weight), requires_grad=module.weight.requires_grad)
    module.bias = nn.Parameter(torch.zeros_like(module.bias), requires_grad=module.bias.requires_grad)
