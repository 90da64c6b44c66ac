"""Attribution maps of images: which pixels an answer rests on."""

import numpy as np
import torch
from torch import nn

from core import device as devices
from core.attribution.arguments import one_image
from core.attribution.explainer import Explainer
from core.attribution.methods import METHODS
from core.errors import check_choice
from core.progress import Report, silent


def attribute(
    model: nn.Module | Explainer, image, *, method: str, target: int, device=None, report: Report = silent, **options
) -> np.ndarray:
    """The attribution map of one image. For many images or many calls see :func:`attribute_all`.

    Args:
        model: a network of ours (its own normalisation is applied) or an :class:`Explainer` made of one; untouched.
        image: uint8 [H, W, 3].
        method: a name of :data:`core.attribution.METHODS`.
        target: index of the class whose logit is explained. To compare two networks, take the same for both.
        device: as for :func:`core.device.pick`; ignored for an Explainer.
        report: told of each batch of passes; may raise Cancelled.
        options: of the method, such as ``steps=32`` or ``layer="stage 4"``; see :attr:`Method.options`.

    Returns:
        float32 [H, W]. Larger speaks more for the target; where the method is signed, below zero speaks against it.

    Raises:
        UnknownName: no such method, option, layer or baseline.
        InvalidValue: not such an image, no such class, an option out of range, or a network that gives no logits.
        MemoryFull: no memory for the passes of one image.
    """
    pictures = one_image(image)
    return attribute_all(model, pictures, method=method, targets=target, device=device, report=report, **options)[0]


@devices.memory_named("ask for fewer steps or give smaller images")
def attribute_all(
    model: nn.Module | Explainer, images, *, method: str, targets, device=None, report: Report = silent, **options
) -> np.ndarray:
    """The attribution maps of several images, in batches of bounded memory.

    Args:
        images: uint8 [N, H, W, 3].
        targets: one class index for all images, or N of them.

    Other arguments and errors as for :func:`attribute`.

    Returns:
        float32 [N, H, W].
    """
    chosen = METHODS[check_choice("attribution method", method, METHODS)]
    settings = chosen.settings(options)
    explainer = model if isinstance(model, Explainer) else Explainer(model, device=device)
    # Whoever asks under inference_mode or no_grad, which are flags of his thread, still wants gradients here.
    with torch.inference_mode(False), torch.enable_grad():
        x = explainer.prepare(images)
        target = explainer.targets(targets, len(x))
        passes = chosen.passes(settings, x.shape[-1])
        at_once = 1 if len(x) == 1 else max(1, explainer.batch(x) // passes)
        found = []
        with explainer.told(f"{chosen.title} map{'s' if len(x) > 1 else ''}", passes * len(x), report):
            for part, wanted in zip(x.split(at_once), target.split(at_once), strict=True):
                twice = 2 if len(part) == 1 and explainer.wavers(part) else 1
                part, wanted = part.repeat(twice, 1, 1, 1), wanted.repeat(twice)
                found.append(chosen.maps(explainer, part, wanted, **settings)[: len(part) // twice])
        return torch.cat(found).float().cpu().numpy()
