"""VGG16 (Simonyan & Zisserman 2015, configuration D) and DenseNet169 (Huang et al. 2017), from torchvision's parts."""

from collections.abc import Callable

import torch
import torchvision
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from core.errors import DownloadFailed, InvalidValue, check_choice, check_whole
from core.models.normalisation import IMAGENET_MEAN, IMAGENET_STD, set_normalisation

HEADS = ("compact", "stock")
STEMS = ("stock", "small")
MAX_CLASSES = 100_000
"""More are a slip, which would fill the memory; a checkpoint cannot have more either."""


class CompactVGG16(nn.Module):
    """VGG16's convolutions, a global average pool and one linear layer: 14.7 million weights instead of 134.

    Takes normalised float [N, 3, H, W] with H, W of 32 or more; gives logits [N, classes].
    """

    def __init__(self, classes: int, *, norm: bool = True):
        super().__init__()
        self.features = make_layers(cfgs["D"], batch_norm=norm)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Linear(512, classes)
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(module.bias)
        nn.init.normal_(self.classifier.weight, 0, 0.01)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [N, classes] of normalised images [N, 3, H, W]."""
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def _vgg16(classes: int, head: str, stem: str, norm: bool) -> nn.Module:
    if head == "compact":
        return CompactVGG16(classes, norm=norm)
    return (torchvision.models.vgg16_bn if norm else torchvision.models.vgg16)(weights=None, num_classes=classes)


def _densenet169(classes: int, head: str, stem: str, norm: bool) -> nn.Module:
    # Its stock head is one linear layer already, so both heads are the same network.
    model = torchvision.models.densenet169(weights=None, num_classes=classes)
    if stem == "small":
        model.features.pool0 = nn.Identity()
    return model


ARCHITECTURES: dict[str, Callable[[int, str, str, bool], nn.Module]] = {"vgg16": _vgg16, "densenet169": _densenet169}


def build(name: str, classes: int, *, head: str = "compact", stem: str = "stock", norm: bool = True) -> nn.Module:
    """An untrained network in evaluation mode, initialised from torch's global random state.

    Args:
        name: ``"vgg16"`` or ``"densenet169"``.
        classes: number of outputs.
        head: ``"compact"`` (one linear layer after a global average pool) or ``"stock"`` (torchvision's own).
        stem: ``"stock"``, or for DenseNet169 ``"small"``: no max-pool after the first convolution, for small images.
        norm: VGG16 with batch norm (default) or, as in the 2015 paper, without.

    Returns:
        A module that takes normalised float32 [N, 3, H, W] and gives logits [N, classes]. Its ``mean`` and ``std``
        buffers hold ImageNet's until :func:`core.models.set_normalisation` gives it others.

    Raises:
        UnknownName: no such architecture, head or stem.
        InvalidValue: fewer than two classes or more than :data:`MAX_CLASSES`, ``norm`` that is no bool, or a combination that
            does not exist.
    """
    check_kind(name, head, stem, norm)
    classes = check_whole(classes, "A network needs classes to tell apart", 2, MAX_CLASSES)
    model = ARCHITECTURES[name](classes, head, stem, norm)
    return set_normalisation(model, IMAGENET_MEAN, IMAGENET_STD).eval()


def check_kind(name: str, head: str, stem: str, norm: bool) -> None:
    """Raise unless there is a network of this kind; arguments and errors as for :func:`build`."""
    check_choice("architecture", name, ARCHITECTURES)
    check_choice("head", head, HEADS)
    check_choice("stem", stem, STEMS)
    if not isinstance(norm, bool):
        raise InvalidValue("norm says whether there is batch norm", given=repr(norm)[:80], expected="True or False")
    if name == "vgg16" and stem != "stock":
        raise InvalidValue("VGG16 has one stem only", given=f"stem={stem!r}", expected="stem='stock'")
    if name == "densenet169" and not norm:
        raise InvalidValue("DenseNet169 does not exist without batch norm", given="norm=False", expected="norm=True")


def imagenet_weights(model: nn.Module, name: str, *, norm: bool = True) -> list[str]:
    """Load torchvision's ImageNet weights into ``model``, wherever names and shapes agree (the last layer never does).

    Args:
        model: made by :func:`build` with the same ``name`` and ``norm``; changed in place.
        name: ``"vgg16"`` or ``"densenet169"``.
        norm: whether the VGG16 has batch norm.

    Returns:
        Names of the tensors that kept their random start.

    Raises:
        DownloadFailed: the weights are neither in torch's cache nor can they be fetched.
    """
    check_choice("architecture", name, ARCHITECTURES)
    stock = f"{name}_bn" if name == "vgg16" and norm else name
    weights = torchvision.models.get_model_weights(stock).DEFAULT
    try:
        source = weights.get_state_dict(progress=False, check_hash=True)
    except (OSError, RuntimeError) as error:
        raise DownloadFailed(
            f"The ImageNet weights of {name} could not be fetched",
            given=f"{weights.url} ({error})",
            remedy=f"train from scratch, or put that file into {torch.hub.get_dir()}/checkpoints on this machine",
        ) from error
    own = model.state_dict()
    taken = {key: value for key, value in source.items() if key in own and own[key].shape == value.shape}
    if name == "densenet169":
        taken |= _modern_densenet_names(source, own)
    model.load_state_dict(taken, strict=False)
    set_normalisation(model, IMAGENET_MEAN, IMAGENET_STD)
    return [key for key in own if key not in taken]


def _modern_densenet_names(source: dict[str, Tensor], own: dict[str, Tensor]) -> dict[str, Tensor]:
    # The published file says "norm.1" where the module of today says "norm1".
    renamed = {key.replace("norm.", "norm").replace("conv.", "conv"): value for key, value in source.items()}
    return {key: value for key, value in renamed.items() if key in own and own[key].shape == value.shape}
