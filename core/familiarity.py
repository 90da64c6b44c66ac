"""Is this image like those that a network learned from? A warning for images that it should not be asked about.

The features that tell are early ones: on HAM10000 the last features of VGG16 put noise and photographs of animals among the
lesions (at a false alarm in twenty, 30% of CIFAR-100 and 45% of noise are found), the channel means of the first three stages
do not (98% and 100%). Their distribution on training images is a Gaussian with a few main axes and an even rest, and the
distance is Mahalanobis's.

Lee, K. et al. (2018). A simple unified framework for detecting out-of-distribution samples. NeurIPS 31, arXiv:1807.03888;
Tipping, M. & Bishop, C. (1999). Probabilistic principal component analysis. J. R. Stat. Soc. B 61, 611-622.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from core import device as devices
from core.attribution import cam_layers, skeleton
from core.checkpoints import Entry
from core.errors import DataDamaged, InvalidValue
from core.evaluation.predict import BATCH, as_images
from core.files import atomic_path
from core.models import normalise
from core.progress import Progress, Report, silent

STAGES = 3
AXES = 32
BEYOND = 0.95  # of the validation images have to be nearer for an image to count as unlike
SUFFIX = ".familiarity"


@dataclass(frozen=True)
class Judgement:
    """How unlike the training images one image is.

    Attributes:
        beyond: share of the validation images that are nearer to the training images, in [0, 1].
        n: number of validation images behind it.
        unlike: whether that is :data:`BEYOND` or more.
    """

    beyond: float
    n: int
    unlike: bool


@dataclass(frozen=True)
class Familiarity:
    """What the training images look like to a network.

    Attributes:
        mean: float32 [d] of the features.
        axes: float32 [k, d], orthonormal, those of the largest variance.
        variances: float32 [k] along them.
        rest: variance along every other direction.
        validation: float32 [n], distances of validation images, rising. They choose the threshold; test images choose nothing.
        training: number of training images behind it.
    """

    mean: np.ndarray
    axes: np.ndarray
    variances: np.ndarray
    rest: float
    validation: np.ndarray
    training: int

    def judge(self, model: nn.Module, images, *, device=None) -> list[Judgement]:
        """Judge images.

        Args:
            model: the network that this was fitted with.
            images: uint8 [N, H, W, 3] of its size.
            device: as for :func:`core.device.pick`.

        Raises:
            InvalidValue: another network, or not images.
        """
        found = self._distances(features(model, images, device=device))
        # At least as near, so that an image of the validation set itself is not further than itself.
        beyond = np.searchsorted(self.validation, found, side="left") / len(self.validation)
        return [Judgement(float(share), len(self.validation), bool(share >= BEYOND)) for share in beyond]

    def _distances(self, values: np.ndarray) -> np.ndarray:
        """Squared Mahalanobis distances float64 [N] of features [N, d]."""
        if values.shape[1:] != self.mean.shape:
            raise InvalidValue(
                "This was fitted with another network",
                given=f"{values.shape[1]} features",
                expected=f"{len(self.mean)}",
            )
        off = values.astype(np.float64) - self.mean
        along = off @ self.axes.T.astype(np.float64)
        return (along**2 / self.variances).sum(axis=1) + ((off**2).sum(axis=1) - (along**2).sum(axis=1)) / self.rest


def fit(model: nn.Module, train, validation, *, device=None, report: Report = silent) -> Familiarity:
    """Learn what the training images look like.

    Args:
        model: the dense network.
        train: uint8 [N, H, W, 3], about a thousand, drawn as in training.
        validation: uint8 [M, H, W, 3], or an image set, that it was not trained on.
        device: as for :func:`core.device.pick`.
        report: told after each batch; may raise Cancelled.

    Raises:
        InvalidValue: too few images, or not images.
    """
    values = features(model, train, device=device, report=report).astype(np.float64)
    others = features(model, validation, device=device, report=report)
    axes = min(AXES, len(values) // 10)
    if axes < 1 or len(others) < 20:
        raise InvalidValue(
            "Too few images to tell what is usual",
            given=f"{len(values)} and {len(others)} of validation",
            expected="10 or more, better a thousand, and 20 of validation",
        )
    mean = values.mean(axis=0)
    _, lengths, directions = np.linalg.svd(values - mean, full_matrices=False)
    variances = lengths**2 / (len(values) - 1)
    # A floor, for features that never move in training: any movement is then far, but not infinitely so.
    floor = 1e-6 * float(variances.sum()) / values.shape[1] + 1e-12
    rest = max(float(variances[axes:].sum()) / max(1, values.shape[1] - axes), floor)
    made = Familiarity(
        mean.astype(np.float32),
        directions[:axes].astype(np.float32),
        np.maximum(variances[:axes], rest).astype(np.float32),
        rest,
        np.zeros(1, np.float32),
        len(values),
    )
    distances = np.sort(made._distances(others)).astype(np.float32)
    return Familiarity(made.mean, made.axes, made.variances, made.rest, distances, made.training)


@torch.inference_mode()
@devices.memory_named("give smaller images")
def features(model: nn.Module, images, *, device=None, report: Report = silent) -> np.ndarray:
    """Channel means behind the last ReLU of the first three stages: float32 [N, d].

    Args:
        model: untouched.
        images: uint8 [N, H, W, 3], or an image set.
        device: as for :func:`core.device.pick`.
        report: told after each batch; may raise Cancelled.
    """
    place = devices.pick(device)
    dtype = devices.precision("auto", place)
    network = skeleton(model).to(place, memory_format=torch.channels_last)
    names = list(cam_layers(network).values())[:STAGES]
    seen: list[Tensor] = []
    for name in names:
        network.get_submodule(name).register_forward_hook(
            lambda _module, _inputs, output: seen.append(output.float().mean(dim=(2, 3)))
        )
    pictures, found = as_images(images), []
    for first in range(0, len(pictures), BATCH):
        seen.clear()
        with devices.turn(place), devices.autocast(place, dtype):
            network(normalise(network, pictures[first : first + BATCH]))
        found.append(torch.cat(seen, dim=1).cpu())
        report(Progress("Looking at the training images", min(first + BATCH, len(pictures)), len(pictures), "images"))
    return torch.cat(found).numpy()


def path_of(dense: Entry) -> Path:
    """Where it lies: beside the checkpoint."""
    return dense.path.with_suffix(SUFFIX)


def write(dense: Entry, familiarity: Familiarity) -> None:
    """Store it beside its checkpoint, in one step; StorageFull if there is no room or no permission."""
    from safetensors.numpy import save

    arrays = {name: getattr(familiarity, name) for name in ("mean", "axes", "variances", "validation")}
    facts = {"digest": dense.card.digest, "rest": repr(familiarity.rest), "training": str(familiarity.training)}
    with atomic_path(path_of(dense)) as temporary:
        temporary.write_bytes(save(arrays, metadata=facts))


def read(dense: Entry) -> Familiarity | None:
    """What is stored of this checkpoint; None if there is nothing, or if it is of an earlier version of the checkpoint.

    Raises:
        DataDamaged: the file is not what :func:`write` makes.
    """
    from safetensors import SafetensorError, safe_open

    path = path_of(dense)
    if not path.exists():
        return None
    try:
        with safe_open(path, "np") as file:
            facts = file.metadata()
            if facts["digest"] != dense.card.digest:
                return None
            arrays = {name: file.get_tensor(name) for name in ("mean", "axes", "variances", "validation")}
            found = Familiarity(**arrays, rest=float(facts["rest"]), training=int(facts["training"]))
        if found.axes.shape != (len(found.variances), len(found.mean)) or not len(found.validation):
            raise ValueError("its arrays do not fit together")
        return found
    except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
        raise DataDamaged(
            f"{path.name} does not tell what the training images look like",
            given=str(error)[:200],
            remedy="delete it and make it again with `python -m core attribution STUDY`",
        ) from error
