"""Does a map say what the network does? Infidelity, sensitivity, and what completeness is missed by.

Yeh, C.-K. et al. (2019). On the (in)fidelity and sensitivity of explanations. NeurIPS 32, arXiv:1901.09392.
"""

import numpy as np
import torch
from torch import Tensor

from core.attribution import arguments
from core.attribution.explainer import Explainer
from core.attribution.methods import METHODS
from core.attribution.methods.base import baseline
from core.errors import check_choice
from core.progress import Report, silent

SQUARES = 64
RADIUS = 0.02  # of the range of intensities: five grey levels of 255
MOST = 10_000  # squares or changed images


def completeness_error(explainer: Explainer, image, map_, *, target: int, against: str = "mean") -> float:
    """By how much the sum of a map misses the target's logit less the baseline's, as a share of all that the map hands out.

    Not as a share of that difference, as is often done: where two logits happen to be alike, any map would fail.

    Args:
        explainer: of the network.
        image: uint8 [H, W, 3].
        map_: float [H, W], by a method that is complete (:attr:`Method.complete`).
        target: class index.
        against: name of the baseline that the map was made with.

    Returns:
        |sum − difference| over the sum of magnitudes, 0 for a map that is complete; NaN for a map of zeros.

    Raises:
        UnknownName, InvalidValue: as for :func:`core.attribution.attribute`; a map of another shape than the image's,
            or with NaN or infinity in it.
    """
    with torch.inference_mode(False):
        x = explainer.prepare(arguments.one_image(image))
        values = arguments.one_map(map_, x.shape[-2:]).astype(np.float64)
        wanted = explainer.targets(target, 1)
        here = float(explainer.scores(x, wanted)[0])
        there = float(explainer.scores(baseline(explainer, x, against).contiguous(), wanted)[0])
    handed_out = float(np.abs(values).sum())
    return abs(float(values.sum()) - (here - there)) / handed_out if handed_out else float("nan")


def infidelity(
    explainer: Explainer,
    image,
    map_,
    *,
    target: int,
    samples: int = SQUARES,
    seed: int = 0,
    report: Report = silent,
) -> float:
    """How much of what happens when squares of the image are covered the map does not foretell, in [0, 1].

    Squares of random place and size are covered with the mean colour of the training images. The map foretells a change of
    the target's logit in proportion to what it holds inside the square. The expected squared error of that, at the best
    positive scale, is divided by that of foretelling no change: 0 is perfect, 1 no better than nothing. Yeh et al. leave
    their infidelity in squared logits, which cannot be compared between images.

    Args:
        explainer: of the network.
        image: uint8 [H, W, 3].
        map_: float [H, W].
        target: class index.
        samples: number of squares.
        seed: of their places.
        report: told of progress; may raise Cancelled.

    Returns:
        In [0, 1]; NaN where covering changes nothing.

    Raises:
        InvalidValue: as for :func:`core.attribution.attribute`; a map of another shape than the image's, or with NaN or
            infinity in it; samples or a seed out of range.
    """
    from captum.metrics import infidelity as expected_error

    samples = arguments.whole("The number of squares", samples, 1, MOST)
    seed = arguments.seed(seed)
    with torch.inference_mode(False), torch.no_grad():
        x = explainer.prepare(arguments.one_image(image))
        # A copy, as torch wants arrays that may be written to and run forwards.
        values = np.array(arguments.one_map(map_, x.shape[-2:]), np.float32, order="C")
        values = torch.from_numpy(values).to(explainer.device)
        wanted = explainer.targets(target, 1)
        squares = _squares(samples, x.shape[-2:], seed).to(x.device)
        taken, inside, scores = 0, [], []

        def cover(expanded: Tensor) -> tuple[Tensor, Tensor]:
            nonlocal taken
            some = squares[taken : taken + len(expanded), None].float()
            taken += len(expanded)
            inside.append((values * some[:, 0]).sum(dim=(1, 2)))
            return some.expand_as(expanded), expanded * (1 - some)

        def score(images: Tensor) -> Tensor:
            found = explainer.forward(images)[:, wanted[0]]
            scores.append(found)
            return found

        with explainer.told("Infidelity", samples, report):
            error = expected_error(
                score,
                cover,
                x,
                (values / 3).expand_as(x),  # the three channels of a pixel are covered together
                n_perturb_samples=samples,
                max_examples_per_batch=min(samples, explainer.batch(x)),
                normalize=True,
            )
        # Captum asks for the covered images and then for the whole one, batch after batch.
        change = torch.cat([whole - covered for covered, whole in zip(scores[::2], scores[1::2], strict=True)]).double()
        foretold = torch.cat(inside).double()
        nothing = float(change.square().mean())
        if nothing == 0:
            return float("nan")
        # The best scale of a map that foretells the opposite is negative; no scale helps it.
        return min(1.0, float(error[0]) / nothing) if float((change * foretold).sum()) > 0 else 1.0


def sensitivity(
    explainer: Explainer,
    image,
    *,
    method: str,
    target: int,
    samples: int = 8,
    radius: float = RADIUS,
    seed: int = 0,
    report: Report = silent,
    **options,
) -> float:
    """The largest change of the map, relative to its size, when no pixel changes by more than ``radius``.

    Args:
        explainer: of the network.
        image: uint8 [H, W, 3].
        method, target, options: as for :func:`core.attribution.attribute`.
        samples: how many slightly changed images are tried.
        radius: for intensities in [0, 1].
        seed: of the changes.
        report: told of progress; may raise Cancelled.

    Returns:
        Frobenius norm of the difference over that of the map; 0 for a map that does not move.

    Raises:
        UnknownName, InvalidValue: as for ``attribute``; samples, a radius or a seed out of range.
    """
    from captum.metrics import sensitivity_max

    samples = arguments.whole("The number of changed images", samples, 1, MOST)
    radius = arguments.part("The radius", radius)
    seed = arguments.seed(seed)
    chosen = METHODS[check_choice("attribution method", method, METHODS)]
    settings = chosen.settings(options)
    with torch.inference_mode(False):
        x = explainer.prepare(arguments.one_image(image))
        random = torch.Generator().manual_seed(seed)
        reach = (radius / explainer.network.std).view(1, 3, 1, 1)

        def near(images: Tensor) -> Tensor:
            return images + reach * (2 * torch.rand(images.shape, generator=random) - 1).to(images.device)

        def explain(images, target: Tensor) -> tuple[Tensor]:
            images = images[0] if isinstance(images, tuple) else images
            with torch.enable_grad():  # Captum asks without gradients
                return (chosen.maps(explainer, images, target, **settings),)

        passes = chosen.passes(settings, x.shape[-1])
        with explainer.told("Sensitivity", passes * (samples + 1), report):
            found = sensitivity_max(
                explain,
                x,
                near,
                n_perturb_samples=samples,
                max_examples_per_batch=max(1, min(samples, explainer.batch(x) // passes)),
                target=explainer.targets(target, 1),
            )
    return float(found[0])


def _squares(number: int, shape: tuple[int, int], seed: int) -> Tensor:
    """Random squares, a tenth to a half of the image wide: bool [number, H, W]."""
    random = np.random.default_rng(seed)
    height, width = shape
    found = np.zeros((number, height, width), bool)
    for square in found:
        side = int(random.integers(max(1, min(shape) // 10), max(2, min(shape) // 2) + 1))
        top, left = random.integers(0, height - side + 1), random.integers(0, width - side + 1)
        square[top : top + side, left : left + side] = True
    return torch.from_numpy(found)
