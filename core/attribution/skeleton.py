"""A private copy of a network that Captum may hook: every ReLU a module of its own, out of place, called once a pass.

torchvision's networks differ from that in two ways. Their ReLUs work in place, which backward hooks refuse; and DenseNet ends
in a functional ReLU, which no hook reaches: DeepLift then misses a nonlinearity and loses its completeness.
"""

import copy

import torch
from torch import Tensor, nn
from torchvision.models import VGG, DenseNet

from core.errors import InvalidValue, check_choice
from core.models import normalisation
from core.models.architectures import CompactVGG16
from core.pruning import private

_POOLS = (nn.MaxPool2d, nn.AvgPool2d)
CLASSIFIER = "classifier"
FINEST = 7
"""Pixels a side that Grad-CAM's map should have at least: the coarsest of its paper has as many.

At 64 pixels that is the last layer but one block or two, with 8×8. VGG16 on 145 validation images of HAM10000 has 16 points more
of that map on the lesion than an even map would; of the last layer's (4×4) 6 points. DenseNet169 on 140 new phantoms: the
brightest pixel lies on a true sign of the class in 38%, with the last layer (2×2) in 1%, by chance in 14%.
"""


class _PoolApart(nn.Module):
    """Max pooling over windows that were laid out side by side before; the same numbers.

    Captum's DeepLift needs both: its hooks on two modules of which one takes what the other gives (ReLU, pool) sit on one
    tensor and read the gradient before it was changed; and where windows overlap, its ``max_unpool`` keeps one of several
    contributions to a pixel. On VGG16 its maps then missed their sum by up to its own size.

    Args:
        pool: without dilation and ceil mode, as torchvision's networks have them.
    """

    def __init__(self, pool: nn.MaxPool2d):
        super().__init__()
        self.size, self.stride, self.padding = pool.kernel_size, pool.stride, pool.padding
        self.pool = nn.MaxPool2d(self.size)

    def forward(self, x: Tensor) -> Tensor:
        """As ``pool``."""
        # A window that reaches over the edge holds the pixels at the edge, so repeating them changes no maximum.
        x = nn.functional.pad(x, (self.padding,) * 4, mode="replicate") if self.padding else x
        windows = x.unfold(2, self.size, self.stride).unfold(3, self.size, self.stride)  # N, C, h, w, size, size
        number, channels, height, width = windows.shape[:4]
        beside = windows.transpose(3, 4).reshape(number, channels, height * self.size, width * self.size)
        return self.pool(beside)


def pools_apart(network: nn.Module) -> nn.Module:
    """A private copy of a :func:`skeleton` whose max pools suit DeepLift; it computes the same."""
    with torch.inference_mode(False), torch.no_grad():
        apart = private(network)
    for parent in list(apart.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.MaxPool2d) and not isinstance(parent, _PoolApart) and _is_plain(child):
                setattr(parent, name, _PoolApart(child))
    return apart


def _is_plain(pool: nn.MaxPool2d) -> bool:
    """Whether :class:`_PoolApart` does the same."""
    square = all(isinstance(value, int) for value in (pool.kernel_size, pool.stride, pool.padding))
    return square and pool.dilation == 1 and not pool.ceil_mode and not pool.return_indices


class _DenseNet(nn.Module):
    """torchvision's DenseNet with the ReLU after its last norm as a module, ``features.relu5``.

    Args:
        network: taken apart; a private copy.
    """

    def __init__(self, network: DenseNet):
        super().__init__()
        self.features = network.features
        self.features.add_module("relu5", nn.ReLU())
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = network.classifier
        for name in ("mean", "std"):
            self.register_buffer(name, getattr(network, name), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of normalised images [N, 3, H, W]."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def has_modules_only(network: nn.Module) -> bool:
    """Whether a :func:`skeleton` is known to do nothing but what its modules do: hooks on these then see all of it."""
    return type(network) in (_DenseNet, CompactVGG16, VGG)


def skeleton(model: nn.Module) -> nn.Module:
    """A private copy of ``model`` in evaluation mode that computes the same and can be hooked, in float32.

    Weights that are float32 already are shared; those of a network in half or double precision are converted copies.
    No parameter of it wants a gradient: attributions need that of the input only, and the weights' would cost as much again.

    Args:
        model: from :func:`core.models.build` or a copy of one; untouched.

    Raises:
        InvalidValue: the model has no mean and std of its training images.
    """
    normalisation(model)
    with torch.inference_mode(False), torch.no_grad():
        network = private(_differentiable(model)).eval().float()
        if isinstance(network, DenseNet):
            network = _DenseNet(network).eval()
        for parent in list(network.modules()):
            for name, child in parent._modules.items():
                if isinstance(child, nn.ReLU):
                    # In every place one of its own: hooks on one that is called twice would see the later call alone.
                    setattr(parent, name, nn.ReLU())
        return network.requires_grad_(False)


def _differentiable(model: nn.Module) -> nn.Module:
    """``model``, or a copy of it if it was made under inference_mode: tensors made there take no part in autograd."""
    if not any(value.is_inference() for value in (*model.parameters(), *model.buffers())):
        return model
    memo = {id(value): nn.Parameter(value.clone(), requires_grad=False) for value in model.parameters()}
    return copy.deepcopy(model, memo | {id(value): value.clone() for value in model.buffers()})


def stages(model: nn.Module) -> dict[str, list[str]]:
    """A network in stages from input to output; a stage ends where the resolution halves, and the classifier is the last.

    VGG16 has five stages and the classifier, DenseNet169 its stem, four dense blocks and the classifier. Of other networks the modules
    are taken in the order in which they were put in, and the classifier begins with the first linear layer.

    Args:
        model: a network or its skeleton.

    Returns:
        "stage 1", "stage 2", … and "classifier", each with the names of its modules; what a network does not have is missing.
    """
    body, head = _body_and_head(model)
    found: list[list[str]] = [[]]
    for name, child in body:
        found[-1].append(name)
        if any(isinstance(module, _POOLS) for module in child.modules()):
            found.append([])
    numbered = {f"stage {number}": names for number, names in enumerate(filter(None, found), 1)}
    return numbered | ({CLASSIFIER: head} if head else {})


def _body_and_head(model: nn.Module) -> tuple[list[tuple[str, nn.Module]], list[str]]:
    if all(isinstance(getattr(model, name, None), nn.Module) for name in ("features", CLASSIFIER)):
        return [(f"features.{name}", child) for name, child in model.features.named_children()], [CLASSIFIER]
    children = list(model.named_children())
    while len(children) == 1 and list(children[0][1].children()):  # a network within another, which adds nothing
        name, inner = children[0]
        children = [(f"{name}.{own}", child) for own, child in inner.named_children()]
    linear = [any(isinstance(module, nn.Linear) for module in child.modules()) for _, child in children]
    start = linear.index(True) if any(linear) else len(children)
    return children[:start], [name for name, _ in children[start:]]


def cam_layers(network: nn.Module) -> dict[str, str]:
    """Where Grad-CAM can look: stage -> name of the module behind the stage's last ReLU, from input to output.

    Args:
        network: a :func:`skeleton`; in torchvision's DenseNet the last ReLU is no module.
    """
    found = {}
    for stage, names in stages(network).items():
        relus = [
            name
            for name, module in network.named_modules()
            if isinstance(module, nn.ReLU) and any(name == top or name.startswith(f"{top}.") for top in names)
        ]
        if stage != CLASSIFIER and relus:
            found[stage] = relus[-1]
    return found


def cam_sizes(network: nn.Module, size: int) -> dict[str, int]:
    """Height and width of each of the :func:`cam_layers` for images of ``size`` pixels: stage -> pixels.

    Raises:
        InvalidValue: the images are too small for the network.
    """
    seen: dict[str, int] = {}
    modules = dict(network.named_modules())
    handles = [
        modules[name].register_forward_hook(
            lambda _module, _inputs, output, stage=stage: seen.__setitem__(stage, output.shape[-1])
        )
        for stage, name in cam_layers(network).items()
    ]
    try:
        with torch.inference_mode():
            network(network.mean.new_zeros(1, 3, size, size))
    except RuntimeError as error:
        raise InvalidValue(
            "These images are too small for the network", given=f"{size}×{size}", expected="32×32 or larger"
        ) from error
    finally:
        for handle in handles:
            handle.remove()
    return seen


def default_stage(sizes: dict[str, int]) -> str:
    """The deepest stage whose map still has :data:`FINEST` pixels a side; the finest where none has.

    Args:
        sizes: as :func:`cam_sizes` gives them.
    """
    return next((stage for stage in reversed(sizes) if sizes[stage] >= FINEST), next(iter(sizes)))


def cam_layer(network: nn.Module, size: int, stage: str | None = None) -> nn.Module:
    """The module that Grad-CAM looks at.

    Args:
        network: a :func:`skeleton`.
        size: of the images in pixels.
        stage: one of the :func:`cam_layers`; by default the deepest whose map has at least :data:`FINEST` pixels a side.

    Raises:
        UnknownName: no such stage.
        InvalidValue: no ReLU of this network is a module of its convolutional part.
    """
    layers = cam_layers(network)
    if not layers:
        raise InvalidValue(
            "Grad-CAM finds no layer to look at in this network",
            given=type(network).__name__,
            expected="ReLUs that are modules, before its first linear layer",
            remedy="take another method of attribution",
        )
    if stage is None:
        stage = default_stage(cam_sizes(network, size))
    check_choice("layer for Grad-CAM", stage, layers)
    return network.get_submodule(layers[stage])
